/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root's own folders of extension images, where the UKI's line asks for them. */
#include "generators/rules/rules.h"

void step_after_root(struct plan *plan, struct step *step)
{
	step_after(plan, step, plan->root_mount);
	if (plan->usr_mount[0])
		step_after(plan, step, plan->usr_mount);
}

void stored_decide(const struct facts *facts, struct plan *plan, bool refuse)
{
	struct word word;
	int on;

	if (!word_get(facts, "lintel.stored_extensions", &word))
		return;
	on = text_to_bool(word.value);
	if (on < 0)
		plan_refuse(plan, E_CMDLINE, "lintel.stored_extensions= is no boolean");
	if (on <= 0)
		return;
	step_after_root(plan,
			plan_step(plan, VERB_STORED, STORED_STEP, "lintel.stored_extensions"));
	if (refuse && facts_step_result(facts, STORED_STEP) && !facts_step_done(facts, STORED_STEP))
		plan_refuse(plan, E_EXTENSION, "lintel.extensions=refuse, and %s failed",
			    STORED_STEP);
}
