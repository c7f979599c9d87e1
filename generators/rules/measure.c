/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd-pcrphase(8): where the stub measured the UKI into PCR 11, the initrd extends
 * "enter-initrd" first and "leave-initrd" last; without a measured UKI, neither.
 */
#include "generators/rules/rules.h"

#include <string.h>

void measure_decide(const struct facts *facts, struct plan *plan)
{
	const struct fact *stub = facts_last(facts, FACT_EFI, "StubPcrKernelImage");
	char pcr[8], secure[8];
	struct step *step;

	/* a persistent variable of that name, planted earlier, keeps the stub from setting its own */
	if (stub && fields_are(&stub->fields, "malformed", "yes"))
		plan_refuse(plan, E_MEASURE, "StubPcrKernelImage is not as the stub sets it");
	value_get(facts, FACT_EFI, "SecureBoot", secure, sizeof(secure));
	if (strcmp(secure, "0") == 0)
		plan_note(plan, "Secure Boot is off: the firmware starts a UKI of anybody");
	value_get(facts, FACT_EFI, "StubPcrKernelImage", pcr, sizeof(pcr));
	if (pcr[0] == '\0')
		return;
	plan->tpm_expected = true;
	if (!facts_find(facts, FACT_TPM, "tpmrm0"))
		return; /* rules/deadline waits for it */
	step = plan_step(plan, VERB_MEASURE, "m1", "StubPcrKernelImage %s: the stub measured", pcr);
	step_arg(plan, step, "pcr", "11");
	step_arg(plan, step, "word", "enter-initrd");
	step_arg(plan, step, "required", "yes");
}
