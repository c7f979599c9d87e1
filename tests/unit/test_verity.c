/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verity superblocks and signature partitions, one field wrong at a time. */
#include "generators/sources/verity.h"
#include "tests/unit/gpt_build.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCKS 256
#define DATA_BYTES (UINT64_C(4096) * BLOCKS)
#define HASH_BYTES (4096 * 4) /* superblock, two blocks of digests, and the one above them */

static uint8_t block[VERITY_SUPERBLOCK_SIZE];
static struct err err;

static void build(void)
{
	memset(block, 0, sizeof(block));
	memcpy(block, "verity", 6);
	put_le(block + 8, 4, 1);
	put_le(block + 12, 4, 1);
	for (unsigned int i = 0; i < 16; i++)
		block[16 + i] = (uint8_t)i;
	strcpy((char *)block + 32, "sha256");
	put_le(block + 64, 4, 4096);
	put_le(block + 68, 4, 4096);
	put_le(block + 72, 8, BLOCKS);
	put_le(block + 80, 2, 32);
	memset(block + 88, 0x5a, 32);
}

static int parse(uint64_t data_bytes, uint64_t hash_bytes, struct verity_superblock *ret)
{
	memset(&err, 0, sizeof(err));
	return verity_superblock_parse(block, sizeof(block), data_bytes, hash_bytes, ret, &err);
}

TEST(verity_superblock_good)
{
	struct verity_superblock sb;
	char uuid[UUID_TEXT_SIZE];

	build();
	CHECK_INT(parse(DATA_BYTES, HASH_BYTES, &sb), 0);
	uuid_format(&sb.uuid, uuid);
	CHECK_STR(uuid, "00010203-0405-0607-0809-0a0b0c0d0e0f");
	CHECK_STR(sb.algorithm, "sha256");
	CHECK_INT(sb.digest_size, 32);
	CHECK_INT(sb.data_block_size, 4096);
	CHECK_INT(sb.hash_block_size, 4096);
	CHECK_INT(sb.data_blocks, BLOCKS);
	CHECK_INT(sb.salt_size, 32);
	CHECK(sb.salt[0] == 0x5a && sb.salt[31] == 0x5a && sb.salt[32] == 0);
	strcpy((char *)block + 32, "sha512");
	CHECK_INT(parse(DATA_BYTES, 4096 * 6, &sb), 0);
	CHECK_STR(sb.algorithm, "sha512");
	CHECK_INT(sb.digest_size, 64);
}

TEST(verity_superblock_fields)
{
	static const struct {
		unsigned int offset, width;
		uint64_t value;
		const char *text; /* NULL: as good */
	} rows[] = {
		{ 0, 1, 'V', "signature" },
		{ 7, 1, 1, "signature" },
		{ 8, 4, 0, "version is 0" },
		{ 8, 4, 2, "version is 2" },
		{ 12, 4, 0, "hash_type is 0" }, /* ChromeOS's */
		{ 12, 4, 2, "hash_type is 2" },
		{ 32, 6, 0x316168735f78, "algorithm" },
		{ 32, 1, 0, "algorithm" },
		{ 38, 1, '!', "algorithm" },
		{ 38, 1, 1, "algorithm" },
		{ 63, 1, 'x', "algorithm" }, /* behind a NUL */
		{ 64, 4, 0, "data_block_size is 0" },
		{ 64, 4, 256, "data_block_size is 256" },
		{ 64, 4, 512, NULL },
		{ 64, 4, 1536, "data_block_size is 1536" },
		{ 64, 4, 8192, "data_block_size is 8192" },
		{ 64, 4, 0x80000000, "data_block_size is 2147483648" },
		{ 68, 4, 0, "hash_block_size is 0" },
		{ 68, 4, 4095, "hash_block_size is 4095" },
		{ 68, 4, 8192, "hash_block_size is 8192" },
		{ 72, 8, 0, "data_blocks is 0" },
		{ 72, 8, 1, NULL },
		{ 72, 8, BLOCKS + 1, "data_blocks is 257, there are 256" },
		{ 72, 8, UINT64_MAX, "data_blocks is" },
		{ 72, 8, UINT64_C(1) << 52, "data_blocks is" }, /* × 4096 is 0 in 64 bits */
		{ 80, 2, 0, "padding" },			/* the salt is padding now */
		{ 80, 2, 31, "padding" },
		{ 80, 2, 33, NULL },
		{ 80, 2, 256, NULL },
		{ 80, 2, 257, "salt_size is 257" },
		{ 80, 2, 0xffff, "salt_size is 65535" },
		{ 82, 1, 1, "padding" },
		{ 87, 1, 1, "padding" },
		{ 88 + 32, 1, 1, "padding" },
		{ 511, 1, 1, "padding" },
	};
	struct verity_superblock sb;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r;

		build();
		put_le(block + rows[i].offset, rows[i].width, rows[i].value);
		r = parse(DATA_BYTES, HASH_BYTES, &sb);
		if (!rows[i].text ? r == 0
				  : r == -EINVAL && err.code == E_VERITY_SUPERBLOCK &&
					    strstr(err.text, rows[i].text))
			continue;
		test_failures++;
		fprintf(stderr, "superblock row %zu: %d \"%s\"\n", i, r, err.text);
	}
}

