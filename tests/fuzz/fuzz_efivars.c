/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of six variables, each after its length in two bytes. A value that becomes a fact makes
 * the file's bytes again; a persistent variable has none.
 */
#include "generators/sources/sources.h"
#include "init/base/bytes.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>

#define FOLDER "sys/firmware/efi/efivars/"
#define LOADER "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ATTRIBUTES 4

static const struct {
	const char *name, *guid;
} variables[] = {
	{ "LoaderDevicePartUUID", LOADER }, { "StubDevicePartUUID", LOADER },
	{ "StubPcrKernelImage", LOADER },   { "StubInfo", LOADER },
	{ "SecureBoot", GLOBAL },	    { "SetupMode", GLOBAL },
};

static void check_value(const char *name, const char *value, const uint8_t *data, size_t size)
{
	struct uuid uuid;
	uint64_t number;

	must(size >= ATTRIBUTES && !(data[0] & 1));
	data += ATTRIBUTES;
	size -= ATTRIBUTES;
	if (strcmp(name, "SecureBoot") == 0 || strcmp(name, "SetupMode") == 0) {
		must(size == 1 && value[0] == '0' + data[0] && !value[1] && data[0] <= 1);
		return;
	}
	must(size == 2 * strlen(value) + 2 && le16(data + size - 2) == 0);
	for (size_t i = 0; value[i]; i++)
		must(tolower(le16(data + 2 * i)) == tolower(value[i]));
	if (strstr(name, "UUID"))
		must(uuid_parse(value, &uuid) == 0 && !uuid_is_null(&uuid));
	if (strcmp(name, "StubPcrKernelImage") == 0)
		must(text_to_u64(value, &number) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *pieces[ARRAY_SIZE(variables)];
	size_t lens[ARRAY_SIZE(variables)], n = 0, seen = 0;
	struct facts *facts = empty_facts();
	struct err err = { .code = E_NONE };
	char path[128], value[FIELDS_MAX];

	must(fs_mkdirs(scratch_fd(), FOLDER, 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		snprintf(path, sizeof(path), FOLDER "%s%s", variables[i].name, variables[i].guid);
		if (n == i && next_piece(&data, &size, &pieces[n], &lens[n])) {
			must(fs_create(scratch_fd(), path, pieces[n], lens[n], 0644) == 0);
			n++;
		} else {
			unlinkat(scratch_fd(), path, 0);
		}
	}
	must(efivars_read(scratch_fd(), facts, &err) == 0);
	for (size_t i = 0; i < n; i++) {
		const struct fact *fact = facts_find(facts, FACT_EFI, variables[i].name);

		must(fact && !facts_next(facts, fact));
		must_replay(fact);
		seen++;
		if (fields_get(&fact->fields, "value", value, sizeof(value)) == 0)
			check_value(variables[i].name, value, pieces[i], lens[i]);
		else
			must(fields_are(&fact->fields, "malformed", "yes"));
	}
	must(facts->n == seen);
	return 0;
}
