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

/* systemd.verity_root_options= or systemd.verity_usr_options= as an argument of the verity step. */
static void role_verity_words(const struct facts *facts, struct plan *plan, struct step *step,
			      const char *name)
{
	char key[40], *options;
	struct word word;

	text_format(key, sizeof(key), "systemd.verity_%s_options", name);
	if (!word_get(facts, key, &word) || !word.value[0])
		return;
	options = word.value;
	if (strcmp(options, "panic-on-corruption") != 0 &&
	    strcmp(options, "restart-on-corruption") != 0)
		plan_refuse(plan, E_CMDLINE,
			    "systemd.verity_%s_options=%.80s: lintel takes panic-on-corruption or "
			    "restart-on-corruption",
			    name, options);
	step_arg(plan, step, "options", options);
}

#define ID_MAX 24

/* The file system's driver can come while dm-verity starts. */
static bool plan_driver(const struct facts *facts, struct plan *plan, const struct triple *triple,
			const char *name, char ret_id[FS_STEP_MAX])
{
	struct word word;

	return !word_get(facts, strcmp(name, "usr") == 0 ? "mount.usrfstype" : "rootfstype",
			 &word) &&
	       plan_filesystem(plan, triple->data, ret_id);
}

/* The mount of one version; ret_id: its step's id. */
static void plan_mount(const struct facts *facts, struct plan *plan, const struct triple *triple,
		       const char *name, const char *of, const char *driver, char ret_id[ID_MAX])
{
	struct step *step;

	text_format(ret_id, ID_MAX, "mnt-%s", of);
	step = plan_step(plan, VERB_MOUNT, ret_id, "policy %s=%s", name,
			 triple->trusted_word ? "verity" : "signed");
	step_arg(plan, step, "kind", "verity");
	step_arg(plan, step, "what", name);
	step_arg(plan, step, "where", strcmp(name, "usr") == 0 ? "/sysroot/usr" : "/sysroot");
	role_mount_words(facts, plan, step, name);
	step_after(plan, step, of);
	if (driver)
		step_after(plan, step, driver);
}

/* The verification of one version. What failed before it under the same name makes room. */
static void plan_verity(const struct facts *facts, struct plan *plan, const struct triple *triple,
			const char *name, const char *id)
{
	struct step *step = plan_step(plan, VERB_VERITY, id, "%s, DPS %s, %s", triple->why_disk,
				      triple->type_name, triple->why_trust);
	char probe[FACT_NAME_MAX];

	step_arg(plan, step, "name", name);
	step_arg(plan, step, "data", triple->data->subject);
	step_arg(plan, step, "hash", triple->hash->subject);
	if (triple->sig)
		step_arg(plan, step, "sig", triple->sig->subject);
	step_arg(plan, step, "roothash", triple->roothash);
	step_arg(plan, step, "trust", triple->trusted_word ? "cmdline" : "signed");
	if (strcmp(id, name) != 0)
		step_arg(plan, step, "replaces", "yes");
	role_verity_words(facts, plan, step, name);
	probe_id(triple->disk, probe, sizeof(probe));
	step_after(plan, step, probe);
	step_after(plan, step, "dm");
}

/* What failed, in the plan's own words; also for the variable that the next boot reads. */
static void fall_back(struct plan *plan, const struct fact *failed, const struct triple *triple)
{
	struct err err;

	fact_err(failed, E_INTERNAL, &err);
	plan->fallback.code = err.code;
	snprintf(plan->fallback.text, sizeof(plan->fallback.text), "%s (%s): %.200s",
		 failed->subject, triple->data->subject, err.text);
	plan_note(plan, "fallback: %s: %.150s", err_name(err.code), plan->fallback.text);
}

/* The mount of usr comes on top of the root's, and completes a root that is only a tmpfs. */
static void order_usr(struct plan *plan, bool tmpfs)
{
	struct step *usr = &plan->steps[plan->n_steps - 1];

	if (plan->n_refusals > 0 || usr->verb != VERB_MOUNT || !plan_find(plan, plan->root_mount))
		return;
	if (tmpfs)
		step_arg(plan, usr, "base", "yes");
	step_after(plan, usr, plan->root_mount);
}

/*
 * The steps for one role: the newest version and, for each that failed and may be replaced, the
 * next older one. Failed steps stay in the plan; a mount that nothing can come of does not. Root
 * and /usr of two versions do not belong together, so `alone` is asked for.
 */
static void plan_role(const struct facts *facts, struct plan *plan, enum designator part,
		      const char *arch, struct triple *triple, bool alone, char ret_mount[ID_MAX])
{
	const char *name = part == PART_USR ? "usr" : "root";
	char id[ID_MAX], driver_id[FS_STEP_MAX], label[sizeof(triple->label)];
	const struct fact *failed;

	text_copy(id, sizeof(id), name);
	for (unsigned int n = 2;; n++) {
		bool driver = plan_driver(facts, plan, triple, name, driver_id);
		const struct fact *verity = facts_step_result(facts, id);

		failed = fallback_failure(facts, id);
		plan_verity(facts, plan, triple, name, id);
		if (!failed || failed != verity)
			plan_mount(facts, plan, triple, name, id, driver ? driver_id : NULL,
				   ret_mount);
		if (part == PART_USR)
			order_usr(plan, alone);
		if (!failed || plan->n_refusals > 0)
			return;
		fall_back(plan, failed, triple);
		text_copy(label, sizeof(label), triple->label);
		if (!alone || triple->trusted_word ||
		    !triple_choose(facts, plan, part, arch, label, triple))
			break;
		text_format(id, sizeof(id), "%s-%u", name, n);
	}
	plan_refuse(plan, plan->fallback.code, "%s; no older version may take its place",
		    plan->fallback.text);
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
	text_copy(plan->root_mount, sizeof(plan->root_mount), "mnt-root");
	plan_luks(facts, plan, luks);
	if (has_root && !luks)
		plan_role(facts, plan, PART_ROOT, arch, &root, !has_usr, plan->root_mount);
	else if (!has_root)
		plan_tmpfs_root(plan, tmpfs ? "root=tmpfs" : "a usr partition and no root");
	if (has_usr)
		plan_role(facts, plan, PART_USR, arch, &usr, !has_root, plan->usr_mount);
	if (luks || !has_root)
		refuse_failed(facts, plan);
	plan->root_planned = plan->n_refusals == 0 && plan_find(plan, plan->root_mount);
}
