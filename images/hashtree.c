/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dm-verity's hash tree, read as a whole (Documentation/admin-guide/device-mapper/verity.rst; the
 * order of levels as in the kernel's drivers/md/dm-verity-target.c): behind the superblock, the
 * level of one block first, and the one with the data's own digests last.
 */
#include "images/hashtree.h"
#include "init/base/attr.h"
#include "init/base/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#define BLOCK_MAX 4096 /* what the superblock's profile allows */
#define LEVELS_MAX 64

struct level {
	uint64_t at, blocks; /* byte in the file, number */
	unsigned int block_size;
};

struct check {
	const struct hashtree *tree;
	EVP_MD_CTX *salted, *scratch;
	uint64_t per_block;
};

static void free_check(struct check *check)
{
	EVP_MD_CTX_free(check->salted);
	EVP_MD_CTX_free(check->scratch);
}

static int read_block(const struct check *check, const struct level *level, uint64_t number,
		      uint8_t ret[BLOCK_MAX], struct err *err)
{
	uint64_t at = level->at + number * level->block_size;

	if (fs_pread(check->tree->fd, ret, level->block_size, at) == (ssize_t)level->block_size)
		return 0;
	return err_set(err, E_IO, EIO, "byte %" PRIu64 " of the image cannot be read", at);
}

/* The salt, then the block: hash type 1. */
static bool digest_is(const struct check *check, const uint8_t *block, size_t size,
		      const uint8_t *want)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	return EVP_MD_CTX_copy_ex(check->scratch, check->salted) == 1 &&
	       EVP_DigestUpdate(check->scratch, block, size) == 1 &&
	       EVP_DigestFinal_ex(check->scratch, digest, &len) == 1 &&
	       len == check->tree->super->digest_size && memcmp(digest, want, len) == 0;
}

/* All blocks of a level against the one above it, or the only one against the root hash. */
static int check_level(const struct check *check, const struct level *level,
		       const struct level *above, struct err *err)
{
	static uint8_t block[BLOCK_MAX], parent[BLOCK_MAX];
	size_t digest_size = check->tree->super->digest_size;

	for (uint64_t i = 0; i < level->blocks; i++) {
		const uint8_t *want = check->tree->root;
		int r = 0;

		if (above && i % check->per_block == 0)
			r = read_block(check, above, i / check->per_block, parent, err);
		if (above)
			want = parent + i % check->per_block * digest_size;
		if (r == 0)
			r = read_block(check, level, i, block, err);
		if (r < 0)
			return r;
		if (!digest_is(check, block, level->block_size, want))
			return err_set(err, E_VERITY_CORRUPT, EBADMSG,
				       "byte %" PRIu64 " of the image does not match the root hash",
				       level->at + i * level->block_size);
	}
	return 0;
}

static int begin(struct check *check)
{
	const struct verity_superblock *super = check->tree->super;
	const EVP_MD *md = EVP_get_digestbyname(super->algorithm);

	check->salted = EVP_MD_CTX_new();
	check->scratch = EVP_MD_CTX_new();
	return md && check->salted && check->scratch &&
			       EVP_DigestInit_ex(check->salted, md, NULL) == 1 &&
			       EVP_DigestUpdate(check->salted, super->salt, super->salt_size) == 1
		       ? 0
		       : -ENOMEM;
}

/* The data is level 0; returns how many levels there are. */
static size_t lay_out(const struct check *check, struct level levels[LEVELS_MAX])
{
	const struct verity_superblock *super = check->tree->super;
	uint64_t at = check->tree->hash_at + super->hash_block_size;
	size_t n = 1;

	levels[0] =
		(struct level){ check->tree->data_at, super->data_blocks, super->data_block_size };
	for (; levels[n - 1].blocks > 1; n++) {
		uint64_t below = levels[n - 1].blocks;

		levels[n].blocks = below / check->per_block + (below % check->per_block != 0);
		levels[n].block_size = super->hash_block_size;
	}
	for (size_t i = n - 1; i > 0; i--) {
		levels[i].at = at;
		at += levels[i].blocks * levels[i].block_size;
	}
	return n;
}

int hashtree_check(const struct hashtree *tree, struct err *err)
{
	_cleanup_(free_check) struct check check = {
		.tree = tree,
		.per_block = tree->super->hash_block_size / tree->super->digest_size,
	};
	struct level levels[LEVELS_MAX];
	size_t n = lay_out(&check, levels);
	int r = begin(&check);

	if (r < 0)
		return err_set(err, E_INTERNAL, ENOMEM, "no memory for digests");
	for (size_t i = n; i > 0 && r == 0; i--)
		r = check_level(&check, &levels[i - 1], i == n ? NULL : &levels[i], err);
	return r;
}
