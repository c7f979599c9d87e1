/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded reader of JSON (RFC 8259) in hostile text, without heap. json_check() holds the whole
 * text to the grammar once; the values that it yields are then read in place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_TEXT_MAX 262144 /* 32 LUKS2 keyslots and 32 TPM tokens take about 120 KiB */
#define JSON_DEPTH_MAX 8
#define JSON_MEMBERS_MAX 32 /* of any object */
#define JSON_KEY_SIZE 64    /* of any key, with its NUL */

/* A value inside a text that json_check() took: from its first byte to the end of the text. */
struct json {
	const char *at, *end;
};

/* What is left of an object or array. */
struct json_list {
	struct json rest;
	bool object;
};

/*
 * text need not be NUL-terminated. -EINVAL where it is not one JSON object in strict UTF-8, nests
 * too deep, or any object has a key twice or an escaped NUL; -E2BIG where the text, an object's
 * members or a key exceed their limits.
 */
int json_check(const char *text, size_t size, struct json *ret);

/* The first byte: '{' '[' '"' 't' 'f' 'n', or '0' for any number. */
char json_kind(const struct json *value);
size_t json_size(const struct json *value);

/* Steps through an object or array; any other value is an empty list. key may be NULL. */
void json_list_open(const struct json *value, struct json_list *ret);
bool json_list_next(struct json_list *list, char key[JSON_KEY_SIZE], struct json *ret);

/* Whether value is an object with that key. */
bool json_get(const struct json *value, const char *key, struct json *ret);

/* 0; -EINVAL where it is not a string, and not a whole number without sign; -E2BIG, -ERANGE. */
int json_text(const struct json *value, char *ret, size_t size);
int json_u64(const struct json *value, uint64_t *ret);

/* The string that the object has under key: as json_text(), or -ENOENT; on failure ret is an empty string. */
int json_string(const struct json *object, const char *key, char *ret, size_t size);
