/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/attr.h"
#include "init/base/json.h"
#include "init/base/utf8.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdbool.h>

static int string_of(const char *text, size_t size, const char *key, char *ret, size_t ret_size)
{
	struct json top;
	int r = json_check(text, size, &top);

	ret[0] = '\0';
	return r < 0 ? r : json_string(&top, key, ret, ret_size);
}

/* Looks "k" up in a copy that ends with the text, so that a sanitizer sees a read beyond it. */
static int look(const char *text, char *ret, size_t size)
{
	size_t len = strlen(text);
	_free_ char *copy = malloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '"';
	return string_of(copy, len, "k", ret, size);
}

TEST(json_found)
{
	static const char *const cases[] = {
		"{\"k\":\"v\"}",
		"v",
		" \t\r\n{ \"k\" : \"v\" } \n",
		"v",
		"{\"a\":1,\"k\":\"\",\"b\":[]}",
		"",
		"{\"a\":{\"k\":\"inner\"},\"k\":\"v\"}",
		"v",
		"{\"a\":[\"k\",\"x\"],\"k\":\"v\"}",
		"v",
		"{\"\\u006b\":\"v\"}",
		"v", /* an escaped key is the same key */
		"{\"k\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
		"\"\\/\b\f\n\r\t",
		"{\"k\":\"\\u00e9\\u20AC\\ud83d\\udd11\"}",
		"\u00e9\u20ac\U0001f511",
		"{\"k\":\"\u00e9\u20ac\U0001f511\U0010ffff\"}",
		"\u00e9\u20ac\U0001f511\U0010ffff",
		"{\"k\":\"\x7f\"}",
		"\x7f",
		"{\"n\":[0,-0,1.5,-1.5e+10,1E-2,1e5],\"w\":[true,false,null],\"k\":\"v\"}",
		"v",
		"{\"n\":[[[[[[[]]]]]]],\"k\":\"v\"}",
		"v",
		"{\"n\":[{},{\"k\":{\"k\":1,\"j\":2}}],\"k\":\"v\"}",
		"v",
	};
	char value[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i += 2) {
		memset(value, 'x', sizeof(value));
		CHECK_INT(look(cases[i], value, sizeof(value)), 0);
		CHECK_STR(value, cases[i + 1]);
	}
}

TEST(json_missing)
{
	static const char *const cases[] = {
		"{}",		"{\"a\":\"k\"}",	 "{\"K\":\"v\"}", "{\"kk\":\"v\"}",
		"{\"\":\"v\"}", "{\"a\":{\"k\":\"v\"}}",
	};
	char value[8];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_INT(look(cases[i], value, sizeof(value)), -ENOENT);
	CHECK_STR(value, "");
}

TEST(json_malformed)
{
	static const char *const cases[] = {
		"",
		" ",
		"{",
		"}",
		"[]",
		"\"k\"",
		"1",
		"null",
		"[\"k\",\"v\"]",
		"{\"k\":\"v\"",
		"{\"k\":\"v\"}}",
		"{\"k\":\"v\"}x",
		"{\"k\":\"v\"}{}",
		"{\"k\":\"v\",}",
		"{,\"k\":\"v\"}",
		"{\"k\" \"v\"}",
		"{\"k\",\"v\"}",
		"{\"k\":}",
		"{k:\"v\"}",
		"{'k':'v'}",
		"{\"k\":\"v\" \"a\":1}",
		"{\"k\":\"v\",\"a\":[1,]}",
		"{\"k\":\"v\",\"a\":[,1]}",
		"{\"k\":\"v\",\"a\":[1 2]}",
		"{\"k\":\"v\",\"a\":[1}",
		"{\"k\":\"v\",\"a\":{1}}",
		"{\"k\":\"v\",\"a\":[}]}",
		"{\"k\":\"v\",\"a\":{\"b\"}}",
		"{\"k\":\"v\",\"a\":{\"b\":1,}}",
		"{\"k\":\"v\",\"a\":01}",
		"{\"k\":\"v\",\"a\":-}",
		"{\"k\":\"v\",\"a\":+1}",
		"{\"k\":\"v\",\"a\":1.}",
		"{\"k\":\"v\",\"a\":.5}",
		"{\"k\":\"v\",\"a\":1e}",
		"{\"k\":\"v\",\"a\":1e+}",
		"{\"k\":\"v\",\"a\":0x10}",
		"{\"k\":\"v\",\"a\":NaN}",
		"{\"k\":\"v\",\"a\":True}",
		"{\"k\":\"v\",\"a\":nul}",
		"{\"k\":\"v\",\"a\":truetrue}",
		"{\"k\":\"v\"}//",
		"\xef\xbb\xbf{\"k\":\"v\"}",
		"{\"k\":\"v\",\v\"a\":1}",
		/* the value is no string */
		"{\"k\":1}",
		"{\"k\":null}",
		"{\"k\":true}",
		"{\"k\":[\"v\"]}",
		"{\"k\":{\"k\":\"v\"}}",
		/* a key twice, whether it is asked for or not */
		"{\"k\":\"v\",\"k\":\"v\"}",
		"{\"k\":\"v\",\"\\u006b\":\"w\"}",
		"{\"a\":1,\"k\":\"v\",\"a\":1}",
		"{\"n\":[{},{\"k\":{\"k\":1,\"k\":2}}],\"k\":\"v\"}",
		/* escapes */
		"{\"k\":\"\\x\"}",
		"{\"k\":\"\\\"}",
		"{\"k\":\"\\",
		"{\"k\":\"\\u\"}",
		"{\"k\":\"\\u12\"}",
		"{\"k\":\"\\u00g0\"}",
		"{\"k\":\"\\U0041\"}",
		"{\"k\":\"\\u0000\"}",
		"{\"\\u0000\":1}",
		"{\"k\":\"\\ud800\"}",
		"{\"k\":\"\\udc00\"}",
		"{\"k\":\"\\ud800\\u0041\"}",
		"{\"k\":\"\\ud800x\"}",
		"{\"k\":\"\\ud800\\ud800\"}",
		"{\"k\":\"\\ud800\\n\"}",
		/* control bytes and what is not UTF-8 */
		"{\"k\":\"\n\"}",
		"{\"k\":\"\t\"}",
		"{\"k\":\"\x1f\"}",
		"{\"k\":\"\x80\"}",
		"{\"k\":\"\xc3\"}",
		"{\"k\":\"\xc0\xaf\"}",
		"{\"k\":\"\xe0\x80\xaf\"}",
		"{\"k\":\"\xed\xa0\x80\"}",
		"{\"k\":\"\xf4\x90\x80\x80\"}",
		"{\"k\":\"\xf0\x80\x80\xaf\"}",
		"{\"k\":\"\xf8\x88\x80\x80\x80\"}",
		"{\"k\":\"\xff\"}",
		"{\"k\":\"\xc3\xc3\"}",
		"{\"k\":\"v\",\"a\":\"\xe2\x82\"}",
		"{\"k\":\"v\",\"\xc3\":1}",
		"{\"k\":\"\xf0\x9f\x94",
	};
	char value[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = look(cases[i], value, sizeof(value));

		if (r != -EINVAL)
			fprintf(stderr, "case %s\n", cases[i]);
		CHECK_INT(r, -EINVAL);
		CHECK_STR(value, "");
	}
	CHECK_INT(string_of("{\"k\":\"a\0b\"}", 11, "k", value, sizeof(value)), -EINVAL);
	CHECK_INT(string_of("{\"k\":\"v\"}\0", 10, "k", value, sizeof(value)), -EINVAL);
	CHECK_INT(string_of("{\"k\":\"v\",\0\"a\":1}", 16, "k", value, sizeof(value)), -EINVAL);
}

