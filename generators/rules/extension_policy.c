/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd.image_policy_sysext= and _confext=, after systemd's two policies of that name in
 * src/shared/image-policy.c, which has no word for them (its tools take --image-policy=). Here every
 * image needs a signature whatever they say: they take away, and one that would give is refused.
 */
#include "generators/rules/rules.h"

#include <errno.h>
#include <string.h>

#define MAY (POLICY_SIGNED | POLICY_UNUSED | POLICY_ABSENT)

static const char *const keys[] = {
	"systemd.image_policy_sysext",
	"rd.systemd.image_policy_sysext",
	"systemd.image_policy_confext",
	"rd.systemd.image_policy_confext",
};

static bool is_for(const char *key, const char *class)
{
	return strcmp(strrchr(key, '_') + 1, class) == 0;
}

static int parse(const struct fact *fact, struct image_policy *ret, struct err *err)
{
	char text[FIELDS_MAX];

	fields_get(&fact->fields, "value", text, sizeof(text));
	return policy_parse(text, ret, err);
}

void extension_policy_decide(const struct facts *facts, struct plan *plan)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct fact *fact = facts_find(facts, FACT_CMDLINE, keys[i]);

		for (; fact; fact = facts_next(facts, fact)) {
			struct image_policy policy;
			struct err err;

			if (parse(fact, &policy, &err) < 0)
				plan_refuse(plan, err.code, "%s=: %s", keys[i], err.text);
			else if ((policy.flags[PART_ROOT] | policy.flags[PART_USR]) &
				 POLICY_PROTECTIONS & ~(unsigned int)MAY)
				plan_refuse(plan, E_POLICY,
					    "%s= would let images in that are not signed", keys[i]);
		}
	}
}

int extension_policy_check(const struct facts *facts, const char *class, enum designator part,
			   struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct fact *fact = facts_find(facts, FACT_CMDLINE, keys[i]);

		for (; fact && is_for(keys[i], class); fact = facts_next(facts, fact)) {
			struct image_policy policy;

			if (parse(fact, &policy, err) < 0)
				return -EINVAL;
			if (!(policy.flags[part] & POLICY_SIGNED))
				return err_set(err, E_POLICY, EPERM,
					       "%s= allows it no %s partition", keys[i],
					       designator_name(part));
		}
	}
	return 0;
}
