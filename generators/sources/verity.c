/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/verity.h"
#include "init/base/attr.h"
#include "init/base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define BLOCK_SIZE_MIN 512
#define BLOCK_SIZE_MAX 4096
#define ALGORITHM_SIZE 32
#define BASE64_SIZE (VERITY_SIG_DER_MAX / 3 * 4 + 8)

/* Byte offsets of the superblock's fields: cryptsetup's lib/verity/verity.c, struct verity_sb. */
enum {
	SB_VERSION = 8,
	SB_HASH_TYPE = 12,
	SB_UUID = 16,
	SB_ALGORITHM = 32,
	SB_DATA_BLOCK_SIZE = 64,
	SB_HASH_BLOCK_SIZE = 68,
	SB_DATA_BLOCKS = 72,
	SB_SALT_SIZE = 80,
	SB_PAD = 82,
	SB_SALT = 88,
};

#define BAD_SB(err, ...) err_set(err, E_VERITY_SUPERBLOCK, EINVAL, __VA_ARGS__)
#define BAD_SIG(err, ...) err_set(err, E_SIG_MALFORMED, EINVAL, __VA_ARGS__)

static bool block_size_ok(uint32_t size)
{
	return size >= BLOCK_SIZE_MIN && size <= BLOCK_SIZE_MAX && (size & (size - 1)) == 0;
}

/* The name fills its field up with zeros, so "sha256" cannot hide "sha256-weak". */
static int parse_algorithm(const uint8_t *bytes, struct verity_superblock *sb, struct err *err)
{
	static const struct {
		char name[ALGORITHM_SIZE];
		unsigned int digest_size;
	} known[] = { { "sha256", 32 }, { "sha512", 64 } };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (memcmp(bytes + SB_ALGORITHM, known[i].name, ALGORITHM_SIZE) != 0)
			continue;
		memcpy(sb->algorithm, known[i].name, sizeof(sb->algorithm));
		sb->digest_size = known[i].digest_size;
		return 0;
	}
	return BAD_SB(err, "algorithm is neither sha256 nor sha512");
}

/*
 * Blocks of the hash tree as dm-verity counts them: each level has a digest for every block of the
 * level below, up to a level of one block; a single data block needs no tree at all.
 */
static uint64_t tree_blocks(const struct verity_superblock *sb)
{
	uint64_t per_block = sb->hash_block_size / sb->digest_size, total = 0;

	for (uint64_t n = sb->data_blocks; n > 1; total += n)
		n = n / per_block + (n % per_block != 0);
	return total;
}

static int check_sizes(const struct verity_superblock *sb, uint64_t data_bytes, uint64_t hash_bytes,
		       struct err *err)
{
	if (!block_size_ok(sb->data_block_size))
		return BAD_SB(err, "data_block_size is %u", sb->data_block_size);
	if (!block_size_ok(sb->hash_block_size))
		return BAD_SB(err, "hash_block_size is %u", sb->hash_block_size);
	if (sb->data_blocks == 0 || sb->data_blocks > data_bytes / sb->data_block_size)
		return BAD_SB(err, "data_blocks is %" PRIu64 ", there are %" PRIu64,
			      sb->data_blocks, data_bytes / sb->data_block_size);
	/* The superblock takes the first hash block, of any size. */
	if (tree_blocks(sb) >= hash_bytes / sb->hash_block_size)
		return BAD_SB(err,
			      "data_blocks %" PRIu64 " needs a tree of %" PRIu64
			      " hash blocks, there are %" PRIu64 " with the superblock",
			      sb->data_blocks, tree_blocks(sb), hash_bytes / sb->hash_block_size);
	return 0;
}

static int check_format(const uint8_t *bytes, size_t size, struct err *err)
{
	static const uint8_t signature[8] = { 'v', 'e', 'r', 'i', 't', 'y', 0, 0 };

	if (size < VERITY_SUPERBLOCK_SIZE)
		return BAD_SB(err, "only %zu bytes", size);
	if (memcmp(bytes, signature, sizeof(signature)) != 0)
		return BAD_SB(err, "no signature");
	if (le32(bytes + SB_VERSION) != 1)
		return BAD_SB(err, "version is %u", le32(bytes + SB_VERSION));
	if (le32(bytes + SB_HASH_TYPE) != 1)
		return BAD_SB(err, "hash_type is %u", le32(bytes + SB_HASH_TYPE));
	return 0;
}

/* All that stands behind the salt is padding. */
static int parse_salt(const uint8_t *bytes, struct verity_superblock *sb, struct err *err)
{
	sb->salt_size = le16(bytes + SB_SALT_SIZE);
	if (sb->salt_size > VERITY_SALT_MAX)
		return BAD_SB(err, "salt_size is %u", sb->salt_size);
	if (!bytes_zero(bytes + SB_PAD, SB_SALT - SB_PAD) ||
	    !bytes_zero(bytes + SB_SALT + sb->salt_size,
			VERITY_SUPERBLOCK_SIZE - SB_SALT - sb->salt_size))
		return BAD_SB(err, "padding is not zero");
	memcpy(sb->salt, bytes + SB_SALT, sb->salt_size);
	return 0;
}

