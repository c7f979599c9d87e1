/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text_format(), mostly without printf. */
#include "init/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#define NUMBER_SIZE 21 /* -(2^64 - 1) */

/* One of those that text_vformat() knows: strings, %d, %u, %lu and %zu, with a width. */
struct conversion {
	bool left, zero, star, cut,
		is_long; /* star: the precision is an argument; cut: there is one */
	size_t width, precision;
	char kind;
};

struct writer {
	char *dst;
	size_t size, n; /* n: of all that there was no room for, too */
};

static size_t number_at(const char **at)
{
	size_t n = 0;

	for (; **at >= '0' && **at <= '9' && n < 1000; (*at)++)
		n = n * 10 + (size_t)(**at - '0');
	return n;
}

/* Where the format goes on, or NULL. */
static const char *parse(const char *at, struct conversion *ret)
{
	*ret = (struct conversion){ .left = at[1] == '-', .zero = at[1] == '0' };
	at += 1 + (ret->left || ret->zero);
	ret->width = number_at(&at);
	ret->cut = *at == '.';
	at += ret->cut;
	ret->star = ret->cut && *at == '*';
	at += ret->star;
	if (ret->cut && !ret->star)
		ret->precision = number_at(&at);
	ret->is_long = *at == 'l' || *at == 'z';
	at += ret->is_long;
	ret->kind = *at;
	if (ret->kind == 's')
		return ret->zero || ret->is_long ? NULL : at + 1;
	if (ret->kind == 'd')
		return ret->zero || ret->cut || ret->is_long ? NULL : at + 1;
	return ret->kind == 'u' && !ret->cut ? at + 1 : NULL;
}

static void put(struct writer *to, const char *text, size_t len)
{
	size_t room = to->n < to->size ? to->size - to->n : 0;

	if (room > 1)
		memcpy(to->dst + to->n, text, len < room ? len : room - 1);
	to->n += len;
}

static void put_padded(struct writer *to, const struct conversion *as, const char *text, size_t len)
{
	const char c = as->zero ? '0' : ' ';
	size_t n = as->width > len ? as->width - len : 0;

	if (as->left)
		put(to, text, len);
	while (n-- > 0)
		put(to, &c, 1);
	if (!as->left)
		put(to, text, len);
}

static void put_number(struct writer *to, const struct conversion *as, uint64_t value,
		       bool negative)
{
	char buffer[NUMBER_SIZE];
	size_t at = sizeof(buffer);

	do
		buffer[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	if (negative)
		buffer[--at] = '-';
	put_padded(to, as, buffer + at, sizeof(buffer) - at);
}

static void put_argument(struct writer *to, const struct conversion *as, va_list *ap)
{
	int value = as->kind == 'd' || as->star ? va_arg(*ap, int) : 0;
	const char *text;
	size_t len;

	if (as->kind == 'd') {
		put_number(to, as, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
	} else if (as->kind == 'u') {
		put_number(to, as,
			   as->is_long ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int),
			   false);
	} else {
		text = va_arg(*ap, const char *);
		len = !as->cut	 ? strlen(text)
		      : as->star ? strnlen(text, value < 0 ? SIZE_MAX : (size_t)value)
				 : strnlen(text, as->precision);
		put_padded(to, as, text, len);
	}
}

/*
 * Ids, reasons and facts are made by it, thousands in a boot, and printf's way through a format takes
 * longer than all else of them. What it does not know is printf's.
 */
int text_vformat(char *dst, size_t size, const char *fmt, va_list ap)
{
	struct writer to = { .dst = dst, .size = size };
	const char *at = fmt;
	va_list own;

	_Static_assert(sizeof(size_t) == sizeof(unsigned long), "%zu and %lu are alike");
	va_copy(own, ap);
	while (*at) {
		struct conversion as;
		size_t n = 0;

		while (at[n] && at[n] != '%')
			n++; /* a few: strcspn() would take longer to begin */
		put(&to, at, n);
		at += n;
		if (!*at)
			break;
		at = parse(at, &as);
		if (!at)
			break;
		put_argument(&to, &as, &own);
	}
	va_end(own);
	if (!at)
		return vsnprintf(dst, size, fmt, ap);
	if (size > 0)
		dst[to.n < size ? to.n : size - 1] = '\0';
	return (int)to.n;
}

int text_format(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = text_vformat(dst, size, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size) {
		dst[0] = '\0';
		return -E2BIG;
	}
	return 0;
}
