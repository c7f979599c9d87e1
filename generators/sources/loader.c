/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* https://systemd.io/BOOT_LOADER_INTERFACE/ for the entries; the refusal is lintel's own form. */
#include "generators/sources/loader.h"
#include "init/base/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int utf16_decode(const uint8_t *data, size_t size, char *ret, size_t max)
{
	size_t len = size / 2 - 1;

	if (size % 2 != 0 || size < 4 || len >= max || le16(data + 2 * len) != 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		uint16_t c = le16(data + 2 * i);

		if (c < ' ' || c > '~')
			return -EINVAL;
		ret[i] = (char)c;
	}
	ret[len] = '\0';
	return 0;
}

int loader_choose(const uint8_t *data, size_t size, const char *current, bool older,
		  char ret[ENTRY_MAX])
{
	char name[ENTRY_MAX], best[ENTRY_MAX] = "", other[ENTRY_MAX] = "";
	size_t end;

	for (size_t start = 0; start + 2 <= size; start = end + 2) {
		for (end = start; end + 2 <= size && le16(data + end) != 0; end += 2)
			;
		if (end + 2 > size || utf16_decode(data + start, end + 2 - start, name, ENTRY_MAX))
			return -EINVAL;
		if (text_starts(name, "auto-") || strcmp(name, current) == 0)
			continue;
		if (version_compare(name, current) < 0) {
			if (!best[0] || version_compare(name, best) > 0)
				text_copy(best, ENTRY_MAX, name);
		} else if (!older && (!other[0] || version_compare(name, other) > 0)) {
			text_copy(other, ENTRY_MAX, name);
		}
	}
	if (!best[0] && !other[0])
		return -ENOENT;
	return text_copy(ret, ENTRY_MAX, best[0] ? best : other);
}

/* One to three digits; what stands behind them, or NULL. */
static const char *take_count(const char *at, unsigned int *ret)
{
	size_t len = strspn(at, "0123456789");

	*ret = 0;
	for (size_t i = 0; i < len && i < 3; i++)
		*ret = *ret * 10 + (unsigned int)(at[i] - '0');
	return len >= 1 && len <= 3 ? at + len : NULL;
}

unsigned int loader_tries(const char *path)
{
	const char *at = strrchr(path, '+');
	unsigned int left = 0, done = 0;

	at = at ? take_count(at + 1, &left) : NULL;
	if (at && *at == '-')
		at = take_count(at + 1, &done);
	if (!at || strcmp(at, ".efi") != 0)
		return 0;
	return left + done < LOADER_TRIES_MAX ? left + done : LOADER_TRIES_MAX;
}

size_t refusal_format(uint64_t count, const char *code, const char *phone, const char *text,
		      uint8_t ret[REFUSAL_SIZE_MAX])
{
	static const uint8_t attributes[EFI_ATTRIBUTES_SIZE] = { EFI_PERSISTENT };
	char cut[ERR_TEXT_MAX];
	struct fields fields;
	size_t len;
	bool fits;

	text_copy(cut, sizeof(cut), text);
	for (;;) { /* encoded, a byte may take three: shorten until all fits */
		fields.text[0] = '\0';
		fields_addf(&fields, "count", "%" PRIu64, count);
		fields_add(&fields, "phone", phone);
		fields_add(&fields, "code", code);
		fits = fields_add(&fields, "text", cut) == 0;
		len = strlen(fields.text);
		if (fits && len <= REFUSAL_SIZE_MAX - EFI_ATTRIBUTES_SIZE)
			break;
		if (!cut[0])
			return 0;
		cut[strlen(cut) - 1] = '\0';
	}
	memcpy(ret, attributes, sizeof(attributes));
	memcpy(ret + EFI_ATTRIBUTES_SIZE, fields.text, len);
	return EFI_ATTRIBUTES_SIZE + len;
}

int refusal_parse(const uint8_t *data, size_t size, struct fields *ret, uint64_t *ret_count)
{
	char code[40], phone[PHONE_SIZE];
	struct fields fields;
	uint64_t count;
	size_t len;

	if (size <= EFI_ATTRIBUTES_SIZE || size > REFUSAL_SIZE_MAX || le32(data) != EFI_PERSISTENT)
		return -EINVAL;
	len = size - EFI_ATTRIBUTES_SIZE;
	memcpy(fields.text, data + EFI_ATTRIBUTES_SIZE, len);
	fields.text[len] = '\0';
	if (strlen(fields.text) != len || !fields_valid(fields.text) ||
	    fields_get_u64(&fields, "count", &count) < 0 || count == 0 ||
	    count > REFUSAL_COUNT_MAX || fields_get(&fields, "code", code, sizeof(code)) < 0 ||
	    err_from_name(code) == E_MAX_ || fields_get(&fields, "phone", phone, sizeof(phone)) < 0)
		return -EINVAL;
	*ret = fields;
	*ret_count = count;
	return 0;
}

/* FNV-1a: it tells refusals apart and guards nothing. */
static uint64_t fnv(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

void refusal_phone(const char *code, const char *text, char ret[PHONE_SIZE])
{
	/* Crockford's base 32: no I, L, O or U to mishear */
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t first = fnv(code), second = fnv(text);

	for (int i = 0; i < PHONE_SIZE - 1; i++)
		ret[i] = i == 3 ? '-'
				: digits[(i < 3 ? first >> 5 * i : second >> 5 * (i - 4)) & 31];
	ret[PHONE_SIZE - 1] = '\0';
}
