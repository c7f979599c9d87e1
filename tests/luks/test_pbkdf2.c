/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key derivation that libcryptsetup is given, beside OpenSSL's own and the RFC's. */
#include "init/base/bytes.h"
#include "modules/pbkdf2.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

static void fill(uint8_t *data, size_t size, unsigned int seed)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)((seed += 0x9e3779b9) >> 16);
}

TEST(pbkdf2_is_openssls)
{
	static const size_t passwords[] = { 0, 1, 43, 63, 64, 65, 200 };
	static const size_t salts[] = { 0, 8, 32, 51, 52, 59, 60, 64, 300 };
	static const size_t keys[] = { 1, 31, 32, 33, 64, 100 };
	static const uint32_t iterations[] = { 1, 2, 3, 1000 };
	uint8_t password[200], salt[300], ours[101], theirs[100];

	for (unsigned int n = 0; n < 7 * 9 * 6 * 4; n++) {
		size_t p = passwords[n % 7], s = salts[n / 7 % 9], k = keys[n / 63 % 6];
		uint32_t i = iterations[n / 378];

		fill(password, p, n);
		fill(salt, s, n + 1);
		ours[k] = 0x5a;
		pbkdf2_sha256(password, p, salt, s, i, ours, k);
		CHECK(PKCS5_PBKDF2_HMAC((const char *)password, (int)p, salt, (int)s, (int)i,
					EVP_sha256(), (int)k, theirs) == 1);
		CHECK(memcmp(ours, theirs, k) == 0);
		CHECK_INT(ours[k], 0x5a);
	}
}

/* RFC 7914, 11. */
TEST(pbkdf2_known_answer)
{
	uint8_t key[64];
	char text[129];

	pbkdf2_sha256("passwd", 6, "salt", 4, 1, key, sizeof(key));
	hex_encode(key, sizeof(key), text);
	CHECK_STR(text, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
			"49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

/* What is not PBKDF2 with SHA-256 goes on to libcryptsetup. */
TEST(pbkdf2_others_are_left)
{
	static const char *const hashes[] = { "sha256", "sha512", "sha1", NULL };
	char key[32];
	uint8_t theirs[32];

	for (int i = 0; hashes[i]; i++) {
		CHECK_INT(__wrap_crypt_pbkdf("pbkdf2", hashes[i], "key", 3, "salt", 4, key,
					     sizeof(key), 1000, 0, 0),
			  0);
		CHECK(PKCS5_PBKDF2_HMAC("key", 3, (const uint8_t *)"salt", 4, 1000,
					EVP_get_digestbyname(hashes[i]), sizeof(theirs),
					theirs) == 1);
		CHECK(memcmp(key, theirs, sizeof(key)) == 0);
	}
	CHECK_INT(__wrap_crypt_pbkdf("argon2id", NULL, "key", 3, "salt is long", 12, key,
				     sizeof(key), 4, 64, 1),
		  0);
	CHECK(__wrap_crypt_pbkdf("pbkdf2", "none", "key", 3, "salt", 4, key, 32, 1000, 0, 0) < 0);
	CHECK(__wrap_crypt_pbkdf("other", "sha256", "key", 3, "salt", 4, key, 32, 1000, 0, 0) < 0);
	CHECK(__wrap_crypt_pbkdf(NULL, "sha256", "key", 3, "salt", 4, key, 32, 1000, 0, 0) < 0);
}
