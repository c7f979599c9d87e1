/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

int text_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size) {
		dst[0] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	return 0;
}

uint32_t text_hash(uint32_t seed, const char *text)
{
	uint32_t hash = 2166136261U ^ seed;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash ^ hash >> 16;
}

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

int text_to_u64(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (text[0] == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (value > (UINT64_MAX - (uint64_t)(*text - '0')) / 10)
			return -ERANGE;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*ret = value;
	return 0;
}

int text_to_bool(const char *text)
{
	static const char *const words[2][6] = {
		{ "0", "no", "n", "false", "f", "off" },
		{ "1", "yes", "y", "true", "t", "on" },
	};

	for (int value = 0; value < 2; value++)
		for (size_t i = 0; i < ARRAY_SIZE(words[0]); i++)
			if (strcmp(text, words[value][i]) == 0)
				return value;
	return -EINVAL;
}

/* The characters that UAPI.10 compares; all others only separate. */
static bool version_char(char c)
{
	return isalnum((unsigned char)c) || c == '~' || c == '-' || c == '^' || c == '.';
}

static int version_compare_digits(const char **a, const char **b)
{
	size_t na, nb;
	int cmp;

	while (**a == '0')
		(*a)++;
	while (**b == '0')
		(*b)++;
	na = strspn(*a, "0123456789");
	nb = strspn(*b, "0123456789");
	cmp = na != nb ? (na < nb ? -1 : 1) : strncmp(*a, *b, na);
	*a += na;
	*b += nb;
	return cmp;
}

static int version_compare_letters(const char **a, const char **b)
{
	size_t na = 0, nb = 0;
	int cmp;

	while (isalpha((unsigned char)(*a)[na]))
		na++;
	while (isalpha((unsigned char)(*b)[nb]))
		nb++;
	cmp = strncmp(*a, *b, na < nb ? na : nb);
	if (cmp == 0 && na != nb)
		cmp = na < nb ? -1 : 1;
	*a += na;
	*b += nb;
	return cmp;
}

/*
 * Steps 2 and 4 to 6 of UAPI.10, "Version Comparison": a mark that only one side has makes it the
 * lower one; a mark of both is skipped. Returns whether it is decided.
 */
static bool version_mark(const char **a, const char **b, char mark, int *ret)
{
	if (**a != mark && **b != mark)
		return false;
	if (**a != **b) {
		*ret = **a == mark ? -1 : 1;
		return true;
	}
	(*a)++;
	(*b)++;
	return false;
}

int version_compare(const char *a, const char *b)
{
	for (;;) {
		int cmp;

		while (*a && !version_char(*a))
			a++;
		while (*b && !version_char(*b))
			b++;
		if (version_mark(&a, &b, '~', &cmp))
			return cmp;
		if (!*a || !*b)
			return !!*a - !!*b;
		if (version_mark(&a, &b, '-', &cmp) || version_mark(&a, &b, '^', &cmp) ||
		    version_mark(&a, &b, '.', &cmp))
			return cmp;
		if (isdigit((unsigned char)*a) || isdigit((unsigned char)*b))
			cmp = version_compare_digits(&a, &b);
		else
			cmp = version_compare_letters(&a, &b);
		if (cmp != 0)
			return cmp;
	}
}

static bool plain_char(char c)
{
	return c > 32 && c < 127 && c != '%';
}

int text_encode(const char *value, char *ret, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t out = 0;

	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (out + (plain_char(*value) ? 1 : 3) >= size) {
			if (size > 0)
				ret[0] = '\0';
			return -E2BIG;
		}
		if (plain_char(*value)) {
			ret[out++] = *value;
			continue;
		}
		ret[out++] = '%';
		ret[out++] = digits[c >> 4];
		ret[out++] = digits[c & 15];
	}
	if (size == 0)
		return -E2BIG;
	ret[out] = '\0';
	return 0;
}

