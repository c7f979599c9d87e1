/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/field.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Keys come from the disk: what could steer a terminal never reaches a message. */
static void path_join(const struct field *of, const char *key, char ret[FIELD_PATH_MAX])
{
	snprintf(ret, FIELD_PATH_MAX, "%.30s%s%.*s", of->path, *of->path && *key ? "." : "",
		 JSON_KEY_SIZE, key);
	for (char *c = ret; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '?';
}

int field_bad(const struct field *of, const char *key, int errnum, const char *why)
{
	char path[FIELD_PATH_MAX];

	path_join(of, key, path);
	return err_set(of->err, of->code, errnum, "%s %s", path, why);
}

int field_root(const char *text, size_t size, enum err_code code, struct err *err,
	       struct field *ret)
{
	struct json json;
	int r = json_check(text, size, &json);

	if (r < 0)
		return err_set(err, code, -r,
			       r == -E2BIG ? "the JSON exceeds a limit"
					   : "the JSON is not one strict object");
	ret->json = json;
	ret->code = code;
	ret->err = err;
	ret->path[0] = '\0';
	return 0;
}

int field_get(const struct field *of, const char *key, char kind, struct field *ret)
{
	struct field member = { .code = of->code, .err = of->err };

	if (!json_get(&of->json, key, &member.json))
		return field_bad(of, key, EINVAL, "is missing");
	if (json_kind(&member.json) != kind)
		return field_bad(of, key, EINVAL, "is of the wrong type");
	path_join(of, key, member.path);
	*ret = member;
	return 0;
}

bool field_has(const struct field *of, const char *key)
{
	struct json ignored;

	return json_get(&of->json, key, &ignored);
}

/* The index of the word in the list, or -ENOENT. */
static int word_index(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0; *words; i++) {
		size_t n = strcspn(words, " ");

		if (n == len && memcmp(words, word, n) == 0)
			return i;
		words += n;
		words += *words == ' ';
	}
	return -ENOENT;
}

int field_only(const struct field *of, const char *words)
{
	struct json_list list;
	struct json value;
	char key[JSON_KEY_SIZE];

	json_list_open(&of->json, &list);
	while (json_list_next(&list, key, &value))
		if (word_index(words, key) < 0)
			return field_bad(of, key, ENOTSUP, "is a field that lintel does not know");
	return 0;
}

int field_text(const struct field *of, const char *key, char *ret, size_t size)
{
	struct field member;
	int r = field_get(of, key, '"', &member);

	if (r < 0)
		return r;
	return json_text(&member.json, ret, size) < 0 ? field_bad(of, key, E2BIG, "is too long")
						      : 0;
}

int field_word(const struct field *of, const char *key, const char *words)
{
	char text[64], why[192];
	int r = field_text(of, key, text, sizeof(text));

	if (r < 0)
		return r;
	r = word_index(words, text);
	if (r >= 0)
		return r;
	snprintf(why, sizeof(why), "is none of: %s", words);
	return field_bad(of, key, ENOTSUP, why);
}

int field_bool(const struct field *of, const char *key, bool *ret)
{
	struct json value;
	char kind = json_get(&of->json, key, &value) ? json_kind(&value) : '\0';

	if (kind != 't' && kind != 'f')
		return field_bad(of, key, EINVAL, "is not true or false");
	*ret = kind == 't';
	return 0;
}

static int check_range(const struct field *of, const char *key, uint64_t value, uint64_t min,
		       uint64_t max)
{
	char why[96];

	if (value >= min && value <= max)
		return 0;
	snprintf(why, sizeof(why), "is %" PRIu64 ", not %" PRIu64 " to %" PRIu64, value, min, max);
	return field_bad(of, key, ENOTSUP, why);
}

int field_u64(const struct field *of, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	struct field member;
	int r = field_get(of, key, '0', &member);

	if (r < 0)
		return r;
	if (json_u64(&member.json, ret) < 0)
		return field_bad(of, key, EINVAL, "is not a whole number");
	return check_range(of, key, *ret, min, max);
}

int field_u64_text(const struct field *of, const char *key, uint64_t min, uint64_t max,
		   uint64_t *ret)
{
	char text[24];
	int r = field_text(of, key, text, sizeof(text));

	if (r < 0)
		return r;
	if (text_to_u64(text, ret) < 0)
		return field_bad(of, key, EINVAL, "is not a number");
	return check_range(of, key, *ret, min, max);
}

/* The name of an object's member: one number has one, as libcryptsetup has it, too. */
static int id_parse(const char *text, unsigned int limit, uint64_t *ret)
{
	return text_to_u64(text, ret) < 0 || *ret >= limit || (text[0] == '0' && text[1]) ? -EINVAL
											  : 0;
}

int field_mask(const struct field *of, const char *key, char kind, unsigned int limit,
	       uint32_t *ret)
{
	struct field array;
	struct json_list list;
	struct json item;
	char text[8];
	int r = field_get(of, key, '[', &array);

	if (r < 0)
		return r;
	*ret = 0;
	json_list_open(&array.json, &list);
	while (json_list_next(&list, NULL, &item)) {
		uint64_t value = 0;

		if (json_kind(&item) != kind)
			return field_bad(of, key, EINVAL, "has an item of the wrong type");
		r = kind == '0' ? json_u64(&item, &value) : json_text(&item, text, sizeof(text));
		if (r == 0 && kind == '"')
			r = id_parse(text, limit, &value);
		if (r < 0 || value >= limit)
			return field_bad(of, key, EINVAL, "has an item that is out of range");
		if (*ret & 1U << value)
			return field_bad(of, key, EINVAL, "has an item twice");
		*ret |= 1U << value;
	}
	return 0;
}

static int decoded(const struct field *of, const char *key, int n, size_t *ret_size)
{
	if (n == -E2BIG)
		return field_bad(of, key, E2BIG, "is too long");
	if (n <= 0)
		return field_bad(of, key, EINVAL, "is empty or malformed");
	*ret_size = (size_t)n;
	return 0;
}

int field_base64(const struct field *of, const char *key, uint8_t *ret, size_t max,
		 size_t *ret_size)
{
	char text[FIELD_TEXT_MAX];
	int r = field_text(of, key, text, sizeof(text));

	if (r < 0)
		return r;
	return decoded(of, key, base64_decode(text, strlen(text), ret, max), ret_size);
}

int field_hex(const struct field *of, const char *key, uint8_t *ret, size_t max, size_t *ret_size)
{
	char text[FIELD_TEXT_MAX];
	int r = field_text(of, key, text, sizeof(text));

	if (r < 0)
		return r;
	return decoded(of, key, hex_decode(text, ret, max), ret_size);
}

int field_next_id(const struct field *of, struct json_list *list, unsigned int limit,
		  unsigned int *ret_id, struct field *ret)
{
	char key[JSON_KEY_SIZE];
	struct json value;
	uint64_t id;

	if (!json_list_next(list, key, &value))
		return 0;
	if (id_parse(key, limit, &id) < 0)
		return field_bad(of, key, EINVAL, "is not a number that is allowed there");
	*ret_id = (unsigned int)id;
	return field_get(of, key, '{', ret) < 0 ? -EINVAL : 1;
}
