/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/json.h"
#include "init/base/text.h"
#include "init/base/utf8.h"

#include <errno.h>
#include <string.h>

static int parse_value(struct json *cursor, unsigned int depth);

/* The next byte, or NUL at the end: NUL is nowhere part of the grammar. */
static char peek(const struct json *cursor)
{
	return cursor->at < cursor->end ? *cursor->at : '\0';
}

static bool take(struct json *cursor, char c)
{
	if (cursor->at >= cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static void skip_blank(struct json *cursor)
{
	while (take(cursor, ' ') || take(cursor, '\t') || take(cursor, '\n') || take(cursor, '\r'))
		;
}

/* Takes a punctuation mark with the blanks around it. */
static bool take_mark(struct json *cursor, char c)
{
	skip_blank(cursor);
	if (!take(cursor, c))
		return false;
	skip_blank(cursor);
	return true;
}

static bool take_word(struct json *cursor, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static bool take_hex4(struct json *cursor, uint32_t *ret)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++, cursor->at++) {
		char c = peek(cursor);

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
	}
	*ret = value;
	return true;
}

/* After "\u". Surrogates come in pairs (RFC 8259 section 7), and NUL would end a C string early. */
static bool take_unicode(struct json *cursor, uint32_t *ret)
{
	uint32_t high, low;

	if (!take_hex4(cursor, &high) || high == 0)
		return false;
	*ret = high;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	if (high > 0xdbff || !take_word(cursor, "\\u") || !take_hex4(cursor, &low) ||
	    low < 0xdc00 || low > 0xdfff)
		return false;
	*ret = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
	return true;
}

/* One character of a string, plain or escaped. */
static bool take_char(struct json *cursor, uint32_t *ret)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	size_t len;

	if (!take(cursor, '\\')) {
		len = utf8_get(cursor->at, (size_t)(cursor->end - cursor->at), ret);
		cursor->at += len;
		return len > 0 && *ret >= 0x20;
	}
	if (take(cursor, 'u'))
		return take_unicode(cursor, ret);
	if (peek(cursor) == '\0')
		return false;
	name = strchr(names, *cursor->at++);
	if (!name)
		return false;
	*ret = (uint32_t)values[name - names];
	return true;
}

/* How many characters come that stand for themselves in one byte: nearly all do. */
static size_t count_plain(const struct json *cursor)
{
	static const bool plain[256] = {
		[' '] = true,
		['!'] = true,
		['"' + 1 ... '\\' - 1] = true,
		['\\' + 1 ... '~'] = true,
	};
	const char *at = cursor->at;

	while (at < cursor->end && plain[(unsigned char)*at])
		at++;
	return (size_t)(at - cursor->at);
}

/* ret: where the decoded text goes, or NULL to check only. */
static int parse_string(struct json *cursor, char *ret, size_t size)
{
	size_t len = 0;

	if (!take(cursor, '"'))
		return -EINVAL;
	while (!take(cursor, '"')) {
		size_t n = count_plain(cursor);
		const char *from = cursor->at;
		char bytes[4];
		uint32_t c;

		cursor->at += n;
		if (n == 0) {
			if (!take_char(cursor, &c))
				return -EINVAL;
			n = utf8_put(c, bytes);
			from = bytes;
		}
		if (!ret)
			continue;
		if (len + n >= size)
			return -E2BIG;
		memcpy(ret + len, from, n);
		len += n;
	}
	if (ret)
		ret[len] = '\0';
	return 0;
}

static bool take_digits(struct json *cursor)
{
	const char *start = cursor->at;

	while (peek(cursor) >= '0' && peek(cursor) <= '9')
		cursor->at++;
	return cursor->at > start;
}

static int parse_number(struct json *cursor)
{
	take(cursor, '-');
	if (!take(cursor, '0') && !take_digits(cursor))
		return -EINVAL;
	if (take(cursor, '.') && !take_digits(cursor))
		return -EINVAL;
	if (take(cursor, 'e') || take(cursor, 'E')) {
		if (!take(cursor, '-'))
			take(cursor, '+');
		if (!take_digits(cursor))
			return -EINVAL;
	}
	return 0;
}

/*
 * The keys of an object seen so far, as 64-bit FNV-1a hashes of their decoded text: a duplicate
 * always shows, and a collision that somebody made only gets his own text refused.
 */
struct keys {
	size_t n;
	uint64_t hash[JSON_MEMBERS_MAX];
};

static int add_key(struct keys *keys, const char *key)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *key; key++)
		hash = (hash ^ (uint8_t)*key) * 0x100000001b3;
	if (keys->n >= JSON_MEMBERS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < keys->n; i++)
		if (keys->hash[i] == hash)
			return -EINVAL;
	keys->hash[keys->n++] = hash;
	return 0;
}

static int parse_member(struct json *cursor, unsigned int depth, struct keys *keys)
{
	char key[JSON_KEY_SIZE];
	int r = parse_string(cursor, key, sizeof(key));

	if (r < 0)
		return r;
	r = add_key(keys, key);
	if (r < 0)
		return r;
	return take_mark(cursor, ':') ? parse_value(cursor, depth) : -EINVAL;
}

