/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/credentials.h"
#include "generators/sources/extension.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

#define HEADER_SIZE 4 /* type, length, handle: SMBIOS 6.1.2 */
#define TYPE_OEM_STRINGS 11
#define TYPE_END 127

/* Takes the name up to the mark; one that is not acceptable is kept for the message. */
static int split(const char *text, size_t size, char mark, struct credential *ret)
{
	const char *end = memchr(text, mark, size);
	size_t len = end ? (size_t)(end - text) : size;
	char name[sizeof(ret->name)] = "";

	memcpy(name, text, len < sizeof(name) ? len : sizeof(name) - 1);
	if (end && len < sizeof(name) && credential_name_valid(name)) {
		memcpy(ret->name, name, sizeof(name));
		ret->text = end + 1;
		ret->size = size - len - 1;
		return 0;
	}
	name[64] = '\0';
	text_encode(name, ret->name, sizeof(ret->name));
	return -EINVAL;
}

int credential_of_string(const char *text, size_t size, struct credential *ret)
{
	static const char *const prefixes[] = { "io.systemd.credential:",
						"io.systemd.credential.binary:" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (size < len || memcmp(text, prefixes[i], len) != 0)
			continue;
		ret->base64 = i == 1;
		return split(text + len, size - len, '=', ret);
	}
	return -ENOENT;
}

int credential_of_word(const char *text, size_t size, bool base64, struct credential *ret)
{
	ret->base64 = base64;
	return split(text, size, ':', ret);
}

long credential_data(const struct credential *credential, uint8_t *ret, size_t max)
{
	if (credential->base64)
		return base64_decode(credential->text, credential->size, ret, max);
	if (credential->size > max)
		return -E2BIG;
	memcpy(ret, credential->text, credential->size);
	return (long)credential->size;
}

bool credential_plain_allowed(const char *name)
{
	static const char *const refused[] = {
		/* what opens volumes */
		"cryptsetup.",
		"home.",
		"luks.",
		/* what is run, loaded or mounted, or decides that */
		"crypttab.",
		"fstab.",
		"import.",
		"integritytab.",
		"modules.",
		"sysctl.",
		"systemd.",
		"sysusers.",
		"tmpfiles.",
		"udev.",
		"veritytab.",
		/* a login that nobody is asked for */
		"agetty.",
		"getty.",
		"login.",
		"shell.",
		"userdb.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (text_starts(name, refused[i]))
			return false;
	return true;
}

/* The strings behind a structure, each ended by a NUL, the last by two (SMBIOS 6.1.3). */
static const char *next_structure(const char *at, const char *end, bool wanted,
				  int (*callback)(const char *, size_t, void *), void *data,
				  int *ret)
{
	if (end - at >= 2 && at[0] == '\0' && at[1] == '\0')
		return at + 2; /* none at all */
	while (at < end && *at) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul)
			return NULL;
		if (wanted) {
			*ret = callback(at, (size_t)(nul - at), data);
			if (*ret < 0)
				return NULL;
		}
		at = nul + 1;
	}
	return at < end ? at + 1 : NULL;
}

int smbios_oem_strings(const uint8_t *table, size_t size,
		       int (*callback)(const char *text, size_t size, void *data), void *data)
{
	const char *at = (const char *)table, *end = at + size;
	int r = 0;

	while (at && end - at >= HEADER_SIZE) {
		uint8_t type = (uint8_t)at[0], length = (uint8_t)at[1];

		if (length < HEADER_SIZE || length > end - at)
			return -EINVAL;
		if (type == TYPE_END)
			break;
		at = next_structure(at + length, end, type == TYPE_OEM_STRINGS, callback, data, &r);
		if (r < 0)
			return r;
	}
	return at ? 0 : -EINVAL;
}
