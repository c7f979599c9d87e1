/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must be read before anything can be decided. */
#include "generators/rules/rules.h"

void sources_decide(const struct facts *facts, struct plan *plan)
{
	char firmware[16];

	plan_step(plan, VERB_COLDPLUG, "coldplug", "always: devices that are there already");
	value_get(facts, FACT_CONFIG, "firmware", firmware, sizeof(firmware));
	if (firmware[0] != '\0')
		plan_step(plan, VERB_EFIVARS, "efi", "/sys/firmware/efi");
}
