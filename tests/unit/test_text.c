/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/text.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

TEST(text_copy)
{
	char ret[4];

	CHECK_INT(text_copy(ret, sizeof(ret), "abc"), 0);
	CHECK_STR(ret, "abc");
	CHECK_INT(text_copy(ret, sizeof(ret), "abcd"), -E2BIG);
	CHECK_STR(ret, "");
	CHECK_INT(text_format(ret, sizeof(ret), "%d", 123), 0);
	CHECK_STR(ret, "123");
	CHECK_INT(text_format(ret, sizeof(ret), "%d", 1234), -E2BIG);
	CHECK_STR(ret, "");
	CHECK(text_starts("abc", "ab") && text_starts("abc", "") && text_starts("abc", "abc"));
	CHECK(!text_starts("abc", "abcd") && !text_starts("abc", "b") && !text_starts("", "a"));
}

/* A format that only joins goes another way than one that does not: both must agree. */
TEST(text_join)
{
	char ret[8], same[8];

	for (size_t size = 1; size <= sizeof(ret); size++) {
		int n = snprintf(same, size, "%s:%s", "abc", "de");

		memset(ret, 'x', sizeof(ret));
		CHECK_INT(text_format(ret, size, "%s:%s", "abc", "de"),
			  (size_t)n < size ? 0 : -E2BIG);
		CHECK_STR(ret, (size_t)n < size ? same : "");
	}
	CHECK_INT(text_format(ret, sizeof(ret), "%s%s", "", ""), 0);
	CHECK_STR(ret, "");
	CHECK_INT(text_format(ret, sizeof(ret), "a%%%s", "b"), 0);
	CHECK_STR(ret, "a%b");
	CHECK_INT(text_format(ret, sizeof(ret), "%.2s:%s", "abc", "d"), 0);
	CHECK_STR(ret, "ab:d");
}

