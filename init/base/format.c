/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text_format(), mostly without printf. */
#include "init/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 22 /* -(2^64 - 1) */

/* The length of a conversion that text_vformat() knows by itself, or 0: %s, %.Ns, %.*s, %d, %u, %lu, %zu. */
static size_t known_conversion(const char *fmt)
{
	size_t n = 1;

	if (fmt[n] == '.')
		n += 1 + strspn(fmt + n + 1, "0123456789*");
	if (fmt[n] == 's')
		return n + 1;
	if (n > 1)
		return 0;
	if (fmt[n] == 'd')
		return n + 1;
	n += fmt[n] == 'l' || fmt[n] == 'z';
	return fmt[n] == 'u' ? n + 1 : 0;
}

static bool only_known(const char *fmt)
{
	while ((fmt = strchr(fmt, '%')) != NULL) {
		size_t n = known_conversion(fmt);

		if (n == 0)
			return false;
		fmt += n;
	}
	return true;
}

/* The text ends where the buffer does. */
static const char *put_number(uint64_t value, bool negative, char buffer[NUMBER_SIZE])
{
	size_t at = NUMBER_SIZE - 1;

	buffer[at] = '\0';
	do
		buffer[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	if (negative)
		buffer[--at] = '-';
	return &buffer[at];
}

/* The text of the conversion at fmt, or all up to the next one; returns how much of fmt that was. */
static size_t next_piece(const char *fmt, va_list *ap, char number[NUMBER_SIZE],
			 const char **ret_text, size_t *ret_len)
{
	size_t n = strcspn(fmt, "%");
	int value;

	*ret_text = fmt;
	*ret_len = n;
	if (n > 0)
		return n;
	n = known_conversion(fmt);
	switch (fmt[n - 1]) {
	case 's':
		value = fmt[1] != '.'	? -1
			: fmt[2] == '*' ? va_arg(*ap, int)
					: (int)strtoul(fmt + 2, NULL, 10);
		*ret_text = va_arg(*ap, const char *);
		*ret_len = strnlen(*ret_text, value < 0 ? SIZE_MAX : (size_t)value);
		return n;
	case 'd':
		value = va_arg(*ap, int);
		*ret_text = put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0,
				       number);
		break;
	default:
		*ret_text =
			put_number(n == 3 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int),
				   false, number);
	}
	*ret_len = strlen(*ret_text);
	return n;
}

/*
 * Ids, reasons and facts are made by it, thousands in a boot, and printf's way through a format takes
 * longer than all else of them.
 */
int text_vformat(char *dst, size_t size, const char *fmt, va_list ap)
{
	size_t n = 0;
	va_list own;

	_Static_assert(sizeof(size_t) == sizeof(unsigned long), "%zu and %lu are alike");
	if (!only_known(fmt))
		return vsnprintf(dst, size, fmt, ap);
	va_copy(own, ap);
	while (*fmt) {
		char number[NUMBER_SIZE];
		const char *text;
		size_t len;

		fmt += next_piece(fmt, &own, number, &text, &len);
		if (n + 1 < size)
			memcpy(dst + n, text, len < size - n ? len : size - n - 1);
		n += len;
	}
	va_end(own);
	if (size > 0)
		dst[n < size ? n : size - 1] = '\0';
	return (int)n;
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
