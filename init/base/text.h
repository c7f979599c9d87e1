/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounded text: copies that never cut silently, and lists of key=value fields. */
#pragma once

#include "attr.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0, or -E2BIG and an empty string where it does not fit. */
int text_copy(char *dst, size_t size, const char *src);
int text_format(char *dst, size_t size, const char *fmt, ...) _printf_(3, 4);
/* As vsnprintf(): what does not fit is cut. */
int text_vformat(char *dst, size_t size, const char *fmt, va_list ap) _printf_(3, 0);
/* FNV-1a, folded so that its low bits may choose a bucket; seed: of what kind the text is. */
uint32_t text_hash(uint32_t seed, const char *text);
bool text_starts(const char *text, const char *prefix);

/* Decimal only, no sign, no blank; 0, -EINVAL or -ERANGE. */
int text_to_u64(const char *text, uint64_t *ret);

/* systemd's booleans: 1/yes/y/true/t/on and 0/no/n/false/f/off; 1, 0 or -EINVAL. */
int text_to_bool(const char *text);

/* <0, 0, >0: UAPI.10 version format specification, the newer is the greater. */
int version_compare(const char *a, const char *b);

/*
 * "key=value key=value": the one form in which facts, steps and results carry their details. A
 * value's blanks, control bytes, '%' and bytes above 126 stand as %XX, so a line stays one line
 * of printable ASCII whatever a hostile disk says.
 */
#define FIELDS_MAX 640

struct fields {
	char text[FIELDS_MAX];
};

/* 0 or -E2BIG; on failure the fields are as they were. */
int fields_add(struct fields *fields, const char *key, const char *value);
int fields_addf(struct fields *fields, const char *key, const char *fmt, ...) _printf_(3, 4);

/* Appends the field as it stands in another list; 0, -ENOENT or -E2BIG (and is as it was). */
int fields_copy(struct fields *fields, const struct fields *from, const char *key);

/* Decodes the value into ret; 0, -ENOENT or -E2BIG (ret is then an empty string). */
int fields_get(const struct fields *fields, const char *key, char *ret, size_t size);
bool fields_are(const struct fields *fields, const char *key, const char *value);
/* -ENOENT, -EINVAL or 0. */
int fields_get_u64(const struct fields *fields, const char *key, uint64_t *ret);

/* Whether text is a well-formed list, as one read from a file or a pipe must be. */
bool fields_valid(const char *text);

/* Decodes %XX of one encoded word. */
int text_decode(const char *word, size_t len, char *ret, size_t size);
int text_encode(const char *value, char *ret, size_t size);
