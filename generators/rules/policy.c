/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The image policy in force: the build's, replaced by the UKI's own, narrowed by all appended. */
#include "generators/rules/rules.h"

/* Whatever stands in the UKI's own line: an appended policy takes away and never gives back. */
static void narrow(const struct facts *facts, struct plan *plan, const char *key)
{
	struct image_policy policy;
	char text[FIELDS_MAX];
	struct err err;

	for (const struct fact *fact = facts_find(facts, FACT_CMDLINE, key); fact;
	     fact = facts_next(facts, fact)) {
		if (fields_are(&fact->fields, "trusted", "yes"))
			continue;
		fields_get(&fact->fields, "value", text, sizeof(text));
		if (policy_parse(text, &policy, &err) < 0)
			plan_refuse(plan, err.code, "%s=: %s", key, err.text);
		else if (!policy_intersect(&plan->policy, &policy, &plan->policy))
			plan_refuse(plan, E_POLICY,
				    "%s= of an unsigned command line leaves a partition nothing "
				    "that the build's policy allows",
				    key);
	}
}

/* systemd's read-only-on/off and growfs-on/off speak of the partition's flags. */
void policy_check_flags(struct plan *plan, enum designator part, const struct fact *data)
{
	static const struct {
		unsigned int policy;
		int bit, want;
		const char *name;
	} rows[] = {
		{ POLICY_READ_ONLY_ON, 60, 1, "read-only-on" },
		{ POLICY_READ_ONLY_OFF, 60, 0, "read-only-off" },
		{ POLICY_GROWFS_ON, 59, 1, "growfs-on" },
		{ POLICY_GROWFS_OFF, 59, 0, "growfs-off" },
	};
	unsigned int flags = plan->policy.flags[part];
	uint64_t bits = 0;

	fields_get_u64(&data->fields, "flags", &bits);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int pair = rows[i].policy | rows[i ^ 1].policy;

		if ((flags & pair) == rows[i].policy &&
		    (int)(bits >> rows[i].bit & 1) != rows[i].want)
			plan_refuse(plan, E_POLICY, "%s: policy has %s, its partition flag differs",
				    data->subject, rows[i].name);
	}
}

void policy_decide(const struct facts *facts, struct plan *plan)
{
	char text[FIELDS_MAX];
	struct word word;
	struct err err;

	policy_default(&plan->policy);
	value_get(facts, FACT_CONFIG, "image-policy", text, sizeof(text));
	if (text[0] && policy_parse(text, &plan->policy, &err) < 0)
		plan_refuse(plan, err.code, "/etc/lintel/image-policy: %s", err.text);
	if (word_get(facts, "systemd.image_policy", &word) && word.trusted &&
	    policy_parse(word.value, &plan->policy, &err) < 0)
		plan_refuse(plan, err.code, "systemd.image_policy=: %s", err.text);
	narrow(facts, plan, "rd.systemd.image_policy");
	narrow(facts, plan, "systemd.image_policy");
	extension_policy_decide(facts, plan);
}
