/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flips one bit after the other of a signed verity triple and asks the product's own parsers and
 * signature check about each disk that results, then every block's hash, as dm-verity would do it
 * when the block is read. A flip must be refused, or be an I/O error of the blocks that it touches,
 * or leave every byte that can be read as it was.
 */
#include "generators/sources/verity.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/pkcs7.h"

#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <sanitizer/lsan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEVELS_MAX 8

enum fate { REFUSED, CORRUPT_AT_ONCE, CORRUPT_WHEN_READ, SHORTER, HARMLESS, FATE_MAX };

static const char *const fates[] = { "refused", "corrupt at once", "I/O error when it is read",
				     "shorter", "harmless" };

struct part {
	uint8_t *bytes;
	size_t size;
};

struct triple {
	struct part data, tree, sig;
	const char *roothash, *certificates;
	struct verity_superblock super;	       /* as it was made */
	size_t data_end, tree_begin, tree_end; /* what the root hash covers */
};

static _noreturn_ void die(const char *what)
{
	printf("flips: %s\nflips: 0 passed, 1 failed\n", what);
	exit(1);
}

static void part_load(const char *path, struct part *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	ret->size = (size_t)st.st_size;
	ret->bytes = malloc(ret->size);
	if (!ret->bytes || fs_pread(fd, ret->bytes, ret->size, 0) != (ssize_t)ret->size)
		die(path);
	close(fd);
}

/* H(salt || block), the order of hash type 1. */
static void digest(const struct verity_superblock *s, const uint8_t *block, size_t size,
		   uint8_t ret[VERITY_DIGEST_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = s->digest_size == 64 ? EVP_sha512() : EVP_sha256();

	if (!ctx || !EVP_DigestInit_ex(ctx, md, NULL) ||
	    !EVP_DigestUpdate(ctx, s->salt, s->salt_size) || !EVP_DigestUpdate(ctx, block, size) ||
	    !EVP_DigestFinal_ex(ctx, ret, NULL))
		die("openssl");
	EVP_MD_CTX_free(ctx);
}

/* Where each level of the tree begins, in blocks: the root's block stands first (verity.rst). */
static unsigned int layout(const struct verity_superblock *s, uint64_t start[LEVELS_MAX])
{
	uint64_t per = s->hash_block_size / s->digest_size, blocks = s->data_blocks;
	uint64_t count[LEVELS_MAX],
		at = (VERITY_SUPERBLOCK_SIZE + s->hash_block_size - 1) / s->hash_block_size;
	unsigned int n = 0;

	do {
		blocks = (blocks + per - 1) / per;
		count[n++] = blocks;
	} while (blocks > 1 && n < LEVELS_MAX);
	for (unsigned int i = n; i-- > 0; at += count[i])
		start[i] = at;
	return n;
}

/* Whether a block of the data, and each above it, fits its hash. */
static bool block_fits(const struct triple *t, const struct verity_superblock *s,
		       const uint64_t start[LEVELS_MAX], unsigned int n, uint64_t block)
{
	uint64_t per = s->hash_block_size / s->digest_size;
	const uint8_t *at = t->data.bytes + block * s->data_block_size;
	size_t size = s->data_block_size;
	uint8_t is[VERITY_DIGEST_MAX], root[VERITY_DIGEST_MAX];

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *above =
			t->tree.bytes + (start[i] + block / per) * s->hash_block_size;

		digest(s, at, size, is);
		if (memcmp(is, above + block % per * s->digest_size, s->digest_size) != 0)
			return false;
		at = above;
		size = s->hash_block_size;
		block /= per;
	}
	digest(s, at, size, is);
	return hex_decode(t->roothash, root, sizeof(root)) > 0 &&
	       memcmp(is, root, s->digest_size) == 0;
}

static int check_signature(const struct triple *t, struct err *err)
{
	static struct verity_signature sig;
	struct pkcs7_certificates certificates = { .folder = t->certificates };
	struct pkcs7_st *signature;
	char by[80];
	size_t size = t->sig.size < VERITY_SIG_JSON_MAX ? t->sig.size : VERITY_SIG_JSON_MAX;
	int r = verity_signature_parse((const char *)t->sig.bytes, size, &sig, err);

	if (r == 0 && strcmp(sig.roothash, t->roothash) != 0)
		r = err_set(err, E_SIG_MISMATCH, 1, "another root hash");
	if (r < 0)
		return r;
	/* OpenSSL 3.0's PKCS7_verify() forgets a BIO at 3 of 10,000 wrong bits; a child of /init ends then */
	__lsan_disable();
	signature = pkcs7_parse(sig.der, sig.der_size);
	r = pkcs7_verify(&certificates, t->roothash, signature, by, sizeof(by), err);
	pkcs7_free(&signature);
	pkcs7_forget(&certificates);
	__lsan_enable();
	return r;
}

