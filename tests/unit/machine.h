/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fake machine in a temporary folder, and what its sources say as text. */
#pragma once

#include "generators/facts.h"

struct machine {
	char path[32];
	int root_fd;
};

void machine_make(struct machine *machine);
/* Writes a file, and the folders that it lies in. */
void machine_file(const struct machine *machine, const char *path, const void *data, size_t size);
void machine_line(const struct machine *machine, const char *path, const char *text);
void machine_remove(struct machine *machine);

/* An empty list; there is one only, as it is large. */
struct facts *facts_empty(void);
/* "KIND SUBJECT FIELDS\n" for each fact; valid until the next call. */
const char *facts_text(const struct facts *facts);
