/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What root= and mount.usr= may say; a part of rules/root. */
#include "generators/rules/triple.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <string.h>

bool root_word_is_dps(const char *word)
{
	return strcmp(word, "gpt-auto") == 0 || strcmp(word, "dissect") == 0;
}

/* A UUID in the case that the kernel's own root=PARTUUID= takes: any. Facts have it in small letters. */
static bool uuid_matches(const char *word, const struct fact *part)
{
	char uuid[UUID_TEXT_SIZE];

	return uuid_normalize(word, uuid) == 0 && fields_are(&part->fields, "uuid", uuid);
}

/* root=PARTUUID=…, PARTLABEL=…, /dev/… narrow to the one data partition that they name. */
bool root_word_matches(const char *word, const struct fact *part)
{
	static const struct {
		const char *prefix, *key;
	} forms[] = {
		{ "PARTUUID=", "uuid" },
		{ "PARTLABEL=", "label" },
		{ "/dev/disk/by-partuuid/", "uuid" },
		{ "/dev/disk/by-partlabel/", "label" },
	};

	if (!word[0])
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *value = word + strlen(forms[i].prefix);

		if (!text_starts(word, forms[i].prefix))
			continue;
		return strcmp(forms[i].key, "uuid") == 0
			       ? uuid_matches(value, part)
			       : fields_are(&part->fields, forms[i].key, value);
	}
	/* UUID= and LABEL= are the file system's: looked at where it is verified, by the mount */
	return text_starts(word, "UUID=") || text_starts(word, "LABEL=") ||
	       (text_starts(word, "/dev/") && strcmp(word + 5, part->subject) == 0);
}

bool root_word_known(const char *word)
{
	return !word[0] || text_starts(word, "PARTUUID=") || text_starts(word, "PARTLABEL=") ||
	       text_starts(word, "UUID=") || text_starts(word, "LABEL=") ||
	       text_starts(word, "/dev/");
}

bool roothash_half(const char *roothash, int half, char ret[UUID_TEXT_SIZE])
{
	uint8_t bytes[64];
	struct uuid uuid;
	int n = hex_decode(roothash, bytes, sizeof(bytes));

	if (n != 32 && n != 64)
		return false;
	memcpy(uuid.b, half ? bytes + n - 16 : bytes, 16);
	uuid_format(&uuid, ret);
	return true;
}
