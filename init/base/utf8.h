/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UTF-8 (RFC 3629), one code point at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes 1 to 4 bytes, without a NUL; returns how many. */
static inline size_t utf8_put(uint32_t c, char ret[4])
{
	size_t tail = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	ret[0] = (char)(lead[tail] | c >> (6 * tail));
	for (size_t i = 1; i <= tail; i++)
		ret[i] = (char)(0x80 | (c >> (6 * (tail - i)) & 0x3f));
	return tail + 1;
}

/*
 * Reads one code point of at most size bytes; returns its length, or 0 where the bytes are not
 * UTF-8: cut off, overlong, a surrogate, or above U+10FFFF.
 */
static inline size_t utf8_get(const char *text, size_t size, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint8_t first = size ? (uint8_t)text[0] : 0xff;
	size_t tail = first < 0x80 ? 0 : first < 0xc0 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t c = tail ? first & (0x3fU >> tail) : first;

	if (first >= 0xf8 || tail >= size || tail > 3)
		return 0;
	for (size_t i = 1; i <= tail; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint8_t)text[i] & 0x3f);
	}
	if (c < least[tail] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return tail + 1;
}