/* Whatever text_format() does by itself is what printf does. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char ours[64], theirs[64];                                                         \
		int fits = snprintf(theirs, sizeof(theirs), __VA_ARGS__) < (int)sizeof(theirs);    \
		int r = text_format(ours, sizeof(ours), __VA_ARGS__);                              \
                                                                                                   \
		CHECK(fits ? r == 0 && strcmp(ours, theirs) == 0 : r == -E2BIG && !ours[0]);       \
	} while (0)

TEST(text_format_as_printf)
{
	const char *const none = "";

	SAME("%s", none);
	SAME("no conversion");
	SAME("%s%s", "a", "b");
	SAME("a%.3sb%.*sc", "12345", 2, "678");
	SAME("%.0s|%.9s|%.*s", "x", "short", -1, "all of it");
	SAME("%u %d %d %d", UINT32_MAX, INT32_MIN, INT32_MAX, 0);
	SAME("%lu %zu %" PRIu64, ULONG_MAX, (size_t)0, UINT64_MAX);
	SAME("%s %u%%", "what it does not know", 3);
	SAME("%08x %5u %-5s| %ld %c", 255U, 7U, "x", -5L, 'y');
	SAME("%5s|%-5s|%5.2s|%-5.2s|%3s|%-1s", "ab", "ab", "abc", "abc", "abcd", "abcd");
	SAME("%-*s|%5.*s|%10s|%-20u|", 4, "x", 1, "yz", "ab", 7U);
	SAME("%3u|%03u|%-3u|%03lu|%2u|%02zu", 7U, 7U, 7U, 7UL, 123U, (size_t)123);
	SAME("%4d|%-4d|%1d|%04d", -7, -7, -70, -7);
	SAME("%.3u|%+d|%#x|%hu", 7U, 7, 255U, (unsigned short)7);
	SAME("%63s", "x");
	SAME("%64s", "x");
	SAME("%s", "123456789012345678901234567890123456789012345678901234567890123");
	SAME("%s", "1234567890123456789012345678901234567890123456789012345678901234");
	SAME("%s%lu", "1234567890123456789012345678901234567890123456789", ULONG_MAX);
}

TEST(text_numbers)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1\n", "/", ":"
	};
	static const char *const big[] = { "18446744073709551616", "99999999999999999999",
					   "184467440737095516150" };
	uint64_t value = 4711;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(text_to_u64(bad[i], &value), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(big); i++)
		CHECK_INT(text_to_u64(big[i], &value), -ERANGE);
	CHECK_INT(value, 4711);
	CHECK_INT(text_to_u64("18446744073709551615", &value), 0);
	CHECK(value == UINT64_MAX);
	CHECK_INT(text_to_u64("007", &value), 0);
	CHECK_INT(value, 7);
}

TEST(text_booleans)
{
	static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
	static const char *const no[] = { "0", "no", "n", "false", "f", "off" };
	static const char *const bad[] = { "", "2", "Yes", "o", "on ", "10" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		CHECK_INT(text_to_bool(yes[i]), 1);
		CHECK_INT(text_to_bool(no[i]), 0);
		CHECK_INT(text_to_bool(bad[i]), -EINVAL);
	}
}

/* UAPI.10, section "Examples", and corners of its algorithm. */
TEST(text_versions)
{
	static const char *const rows[] = {
		/* a, relation, b */
		"11",
		"=",
		"11",
		"systemd-123",
		"=",
		"systemd-123",
		"bar-123",
		"<",
		"foo-123",
		"123a",
		">",
		"123",
		"123.a",
		">",
		"123",
		"123.a",
		"<",
		"123.b",
		"123a",
		">",
		"123.a",
		"11\xce\xb1",
		"=",
		"11\xce\xb2",
		"B",
		"<",
		"a",
		"",
		"<",
		"0",
		"0.",
		">",
		"0",
		"0.0",
		">",
		"0",
		"0",
		">",
		"~",
		"",
		">",
		"~",
		"1_",
		"=",
		"1",
		"_1",
		"=",
		"1",
		"1_",
		"<",
		"1.2",
		"1_2_3",
		">",
		"1.3.3",
		"1+",
		"=",
		"1",
		"+1",
		"=",
		"1",
		"1+",
		"<",
		"1.2",
		"1+2+3",
		">",
		"1.3.3",
		/* numbers */
		"9",
		"<",
		"10",
		"009",
		"<",
		"10",
		"010",
		"=",
		"10",
		"0",
		"=",
		"00",
		"123456789012345678901234567890",
		"<",
		"123456789012345678901234567891",
		"os_9",
		"<",
		"os_10",
		"a1",
		">",
		"a",
		"1a",
		"<",
		"1b",
		"1a",
		"<",
		"1ab",
		/* a mark of both is skipped, and the later steps then apply to what follows it */
		"~",
		"=",
		"~",
		"~0",
		">",
		"~",
		"1~a",
		"<",
		"1~b",
		"1~",
		"<",
		"1~1",
		"1~~",
		">",
		"1~",
		"1-",
		"=",
		"1-",
		"1-",
		">",
		"1",
		"1-^2",
		"<",
		"1-",
		"1-.2",
		"<",
		"1-",
		"1-^2",
		"<",
		"1-2",
		"1^.2",
		"<",
		"1^",
		"1-0",
		"=",
		"1-",
		"1.0",
		"=",
		"1.",
		"1-a",
		"<",
		"1-1",
		"~_1",
		"<",
		"~1",
		"",
		"=",
		"",
		"_",
		"=",
		"",
		"\xff",
		"=",
		"",
	};
	/* each is less than all that follow */
	static const char *const ladder[] = {
		"122.1",   "123~rc1-1", "123",	   "123-a",   "123-a.1", "123-1",
		"123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",	 "124-1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 3) {
		int want = rows[i + 1][0] == '<' ? -1 : rows[i + 1][0] == '>';
		int ab = version_compare(rows[i], rows[i + 2]);
		int ba = version_compare(rows[i + 2], rows[i]);

		if ((ab > 0) - (ab < 0) != want || (ba > 0) - (ba < 0) != -want)
			fprintf(stderr, "\"%s\" %s \"%s\":\n", rows[i], rows[i + 1], rows[i + 2]);
		CHECK_INT((ab > 0) - (ab < 0), want);
		CHECK_INT((ba > 0) - (ba < 0), -want);
	}
	for (size_t a = 0; a < ARRAY_SIZE(ladder); a++)
		for (size_t b = 0; b < ARRAY_SIZE(ladder); b++) {
			int cmp = version_compare(ladder[a], ladder[b]);

			CHECK_INT((cmp > 0) - (cmp < 0), (a > b) - (a < b));
		}
}

TEST(text_encode)
{
	static const char *const rows[] = {
		"",
		"",
		"plain-._~=:\"'\\",
		"plain-._~=:\"'\\",
		"a b",
		"a%20b",
		"100%",
		"100%25",
		"\t\n\r\033\177",
		"%09%0A%0D%1B%7F",
		"\xc3\xa9\xff",
		"%C3%A9%FF",
	};
	char ret[64], back[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 2) {
		size_t len = strlen(rows[i + 1]);

		CHECK_INT(text_encode(rows[i], ret, len + 1), 0);
		CHECK_STR(ret, rows[i + 1]);
		CHECK_INT(text_decode(ret, len, back, strlen(rows[i]) + 1), 0);
		CHECK_STR(back, rows[i]);
		/* one byte less does not hold it */
		CHECK_INT(text_encode(rows[i], ret, len), -E2BIG);
		if (!len)
			continue;
		CHECK_STR(ret, "");
		strcpy(ret, rows[i + 1]);
		CHECK_INT(text_decode(ret, len, back, strlen(rows[i])), -E2BIG);
		CHECK_STR(back, "");
	}
}

