/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A crypttab, the options of words, and what a person types for a recovery key. */
#include "generators/crypttab.h"
#include "generators/recovery_key.h"
#include "generators/sources/sources.h"
#include "tests/fuzz/fuzz.h"

static void check_key(const char *typed)
{
	char key[RECOVERY_KEY_SIZE], again[RECOVERY_KEY_SIZE];

	if (!recovery_key_normalize(typed, key))
		return;
	must(strlen(key) == RECOVERY_KEY_SIZE - 1);
	must(recovery_key_normalize(key, again) && strcmp(key, again) == 0);
}

static void check_options(const char *text)
{
	struct crypt_options options;
	struct err err = { .code = E_NONE };

	crypt_options_default(&options);
	if (crypt_options_parse(text, &options, &err) < 0)
		must(err.code == E_CRYPTTAB && err.text[0]);
	must(options.tries >= 1 && options.tries <= CRYPT_TRIES_MAX);
	must(options.timeout_s >= 1 && options.timeout_s <= CRYPT_TIMEOUT_MAX_S);
}

static void check_fact(const struct fact *fact)
{
	char key[CRYPT_KEY_MAX];
	struct err err;

	must_replay(fact);
	must(fact->kind == FACT_CRYPTTAB && crypt_name_valid(fact->subject));
	if (fields_get(&fact->fields, "key", key, sizeof(key)) == 0)
		must(key[0] == '/' && crypt_key_path(key, &err) == 0 &&
		     !text_starts(key, "/.extra"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[CRYPTTAB_TEXT_MAX];
	struct facts *facts = empty_facts();
	struct err err = { .code = E_NONE };

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_key(text);
	check_options(text);
	if (crypttab_parse(text, facts, &err) < 0)
		must((err.code == E_CRYPTTAB || err.code == E_LIMIT || err.code == E_FACTS) &&
		     err.text[0]);
	must(facts->n <= CRYPTTAB_LINES_MAX);
	for (size_t i = 0; i < facts->n; i++)
		check_fact(&facts->list[i]);
	return 0;
}
