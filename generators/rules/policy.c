/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The image policy in force: the build's, narrowed by any command line, replaced by the UKI's. */
#include "generators/rules/rules.h"

void policy_decide(const struct facts *facts, struct plan *plan)
{
	struct image_policy word_policy;
	char text[512];
	struct word word;
	struct err err;

	policy_default(&plan->policy);
	value_get(facts, FACT_CONFIG, "image-policy", text, sizeof(text));
	if (text[0] && policy_parse(text, &plan->policy, &err) < 0)
		plan_refuse(plan, err.code, "/etc/lintel/image-policy: %s", err.text);
	if (!word_get(facts, "systemd.image_policy", &word))
		return;
	if (policy_parse(word.value, &word_policy, &err) < 0)
		plan_refuse(plan, err.code, "systemd.image_policy=: %s", err.text);
	else if (word.trusted)
		plan->policy = word_policy;
	else if (!policy_intersect(&plan->policy, &word_policy, &plan->policy))
		plan_refuse(plan, E_POLICY,
			    "systemd.image_policy= of an unsigned command line leaves a partition "
			    "nothing that the build's policy allows");
}