static enum fate judge(const struct triple *t, struct err *err)
{
	struct verity_superblock s;
	uint64_t start[LEVELS_MAX] = { 0 }, bad = 0;
	unsigned int n;

	if (check_signature(t, err) < 0 ||
	    verity_superblock_parse(t->tree.bytes, VERITY_SUPERBLOCK_SIZE, t->data.size,
				    t->tree.size, &s, err) < 0 ||
	    strlen(t->roothash) != 2 * (size_t)s.digest_size)
		return REFUSED;
	n = layout(&s, start);
	for (uint64_t i = 0; i < s.data_blocks; i++) {
		if (block_fits(t, &s, start, n, i))
			continue;
		if (i == 0 || i + 1 == s.data_blocks) /* modules/verity.c reads these two */
			return CORRUPT_AT_ONCE;
		bad++;
	}
	if (bad)
		return CORRUPT_WHEN_READ;
	return s.data_blocks < t->super.data_blocks ? SHORTER : HARMLESS;
}

/* xorshift64*: the same flips for the same seed on every host. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717) >> 16;
}

/* Data 60, hash tree 30, superblock and signature 10 of 100, and only what is not padding. */
static uint8_t *draw_byte(struct triple *t, uint64_t *state, const char **ret_where, size_t *ret_at)
{
	uint64_t number = draw(state) % 100;

	if (number < 60) {
		*ret_where = "data";
		*ret_at = draw(state) % t->data_end;
		return t->data.bytes + *ret_at;
	}
	if (number < 90) {
		*ret_where = "tree";
		*ret_at = t->tree_begin + draw(state) % (t->tree_end - t->tree_begin);
		return t->tree.bytes + *ret_at;
	}
	*ret_where = number < 95 ? "superblock" : "signature";
	*ret_at = draw(state) % (number < 95 ? VERITY_SUPERBLOCK_SIZE
					     : strnlen((const char *)t->sig.bytes, t->sig.size));
	return (number < 95 ? t->tree.bytes : t->sig.bytes) + *ret_at;
}

static void find_ends(struct triple *t)
{
	uint64_t start[LEVELS_MAX] = { 0 }, per = t->super.hash_block_size / t->super.digest_size;

	layout(&t->super, start);
	t->data_end = t->super.data_blocks * t->super.data_block_size;
	t->tree_begin = t->super.hash_block_size;
	t->tree_end =
		(start[0] + (t->super.data_blocks + per - 1) / per) * t->super.hash_block_size;
}

/* What the root hash covers was changed, and nobody saw it. */
static bool is_wrong(enum fate fate, const char *where)
{
	return (fate == HARMLESS || fate == SHORTER) &&
	       (strcmp(where, "data") == 0 || strcmp(where, "tree") == 0);
}

int main(int argc, char **argv)
{
	unsigned int counts[FATE_MAX] = { 0 }, failed = 0, n;
	struct triple t = { .roothash = argv[4], .certificates = argv[5] };
	struct err err = { .code = E_NONE };
	uint64_t state;

	if (argc != 8)
		die("DATA TREE SIGNATURE ROOTHASH CERTIFICATES SEED COUNT");
	part_load(argv[1], &t.data);
	part_load(argv[2], &t.tree);
	part_load(argv[3], &t.sig);
	state = strtoull(argv[6], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	n = (unsigned int)strtoul(argv[7], NULL, 10);
	if (verity_superblock_parse(t.tree.bytes, VERITY_SUPERBLOCK_SIZE, t.data.size, t.tree.size,
				    &t.super, &err) < 0 ||
	    judge(&t, &err) != HARMLESS)
		die("the disk is not good before any flip");
	find_ends(&t);
	for (unsigned int i = 0; i < n; i++) {
		const char *where;
		size_t at;
		uint8_t *byte = draw_byte(&t, &state, &where, &at),
			bit = (uint8_t)(1 << draw(&state) % 8);
		enum fate fate;

		*byte ^= bit;
		fate = judge(&t, &err);
		*byte ^= bit;
		counts[fate]++;
		if (!is_wrong(fate, where))
			continue;
		failed++;
		printf("FAIL %s, byte %zu, mask %02x: not seen\n", where, at, bit);
	}
	for (enum fate f = 0; f < FATE_MAX; f++)
		printf("%u %s%s", counts[f], fates[f], f + 1 < FATE_MAX ? ", " : "\n");
	printf("flips: %u passed, %u failed\n", n - failed, failed);
	free(t.data.bytes);
	free(t.tree.bytes);
	free(t.sig.bytes);
	return failed > 0;
}
