/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All consoles of the kernel at once: framebuffer, serial lines, virtio. */
#pragma once

#include <stddef.h>

#define CONSOLES_MAX 8

struct consoles {
	size_t n;
	int fds[CONSOLES_MAX];
};

void consoles_open(struct consoles *consoles);
/* To each; one that does not take it in two seconds is left behind. */
void consoles_write(const struct consoles *consoles, const char *text, size_t size);
void consoles_print(const struct consoles *consoles, const char *text);
/* All but printable ASCII and newlines becomes '?': a disk, a TPM may have a part in the text. */
void consoles_clean(char *text, size_t size);
/* No echo, no line editing, nothing that a key could signal; drops what was typed before. */
void consoles_raw(const struct consoles *consoles);
void consoles_drop_input(const struct consoles *consoles);
/* A key that was pressed on one of them within ms, or 0. */
char consoles_key(const struct consoles *consoles, int ms);
