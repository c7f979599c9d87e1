/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts that are read from a text make the text again, line by line. */
#include "generators/facts.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 16384

static struct facts facts;

static void check_fact(const struct fact *fact)
{
	char line[FACT_LINE_MAX], again[FACT_LINE_MAX];
	const struct fact *found = facts_find(&facts, fact->kind, fact->subject);
	struct fact parsed;
	struct err err;

	must(fact_format(fact, line, sizeof(line)) == 0);
	must(fact_parse(line, &parsed, &err) == 0);
	must(fact_format(&parsed, again, sizeof(again)) == 0);
	must(strcmp(line, again) == 0);
	while (found && found != fact)
		found = facts_next(&facts, found);
	must(found == fact);
}

/* Each value decodes, and what was decoded encodes and decodes to the same. */
static void check_fields(const struct fact *fact)
{
	for (const char *at = fact->fields.text; *at; at += strcspn(at, " "), at += *at == ' ') {
		char key[FIELDS_MAX], value[FIELDS_MAX], encoded[3 * FIELDS_MAX];
		char decoded[FIELDS_MAX];
		size_t len = strcspn(at, "=");

		memcpy(key, at, len);
		key[len] = '\0';
		must(fields_get(&fact->fields, key, value, sizeof(value)) == 0);
		must(text_encode(value, encoded, sizeof(encoded)) == 0);
		must(text_decode(encoded, strlen(encoded), decoded, sizeof(decoded)) == 0);
		must(strcmp(value, decoded) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX];
	struct err err = { .code = E_NONE };
	int r;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	facts_clear(&facts);
	r = facts_parse(&facts, text, &err);
	must(r == 0 || ((err.code == E_FACTS || err.code == E_LIMIT) && err.text[0]));
	for (size_t i = 0; i < facts.n; i++) {
		check_fact(&facts.list[i]);
		check_fields(&facts.list[i]);
	}
	return 0;
}
