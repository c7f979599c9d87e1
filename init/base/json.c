/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/json.h"
#include "init/base/attr.h"
#include "init/base/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What is left to read; never moved past the end. */
struct cursor {
	const char *at, *end;
};

static int parse_value(struct cursor *cursor, unsigned int depth);

/* The next byte, or NUL at the end: NUL is nowhere part of the grammar. */
static char peek(const struct cursor *cursor)
{
	return cursor->at < cursor->end ? *cursor->at : '\0';
}

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at >= cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static void skip_blank(struct cursor *cursor)
{
	while (take(cursor, ' ') || take(cursor, '\t') || take(cursor, '\n') || take(cursor, '\r'))
		;
}

/* Takes a punctuation mark with the blanks around it. */
static bool take_mark(struct cursor *cursor, char c)
{
	skip_blank(cursor);
	if (!take(cursor, c))
		return false;
	skip_blank(cursor);
	return true;
}

static bool take_word(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static bool take_hex4(struct cursor *cursor, uint32_t *ret)
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
static bool take_unicode(struct cursor *cursor, uint32_t *ret)
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
static bool take_char(struct cursor *cursor, uint32_t *ret)
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

/* ret: where the decoded text goes, or NULL to check only. */
static int parse_string(struct cursor *cursor, char *ret, size_t size)
{
	size_t len = 0;

	if (!take(cursor, '"'))
		return -EINVAL;
	while (!take(cursor, '"')) {
		char bytes[4];
		uint32_t c;
		size_t n;

		if (!take_char(cursor, &c))
			return -EINVAL;
		if (!ret)
			continue;
		n = utf8_put(c, bytes);
		if (len + n >= size)
			return -E2BIG;
		memcpy(ret + len, bytes, n);
		len += n;
	}
	if (ret)
		ret[len] = '\0';
	return 0;
}

static bool take_digits(struct cursor *cursor)
{
	const char *start = cursor->at;

	while (peek(cursor) >= '0' && peek(cursor) <= '9')
		cursor->at++;
	return cursor->at > start;
}

static int parse_number(struct cursor *cursor)
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

static int parse_member(struct cursor *cursor, unsigned int depth)
{
	int r = parse_string(cursor, NULL, 0);

	if (r < 0)
		return r;
	return take_mark(cursor, ':') ? parse_value(cursor, depth) : -EINVAL;
}

/* After the opening bracket, up to and with the closing one. */
static int parse_list(struct cursor *cursor, unsigned int depth, char close)
{
	if (depth > JSON_DEPTH_MAX)
		return -EINVAL;
	if (take_mark(cursor, close))
		return 0;
	do {
		int r = close == '}' ? parse_member(cursor, depth) : parse_value(cursor, depth);

		if (r < 0)
			return r;
	} while (take_mark(cursor, ','));
	return take_mark(cursor, close) ? 0 : -EINVAL;
}

/* depth: how many lists are open around the value. */
static int parse_value(struct cursor *cursor, unsigned int depth)
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

/* The members of the top-level object: their keys, and where their values are. */
struct members {
	size_t n;
	struct {
		char key[JSON_KEY_SIZE];
		const char *value;
	} list[JSON_MEMBERS_MAX];
};

static int add_member(struct cursor *cursor, struct members *members)
{
	char *key;
	int r;

	if (members->n >= JSON_MEMBERS_MAX)
		return -E2BIG;
	key = members->list[members->n].key;
	r = parse_string(cursor, key, JSON_KEY_SIZE);
	if (r < 0)
		return r;
	for (size_t i = 0; i < members->n; i++)
		if (strcmp(members->list[i].key, key) == 0)
			return -EINVAL;
	if (!take_mark(cursor, ':'))
		return -EINVAL;
	members->list[members->n++].value = cursor->at;
	return parse_value(cursor, 1);
}

static int parse_top(struct cursor *cursor, struct members *members)
{
	int r;

	members->n = 0;
	if (!take_mark(cursor, '{'))
		return -EINVAL;
	if (!take_mark(cursor, '}')) {
		do {
			r = add_member(cursor, members);
			if (r < 0)
				return r;
		} while (take_mark(cursor, ','));
		if (!take_mark(cursor, '}'))
			return -EINVAL;
	}
	return cursor->at == cursor->end ? 0 : -EINVAL;
}

int json_string(const char *text, size_t size, const char *key, char *ret, size_t ret_size)
{
	struct cursor cursor = { text, text + size };
	struct members members;
	int r;

	ret[0] = '\0';
	if (size > JSON_TEXT_MAX)
		return -E2BIG;
	r = parse_top(&cursor, &members);
	if (r < 0)
		return r;
	for (size_t i = 0; i < members.n; i++) {
		if (strcmp(members.list[i].key, key) != 0)
			continue;
		cursor.at = members.list[i].value;
		r = parse_string(&cursor, ret, ret_size);
		if (r < 0)
			ret[0] = '\0';
		return r;
	}
	return -ENOENT;
}
