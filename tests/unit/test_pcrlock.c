/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON of a pcrlock policy, and the bytes of the credential that brings it; both are hostile. */
#include "generators/sources/pcrlock.h"
#include "tests/unit/test.h"

#include "init/base/attr.h"

#include <errno.h>
#include <stdlib.h>

#define A "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define B "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define N(d) "\"000000000000000000000000000000000000000000000000000000000000000" #d "\""
#define EIGHT N(0) "," N(1) "," N(2) "," N(3) "," N(4) "," N(5) "," N(6) "," N(7)
#define BANK "\"pcrBank\":\"sha256\","
#define HANDLES ",\"nvIndex\":25166336,\"nvHandle\":\"AYA=\",\"srkHandle\":\"gQA=\",\"later\":1"
#define VALUES(values) "\"pcrValues\":[{\"pcr\":7,\"values\":[" values "]}]"

static struct pcrlock lock;
static struct err err;

static int parse(const char *json)
{
	err = (struct err){ .code = E_NONE };
	return pcrlock_parse(json, strlen(json), &lock, &err);
}

TEST(pcrlock_parse_values)
{
	CHECK_INT(parse("{" BANK "\"pcrValues\":[{\"pcr\":11,\"values\":[" A "," B "," A "]},"
			"{\"pcr\":0,\"values\":[" EIGHT "]}]" HANDLES "}"),
		  0);
	CHECK_INT(lock.pcrs, 1U << 11 | 1);
	CHECK_INT(lock.n_values[11], 2); /* a set, in its order */
	CHECK_INT(lock.values[11][0][31], 0xaa);
	CHECK_INT(lock.values[11][1][0], 0xbb);
	CHECK_INT(lock.n_values[0], 8);
	CHECK_INT(lock.digest_size, 32);
	CHECK(lock.nv_size == 2 && lock.nv[0] == 1 && lock.srk_size == 2 && lock.srk[0] == 0x81);
}

