/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The SMBIOS table, its OEM strings and what they say as credentials; the input is the table. What
 * is taken has a name that is a file's, and no more bytes than the string.
 */
#include "generators/sources/credentials.h"
#include "generators/sources/extension.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

struct seen {
	const uint8_t *table;
	size_t size, strings;
};

static int take(const char *text, size_t size, void *data)
{
	static uint8_t bytes[1 << 16];
	struct seen *seen = data;
	struct credential credential;
	int r;

	must((const uint8_t *)text >= seen->table && size <= seen->size && !memchr(text, 0, size));
	seen->strings++;
	for (int word = 0; word < 3; word++) {
		r = word == 0 ? credential_of_string(text, size, &credential)
			      : credential_of_word(text, size, word == 2, &credential);
		if (r == -ENOENT)
			continue;
		must(r == 0 || !strpbrk(credential.name, " \n\t\033"));
		if (r < 0)
			continue;
		must(credential_name_valid(credential.name) && !strchr(credential.name, '/') &&
		     credential.size <= size);
		must(credential_data(&credential, bytes, sizeof(bytes)) <= (long)credential.size);
		credential_plain_allowed(credential.name);
	}
	return seen->strings > 1000 ? -E2BIG : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy of just that size: a byte too far is seen */
	uint8_t *table = malloc(size ?: 1);
	struct seen seen = { table, size, 0 };

	memcpy(table, data, size);
	smbios_oem_strings(table, size, take, &seen);
	free(table);
	return 0;
}
