/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verity target's parameters, as the kernel prints them again. */
#include "modules/dm.h"
#include "test.h"

#include <errno.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct verity_superblock super = { .algorithm = "sha256",
						.digest_size = 32,
						.data_block_size = 4096,
						.hash_block_size = 1024,
						.data_blocks = UINT64_C(5000000000),
						.salt_size = 3,
						.salt = { 0x0a, 0xff, 0x00 } };

TEST(dm_verity_params_plain)
{
	const struct dm_verity verity = {
		.data_dev = "254:2", .hash_dev = "254:3", .super = &super, .roothash = HASH
	};
	char text[DM_TEXT_MAX];
	struct err err;

	CHECK_INT(dm_verity_params(&verity, text, &err), 0);
	CHECK_STR(text, "1 254:2 254:3 4096 1024 5000000000 1 sha256 " HASH " 0aff00");
}

TEST(dm_verity_params_signed)
{
	struct verity_superblock bare = super;
	const struct dm_verity verity = { .data_dev = "8:17",
					  .hash_dev = "8:18",
					  .super = &bare,
					  .roothash = HASH,
					  .signature_key = "lintel:usr" };
	char text[DM_TEXT_MAX];
	struct err err;

	bare.salt_size = 0;
	CHECK_INT(dm_verity_params(&verity, text, &err), 0);
	CHECK_STR(text, "1 8:17 8:18 4096 1024 5000000000 1 sha256 " HASH
			" - 2 root_hash_sig_key_desc lintel:usr");
}

/* An overflow is an error and leaves nothing that could be loaded. */
TEST(dm_verity_params_too_long)
{
	static char key[DM_TEXT_MAX];
	const struct dm_verity verity = { .data_dev = "8:17",
					  .hash_dev = "8:18",
					  .super = &super,
					  .roothash = HASH,
					  .signature_key = key };
	char text[DM_TEXT_MAX] = "as it was";
	struct err err;

	memset(key, 'k', sizeof(key) - 1);
	CHECK_INT(dm_verity_params(&verity, text, &err), -E2BIG);
	CHECK_INT(err.code, E_DM);
	CHECK_STR(text, "");
}

/* The device is the fourth word (dm-crypt.rst), and all of it. */
TEST(dm_crypt_is_over_one_device)
{
	const char *table = "aes-xts-plain64 :64:logon:cryptsetup:u-d0 0 254:2 32768";

	CHECK(dm_crypt_is_over(table, "254:2"));
	CHECK(!dm_crypt_is_over(table, "254:20"));
	CHECK(!dm_crypt_is_over(table, "254:"));
	CHECK(!dm_crypt_is_over(table, "0"));
	CHECK(!dm_crypt_is_over(table, "32768"));
	CHECK(!dm_crypt_is_over("aes-xts-plain64 254:2 0 254:3 32768", "254:2"));
	CHECK(!dm_crypt_is_over("aes-xts-plain64 k 0 254:2", "254:2"));
	CHECK(!dm_crypt_is_over("aes-xts-plain64 k", "254:2"));
	CHECK(!dm_crypt_is_over("", "254:2"));
}
