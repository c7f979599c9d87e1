/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Little-endian fields, CRC-32, hex, base64 and UUIDs, for formats read from hostile places. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32(const uint8_t *p)
{
	return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static inline uint64_t le64(const uint8_t *p)
{
	return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* As memcmp() == 0 and with zeros, but for whole tables: that of musl goes byte by byte. */
bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t size);
bool bytes_zero(const uint8_t *p, size_t size);

/* CRC-32 as in UEFI 2.10 section 5.3.2 (ISO 3309). */
uint32_t crc32_ieee(const uint8_t *data, size_t size);

/* Writes 2*size lowercase digits and a NUL. */
void hex_encode(const uint8_t *data, size_t size, char *ret);

/* Strict: even number of lowercase digits, nothing else. Returns the bytes, or -EINVAL/-E2BIG. */
int hex_decode(const char *text, uint8_t *ret, size_t max);

/* RFC 4648 section 4, padded, no white space. Returns the bytes, or -EINVAL/-E2BIG. */
int base64_decode(const char *text, size_t len, uint8_t *ret, size_t max);

struct uuid {
	uint8_t b[16]; /* in the order in which the text form is written (RFC 9562) */
};

#define UUID_TEXT_SIZE 37

/* GUIDs on disk are mixed-endian (UEFI 2.10 appendix A); text order here. */
void uuid_from_guid(const uint8_t guid[16], struct uuid *ret);
void uuid_format(const struct uuid *uuid, char ret[UUID_TEXT_SIZE]);
/* Takes upper and lower case, exactly 36 characters; -EINVAL else. */
int uuid_parse(const char *text, struct uuid *ret);
/* The UUID in small letters, as facts have it; ret may be text. -EINVAL: it is none, ret is as it was. */
int uuid_normalize(const char *text, char ret[UUID_TEXT_SIZE]);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_null(const struct uuid *uuid);