TEST(pcrlock_parse_refuses)
{
	static const struct {
		const char *json;
		int r;
		const char *says;
	} rows[] = {
		{ "[]", -EINVAL, "" },
		{ "{" BANK VALUES(A) "}", -EINVAL, "srkHandle is missing" },
		{ "{" VALUES(A) HANDLES "}", -EINVAL, "pcrBank is missing" },
		{ "{\"pcrBank\":\"sha1\"," VALUES("\"aa\"") HANDLES "}", -ENOTSUP,
		  "pcrBank is none" },
		{ "{\"pcrBank\":\"sha384\"," VALUES(A) HANDLES "}", -EINVAL,
		  "no digest of pcrBank" },
		{ "{" BANK VALUES("\"aa\"") HANDLES "}", -EINVAL, "no digest of pcrBank" },
		{ "{" BANK VALUES("7") HANDLES "}", -EINVAL, "no digest of pcrBank" },
		{ "{" BANK VALUES("") HANDLES "}", -EINVAL, "values is empty" },
		{ "{" BANK VALUES(EIGHT "," A) HANDLES "}", -E2BIG, "more than 8 values" },
		{ "{" BANK "\"pcrValues\":[]" HANDLES "}", -EINVAL, "names no PCR" },
		{ "{" BANK "\"pcrValues\":[7]" HANDLES "}", -EINVAL, "not an object" },
		{ "{" BANK "\"pcrValues\":[{\"values\":[" A "]}]" HANDLES "}", -EINVAL,
		  "pcr is missing" },
		{ "{" BANK "\"pcrValues\":[{\"pcr\":24,\"values\":[" A "]}]" HANDLES "}", -ENOTSUP,
		  "pcr is 24" },
		{ "{" BANK "\"pcrValues\":[{\"pcr\":7,\"values\":[" A "]},{\"pcr\":7,\"values\":[" B
		  "]}]" HANDLES "}",
		  -EINVAL, "has a PCR twice" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(parse(rows[i].json), rows[i].r);
		CHECK_INT(err.code, E_PCRLOCK);
		CHECK(strstr(err.text, rows[i].says) != NULL);
	}
}

TEST(pcrlock_of_volume)
{
	static struct tpm2_token token;

	CHECK_INT(parse("{" BANK VALUES(A) HANDLES "}"), 0);
	CHECK(!pcrlock_is_of(&lock, &token));
	memcpy(token.nv, lock.nv, token.nv_size = lock.nv_size);
	CHECK(!pcrlock_is_of(&lock, &token));
	memcpy(token.srk, lock.srk, token.srk_size = lock.srk_size);
	CHECK(pcrlock_is_of(&lock, &token));
	token.nv[1] ^= 1;
	CHECK(!pcrlock_is_of(&lock, &token));
}

TEST(pcrlock_names)
{
	static const char *const bad[] = { "pcrlock.x",	      "pcrlock.x.cre", "root.cred",
					   "xpcrlock.x.cred", ".cred",	       "" };
	char name[PCRLOCK_NAME_MAX], large[300];

	CHECK(pcrlock_credential_name("PcrLock.Ab.CRED", name) && strcmp(name, "pcrlock.ab") == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!pcrlock_credential_name(bad[i], name));
	memset(large, 'x', sizeof(large));
	memcpy(large, "pcrlock.", 8);
	memcpy(large + sizeof(large) - 6, ".cred", 6);
	CHECK(!pcrlock_credential_name(large, name));
}

TEST(null_credential_text)
{
	uint8_t bytes[8];

	CHECK_INT(null_credential_decode("AAEC\nAw==\n", 10, bytes, sizeof(bytes)), 4);
	CHECK(memcmp(bytes, "\0\1\2\3", 4) == 0);
	CHECK_INT(null_credential_decode("AAE\nC", 5, bytes, sizeof(bytes)), 3);
	CHECK_INT(null_credential_decode("Aw==AAEC", 8, bytes, sizeof(bytes)), -EINVAL);
	CHECK_INT(null_credential_decode("AAECA", 5, bytes, sizeof(bytes)), -EINVAL);
	CHECK_INT(null_credential_decode("AA C", 4, bytes, sizeof(bytes)), -EINVAL);
	CHECK_INT(null_credential_decode("AAECAAECAAEC", 12, bytes, sizeof(bytes)), -E2BIG);
	CHECK_INT(null_credential_decode("", 0, bytes, sizeof(bytes)), 0);
}

TEST(null_credential_bytes)
{
	static const uint8_t id[] = { 0x05, 0x84, 0x69, 0xda, 0xf6, 0xf5, 0x43, 0x24,
				      0x80, 0x05, 0x49, 0xda, 0x0f, 0x8e, 0xa2, 0xfb,
				      32,   0,	  0,	0,    1,    0,	  0,	0,
				      12,   0,	  0,	0,    16,   0,	  0,	0 };
	struct null_credential parts;
	uint8_t data[48 + 24 + 16] = { 0 };

	memcpy(data, id, sizeof(id));
	CHECK_INT(null_credential_parse(data, sizeof(data), &parts), 0);
	CHECK(parts.iv == data + 32 && parts.cipher == data + 48 && parts.cipher_size == 24 &&
	      parts.tag == data + 72 && parts.header_size == 48);
	CHECK_INT(null_credential_parse(data, sizeof(data) - 1, &parts), -EINVAL);
	for (size_t i = 0; i < sizeof(id); i++) { /* another key, or another cipher's sizes */
		data[i] ^= 1;
		CHECK_INT(null_credential_parse(data, sizeof(data), &parts),
			  i < 16 ? -ENOTSUP : -EINVAL);
		data[i] ^= 1;
	}
}

TEST(null_credential_metadata)
{
	uint8_t plain[40] = { [16] = 9, [20] = 'p', 'c', 'r', 'l', 'o', 'c',
			      'k',	'.',	    'x', 0,   0,   0,	'{' };

	CHECK_INT(null_credential_payload(plain, sizeof(plain), "pcrlock.x"), 32);
	CHECK_INT(null_credential_payload(plain, 31, "pcrlock.x"), -EINVAL);
	CHECK_INT(null_credential_payload(plain, 23, "pcrlock.x"), -EINVAL);
	CHECK_INT(null_credential_payload(plain, sizeof(plain), "pcrlock.y"), -EKEYREJECTED);
	CHECK_INT(null_credential_payload(plain, sizeof(plain), "pcrlock.xy"), -EKEYREJECTED);
	plain[19] = 0xff; /* a size that would wrap */
	CHECK_INT(null_credential_payload(plain, sizeof(plain), "pcrlock.x"), -EINVAL);
	memset(plain, 0, sizeof(plain)); /* one without a name is for all */
	CHECK_INT(null_credential_payload(plain, sizeof(plain), "pcrlock.x"), 24);
}