TEST(text_decode_malformed)
{
	static const char *const rows[] = { "%",    "%2",   "%zz", "%2z",  "%z2", "%0a",
					    "%a0",  "%00",  "a b", "a\tb", "a\n", "\177",
					    "\xc3", "%%20", "a%4", "%-1",  "%+1" };
	char ret[16];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(text_decode(rows[i], strlen(rows[i]), ret, sizeof(ret)), -EINVAL);
		CHECK_STR(ret, "");
	}
	/* the length counts, not what stands behind it */
	CHECK_INT(text_decode("%20", 2, ret, sizeof(ret)), -EINVAL);
	CHECK_INT(text_decode("ab%", 2, ret, sizeof(ret)), 0);
	CHECK_STR(ret, "ab");
}

TEST(text_fields)
{
	struct fields fields = { "" };
	uint64_t number = 4711;
	char value[16];

	CHECK_INT(fields_get(&fields, "a", value, sizeof(value)), -ENOENT);
	CHECK_INT(fields_add(&fields, "aa", "1"), 0);
	CHECK_INT(fields_add(&fields, "a", "x y%"), 0);
	CHECK_INT(fields_add(&fields, "empty", ""), 0);
	CHECK_INT(fields_addf(&fields, "n", "%d", 12), 0);
	CHECK_STR(fields.text, "aa=1 a=x%20y%25 empty= n=12");
	CHECK(fields_valid(fields.text));
	CHECK_INT(fields_get(&fields, "a", value, sizeof(value)), 0);
	CHECK_STR(value, "x y%");
	CHECK_INT(fields_get(&fields, "empty", value, sizeof(value)), 0);
	CHECK_STR(value, "");
	CHECK_INT(fields_get(&fields, "aaa", value, sizeof(value)), -ENOENT);
	CHECK_INT(fields_get(&fields, "", value, sizeof(value)), -ENOENT);
	CHECK_INT(fields_get(&fields, "a", value, 5), 0);
	CHECK_INT(fields_get(&fields, "a", value, 4), -E2BIG);
	CHECK_STR(value, "");
	CHECK(fields_are(&fields, "a", "x y%"));
	CHECK(!fields_are(&fields, "a", "x%20y%25"));
	CHECK(!fields_are(&fields, "b", ""));
	CHECK_INT(fields_get_u64(&fields, "n", &number), 0);
	CHECK_INT(number, 12);
	CHECK_INT(fields_get_u64(&fields, "a", &number), -EINVAL);
	CHECK_INT(fields_get_u64(&fields, "b", &number), -ENOENT);
	CHECK_INT(number, 12);
}

TEST(text_fields_full)
{
	struct fields fields = { "" };
	char value[FIELDS_MAX];

	memset(value, 'x', sizeof(value));
	value[FIELDS_MAX - 1 - 2] = '\0';
	CHECK_INT(fields_add(&fields, "a", value), 0); /* fills it to the last byte */
	CHECK_INT(strlen(fields.text), FIELDS_MAX - 1);
	CHECK(fields_valid(fields.text));
	CHECK_INT(fields_add(&fields, "b", ""), -E2BIG);
	CHECK_INT(strlen(fields.text), FIELDS_MAX - 1);
	fields.text[FIELDS_MAX - 1 - 5] = '\0';
	CHECK_INT(fields_add(&fields, "b", "123"), -E2BIG);
	CHECK_INT(fields_addf(&fields, "b", "%s", value), -E2BIG);
	CHECK_INT(strlen(fields.text), FIELDS_MAX - 1 - 5);
	CHECK_INT(fields_add(&fields, "bb", "1"), 0);
	CHECK_INT(strlen(fields.text), FIELDS_MAX - 1);
	fields.text[0] = '\0';
	value[FIELDS_MAX - 1 - 2] = 'x';
	value[FIELDS_MAX - 1 - 1] = '\0';
	CHECK_INT(fields_add(&fields, "a", value), -E2BIG);
	CHECK_STR(fields.text, "");
}

TEST(text_fields_valid)
{
	static const char *const good[] = { "", "a=", "a=b", "a=b c=d", "A_-9==x", "a=%20" };
	static const char *const bad[] = { " ",	    " a=b",  "a=b ",  "a=b  c=d", "a",
					   "=b",    "a=b c", "a=%2",  "a.b=c",	  "a=\t",
					   "a=b\n", "%41=b", "a=\xc3" };
	char text[FIELDS_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(fields_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!fields_valid(bad[i]));
	memset(text, 'x', sizeof(text));
	memcpy(text, "a=", 2);
	text[FIELDS_MAX] = '\0';
	CHECK(!fields_valid(text));
	text[FIELDS_MAX - 1] = '\0';
	CHECK(fields_valid(text));
}
