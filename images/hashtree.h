/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generators/sources/verity.h"

/* A file with a data and a hash partition in it, by the byte where each begins. */
struct hashtree {
	int fd;
	uint64_t data_at, hash_at;
	const struct verity_superblock *super;
	uint8_t root[VERITY_DIGEST_MAX];
};

/*
 * Whether every block of the data and of the tree fits the root hash, as the kernel will see it at
 * the first read of each. 0, -EIO with E_IO, or -EBADMSG with E_VERITY_CORRUPT and where.
 */
int hashtree_check(const struct hashtree *tree, struct err *err);