static int upper_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int text_decode(const char *word, size_t len, char *ret, size_t size)
{
	size_t out = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < len; i++) {
		char c = word[i];

		if (c == '%') {
			int high = i + 2 < len ? upper_hex(word[i + 1]) : -1;
			int low = i + 2 < len ? upper_hex(word[i + 2]) : -1;

			if (high < 0 || low < 0 || (high | low) == 0) {
				ret[0] = '\0';
				return -EINVAL;
			}
			c = (char)(high << 4 | low);
			i += 2;
		} else if (!plain_char(c)) {
			ret[0] = '\0';
			return -EINVAL;
		}
		if (out + 1 >= size) {
			ret[0] = '\0';
			return -E2BIG;
		}
		ret[out++] = c;
	}
	ret[out] = '\0';
	return 0;
}

int fields_add(struct fields *fields, const char *key, const char *value)
{
	size_t used = strlen(fields->text), left = FIELDS_MAX - used;
	char *end = fields->text + used;
	size_t blank = used > 0, len = strlen(key), n = blank + len + 1;

	if (n >= left || text_encode(value, end + n, left - n) < 0) {
		*end = '\0';
		return -E2BIG;
	}
	end[0] = ' '; /* of the first field the key's first letter takes its place */
	memcpy(end + blank, key, len);
	end[blank + len] = '=';
	return 0;
}

int fields_addf(struct fields *fields, const char *key, const char *fmt, ...)
{
	char value[FIELDS_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = text_vformat(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(value))
		return -E2BIG;
	return fields_add(fields, key, value);
}

/* The encoded value of a key and its length, or NULL. */
static const char *fields_find(const struct fields *fields, const char *key, size_t *ret_len)
{
	size_t keylen = strlen(key);

	for (const char *p = fields->text; *p;) {
		if (*p == *key && strncmp(p, key, keylen) == 0 && p[keylen] == '=') {
			p += keylen + 1;
			*ret_len = (size_t)(strchrnul(p, ' ') - p);
			return p;
		}
		p = strchrnul(p, ' ');
		p += *p == ' ';
	}
	return NULL;
}

int fields_copy(struct fields *fields, const struct fields *from, const char *key)
{
	size_t used = strlen(fields->text), blank = used > 0, keylen = strlen(key), len;
	const char *value = fields_find(from, key, &len);

	if (!value)
		return -ENOENT;
	if (used + blank + keylen + 1 + len >= FIELDS_MAX)
		return -E2BIG;
	if (blank)
		fields->text[used++] = ' ';
	memcpy(fields->text + used, value - keylen - 1, keylen + 1 + len);
	fields->text[used + keylen + 1 + len] = '\0';
	return 0;
}

int fields_get(const struct fields *fields, const char *key, char *ret, size_t size)
{
	size_t len;
	const char *value = fields_find(fields, key, &len);

	ret[0] = '\0';
	return value ? text_decode(value, len, ret, size) : -ENOENT;
}

bool fields_are(const struct fields *fields, const char *key, const char *value)
{
	char text[FIELDS_MAX];
	size_t len, same = 0;
	const char *found = fields_find(fields, key, &len);

	if (!found)
		return false;
	/* rules ask this of thousands of facts: what nothing is encoded in is compared in place */
	while (same < len && found[same] != '%' && found[same] == value[same])
		same++;
	if (same == len)
		return value[len] == '\0';
	if (found[same] != '%')
		return false;
	return text_decode(found, len, text, sizeof(text)) == 0 && strcmp(text, value) == 0;
}

int fields_get_u64(const struct fields *fields, const char *key, uint64_t *ret)
{
	char text[24];
	int r = fields_get(fields, key, text, sizeof(text));

	return r < 0 ? r : text_to_u64(text, ret);
}

static bool field_valid(const char *field, size_t len)
{
	const char *equals = memchr(field, '=', len);
	char value[FIELDS_MAX];

	if (!equals || equals == field)
		return false;
	for (const char *p = field; p < equals; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
			return false;
	return text_decode(equals + 1, len - (size_t)(equals + 1 - field), value, sizeof(value)) ==
	       0;
}

bool fields_valid(const char *text)
{
	if (strlen(text) >= FIELDS_MAX)
		return false;
	while (*text) {
		size_t len = strcspn(text, " ");

		if (!field_valid(text, len))
			return false;
		text += len;
		if (*text == ' ' && *++text == '\0')
			return false;
	}
	return true;
}
