/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes of data and hash partition in eight bytes each, then a verity superblock. One that is
 * accepted is the only one with its values: written again it is the same bytes.
 */
#include "generators/sources/verity.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gpt_build.h"

#include <errno.h>

static void check_same(const struct verity_superblock *sb, const uint8_t *bytes)
{
	uint8_t again[VERITY_SUPERBLOCK_SIZE] = "verity";

	put_le(again + 8, 4, 1);
	put_le(again + 12, 4, 1);
	memcpy(again + 16, sb->uuid.b, 16);
	memcpy(again + 32, sb->algorithm, strlen(sb->algorithm));
	put_le(again + 64, 4, sb->data_block_size);
	put_le(again + 68, 4, sb->hash_block_size);
	put_le(again + 72, 8, sb->data_blocks);
	put_le(again + 80, 2, sb->salt_size);
	memcpy(again + 88, sb->salt, sb->salt_size);
	must(memcmp(again, bytes, sizeof(again)) == 0);
}

/* All levels of the tree and the superblock's block, without an overflow, within the partition. */
static void check_tree(const struct verity_superblock *sb, uint64_t hash_bytes)
{
	unsigned __int128 blocks = 1;
	uint64_t n = sb->data_blocks;

	while (n > 1) {
		n = (uint64_t)(((unsigned __int128)n * sb->digest_size + sb->hash_block_size - 1) /
			       sb->hash_block_size);
		blocks += n;
	}
	must(blocks * sb->hash_block_size <= hash_bytes);
}

static bool block_size_ok(unsigned int size)
{
	return size == 512 || size == 1024 || size == 2048 || size == 4096;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verity_superblock sb = { .data_blocks = 4711 };
	struct err err = { .code = E_NONE };
	uint64_t data_bytes, hash_bytes;
	uint8_t *copy;
	int r;

	if (size < 16)
		return 0;
	data_bytes = le64(data);
	hash_bytes = le64(data + 8);
	data += 16;
	size -= 16;
	copy = malloc(size ? size : 1); /* ends with the input, so that a read beyond is seen */
	memcpy(copy, data, size);
	r = verity_superblock_parse(copy, size, data_bytes, hash_bytes, &sb, &err);
	free(copy);
	if (r < 0) {
		must(r == -EINVAL && err.code == E_VERITY_SUPERBLOCK && err.text[0]);
		must(sb.data_blocks == 4711 && !sb.algorithm[0]);
		return 0;
	}
	must((strcmp(sb.algorithm, "sha256") == 0 && sb.digest_size == 32) ||
	     (strcmp(sb.algorithm, "sha512") == 0 && sb.digest_size == 64));
	must(block_size_ok(sb.data_block_size) && block_size_ok(sb.hash_block_size));
	must(sb.data_blocks > 0);
	must((unsigned __int128)sb.data_blocks * sb.data_block_size <= data_bytes);
	check_tree(&sb, hash_bytes);
	check_same(&sb, data);
	return 0;
}
