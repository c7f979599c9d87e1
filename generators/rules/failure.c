/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A step that failed is a refusal, but for those that look after one device among many: a disk
 * that cannot be read or a module that does not suit a device stops nothing by itself.
 */
#include "generators/rules/rules.h"

#include <string.h>

/* The steps for single devices carry a ':' in their id ("probe:sda", "pci:v0000…"). */
static bool optional(const char *id)
{
	return strchr(id, ':') != NULL;
}

void failure_decide(const struct facts *facts, struct plan *plan)
{
	const struct fact *last = facts_last(facts, FACT_EFI, "LintelLastRefusal");

	if (last) /* the fields as they stand: encoded, whoever wrote the variable */
		plan_note(plan, "an earlier boot was refused: %.160s", last->fields.text);
	last = facts_last(facts, FACT_EFI, "LintelLastFallback");
	if (last)
		plan_note(plan, "an earlier boot took an older version: %.150s", last->fields.text);
	for (const struct fact *result = NULL;
	     (result = facts_with(facts, FACT_RESULT, "status", "failed", result)) != NULL;) {
		char code[40];
		struct err err;

		if (fallback_takes(facts, result))
			continue;
		fact_err(result, E_INTERNAL, &err);
		fields_get(&result->fields, "code", code, sizeof(code));
		if (optional(result->subject))
			plan_note(plan, "%s failed: %s: %s", result->subject, code, err.text);
		else
			plan_refuse(plan, err.code, "%s: %s", result->subject, err.text);
	}
}
