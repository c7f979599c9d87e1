/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Root and /usr by DPS: on the boot disk, the data partition whose UUID is the first half of a
 * signed root hash and the verity partition whose UUID is its second half (UAPI.2, "Verity").
 * Of several complete triples the newest by label wins; all else that is ambiguous is refused.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

#include <stdio.h>
#include <string.h>

/* rootfstype=, rootflags= or mount.usrfstype=, mount.usrflags= as arguments of the mount. */
void role_mount_words(const struct facts *facts, struct plan *plan, struct step *step,
		      const char *name)
{
	bool usr = strcmp(name, "usr") == 0;
	struct word word;

	if (word_get(facts, usr ? "mount.usrfstype" : "rootfstype", &word))
		step_arg(plan, step, "fstype", word.value);
	if (word_get(facts, usr ? "mount.usrflags" : "rootflags", &word))
		step_arg(plan, step, "options", word.value);
	if (word_get(facts, usr ? "mount.usr" : "root", &word) &&
	    (text_starts(word.value, "UUID=") || text_starts(word.value, "LABEL=")))
		step_arg(plan, step, "want", word.value);
}

static void plan_tmpfs_root(struct plan *plan, const char *why)
{
	struct step *step = plan_step(plan, VERB_MOUNT, "mnt-root", "%s", why);

	step_arg(plan, step, "kind", "tmpfs");
	step_arg(plan, step, "what", "tmpfs");
	step_arg(plan, step, "where", "/sysroot");
	step_arg(plan, step, "options", "mode=0755");
}

static void refuse_missing(const struct facts *facts, struct plan *plan, const char *arch)
{
	if (plan->any_disk && !facts_find(facts, FACT_DEADLINE, "root"))
		return; /* it may still turn up on another disk */
	if (plan->any_disk && refuse_bad_tables(facts, plan))
		return;
	plan_refuse(plan, E_ROOT_MISSING, "%s has no partition of type root-%s or usr-%s",
		    plan->any_disk ? "no disk" : plan->boot_disk, arch, arch);
}

/* Whether a word names the role: then it must be there, and nothing may take its place. */
static bool demanded(const struct facts *facts, const char *root, const char *hash)
{
	static const char *const general[] = { "gpt-auto", "dissect", "tmpfs" };
	struct word word;

	if (word_get(facts, hash, &word))
		return true;
	if (!word_get(facts, root, &word))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(general); i++)
		if (strcmp(word.value, general[i]) == 0)
			return false;
	return true;
}

/* Whether all that words name is there; else it may still turn up, or is missing. */
static bool demands_met(const struct facts *facts, struct plan *plan, bool has_root, bool has_usr)
{
	bool root = has_root || !demanded(facts, "root", "roothash");

	if (root && (has_usr || !demanded(facts, "mount.usr", "usrhash")))
		return true;
	if (plan->any_disk && !facts_find(facts, FACT_DEADLINE, "root"))
		return false;
	if (!plan->any_disk || !refuse_bad_tables(facts, plan))
		plan_refuse(plan, E_ROOT_MISSING, "what %s names is not there",
			    root ? "mount.usr= or usrhash=" : "root= or roothash=");
	return false;
}

/* systemd.gpt_auto=0: only what root=, roothash=, mount.usr= or usrhash= name. */
static bool auto_off(const struct facts *facts)
{
	static const char *const names[] = { "root", "roothash", "mount.usr", "usrhash" };
	struct word word;

	if (!word_get(facts, "systemd.gpt_auto", &word) || text_to_bool(word.value) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (word_get(facts, names[i], &word))
			return false;
	return true;
}

/* A root that has no versions has none to fall back to. */
static void refuse_failed(const struct facts *facts, struct plan *plan)
{
	const struct fact *failed = fallback_failure(facts, "root");
	struct err err;

	if (!failed)
		return;
	fact_err(failed, E_INTERNAL, &err);
	plan_refuse(plan, err.code, "%s: %s", failed->subject, err.text);
}

void root_decide(const struct facts *facts, struct plan *plan)
{
	static struct triple root, usr; /* large, and no state: filled anew by each call */
	struct sealed_list sealed = { .n = 0 };
	struct version version;
	struct word word;
	bool tmpfs, has_root, has_usr;
	const struct fact *luks;
	char arch[24];

	if (!sources_settled(facts) || !plan->disks_read || plan->initrd_pending ||
	    (!plan->boot_disk[0] && !plan->any_disk))
		return;
	if (auto_off(facts)) {
		plan_refuse(plan, E_ROOT_MISSING, "systemd.gpt_auto=0, and no root= or roothash=");
		return;
	}
	value_get(facts, FACT_CONFIG, "arch", arch, sizeof(arch));
	tmpfs = word_get(facts, "root", &word) && strcmp(word.value, "tmpfs") == 0;
	luks = tmpfs ? NULL : luks_choose(facts, plan, arch);
	has_root = luks || (!tmpfs && triple_choose(facts, plan, PART_ROOT, arch, NULL, &root));
	has_usr = triple_choose(facts, plan, PART_USR, arch, NULL, &usr);
	if (plan->n_refusals > 0 || !demands_met(facts, plan, has_root, has_usr))
		return;
	if (!has_root && !has_usr) {
		refuse_missing(facts, plan, arch);
		return;
	}
	if (!has_root && !tmpfs && !(plan->policy.flags[PART_ROOT] & POLICY_ABSENT)) {
		plan_refuse(plan, E_POLICY, "there is no root partition, and the policy wants one");
		return;
	}
	if (has_root && !luks && has_usr && strcmp(root.disk, usr.disk) != 0 &&
	    !(demanded(facts, "root", "roothash") && demanded(facts, "mount.usr", "usrhash"))) {
		plan_refuse(plan, E_ROOT_AMBIGUOUS, "root is on %s and usr on %s", root.disk,
			    usr.disk);
		return;
	}
	version = (struct version){ .root = has_root && !luks ? &root : NULL,
				    .usr = has_usr ? &usr : NULL,
				    .tmpfs = !has_root };
	if (!version_settle(facts, plan, arch, &version))
		return;
	text_copy(plan->root_mount, sizeof(plan->root_mount), "mnt-root");
	if (luks)
		sealed = (struct sealed_list){ { { luks, "root", false, false } }, 1 };
	layers_choose(facts, plan, arch, &version, &sealed);
	if (plan->n_refusals > 0 || (!plan_luks(facts, plan, &sealed) && sealed.n > (luks ? 1 : 0)))
		return;
	if (!has_root)
		plan_tmpfs_root(plan, tmpfs ? "root=tmpfs" : "a usr partition and no root");
	version_plan(facts, plan, arch, &version);
	if (luks || !has_root)
		refuse_failed(facts, plan);
	plan->root_planned = plan->n_refusals == 0 && plan_find(plan, plan->root_mount);
	if (plan->root_planned)
		luks_drop(facts, plan);
}
