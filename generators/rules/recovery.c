/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recovery that was asked for, and who may have a shell in it. The stub's profile is one of the signed
 * UKI (UAPI.5, ".profile"): who chooses it chooses among what its vendor signed.
 */
#include "generators/rules/rules.h"

#include <string.h>

#define DRIVERS_S UINT64_C(10)

bool recovery_asked(const struct facts *facts)
{
	const struct fact *profile = facts_last(facts, FACT_CONFIG, "profile");

	return profile && fields_are(&profile->fields, "value", "recovery");
}

/* No rule behind this one in the table runs: nothing is searched, opened or mounted. */
void recovery_decide(const struct facts *facts, struct plan *plan)
{
	bool busy = !facts_find(facts, FACT_SETTLED, "coldplug");

	if (!recovery_asked(facts))
		return;
	plan->recovery = plan->late_too = true; /* a keyboard may hang on a slow bus */
	for (const struct step *step = plan->steps; step < plan->steps + plan->n_steps; step++)
		busy = busy || !facts_step_result(facts, step->id);
	if (busy && !facts_find(facts, FACT_DEADLINE, "recovery"))
		plan_wait(plan, "recovery", facts->list[0].usec + DRIVERS_S * 1000000,
			  "drivers, before recovery");
	else
		plan_refuse(plan, E_RECOVERY, "profile \"recovery\"");
}

bool shell_allowed(const struct facts *facts)
{
	struct word word;

	if (!facts_find(facts, FACT_CONFIG, "shell"))
		return false; /* there is no password that would open it */
	return recovery_asked(facts) || (word_get(facts, "lintel.shell", &word) && word.trusted);
}
