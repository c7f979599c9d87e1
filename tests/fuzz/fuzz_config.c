/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the initrd's configuration: what is taken is a policy, known words, and a version. */
#include "generators/policy.h"
#include "generators/sources/sources.h"
#include "tests/fuzz/fuzz.h"

static void check_policy(const struct facts *facts, const uint8_t *file, size_t size)
{
	const struct fact *fact = facts_find(facts, FACT_CONFIG, "image-policy");
	char value[FIELDS_MAX];
	struct image_policy policy;
	struct err err;

	must(fact && fields_get(&fact->fields, "value", value, sizeof(value)) == 0);
	must(policy_parse(value, &policy, &err) == 0);
	/* all of the file, but for one newline at its end */
	must(size >= strlen(value) && memcmp(file, value, strlen(value)) == 0);
	must(size == strlen(value) || (size == strlen(value) + 1 && file[size - 1] == '\n'));
}

static void check_on_failure(const struct facts *facts)
{
	static const char *const words[] = { "poweroff", "reboot", "halt", "recover", "fallback" };
	const struct fact *fact = facts_find(facts, FACT_CONFIG, "on-failure");
	bool known = false;

	for (size_t i = 0; fact && i < ARRAY_SIZE(words); i++)
		known |= fields_are(&fact->fields, "value", words[i]);
	must(known);
}

static void check_ask(const struct facts *facts)
{
	const struct fact *fact = facts_find(facts, FACT_CONFIG, "ask");
	char value[FIELDS_MAX];

	must(fact && fields_get(&fact->fields, "value", value, sizeof(value)) == 0);
	must(strspn(value, "pinashrecovy,") == strlen(value));
}

static void check_version(const struct facts *facts)
{
	const struct fact *fact = facts_find(facts, FACT_CONFIG, "minimum-version");
	char value[FIELDS_MAX];

	must(fact && fields_get(&fact->fields, "value", value, sizeof(value)) == 0);
	must(value[0] && !strpbrk(value, "_/ \n%") && strlen(value) < 64);
}

/* The hash stays in its file. */
static void check_shell(const struct facts *facts, const uint8_t *file, size_t size)
{
	const struct fact *fact = facts_find(facts, FACT_CONFIG, "shell");

	must(fact && fields_are(&fact->fields, "value", "argon2id"));
	must(size > 20 && memcmp(file, "$argon2id$v=19$m=", 17) == 0);
}

static void check_revoked(const struct facts *facts)
{
	const struct fact *fact = facts_find(facts, FACT_CONFIG, "revoked");
	unsigned int n = 0;

	for (; fact; fact = facts_next(facts, fact)) {
		char value[FIELDS_MAX];

		must(fields_get(&fact->fields, "value", value, sizeof(value)) == 0);
		must(strlen(value) == 64 || strlen(value) == 128);
		must(strspn(value, "0123456789abcdef") == strlen(value));
		n++;
	}
	must(n > 0 && n <= REVOKED_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {
		"etc/lintel/image-policy",    "etc/lintel/on-failure",	   "etc/lintel/ask",
		"etc/lintel/minimum-version", "etc/lintel/shell-password", "etc/lintel/revoked"
	};
	struct facts *facts = empty_facts();
	struct err err = { .code = E_NONE };
	const uint8_t *files[ARRAY_SIZE(paths)];
	size_t lens[ARRAY_SIZE(paths)], n = 0;

	must(fs_mkdirs(scratch_fd(), "etc/lintel", 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (n == i && next_piece(&data, &size, &files[n], &lens[n])) {
			must(fs_create(scratch_fd(), paths[i], files[n], lens[n], 0644) == 0);
			n++;
		} else {
			unlinkat(scratch_fd(), paths[i], 0);
		}
	}
	if (config_read(scratch_fd(), facts, &err) < 0) {
		must((err.code == E_POLICY_SYNTAX || err.code == E_CMDLINE ||
		      err.code == E_LIMIT) &&
		     err.text[0]);
		return 0;
	}
	for (size_t i = 0; i < facts->n; i++)
		must_replay(&facts->list[i]);
	must((n < ARRAY_SIZE(paths) ? facts->n == 1 + n : facts->n >= 1 + n) &&
	     facts_find(facts, FACT_CONFIG, "arch"));
	if (n > 0)
		check_policy(facts, files[0], lens[0]);
	if (n > 1)
		check_on_failure(facts);
	if (n > 2)
		check_ask(facts);
	if (n > 3)
		check_version(facts);
	if (n > 4)
		check_shell(facts, files[4], lens[4]);
	if (n > 5)
		check_revoked(facts);
	return 0;
}