/* The tree must lie within its partition: the superblock's block and every level above the data. */
TEST(verity_superblock_sizes)
{
	static const struct {
		uint64_t blocks, tree;
		unsigned int hash_block;
		const char *algorithm;
	} rows[] = {
		{ 1, 0, 4096, "sha256" },
		{ 2, 1, 4096, "sha256" },
		{ 128, 1, 4096, "sha256" },
		{ 129, 3, 4096, "sha256" },
		{ 128 * 128, 129, 4096, "sha256" },
		{ 128 * 128 + 1, 129 + 1 + 2, 4096, "sha256" },
		{ 64, 1, 4096, "sha512" },
		{ 65, 3, 4096, "sha512" },
		{ 16, 1, 512, "sha256" },
		{ 17, 3, 512, "sha256" },
		{ 8, 1, 512, "sha512" },
		{ 9, 3, 512, "sha512" },
	};
	struct verity_superblock sb;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t data = rows[i].blocks * 4096;
		uint64_t hash = (rows[i].tree + 1) * rows[i].hash_block;

		build();
		strcpy((char *)block + 32, rows[i].algorithm);
		put_le(block + 68, 4, rows[i].hash_block);
		put_le(block + 72, 8, rows[i].blocks);
		CHECK_INT(parse(data, hash, &sb), 0);
		CHECK_INT(parse(data, hash - 1, &sb), -EINVAL);
		CHECK(strstr(err.text, "needs a tree") || rows[i].tree == 0);
		CHECK_INT(parse(data - 1, hash, &sb), -EINVAL);
		CHECK(strstr(err.text, "data_blocks is"));
	}
	build();
	CHECK_INT(verity_superblock_parse(block, 511, DATA_BYTES, HASH_BYTES, &sb, &err), -EINVAL);
	CHECK_STR(err.text, "only 511 bytes");
	CHECK_INT(parse(DATA_BYTES, 0, &sb), -EINVAL);
}

#define H64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROOT "\"rootHash\":\"" H64 "\""
#define SIG "\"signature\":\"MAMCAQA=\""
#define PRINT "\"certificateFingerprint\":\"" H64 "\""

static struct verity_signature sig;

static int parse_sig(const char *text, size_t size)
{
	char *copy = malloc(size);
	int r;

	memcpy(copy, text, size); /* nothing beyond may be read */
	memset(&err, 0, sizeof(err));
	r = verity_signature_parse(copy, size, &sig, &err);
	free(copy);
	return r;
}

TEST(verity_signature_good)
{
	static const char all[] = "{" ROOT "," PRINT "," SIG "}";

	CHECK_INT(parse_sig(all, sizeof(all) - 1), 0);
	CHECK_STR(sig.roothash, H64);
	CHECK_STR(sig.fingerprint, H64);
	CHECK_INT(sig.der_size, 5);
	CHECK(memcmp(sig.der, "\x30\x03\x02\x01\x00", 5) == 0);
	CHECK_INT(parse_sig(all, sizeof(all)), 0);
	CHECK_INT(parse_sig("{" ROOT "," SIG "}", strlen("{" ROOT "," SIG "}")), 0);
	CHECK_STR(sig.fingerprint, "");
}

