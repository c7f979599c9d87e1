/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A line, and after a NUL the own one. Whatever is parsed are facts that a facts file can hold, and
 * the own line alone decides which of them are trusted.
 */
#include "generators/sources/sources.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 8192

static struct facts facts, plain;

static void check_fact(const struct fact *fact)
{
	must(fact->kind == FACT_CMDLINE);
	must(fields_are(&fact->fields, "trusted", "yes") ||
	     fields_are(&fact->fields, "trusted", "no"));
	must_replay(fact);
	must(strcmp(fact->subject, "--") == 0 || !strchr(fact->subject, '-'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];
	const char *own;
	struct err err = { .code = E_NONE };
	bool trusted = true;
	int r;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	own = strlen(text) < size ? text + strlen(text) + 1 : NULL;
	facts_clear(&facts);
	facts_clear(&plain);
	r = cmdline_parse(text, own, &facts, &err);
	must(r == 0 || err.code == E_CMDLINE);
	/* trust changes no word, and ends where it ends */
	must(cmdline_parse(text, NULL, &plain, &err) == r && plain.n == facts.n);
	for (size_t i = 0; i < facts.n; i++) {
		bool yes = fields_are(&facts.list[i].fields, "trusted", "yes");

		check_fact(&facts.list[i]);
		must(strcmp(facts.list[i].subject, plain.list[i].subject) == 0);
		must(fields_are(&plain.list[i].fields, "trusted", "no"));
		must(trusted || !yes);
		must(!yes || own);
		trusted = yes;
	}
	/* a line is wholly its own */
	facts_clear(&facts);
	r = cmdline_parse(text, text, &facts, &err);
	for (size_t i = 0; i < facts.n; i++)
		must(fields_are(&facts.list[i].fields, "trusted", "yes"));
	return 0;
}
