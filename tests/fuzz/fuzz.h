/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the fuzzers share: an invariant that must hold, an empty list, and a folder of files. */
#pragma once

#include "generators/facts.h"
#include "init/base/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

static inline struct facts *empty_facts(void)
{
	static struct facts facts;

	facts_clear(&facts);
	return &facts;
}

/* A fact that a facts file can hold, so that every boot can be replayed. */
static inline void must_replay(const struct fact *fact)
{
	char line[FACT_LINE_MAX];
	struct fact again;
	struct err err;

	must(fact_format(fact, line, sizeof(line)) == 0);
	must(fact_parse(line, &again, &err) == 0);
	must(again.kind == fact->kind && strcmp(again.subject, fact->subject) == 0);
	must(strcmp(again.fields.text, fact->fields.text) == 0);
}

/* A folder of this process, made once. */
static inline int scratch_fd(void)
{
	static int fd = -1;
	char path[] = "/tmp/lintel-fuzz-XXXXXX";

	if (fd < 0) {
		must(mkdtemp(path) != NULL);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(fd >= 0);
	}
	return fd;
}

/* Cuts the next piece off, after its length in two bytes; false where there is none. */
static inline bool next_piece(const uint8_t **data, size_t *size, const uint8_t **ret, size_t *len)
{
	if (*size < 2)
		return false;
	*len = (size_t)(*data)[0] | (size_t)(*data)[1] << 8;
	*data += 2;
	*size -= 2;
	if (*len > *size)
		*len = *size;
	*ret = *data;
	*data += *len;
	*size -= *len;
	return true;
}
