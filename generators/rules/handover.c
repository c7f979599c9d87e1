/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end: the last measurement, then the new root's init. */
#include "generators/rules/rules.h"

void handover_decide(const struct facts *facts, struct plan *plan)
{
	struct step *step;
	struct word init;

	if (!plan->root_planned || (plan->tpm_expected && !facts_find(facts, FACT_TPM, "tpmrm0")))
		return;
	plan->enough = !plan->asks;
	if (plan->tpm_expected) {
		step = plan_step(plan, VERB_MEASURE, "m2", "the stub measured");
		step_arg(plan, step, "pcr", "11");
		step_arg(plan, step, "word", "leave-initrd");
		step_arg(plan, step, "required", "yes");
		if (step)
			step->after_all = true;
	}
	if (facts_last(facts, FACT_EFI, "LintelLastRefusal")) {
		step = plan_step(plan, VERB_LOADER, "loader:clear", "LintelLastRefusal is set");
		step_arg(plan, step, "do", "clear");
		if (step)
			step->after_all = true;
	}
	if (!word_get(facts, "init", &init))
		init.value[0] = '\0';
	step = plan_step(plan, VERB_HANDOVER, "end", init.value[0] ? "init=" : "no init=");
	step_arg(plan, step, "root", "/sysroot");
	step_arg(plan, step, "init", init.value);
	if (step)
		step->after_all = true;
}
