/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked around step_ready() into build/init-late, for one boot test: volumes are mapped as soon as
 * their keys are there, and measured into PCR 15 only afterwards. The order's check must find that out.
 */
#include "generators/plan.h"

#include <string.h>

bool __real_step_ready(const struct plan *plan, const struct step *step, const struct facts *facts);
bool __wrap_step_ready(const struct plan *plan, const struct step *step, const struct facts *facts);

/* What it waits for but measurements. */
static bool early(const struct plan *plan, const struct step *step, const struct facts *facts)
{
	for (unsigned int i = 0; i < step->n_after; i++) {
		const struct step *other = &plan->steps[step->after[i]];

		if (other->verb != VERB_MEASURE && !facts_step_done(facts, other->id))
			return false;
		if (other->verb == VERB_MEASURE && other->n_after > 0 &&
		    !facts_step_done(facts, plan->steps[other->after[0]].id))
			return false; /* the key */
	}
	return true;
}

bool __wrap_step_ready(const struct plan *plan, const struct step *step, const struct facts *facts)
{
	if (step->verb == VERB_ACTIVATE)
		return early(plan, step, facts);
	for (size_t i = 0; strncmp(step->id, "vk-", 3) == 0 && i < plan->n_steps; i++)
		if (plan->steps[i].verb == VERB_ACTIVATE &&
		    !facts_step_done(facts, plan->steps[i].id))
			return false;
	return __real_step_ready(plan, step, facts);
}
