/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk as facts: its table, its partitions, and the JSON of its signature partitions. */
#pragma once

#include "generators/facts.h"
#include "generators/sources/gpt.h"

/* Where facts go: to PID 1 through a pipe, or into a list. 0 or -errno. */
struct disk_sink {
	int (*add)(void *data, enum fact_kind kind, const char *subject,
		   const struct fields *fields);
	void *data;
};

/* What the kernel sees of a partition, in 512-byte sectors; number 0: it sees none. */
struct disk_view {
	unsigned int number;
	uint64_t start, size;
	char name[32];
};

struct disk {
	const char *name;
	struct gpt_reader reader;
	/* The kernel's view to compare with; NULL on a host that looks at an image. */
	const struct disk_view *view;
	size_t n_view;
};

/*
 * Reads the table and reports FACT_GPT (state ok, none or bad), FACT_PART for each partition and
 * FACT_SIG for each verity signature partition of this architecture. 0, or what the sink said.
 */
int disk_read(const struct disk *disk, const struct disk_sink *sink);

/* "vda2", "nvme0n1p2" */
int disk_part_name(const char *disk, unsigned int number, char *ret, size_t size);
/* The other way: whether the name is that of a partition of the disk; ret_number may be NULL. */
bool disk_partition(const char *name, const char *disk, uint64_t *ret_number);
