/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words that would widen what the signed UKI says are refused where they are not its own. */
#include "generators/rules/rules.h"
#include "init/base/bytes.h"

#include <string.h>

/*
 * Each chooses code, drops a check, plants a secret or opens a shell, in the verified root or here;
 * "rd.X" counts as X. The names are those of systemd's proc-cmdline.c, main.c and generators, and
 * of the kernel; "--" stands for the arguments of init.
 */
static const char *const own_only[] = {
	"--",
	"init",
	"lintel.extension_certificates",
	"lintel.minimum_version",
	"lintel.stored_extensions",
	"lintel.shell",
	/* a shell, or another unit than the root's default */
	"break",
	"emergency",
	"rescue",
	"shell",
	"single",
	"s",
	"1",
	"systemd.break",
	"systemd.crash_shell",
	"systemd.debug_shell",
	"systemd.mask",
	"systemd.run",
	"systemd.unit",
	"systemd.wants",
	/* what the root runs with */
	"modules_load",
	"systemd.import_credentials",
	"systemd.mount_extra",
	"systemd.pull",
	"systemd.set_credential",
	"systemd.set_credential_binary",
	"systemd.setenv",
	"systemd.swap_extra",
	"systemd.volatile",
	/* how an encrypted root is opened; luks= and rd.luks= can only forbid it */
	"lintel.ask",
	"luks.crypttab",
	"luks.key",
	"luks.name",
	"luks.options",
	"luks.uuid",
	/* what the kernel checks */
	"dm_mod.create",
	"enforcing",
	"ima_appraise",
	"ima_policy",
	"initcall_blacklist",
	"ipe.enforce",
	"loadpin.enforce",
	"lockdown",
	"lsm",
	"module.sig_enforce",
	"security",
	"selinux",
};

static bool is_own_only(const char *key)
{
	if (text_starts(key, "rd."))
		key += strlen("rd.");
	for (size_t i = 0; i < ARRAY_SIZE(own_only); i++)
		if (strcmp(key, own_only[i]) == 0)
			return true;
	/*
	 * Whether dm-verity wants signatures, and whose: a module's parameters have no other name.
	 * What the kernel does not know goes to init, as an option ('-' is '_' here) or into its
	 * environment. Boot loaders add this one.
	 */
	return text_starts(key, "dm_verity.") || key[0] == '_' ||
	       (key[0] >= 'A' && key[0] <= 'Z' && strcmp(key, "BOOT_IMAGE") != 0);
}

static void check_hash(const struct facts *facts, struct plan *plan, const char *key)
{
	uint8_t digest[64];
	struct word word;
	int n;

	if (!word_get(facts, key, &word))
		return;
	n = hex_decode(word.value, digest, sizeof(digest));
	if (n != 32 && n != 64)
		plan_refuse(plan, E_CMDLINE, "%s=%.40s is not 64 or 128 lowercase hex digits", key,
			    word.value);
}

static void check_boolean(const struct facts *facts, struct plan *plan, const char *key)
{
	struct word word;

	if (word_get(facts, key, &word) && text_to_bool(word.value) < 0)
		plan_refuse(plan, E_CMDLINE, "%s=%.40s is not a boolean", key, word.value);
}

static void check_verity(const struct facts *facts, struct plan *plan, const char *key)
{
	struct word word;
	int on;

	if (!word_get(facts, key, &word))
		return;
	on = text_to_bool(word.value);
	if (on < 0)
		plan_refuse(plan, E_CMDLINE, "%s=%.40s is not a boolean", key, word.value);
	else if (on == 0)
		plan_refuse(plan, E_POLICY, "%s=0: lintel mounts nothing without verity", key);
}

void cmdline_decide(const struct facts *facts, struct plan *plan)
{
	struct word word;

	for (const struct fact *fact = NULL;
	     (fact = facts_each(facts, FACT_CMDLINE, fact)) != NULL;)
		if (!fields_are(&fact->fields, "trusted", "yes") && is_own_only(fact->subject))
			plan_refuse(plan, E_CMDLINE_UNSIGNED, "%s", fact->subject);
	/* an empty root is less than the verified one that the image may have */
	if (word_get(facts, "root", &word) && !word.trusted && strcmp(word.value, "tmpfs") == 0)
		plan_refuse(plan, E_CMDLINE_UNSIGNED, "root=tmpfs");
	check_hash(facts, plan, "roothash");
	check_hash(facts, plan, "usrhash");
	check_boolean(facts, plan, "lintel.extension_certificates");
	check_verity(facts, plan, "lintel.verity");
	check_verity(facts, plan, "systemd.verity");
}
