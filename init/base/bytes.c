/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (; size >= 8; a += 8, b += 8, size -= 8)
		if (word_at(a) != word_at(b))
			return false;
	return memcmp(a, b, size) == 0;
}

bool bytes_zero(const uint8_t *p, size_t size)
{
	uint8_t any = 0;

	for (; size >= 8; p += 8, size -= 8)
		if (word_at(p) != 0)
			return false;
	while (size > 0)
		any |= p[--size];
	return any == 0;
}

#define CRC_STEP 4
#define CRC_LARGE 4096 /* from here on the tables are worth their making */

/* The remainder of each four bits. */
static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
	static const uint32_t of_bits[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc ^= byte;
	crc = crc >> 4 ^ of_bits[crc & 15];
	return crc >> 4 ^ of_bits[crc & 15];
}

/* What a byte leaves behind so many others: 16 KiB of partition entries are summed up for each disk. */
static void crc_tables(uint32_t ret[CRC_STEP][256])
{
	for (unsigned int i = 0; i < 256; i++)
		ret[0][i] = crc_byte(i, 0);
	for (unsigned int i = 0; i < 256; i++)
		for (unsigned int n = 1; n < CRC_STEP; n++)
			ret[n][i] = ret[n - 1][i] >> 8 ^ ret[0][ret[n - 1][i] & 255];
}

uint32_t crc32_ieee(const uint8_t *data, size_t size)
{
	static uint32_t of[CRC_STEP][256];
	uint32_t crc = 0xffffffff;

	if (size >= CRC_LARGE && of[0][1] == 0)
		crc_tables(of);
	for (; size >= CRC_STEP && of[0][1] != 0; data += CRC_STEP, size -= CRC_STEP) {
		crc ^= le32(data);
		crc = of[3][crc & 255] ^ of[2][crc >> 8 & 255] ^ of[1][crc >> 16 & 255] ^
		      of[0][crc >> 24];
	}
	for (; size > 0; size--)
		crc = crc_byte(crc, *data++);
	return ~crc;
}

void hex_encode(const uint8_t *data, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret[2 * i] = digits[data[i] >> 4];
		ret[2 * i + 1] = digits[data[i] & 15];
	}
	ret[2 * size] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int hex_decode(const char *text, uint8_t *ret, size_t max)
{
	size_t len = strlen(text);

	if (len % 2 != 0)
		return -EINVAL;
	if (len / 2 > max)
		return -E2BIG;
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

/* 1 to 64; 0 is no digit. */
static const uint8_t *base64_digits(void)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static uint8_t table[256];

	if (!table['A'])
		for (uint8_t i = 0; i < 64; i++)
			table[(unsigned char)alphabet[i]] = i + 1;
	return table;
}

int base64_decode(const char *text, size_t len, uint8_t *ret, size_t max)
{
	const uint8_t *digits = base64_digits();
	size_t pad = 0, out = 0;
	uint32_t acc = 0;

	if (len % 4 != 0)
		return -EINVAL;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	if (len / 4 * 3 - pad > max)
		return -E2BIG;
	for (size_t i = 0; i < len - pad; i++) {
		uint8_t digit = digits[(unsigned char)text[i]];

		if (digit == 0)
			return -EINVAL;
		acc = acc << 6 | (digit - 1U);
		if (i % 4 != 0)
			ret[out++] = (uint8_t)(acc >> (6 - 2 * (i % 4)));
	}
	return (int)out;
}

void uuid_from_guid(const uint8_t guid[16], struct uuid *ret)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (int i = 0; i < 16; i++)
		ret->b[i] = guid[order[i]];
}

void uuid_format(const struct uuid *uuid, char ret[UUID_TEXT_SIZE])
{
	static const size_t groups[] = { 4, 2, 2, 2, 6 };
	const uint8_t *at = uuid->b;

	for (size_t i = 0; i < ARRAY_SIZE(groups); at += groups[i++]) {
		hex_encode(at, groups[i], ret);
		ret += 2 * groups[i];
		if (i + 1 < ARRAY_SIZE(groups))
			*ret++ = '-';
	}
}

int uuid_parse(const char *text, struct uuid *ret)
{
	char hex[33];
	size_t out = 0;

	if (strlen(text) != 36)
		return -EINVAL;
	for (int i = 0; i < 36; i++) {
		char c = text[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return -EINVAL;
			continue;
		}
		hex[out++] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	}
	hex[out] = '\0';
	return hex_decode(hex, ret->b, 16) == 16 ? 0 : -EINVAL;
}

int uuid_normalize(const char *text, char ret[UUID_TEXT_SIZE])
{
	struct uuid uuid;

	if (uuid_parse(text, &uuid) < 0)
		return -EINVAL;
	uuid_format(&uuid, ret);
	return 0;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

bool uuid_is_null(const struct uuid *uuid)
{
	static const struct uuid null;

	return uuid_equal(uuid, &null);
}
