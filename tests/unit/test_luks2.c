/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The binary header and the choice between its two copies. */
#include "init/base/attr.h"
#include "init/base/sha256.h"
#include "tests/unit/luks2_image.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <openssl/sha.h>

#define DEFAULT "cryptsetup-2.7.5-default"

static struct luks2_image image;
static struct luks2_header header;
static struct err err;

TEST(sha256_as_openssl)
{
	static uint8_t data[300];
	uint8_t ours[32], theirs[32];
	struct sha256 hash;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= sizeof(data); n++) {
		sha256_init(&hash);
		sha256_add(&hash, data, n / 3);
		sha256_add(&hash, data + n / 3, n - n / 3);
		sha256_end(&hash, ours);
		SHA256(data, n, theirs);
		CHECK(memcmp(ours, theirs, 32) == 0);
	}
}

TEST(luks2_golden)
{
	static const struct {
		const char *name;
		enum luks2_kdf kdf;
		unsigned int key_size, sector_size;
		uint64_t header_size;
		size_t n_tokens;
	} cases[] = {
		{ "cryptsetup-2.4.3-default", LUKS2_ARGON2ID, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.4.3-argon2i", LUKS2_ARGON2I, 64, 512, 16384, 0 },
		{ "cryptsetup-2.4.3-pbkdf2", LUKS2_PBKDF2, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.4.3-key256", LUKS2_PBKDF2, 32, 4096, 16384, 0 },
		{ "cryptsetup-2.4.3-meta64k", LUKS2_PBKDF2, 64, 4096, 65536, 0 },
		{ "cryptsetup-2.5.0-default", LUKS2_ARGON2ID, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.5.0-argon2i", LUKS2_ARGON2I, 64, 512, 16384, 0 },
		{ "cryptsetup-2.5.0-pbkdf2", LUKS2_PBKDF2, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.5.0-key256", LUKS2_PBKDF2, 32, 4096, 16384, 0 },
		{ "cryptsetup-2.5.0-meta64k", LUKS2_PBKDF2, 64, 4096, 65536, 0 },
		{ "cryptsetup-2.6.1-default", LUKS2_ARGON2ID, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.6.1-argon2i", LUKS2_ARGON2I, 64, 512, 16384, 0 },
		{ "cryptsetup-2.6.1-pbkdf2", LUKS2_PBKDF2, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.6.1-key256", LUKS2_PBKDF2, 32, 4096, 16384, 0 },
		{ "cryptsetup-2.6.1-meta64k", LUKS2_PBKDF2, 64, 4096, 65536, 0 },
		{ "cryptsetup-2.7.5-default", LUKS2_ARGON2ID, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.7.5-argon2i", LUKS2_ARGON2I, 64, 512, 16384, 0 },
		{ "cryptsetup-2.7.5-pbkdf2", LUKS2_PBKDF2, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.7.5-key256", LUKS2_PBKDF2, 32, 4096, 16384, 0 },
		{ "cryptsetup-2.7.5-meta64k", LUKS2_PBKDF2, 64, 4096, 65536, 0 },
		{ "cryptsetup-2.8.8-default", LUKS2_ARGON2ID, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.8.8-argon2i", LUKS2_ARGON2I, 64, 512, 16384, 0 },
		{ "cryptsetup-2.8.8-pbkdf2", LUKS2_PBKDF2, 64, 4096, 16384, 0 },
		{ "cryptsetup-2.8.8-key256", LUKS2_PBKDF2, 32, 4096, 16384, 0 },
		{ "cryptsetup-2.8.8-meta64k", LUKS2_PBKDF2, 64, 4096, 65536, 0 },
		{ "repart-257", LUKS2_PBKDF2, 64, 4096, 16384, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		luks2_image_load(&image, cases[i].name);
		CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
		if (err.code != E_NONE)
			fprintf(stderr, "%s: %s\n", cases[i].name, err.text);
		CHECK_INT(header.n_keyslots, 1);
		CHECK_INT(header.keyslots[0].kdf, cases[i].kdf);
		CHECK_INT(header.key_size, cases[i].key_size);
		CHECK_INT(header.sector_size, cases[i].sector_size);
		CHECK_INT(header.header_size, cases[i].header_size);
		CHECK_INT(header.n_tokens, cases[i].n_tokens);
		CHECK(!header.secondary);
		CHECK_STR(header.cipher, "aes-xts-plain64");
		CHECK(!uuid_is_null(&header.uuid));
	}
}

/* All that systemd-cryptenroll 262 puts into one header: tokens that lintel reads, and those that it refuses. */
TEST(luks2_enrolled_by_262)
{
	unsigned int tpm = 0, recovery = 0;

	luks2_image_load(&image, "cryptenroll-262");
	CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
	for (size_t i = 0; i < header.n_tokens; i++) {
		tpm += strcmp(header.tokens[i].type, "systemd-tpm2") == 0;
		recovery += strcmp(header.tokens[i].type, "systemd-recovery") == 0;
		CHECK(__builtin_popcount(header.tokens[i].keyslots) == 1);
	}
	CHECK(tpm >= 4 && recovery == 1 && tpm + recovery == header.n_tokens);
	CHECK_INT(header.n_keyslots, header.n_tokens + 1);
}

TEST(luks2_fields_read)
{
	luks2_image_load(&image, DEFAULT);
	CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
	CHECK_STR(header.label, "root");
	CHECK_INT(header.payload_offset, 16777216);
	CHECK_INT(header.keyslots[0].time, 4);
	CHECK_INT(header.keyslots[0].memory_kib, 65536);
	CHECK_INT(header.keyslots[0].cpus, 4);
	CHECK_INT(header.keyslots[0].area_offset, 32768);
	CHECK_INT(header.keyslots[0].area_size, 258048);
	CHECK_INT(header.keyslots[0].priority, 1);
	luks2_image_load(&image, "repart-257");
	CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
	CHECK_STR(header.tokens[0].type, "systemd-tpm2");
	CHECK_INT(header.tokens[0].keyslots, 1);
	CHECK_INT(header.keyslots[0].iterations, 1000);
}

TEST(luks2_copy_choice)
{
	static const struct {
		int bad, seqid[2];
		bool secondary;
	} cases[] = {
		{ -1, { 5, 5 }, false }, { -1, { 6, 5 }, false }, { -1, { 5, 6 }, true },
		{ 0, { 9, 5 }, true },	 { 1, { 5, 9 }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		luks2_image_load(&image, DEFAULT);
		for (int copy = 0; copy < 2; copy++) {
			image.bytes[(size_t)copy * image.copy_size + 23] =
				(uint8_t)cases[i].seqid[copy];
			luks2_image_seal(&image, copy);
			if (cases[i].bad == copy)
				luks2_image_json(&image, copy)[0] ^= 1;
		}
		CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
		CHECK_INT(header.secondary, cases[i].secondary);
		CHECK_INT(header.seqid, cases[i].seqid[cases[i].secondary]);
	}
}

/* An evil copy is refused even where the other one counts (threats A12). */
TEST(luks2_both_copies_pass)
{
	for (int evil = 0; evil < 2; evil++) {
		char *at;

		luks2_image_load(&image, DEFAULT);
		at = strstr(luks2_image_json(&image, evil), "\"sector_size\":4096");
		memcpy(at, "\"sector_size\":1234", 18);
		luks2_image_seal(&image, evil);
		CHECK_INT(luks2_image_parse(&image, &header, &err), -ENOTSUP);
		CHECK_INT(err.code, E_LUKS_PROFILE);
		CHECK(strstr(err.text, evil ? "secondary" : "primary"));
	}
}

TEST(luks2_binary_mutated)
{
	static const struct {
		size_t at;
		uint8_t value;
		int r;
		enum err_code code;
		const char *names;
	} cases[] = {
		{ 7, 1, -ENOTSUP, E_LUKS_PROFILE, "version" },
		{ 7, 3, -ENOTSUP, E_LUKS_PROFILE, "version" },
		{ 14, 0x41, -EINVAL, E_LUKS_HEADER, "hdr_size" },
		{ 12, 0x80, -EINVAL, E_LUKS_HEADER, "hdr_size" },
		{ 24, 0x1b, -EINVAL, E_LUKS_HEADER, "label" },
		{ 72, 'x', -ENOTSUP, E_LUKS_PROFILE, "csum_alg" },
		{ 168, 'z', -EINVAL, E_LUKS_HEADER, "uuid" },
		{ 263, 1, -EINVAL, E_LUKS_HEADER, "hdr_offset" },
		{ 16383, 1, -EINVAL, E_LUKS_HEADER, "json area" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		luks2_image_load(&image, DEFAULT);
		for (int copy = 0; copy < 2; copy++) {
			image.bytes[(size_t)copy * image.copy_size + cases[i].at] = cases[i].value;
			luks2_image_seal(&image, copy);
		}
		CHECK_INT(luks2_image_parse(&image, &header, &err), cases[i].r);
		CHECK_INT(err.code, cases[i].code);
		if (!strstr(err.text, cases[i].names))
			CHECK_STR(err.text, cases[i].names);
	}
}

TEST(luks2_not_luks)
{
	luks2_image_load(&image, DEFAULT);
	memset(image.bytes, 0, 6);
	CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
	CHECK(header.secondary);
	memset(image.bytes + image.copy_size, 0, 6);
	CHECK_INT(luks2_image_parse(&image, &header, &err), -ENOENT);
	image.size = 0;
	CHECK_INT(luks2_image_parse(&image, &header, &err), -ENOENT);
}

TEST(luks2_short_read)
{
	luks2_image_load(&image, DEFAULT);
	for (image.size = 6; image.size < 32768; image.size += 1021) {
		CHECK_INT(luks2_image_parse(&image, &header, &err), -EINVAL);
		CHECK_INT(err.code, E_LUKS_HEADER);
	}
}