TEST(verity_signature_malformed)
{
	static const char *const rows[] = {
		"",
		"empty",
		"[]",
		"not a JSON object",
		"{}",
		"rootHash is missing",
		"{" ROOT "}",
		"signature is missing",
		"{" SIG "}",
		"rootHash is missing",
		"{" ROOT "," SIG,
		"not a JSON object",
		"{" ROOT "," SIG "}}",
		"not a JSON object",
		"{" ROOT "," ROOT "," SIG "}",
		"not a JSON object",
		"{\"rootHash\":1," SIG "}",
		"not a JSON object",
		"{\"rootHash\":\"00\"," SIG "}",
		"64 or 128",
		"{\"rootHash\":\"\"," SIG "}",
		"64 or 128",
		"{\"rootHash\":\"" H64 "0\"," SIG "}",
		"64 or 128",
		"{\"rootHash\":\"" H64 "00\"," SIG "}",
		"64 or 128",
		"{\"rootHash\":\"" H64 H64 "0\"," SIG "}",
		"rootHash or the JSON is too long",
		"{\"rootHash\":"
		"\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"," SIG "}",
		"64 or 128",
		"{" ROOT ",\"certificateFingerprint\":\"00\"," SIG "}",
		"certificateFingerprint is not 64",
		"{" ROOT ",\"certificateFingerprint\":\"\"," SIG "}",
		"certificateFingerprint is not 64",
		"{" ROOT ",\"certificateFingerprint\":\"" H64 "0\"," SIG "}",
		"certificateFingerprint or the JSON is too long",
		"{" ROOT ",\"certificateFingerprint\":null," SIG "}",
		"certificateFingerprint as a string",
		"{" ROOT ",\"signature\":\"\"}",
		"not DER",
		"{" ROOT ",\"signature\":\"MAMCAQ\"}",
		"not Base64",
		"{" ROOT ",\"signature\":\"MAMCAQA=\\n\"}",
		"not Base64",
		"{" ROOT ",\"signature\":\"MAMCAQ==\"}", /* cut off */
		"not DER",
		"{" ROOT ",\"signature\":\"MAMCAQAA\"}", /* a byte behind */
		"not DER",
		"{" ROOT ",\"signature\":\"MQMCAQA=\"}", /* a SET */
		"not DER",
		"{" ROOT ",\"signature\":\"MIADAgEAAAA=\"}", /* indefinite length */
		"not DER",
		"{" ROOT ",\"signature\":\"MIEDAgEA\"}", /* a length that one byte would hold */
		"not DER",
		"{" ROOT ",\"signature\":\"MIIAAwIBAA==\"}", /* with a leading zero */
		"not DER",
		"{" ROOT ",\"signature\":\"MIQAAAADAgEA\"}", /* of four bytes */
		"not DER",
		"{" ROOT ",\"signature\":\"MA==\"}",
		"not DER",
		"{" ROOT ",\"signature\":\"MII=\"}",
		"not DER",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 2) {
		sig.der_size = 4711;
		CHECK(parse_sig(rows[i], strlen(rows[i])) < 0);
		CHECK_INT(err.code, E_SIG_MALFORMED);
		CHECK_INT(sig.der_size, 4711);
		if (strstr(err.text, rows[i + 1]))
			continue;
		test_failures++;
		fprintf(stderr, "%s: \"%s\"\n", rows[i], err.text);
	}
}

static char json[VERITY_SIG_JSON_MAX + 8];

static int parse_padded(size_t size, char padding, size_t cut)
{
	static const char all[] = "{" ROOT "," SIG "}";

	memset(json, padding, sizeof(json));
	memcpy(json, all, strlen(all));
	if (cut)
		json[cut] = 'x';
	return parse_sig(json, size);
}

/* Zeros behind it, and nothing behind those; blanks are of the JSON. */
TEST(verity_signature_padding)
{
	static const char all[] = "{" ROOT "," SIG "}";

	CHECK_INT(parse_padded(VERITY_SIG_JSON_MAX, 0, 0), 0);
	CHECK_INT(parse_padded(VERITY_SIG_JSON_MAX, 0, VERITY_SIG_JSON_MAX - 1), -EINVAL);
	CHECK_INT(parse_padded(VERITY_SIG_JSON_MAX, 0, strlen(all) + 1), -EINVAL);
	CHECK(strstr(err.text, "behind the first zero"));
	CHECK_INT(parse_padded(VERITY_SIG_JSON_MAX, ' ', 0), 0);
	CHECK_INT(parse_padded(VERITY_SIG_JSON_MAX + 1, ' ', 0), -E2BIG);
	CHECK_INT(parse_padded(VERITY_SIG_JSON_MAX + 1, 0, 0), 0);
	memset(json, 0, sizeof(json));
	CHECK_INT(parse_sig(json, sizeof(json)), -EINVAL);
	CHECK_STR(err.text, "it is empty");
	CHECK_INT(parse_sig(json, 0), -EINVAL);
}

/* Each length form of DER, too long a one for 127 bytes, the greatest size, and one beyond. */
TEST(verity_signature_size)
{
	static const size_t sizes[] = {
		130, 131, 258, 260, VERITY_SIG_DER_MAX, VERITY_SIG_DER_MAX + 3
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t head[4] = { 0x30, 0x82 };
		size_t n = sizes[i] <= 258 ? 3 : 4, len = sizes[i] - n, at;
		bool fits = sizes[i] <= VERITY_SIG_DER_MAX;
		uint32_t bits;

		head[1] = n == 3 ? 0x81 : 0x82;
		head[2] = (uint8_t)(n == 3 ? len : len >> 8);
		head[3] = (uint8_t)len;
		at = (size_t)sprintf(json, "{" ROOT ",\"signature\":\"");
		for (size_t k = 0; k < sizes[i]; k += 3, at += 4) {
			bits = 0;
			for (size_t j = k; j < k + 3; j++)
				bits = bits << 8 | (j < n ? head[j] : 0);
			for (int d = 3; d >= 0; d--, bits >>= 6)
				json[at + (size_t)d] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
						       "rstuvwxyz0123456789"
						       "+/"[bits & 63];
		}
		for (size_t k = sizes[i]; k % 3 != 0; k++)
			json[at - 1 - (k - sizes[i])] = '=';
		at += (size_t)sprintf(json + at, "\"}");
		CHECK_INT(parse_sig(json, at), !fits ? -E2BIG : len < 128 ? -EINVAL : 0);
		if (fits && len >= 128)
			CHECK_INT(sig.der_size, sizes[i]);
	}
}
