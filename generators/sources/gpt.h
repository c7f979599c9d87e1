/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded reader of GUID partition tables (UEFI 2.10 chapter 5.3), stricter than the kernel's:
 * what is not exactly right is an error, and the backup is used only to say so.
 */
#pragma once

#include "init/base/bytes.h"
#include "init/base/err.h"

#include <stdbool.h>

#define GPT_PARTS_MAX 128
#define GPT_LABEL_SIZE 112 /* 36 UTF-16 units as UTF-8, and a NUL */

/* DPS: attributes of a partition (UAPI.2, "Partition Flags"). */
#define GPT_FLAG_REQUIRED (UINT64_C(1) << 0)
#define GPT_FLAG_NO_AUTO (UINT64_C(1) << 63)
#define GPT_FLAG_READ_ONLY (UINT64_C(1) << 60)
#define GPT_FLAG_GROWFS (UINT64_C(1) << 59)

struct gpt_part {
	unsigned int number; /* from 1 */
	struct uuid type, uuid;
	uint64_t start, size; /* in sectors of sector_size */
	uint64_t flags;
	char label[GPT_LABEL_SIZE]; /* UTF-8; invalid UTF-16 becomes U+FFFD */
};

struct gpt {
	struct uuid disk;
	unsigned int sector_size; /* 512, 1024, 2048 or 4096 */
	size_t n_parts;
	struct gpt_part parts[GPT_PARTS_MAX];
};

/* How bytes are had: returns size, or -errno. A short read is -EIO. */
struct gpt_reader {
	int (*read)(void *data, uint64_t offset, void *ret, size_t size);
	void *data;
	uint64_t size;		  /* of the disk, in bytes */
	unsigned int sector_size; /* 0: try 512, then 4096 (a disk image) */
};

/*
 * 0 and the table; -ENOENT where there is no GPT at all (neither primary nor backup signature);
 * -errno with E_IO where it cannot be read; else -EINVAL with E_GPT: no protective MBR; header
 * revision, size, CRC, own LBA, usable range, entry size and count, entries' CRC, partitions out of
 * range, overlapping, with a duplicate or null UUID; and backup header or entries that differ from
 * the primary's.
 */
int gpt_read(const struct gpt_reader *reader, struct gpt *ret, struct err *err);