int verity_superblock_parse(const uint8_t *bytes, size_t size, uint64_t data_bytes,
			    uint64_t hash_bytes, struct verity_superblock *ret, struct err *err)
{
	struct verity_superblock sb = { 0 };
	int r = check_format(bytes, size, err);

	if (r < 0)
		return r;
	r = parse_algorithm(bytes, &sb, err);
	if (r < 0)
		return r;
	r = parse_salt(bytes, &sb, err);
	if (r < 0)
		return r;
	memcpy(sb.uuid.b, bytes + SB_UUID, sizeof(sb.uuid.b)); /* in text order, not a GUID */
	sb.data_block_size = le32(bytes + SB_DATA_BLOCK_SIZE);
	sb.hash_block_size = le32(bytes + SB_HASH_BLOCK_SIZE);
	sb.data_blocks = le64(bytes + SB_DATA_BLOCKS);
	r = check_sizes(&sb, data_bytes, hash_bytes, err);
	if (r < 0)
		return r;
	*ret = sb;
	return 0;
}

/* The JSON is what stands before the zeros that fill the partition; nothing may follow those. */
static int cut_padding(const char *text, size_t *size, struct err *err)
{
	const char *end = memchr(text, 0, *size);
	size_t len = end ? (size_t)(end - text) : *size;

	if (!bytes_zero((const uint8_t *)text + len, *size - len))
		return BAD_SIG(err, "there is data behind the first zero byte");
	if (len == 0)
		return BAD_SIG(err, "it is empty");
	if (len > VERITY_SIG_JSON_MAX)
		return err_set(err, E_SIG_MALFORMED, E2BIG, "%zu bytes of JSON, at most %u", len,
			       VERITY_SIG_JSON_MAX);
	*size = len;
	return 0;
}

/* What the failure of json_check() or json_string() means here. */
static int member_error(struct err *err, const char *key, int r)
{
	if (r == -ENOENT)
		return BAD_SIG(err, "%s is missing", key);
	if (r == -E2BIG)
		return err_set(err, E_SIG_MALFORMED, E2BIG, "%s or the JSON is too long", key);
	return BAD_SIG(err, "not a JSON object with %s as a string", key);
}

static int parse_roothash(const struct json *json, struct verity_signature *sig, struct err *err)
{
	uint8_t bytes[VERITY_DIGEST_MAX];
	int n, r = json_string(json, "rootHash", sig->roothash, sizeof(sig->roothash));

	if (r < 0)
		return member_error(err, "rootHash", r);
	n = hex_decode(sig->roothash, bytes, sizeof(bytes));
	if (n != 32 && n != 64)
		return BAD_SIG(err, "rootHash is not 64 or 128 lowercase hex digits");
	return 0;
}

/* Optional in the specification; it only names the certificate and proves nothing. */
static int parse_fingerprint(const struct json *json, struct verity_signature *sig, struct err *err)
{
	static const char key[] = "certificateFingerprint";
	uint8_t bytes[32];
	int r = json_string(json, key, sig->fingerprint, sizeof(sig->fingerprint));

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return member_error(err, key, r);
	if (hex_decode(sig->fingerprint, bytes, sizeof(bytes)) != sizeof(bytes))
		return BAD_SIG(err, "%s is not 64 lowercase hex digits", key);
	return 0;
}

/* Whether the bytes are one DER SEQUENCE (X.690 section 8.1.3), not cut off, with nothing behind. */
static bool der_is_whole(const uint8_t *der, size_t size)
{
	size_t n, len = 0;

	if (size < 2 || der[0] != 0x30)
		return false;
	if (der[1] < 0x80)
		return size == 2U + der[1];
	n = der[1] & 0x7f;
	if (n == 0 || n > 3 || size < 2 + n || der[2] == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		len = len << 8 | der[2 + i];
	return len >= 0x80 && size == 2 + n + len;
}

static int parse_der(const struct json *json, struct verity_signature *sig, struct err *err)
{
	char base64[BASE64_SIZE];
	int n, r = json_string(json, "signature", base64, sizeof(base64));

	if (r < 0)
		return member_error(err, "signature", r);
	n = base64_decode(base64, strlen(base64), sig->der, sizeof(sig->der));
	if (n == -E2BIG)
		return err_set(err, E_SIG_MALFORMED, E2BIG, "signature has more than %u bytes",
			       VERITY_SIG_DER_MAX);
	if (n < 0)
		return BAD_SIG(err, "signature is not Base64");
	if (!der_is_whole(sig->der, (size_t)n))
		return BAD_SIG(err, "signature is not DER, or cut off");
	sig->der_size = (size_t)n;
	return 0;
}

int verity_signature_parse(const char *text, size_t size, struct verity_signature *ret,
			   struct err *err)
{
	struct verity_signature sig = { 0 };
	int r = cut_padding(text, &size, err);
	struct json json;

	if (r < 0)
		return r;
	r = json_check(text, size, &json);
	if (r < 0)
		return member_error(err, "rootHash", r);
	r = parse_roothash(&json, &sig, err);
	if (r < 0)
		return r;
	r = parse_fingerprint(&json, &sig, err);
	if (r < 0)
		return r;
	r = parse_der(&json, &sig, err);
	if (r < 0)
		return r;
	*ret = sig;
	return 0;
}
