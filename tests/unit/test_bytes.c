/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/attr.h"
#include "init/base/bytes.h"
#include "tests/unit/test.h"

#include <errno.h>

TEST(bytes_little_endian)
{
	static const uint8_t bytes[] = { 0x88, 0x77, 0x66, 0x55, 0xf4, 0xf3, 0xf2, 0xf1 };

	CHECK_INT(le16(bytes), 0x7788);
	CHECK_INT(le32(bytes), 0x55667788);
	CHECK(le32(bytes + 4) == 0xf1f2f3f4);
	CHECK(le64(bytes) == 0xf1f2f3f455667788);
}

/* Values of the CRC-32 catalogue and of RFC 3720's neighbours; the first is the check value. */
TEST(bytes_crc32)
{
	static const uint8_t zeros[32];

	CHECK(crc32_ieee((const uint8_t *)"123456789", 9) == 0xcbf43926);
	CHECK(crc32_ieee(zeros, 0) == 0);
	CHECK(crc32_ieee((const uint8_t *)"a", 1) == 0xe8b7be43);
	CHECK(crc32_ieee(zeros, 32) == 0x190a55ad);
}

/* Whole tables go another way; whoever came before, the sum is the same (zlib's). */
TEST(bytes_crc32_of_tables)
{
	uint8_t table[4099];

	for (size_t i = 0; i < sizeof(table); i++)
		table[i] = i % 3 ? (uint8_t)(i * 7 + 3) : 0;
	CHECK(crc32_ieee(table, 4095) == 0x2d66ca08);
	CHECK(crc32_ieee(table, sizeof(table)) == 0xf61922e2);
	CHECK(crc32_ieee(table, 4095) == 0x2d66ca08);
	CHECK(crc32_ieee(table, 9) == 0xdba8757e);
}

TEST(bytes_equal_and_zero)
{
	uint8_t a[21] = { 0 }, b[21] = { 0 };

	CHECK(bytes_zero(a, sizeof(a)) && bytes_zero(a, 0) && bytes_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		a[i] = 1;
		CHECK(!bytes_zero(a, sizeof(a)) && bytes_zero(a, i) && bytes_zero(b, sizeof(b)));
		CHECK(!bytes_equal(a, b, sizeof(a)) && bytes_equal(a, b, i));
		a[i] = 0;
	}
}

TEST(bytes_hex)
{
	static const uint8_t data[] = { 0x00, 0x0f, 0xa5, 0xff };
	static const char *const bad[] = { "0",	   "0g",   "g0", "0G", "AB", "a b0", " 00", "00 ",
					   "0x10", "00\n", "-1", "::", "`0", "/0",   ":0",  "@0" };
	uint8_t ret[4] = { 1, 2, 3, 4 };
	char text[9];

	hex_encode(data, 4, text);
	CHECK_STR(text, "000fa5ff");
	CHECK_INT(hex_decode(text, ret, 4), 4);
	CHECK(memcmp(ret, data, 4) == 0);
	CHECK_INT(hex_decode(text, ret, 3), -E2BIG);
	CHECK_INT(hex_decode("", ret, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(hex_decode(bad[i], ret, 4), -EINVAL);
	hex_encode(data, 0, text);
	CHECK_STR(text, "");
}

/* RFC 4648 section 10, and what is not to be accepted. */
TEST(bytes_base64)
{
	static const char *const good[] = { "",		"",	 "Zg==",     "f",	 "Zm8=",
					    "fo",	"Zm9v",	 "foo",	     "Zm9vYg==", "foob",
					    "Zm9vYmE=", "fooba", "Zm9vYmFy", "foobar" };
	static const char *const bad[] = { "Z",	   "Zg",   "Zg=",      "Zm9",  "====",
					   "Z===", "=Zg=", "Zg==Zg==", "Zm=v", "Zm9v\n",
					   "Z m9", "Zm9-", "Zm9_",     "Zm9.", "\n\n\n\n" };
	uint8_t ret[8];

	for (size_t i = 0; i < ARRAY_SIZE(good); i += 2) {
		CHECK_INT(base64_decode(good[i], strlen(good[i]), ret, sizeof(ret)),
			  strlen(good[i + 1]));
		CHECK(memcmp(ret, good[i + 1], strlen(good[i + 1])) == 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(base64_decode(bad[i], strlen(bad[i]), ret, sizeof(ret)), -EINVAL);
	CHECK_INT(base64_decode("+/+/", 4, ret, 3), 3);
	CHECK(memcmp(ret, "\xfb\xff\xbf", 3) == 0);
	CHECK_INT(base64_decode("Zm9vYmFy", 8, ret, 5), -E2BIG);
	CHECK_INT(base64_decode("Zm9vYmE=", 8, ret, 5), 5);
}

TEST(bytes_uuid)
{
	static const char text[] = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
	static const uint8_t guid[] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
	static const char *const bad[] = {
		"",
		"c12a7328f81f11d2ba4b00a0c93ec93b",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b0",
		"c12a7328-f81f-11d2-ba4b000a0c93ec93b",
		"c12a732-8f81f-11d2-ba4b-00a0c93ec93b",
		"g12a7328-f81f-11d2-ba4b-00a0c93ec93b",
		"{12a7328-f81f-11d2-ba4b-00a0c93ec93}",
		" 12a7328-f81f-11d2-ba4b-00a0c93ec93b",
	};
	char out[UUID_TEXT_SIZE];
	struct uuid a, b;

	uuid_from_guid(guid, &a);
	uuid_format(&a, out);
	CHECK_STR(out, text);
	CHECK_INT(uuid_parse(text, &b), 0);
	CHECK(uuid_equal(&a, &b));
	CHECK_INT(uuid_parse("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", &b), 0);
	CHECK(uuid_equal(&a, &b));
	b.b[15] ^= 1;
	CHECK(!uuid_equal(&a, &b));
	CHECK(!uuid_is_null(&a));
	memset(&b, 0, sizeof(b));
	CHECK(uuid_is_null(&b));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(uuid_parse(bad[i], &b), -EINVAL);
}
