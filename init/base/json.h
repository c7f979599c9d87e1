/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded JSON reader (RFC 8259) for flat look-ups in hostile text: the whole text is held to the
 * grammar at each call, and what lies beyond the limits below is refused.
 */
#pragma once

#include <stddef.h>

#define JSON_TEXT_MAX 65536
#define JSON_DEPTH_MAX 8
#define JSON_MEMBERS_MAX 32 /* of the top-level object */
#define JSON_KEY_SIZE 64    /* of a top-level key, with its NUL */

/*
 * Copies the string that the top-level object has under key. text need not be NUL-terminated.
 * -ENOENT where there is no such member; -EINVAL where the text is not one JSON object in strict
 * UTF-8, nests too deep, has a duplicate top-level key or an escaped NUL, or the member is not a
 * string; -E2BIG where the text, its members, a key or the value exceed their limits. On failure
 * ret is an empty string; ret_size is at least 1.
 */
int json_string(const char *text, size_t size, const char *key, char *ret, size_t ret_size);
