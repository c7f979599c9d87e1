/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "LUKS2 On-Disk Format Specification" 1.1.3, section 3.5: the "config" object. */
#include "generators/sources/luks2_json.h"

#include <errno.h>
#include <string.h>

#define KEYSLOTS_SIZE_MAX (128ULL << 20)

/* Flags are activation hints that lintel never follows (threats A17); a new one might be more. */
static int check_flags(const struct field *config)
{
	static const char known[] = "allow-discards same-cpu-crypt submit-from-crypt-cpus "
				    "no-journal no-read-workqueue no-write-workqueue high-priority";
	struct field flags;
	struct json_list list;
	struct json item;
	int r = field_get(config, "flags", '[', &flags);

	if (r < 0)
		return r;
	json_list_open(&flags.json, &list);
	while (json_list_next(&list, NULL, &item)) {
		char word[40];
		size_t len;
		const char *at;

		if (json_kind(&item) != '"' || json_text(&item, word, sizeof(word)) < 0)
			return field_bad(config, "flags", EINVAL, "has what is no short string");
		len = strlen(word);
		at = len > 0 && !strchr(word, ' ') ? strstr(known, word) : NULL;
		if (!at || (at > known && at[-1] != ' ') || (at[len] && at[len] != ' '))
			return field_bad(&flags, word, ENOTSUP, "is a flag that is not known");
	}
	return 0;
}

/* Section 4.6. A requirement tells of a half-done re-encryption or of features of a later version. */
static int check_requirements(const struct field *config)
{
	struct field requirements, mandatory;
	struct json_list list;
	struct json item;
	int r = field_get(config, "requirements", '{', &requirements);

	if (r == 0)
		r = field_only(&requirements, "mandatory");
	if (r < 0 || !field_has(&requirements, "mandatory"))
		return r;
	r = field_get(&requirements, "mandatory", '[', &mandatory);
	if (r < 0)
		return r;
	json_list_open(&mandatory.json, &list);
	return json_list_next(&list, NULL, &item)
		       ? field_bad(&requirements, "mandatory", ENOTSUP, "is not empty")
		       : 0;
}

int luks2_config_check(const struct field *root, const struct luks2_header *header)
{
	struct field config;
	uint64_t area = header->header_size - 4096, end, size = 0;
	int r = field_get(root, "config", '{', &config);

	if (r == 0)
		r = field_u64_text(&config, "json_size", area, area, &size);
	end = header->payload_offset - 2 * header->header_size;
	if (r == 0)
		r = field_u64_text(&config, "keyslots_size", LUKS2_ALIGNMENT,
				   end < KEYSLOTS_SIZE_MAX ? end : KEYSLOTS_SIZE_MAX, &size);
	if (r < 0)
		return r;
	if (size % LUKS2_ALIGNMENT != 0)
		return field_bad(&config, "keyslots_size", ENOTSUP, "is not a multiple of 4096");
	for (size_t i = 0; i < header->n_keyslots; i++)
		if (header->keyslots[i].area_offset + header->keyslots[i].area_size >
		    2 * header->header_size + size)
			return field_bad(&config, "keyslots_size", ENOTSUP,
					 "is less than the keyslots' areas take");
	if (field_has(&config, "flags"))
		r = check_flags(&config);
	if (r == 0 && field_has(&config, "requirements"))
		r = check_requirements(&config);
	return r < 0 ? r : field_only(&config, "json_size keyslots_size flags requirements");
}
