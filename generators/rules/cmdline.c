/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words that would widen what the signed UKI says are refused where they are not its own. */
#include "generators/rules/rules.h"

void cmdline_decide(const struct facts *facts, struct plan *plan)
{
	/* Each chooses code, drops a check or opens a shell in the verified root or here. */
	static const char *const own_only[] = {
		"init",
		"rd.break",
		"rd.systemd.break",
		"systemd.debug_shell",
		"rd.systemd.debug_shell",
		"rd.shell",
		"systemd.unit",
		"rd.systemd.unit",
		"systemd.mask",
		"systemd.wants",
		"dm-mod.create",
		"dm_mod.create",
		"systemd.run",
		"systemd.setenv",
		"module.sig_enforce",
		"ipe.enforce",
		"loadpin.enforce",
		"lockdown",
		"systemd.volatile",
	};
	struct word word;
	int off;

	for (size_t i = 0; i < ARRAY_SIZE(own_only); i++) {
		const struct fact *fact = facts_last(facts, FACT_CMDLINE, own_only[i]);

		if (fact && !fields_are(&fact->fields, "trusted", "yes"))
			plan_refuse(plan, E_CMDLINE_UNSIGNED, "%s", own_only[i]);
	}
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "systemd.verity" : "lintel.verity";

		if (!word_get(facts, key, &word))
			continue;
		off = text_to_bool(word.value);
		if (off < 0)
			plan_refuse(plan, E_CMDLINE, "%s=%.40s is not a boolean", key, word.value);
		else if (off == 0)
			plan_refuse(plan, E_POLICY, "%s=0: lintel mounts nothing without verity",
				    key);
	}
}
