/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end: the last measurement, then the new root's init. */
#include "generators/rules/rules.h"

#include <string.h>

static void plan_clear(struct plan *plan, const char *id, const char *variable)
{
	struct step *step = plan_step(plan, VERB_LOADER, id, "%s is set", variable);

	step_arg(plan, step, "do", "clear");
	step_arg(plan, step, "name", variable);
	if (step)
		step->after_all = true;
}

/* For the next boot to tell: why this one took an older version; a boot that did not clears it. */
static void plan_fallback(const struct facts *facts, struct plan *plan)
{
	char firmware[8];
	struct step *step;

	value_get(facts, FACT_CONFIG, "firmware", firmware, sizeof(firmware));
	if (plan->fallback.code == E_NONE) {
		if (facts_last(facts, FACT_EFI, "LintelLastFallback"))
			plan_clear(plan, "loader:clear-fallback", "LintelLastFallback");
		return;
	}
	if (strcmp(firmware, "efi") != 0)
		return;
	step = plan_step(plan, VERB_LOADER, "loader:fallback", "an older version is taken");
	step_arg(plan, step, "do", "fallback");
	step_arg(plan, step, "code", err_name(plan->fallback.code));
	step_arg(plan, step, "text", plan->fallback.text);
	if (step)
		step->after_all = true;
}

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
	if (facts_last(facts, FACT_EFI, "LintelLastRefusal"))
		plan_clear(plan, "loader:clear", "LintelLastRefusal");
	plan_fallback(facts, plan);
	if (!word_get(facts, "init", &init))
		init.value[0] = '\0';
	step = plan_step(plan, VERB_HANDOVER, "end", init.value[0] ? "init=" : "no init=");
	step_arg(plan, step, "root", "/sysroot");
	step_arg(plan, step, "init", init.value);
	if (step)
		step->after_all = true;
}