/* After the opening bracket, up to and with the closing one. */
static int parse_list(struct json *cursor, unsigned int depth, char close)
{
	struct keys keys = { .n = 0 };

	if (depth > JSON_DEPTH_MAX)
		return -EINVAL;
	if (take_mark(cursor, close))
		return 0;
	do {
		int r = close == '}' ? parse_member(cursor, depth, &keys)
				     : parse_value(cursor, depth);

		if (r < 0)
			return r;
	} while (take_mark(cursor, ','));
	return take_mark(cursor, close) ? 0 : -EINVAL;
}

/* depth: how many lists are open around the value; it bounds the recursion. */
static int parse_value(struct json *cursor, unsigned int depth)
{
	if (peek(cursor) == '"')
		return parse_string(cursor, NULL, 0);
	if (take(cursor, '{'))
		return parse_list(cursor, depth + 1, '}');
	if (take(cursor, '['))
		return parse_list(cursor, depth + 1, ']');
	if (take_word(cursor, "true") || take_word(cursor, "false") || take_word(cursor, "null"))
		return 0;
	return parse_number(cursor);
}

int json_check(const char *text, size_t size, struct json *ret)
{
	struct json cursor = { text, text + size }, top;
	int r;

	if (size > JSON_TEXT_MAX)
		return -E2BIG;
	skip_blank(&cursor);
	top = cursor;
	if (peek(&cursor) != '{')
		return -EINVAL;
	r = parse_value(&cursor, 0);
	if (r < 0)
		return r;
	skip_blank(&cursor);
	if (cursor.at != cursor.end)
		return -EINVAL;
	*ret = top;
	return 0;
}

char json_kind(const struct json *value)
{
	char c = peek(value);

	return c == '-' || (c >= '0' && c <= '9') ? '0' : c;
}

/* Past a string that was checked before: its end is there, and an escape hides one byte. */
static void skip_string(struct json *cursor)
{
	for (cursor->at++; *cursor->at != '"'; cursor->at++)
		cursor->at += *cursor->at == '\\';
	cursor->at++;
}

/*
 * Past a value that was checked before: only brackets and strings matter, so that stepping through
 * a text costs one pass of it for each level.
 */
static void skip_value(struct json *cursor)
{
	unsigned int depth = 0;

	do {
		char c = peek(cursor);

		if (c == '"') {
			skip_string(cursor);
			continue;
		}
		if (depth == 0 && c != '{' && c != '[') {
			while (cursor->at < cursor->end && !strchr(",]} \t\r\n", *cursor->at))
				cursor->at++;
			return;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		cursor->at++;
	} while (depth > 0 && cursor->at < cursor->end);
}

size_t json_size(const struct json *value)
{
	struct json cursor = *value;

	skip_value(&cursor);
	return (size_t)(cursor.at - value->at);
}

void json_list_open(const struct json *value, struct json_list *ret)
{
	char kind = json_kind(value);

	ret->rest = *value;
	ret->object = kind == '{';
	if (kind == '{' || kind == '[')
		ret->rest.at++;
	else
		ret->rest.at = ret->rest.end;
	skip_blank(&ret->rest);
}

bool json_list_next(struct json_list *list, char key[JSON_KEY_SIZE], struct json *ret)
{
	struct json *rest = &list->rest;

	take_mark(rest, ',');
	if (peek(rest) == '\0' || peek(rest) == '}' || peek(rest) == ']')
		return false;
	if (list->object) {
		parse_string(rest, key, key ? JSON_KEY_SIZE : 0);
		take_mark(rest, ':');
	}
	*ret = *rest;
	skip_value(rest);
	skip_blank(rest);
	return true;
}

bool json_get(const struct json *value, const char *key, struct json *ret)
{
	struct json_list list;
	struct json member;
	char name[JSON_KEY_SIZE];

	if (json_kind(value) != '{')
		return false;
	json_list_open(value, &list);
	while (json_list_next(&list, name, &member)) {
		if (strcmp(name, key) != 0)
			continue;
		*ret = member;
		return true;
	}
	return false;
}

int json_text(const struct json *value, char *ret, size_t size)
{
	struct json cursor = *value;
	int r = parse_string(&cursor, ret, size);

	if (r < 0)
		ret[0] = '\0';
	return r;
}

int json_u64(const struct json *value, uint64_t *ret)
{
	char digits[24];
	size_t len = json_size(value);

	if (json_kind(value) != '0')
		return -EINVAL;
	if (len >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, value->at, len);
	digits[len] = '\0';
	return text_to_u64(digits, ret);
}

int json_string(const struct json *object, const char *key, char *ret, size_t size)
{
	struct json value;

	ret[0] = '\0';
	return json_get(object, key, &value) ? json_text(&value, ret, size) : -ENOENT;
}