TEST(json_depth)
{
	char text[256], value[8];

	for (int depth = 1; depth < 40; depth++) { /* of lists in the top-level object */
		int n = snprintf(text, sizeof(text), "{\"a\":%.*s%.*s,\"k\":\"v\"}", depth,
				 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", depth,
				 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");

		CHECK_INT(string_of(text, (size_t)n, "k", value, sizeof(value)),
			  depth < JSON_DEPTH_MAX ? 0 : -EINVAL);
	}
	CHECK_INT(look("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}", value, 8),
		  -ENOENT);
	CHECK_INT(look("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}", value, 8),
		  -ENOENT);
	CHECK_INT(look("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}", value,
		       8),
		  -EINVAL);
}

TEST(json_limits)
{
	static char text[JSON_TEXT_MAX + 2];
	char value[8], key[80];
	size_t len = 0;

	CHECK_INT(look("{\"k\":\"1234567\"}", value, sizeof(value)), 0);
	CHECK_STR(value, "1234567");
	CHECK_INT(look("{\"k\":\"12345678\"}", value, sizeof(value)), -E2BIG);
	CHECK_STR(value, "");
	CHECK_INT(look("{\"k\":\"123456\u00e9\"}", value, sizeof(value)), -E2BIG);
	CHECK_INT(look("{\"k\":\"\"}", value, 1), 0);
	CHECK_INT(look("{\"k\":\"a\"}", value, 1), -E2BIG);
	for (int keys = 0; keys < 32; keys++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%c\"%d\":0",
					keys ? ',' : '{', keys);
	snprintf(text + len, sizeof(text) - len, "}");
	CHECK_INT(look(text, value, sizeof(value)), -ENOENT);
	snprintf(text + len, sizeof(text) - len, ",\"k\":\"v\"}");
	CHECK_INT(look(text, value, sizeof(value)), -E2BIG);
	for (unsigned int n = 60; n < 68; n++) {
		snprintf(key, sizeof(key), "{\"%0*d\":0}", (int)n, 0);
		CHECK_INT(look(key, value, sizeof(value)), n < JSON_KEY_SIZE ? -ENOENT : -E2BIG);
	}
	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"k\":\"v\"}", 9);
	CHECK_INT(string_of(text, JSON_TEXT_MAX, "k", value, sizeof(value)), 0);
	CHECK_INT(string_of(text, JSON_TEXT_MAX + 1, "k", value, sizeof(value)), -E2BIG);
}

/* Every cut of a good text is malformed. */
TEST(json_cut)
{
	static const char text[] = "{\"a\":[1.5e3,{\"b\":null}],\"k\":\"\\ud83d\\udd11\u20ac\"}";
	char value[16], cut[sizeof(text)];

	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)i, text);
		CHECK_INT(look(cut, value, sizeof(value)), -EINVAL);
	}
}

TEST(utf8_round_trip)
{
	char bytes[4];

	for (uint32_t c = 0; c < 0x120000; c++) {
		size_t n = utf8_put(c, bytes);
		uint32_t back = 0;
		bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

		if (utf8_get(bytes, n, &back) == (valid ? n : 0) && back == (valid ? c : 0) &&
		    utf8_get(bytes, n - 1, &back) == 0)
			continue;
		CHECK_INT(c, -1);
		break;
	}
}
