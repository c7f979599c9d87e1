/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict look-ups in hostile JSON: each failure names the field by its path. */
#pragma once

#include "init/base/err.h"
#include "init/base/json.h"

#define FIELD_PATH_MAX 96
#define FIELD_TEXT_MAX 6144 /* of any string: 4 KiB of base64 */

/* A value, where it stands, and how errors about it are reported. */
struct field {
	struct json json;
	enum err_code code;
	struct err *err;
	char path[FIELD_PATH_MAX];
};

/* What the functions below return: -EINVAL missing or of another type; -ENOTSUP not allowed. */
int field_root(const char *text, size_t size, enum err_code code, struct err *err,
	       struct field *ret);
int field_bad(const struct field *of, const char *key, int errnum, const char *why);

/* The member of that kind (see json_kind()). */
int field_get(const struct field *of, const char *key, char kind, struct field *ret);
bool field_has(const struct field *of, const char *key);

/* Refuses members that are not among the words, which blanks separate. */
int field_only(const struct field *of, const char *words);

int field_text(const struct field *of, const char *key, char *ret, size_t size);
/* The index of the string among the words. */
int field_word(const struct field *of, const char *key, const char *words);
int field_bool(const struct field *of, const char *key, bool *ret);

/* A number, or one written as a string as LUKS2 does for 64 bits; within the limits. */
int field_u64(const struct field *of, const char *key, uint64_t min, uint64_t max, uint64_t *ret);
int field_u64_text(const struct field *of, const char *key, uint64_t min, uint64_t max,
		   uint64_t *ret);

/* An array of different numbers below limit (kind '0') or of such strings (kind '"'), as a mask. */
int field_mask(const struct field *of, const char *key, char kind, unsigned int limit,
	       uint32_t *ret);

/* Decoded bytes, at least one. */
int field_base64(const struct field *of, const char *key, uint8_t *ret, size_t max,
		 size_t *ret_size);
int field_hex(const struct field *of, const char *key, uint8_t *ret, size_t max, size_t *ret_size);

/* Steps through an object whose keys are numbers below limit; 0 at the end, 1 for each, -errno. */
int field_next_id(const struct field *of, struct json_list *list, unsigned int limit,
		  unsigned int *ret_id, struct field *ret);
