/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/rules/rules.h"

#include <string.h>

bool sources_settled(const struct facts *facts)
{
	const struct fact *firmware = facts_find(facts, FACT_CONFIG, "firmware");

	if (!facts_find(facts, FACT_SETTLED, "sources"))
		return false;
	return !firmware || !fields_are(&firmware->fields, "value", "efi") ||
	       facts_step_result(facts, "efi");
}

static bool word_find(const struct facts *facts, const char *key, struct word *ret)
{
	const struct fact *found = NULL, *fact = facts_find(facts, FACT_CMDLINE, key);

	ret->trusted = false;
	for (; fact; fact = facts_next(facts, fact)) {
		bool own = fields_are(&fact->fields, "trusted", "yes");

		if (ret->trusted && !own)
			continue;
		found = fact;
		ret->trusted = own;
	}
	if (found && fields_get(&found->fields, "value", ret->value, sizeof(ret->value)) < 0)
		ret->value[0] = '\0';
	return found;
}

bool word_get(const struct facts *facts, const char *key, struct word *ret)
{
	char rd[FACT_NAME_MAX];
	struct word plain;
	bool found;

	if (text_format(rd, sizeof(rd), "rd.%s", key) < 0)
		return false;
	found = word_find(facts, rd, ret);
	if (found && ret->trusted)
		return true;
	if (!word_find(facts, key, &plain) || (found && !plain.trusted))
		return found;
	*ret = plain;
	return true;
}

size_t word_strictest(const struct facts *facts, struct plan *plan, const char *key,
		      const char *const values[3])
{
	size_t strictest = 0;
	char rd[64];

	text_format(rd, sizeof(rd), "rd.%s", key);
	for (size_t k = 0; k < 2; k++) {
		const char *name = k ? rd : key;
		const struct fact *fact = facts_find(facts, FACT_CMDLINE, name);

		for (; fact; fact = facts_next(facts, fact)) {
			size_t i = 0;

			while (i < 3 && !fields_are(&fact->fields, "value", values[i]))
				i++;
			if (i == 3)
				plan_refuse(plan, E_CMDLINE, "%s= is %s, %s or %s", name, values[0],
					    values[1], values[2]);
			else if (i > strictest)
				strictest = i;
		}
	}
	return strictest;
}

void value_get(const struct facts *facts, enum fact_kind kind, const char *subject, char *ret,
	       size_t size)
{
	const struct fact *fact = facts_last(facts, kind, subject);

	ret[0] = '\0';
	if (fact)
		fields_get(&fact->fields, "value", ret, size);
}

bool disk_is_image(const char *disk)
{
	return text_starts(disk, "loop");
}

void probe_id(const char *disk, char *ret, size_t size)
{
	text_copy(ret, size, "probe:"); /* asked of each candidate: no printf */
	text_copy(ret + strlen("probe:"), size - strlen("probe:"), disk);
}

bool disk_usable(const struct facts *facts, const char *disk)
{
	char id[FACT_NAME_MAX];
	const struct fact *gpt = facts_last(facts, FACT_GPT, disk);

	probe_id(disk, id, sizeof(id));
	return gpt && fields_are(&gpt->fields, "state", "ok") && facts_step_done(facts, id) &&
	       !facts_find(facts, FACT_GONE, disk);
}

void pair_add(struct pair *pair, const char *name)
{
	int cmp = pair->a[0] ? strcmp(name, pair->a) : -1;

	if (cmp < 0) {
		text_copy(pair->b, sizeof(pair->b), pair->a);
		text_copy(pair->a, sizeof(pair->a), name);
	} else if (cmp > 0 && (!pair->b[0] || strcmp(name, pair->b) < 0)) {
		text_copy(pair->b, sizeof(pair->b), name);
	}
}

void fact_err(const struct fact *fact, enum err_code otherwise, struct err *ret)
{
	char code[40];

	fields_get(&fact->fields, "code", code, sizeof(code));
	fields_get(&fact->fields, "text", ret->text, sizeof(ret->text));
	ret->code = err_from_name(code);
	if (ret->code == E_MAX_ || ret->code == E_NONE)
		ret->code = otherwise;
}

bool refuse_bad_tables(const struct facts *facts, struct plan *plan)
{
	bool any = false;

	for (const struct fact *gpt = NULL;
	     (gpt = facts_with(facts, FACT_GPT, "state", "bad", gpt)) != NULL;) {
		struct err err;

		if (disk_is_image(gpt->subject))
			continue;
		fact_err(gpt, E_GPT, &err);
		plan_refuse(plan, err.code, "%s: %s", gpt->subject, err.text);
		any = true;
	}
	return any;
}
