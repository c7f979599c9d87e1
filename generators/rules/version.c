/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of the image's newest version and, where it fails its verification and the UKI asks for
 * fallback, of the older ones. Where root and /usr are two sets, they must be of one version: what was
 * never tested together is not booted.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

#include <stdio.h>
#include <string.h>

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
	step = plan_step(plan, VERB_MOUNT, ret_id, "policy %s=%s%s", name,
			 triple->trusted_word ? "verity" : "signed",
			 triple_encrypted(triple) ? "+encrypted" : "");
	step_arg(plan, step, "kind", "verity");
	step_arg(plan, step, "what", name);
	step_arg(plan, step, "where", strcmp(name, "usr") == 0 ? "/sysroot/usr" : "/sysroot");
	role_mount_words(facts, plan, step, name);
	step_after(plan, step, of);
	if (driver)
		step_after(plan, step, driver);
}

/* "root", "usr-2"; and with another word before it. */
static void version_id(const char *before, const char *name, unsigned int number, char ret[ID_MAX])
{
	if (number == 1)
		text_format(ret, ID_MAX, "%s%s", before, name);
	else
		text_format(ret, ID_MAX, "%s%s-%u", before, name, number);
}

/* The name is that of the version that failed, which makes room, with the volume below it if there is one. */
static void replace(struct plan *plan, struct step *step, const char *name, unsigned int number)
{
	char id[ID_MAX], crypt[CRYPT_NAME_MAX];
	const struct step *failed;

	step_arg(plan, step, "replaces", "yes");
	version_id("", name, number - 1, id);
	failed = plan_find(plan, id);
	if (failed && fields_get(&failed->args, "crypt", crypt, sizeof(crypt)) == 0)
		step_arg(plan, step, "closes", crypt);
}

/* The verification of one version. What failed before it under the same name makes room. */
static struct step *plan_verity(const struct facts *facts, struct plan *plan,
				const struct triple *triple, const char *name, const char *id,
				const char *crypt, unsigned int number)
{
	struct step *step = plan_step(plan, VERB_VERITY, id, "%s, DPS %s, %s", triple->why_disk,
				      triple->type_name, triple->why_trust);
	char probe[FACT_NAME_MAX], volume[ID_MAX];

	version_id("vk-", name, 1, volume);
	if (plan_find(plan, volume))
		plan_refuse(plan, E_CRYPTTAB,
			    "a LUKS2 volume is to be called %s, as the verity device of %s is",
			    name, triple->data->subject);
	step_arg(plan, step, "name", name);
	step_arg(plan, step, "data", triple->data->subject);
	if (crypt[0])
		step_arg(plan, step, "crypt", crypt);
	step_arg(plan, step, "hash", triple->hash->subject);
	if (triple->sig)
		step_arg(plan, step, "sig", triple->sig->subject);
	step_arg(plan, step, "roothash", triple->roothash);
	step_arg(plan, step, "trust", triple->trusted_word ? "cmdline" : "signed");
	if (number > 1)
		replace(plan, step, name, number);
	role_verity_words(facts, plan, step, name);
	probe_id(triple->disk, probe, sizeof(probe));
	step_after(plan, step, probe);
	step_after_verity(plan, step);
	return step;
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

static bool broken(const struct facts *facts, const char *id)
{
	const struct fact *result = facts_step_result(facts, id);

	return result && fallback_takes(facts, result);
}

/* The step waits for what the failed version still does, and for what it did to be undone. */
static void after_version(const struct facts *facts, struct plan *plan, struct step *step,
			  unsigned int number)
{
	static const char *const names[] = { "root", "usr" };
	static const char *const before[] = { "", "mnt-" };
	char id[ID_MAX];

	if (number == 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(before); i++) {
		version_id(before[i / 2], names[i % 2], number, id);
		if (plan_find(plan, id) && !broken(facts, id))
			step_after(plan, step, id);
	}
	version_id("undo-", "root", number, id);
	if (plan_find(plan, id))
		step_after(plan, step, id);
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

/* What is good of a version that failed goes on, for it may have begun; the next one waits for that. */
static void plan_set(const struct facts *facts, struct plan *plan, const struct version *version,
		     const char *name, const struct triple *triple, char ret_mount[ID_MAX])
{
	char id[ID_MAX], root[ID_MAX], mount[ID_MAX], driver_id[FS_STEP_MAX];
	char crypt[CRYPT_NAME_MAX] = "", open[CRYPT_NAME_MAX + 8];
	bool driver;
	struct step *step;

	if (!triple)
		return;
	if (triple_encrypted(triple) && !luks_open(facts, plan, triple->data, crypt))
		return;
	version_id("", name, version->number, id);
	version_id("", "root", version->number, root);
	version_id("mnt-", "root", version->number, mount);
	driver = plan_driver(facts, plan, triple, name, driver_id);
	step = plan_verity(facts, plan, triple, name, id, crypt, version->number);
	after_version(facts, plan, step, version->number - 1);
	text_format(open, sizeof(open), "open-%s", crypt);
	if (crypt[0])
		step_after(plan, step, open);
	else
		luks_after_spare(plan, step);
	if (broken(facts, id) || (triple == version->usr && version->root &&
				  (broken(facts, root) || broken(facts, mount))))
		return; /* nothing can come of the mount */
	if (triple == version->usr && !plan_find(plan, plan->root_mount))
		return; /* an encrypted root has no steps before the TPM is there */
	plan_mount(facts, plan, triple, name, id, driver ? driver_id : NULL, ret_mount);
	if (triple == version->usr)
		order_usr(plan, version->tmpfs);
}

/* A root that is good is in the way where its /usr failed. */
static void plan_undo(const struct facts *facts, struct plan *plan, unsigned int number)
{
	char id[ID_MAX], mount[ID_MAX];
	struct step *step;

	version_id("mnt-", "root", number, mount);
	if (!plan_find(plan, mount) || broken(facts, mount))
		return;
	version_id("undo-", "root", number, id);
	step = plan_step(plan, VERB_MOUNT, id, "its /usr failed");
	step_arg(plan, step, "kind", "undo");
	step_arg(plan, step, "what", "root");
	step_arg(plan, step, "where", "/sysroot");
	step_after(plan, step, mount);
}

static bool has_version(const struct triple *triple)
{
	return strpbrk(label_version(triple->label), "0123456789") != NULL;
}

static bool step_back(const struct facts *facts, struct plan *plan, enum designator part,
		      const char *arch, struct triple *triple)
{
	char label[sizeof(triple->label)];

	text_copy(label, sizeof(label), triple->label);
	return !triple->trusted_word && triple_choose(facts, plan, part, arch, label, triple);
}

/*
 * Takes the newest version that has both sets. Words of the UKI's own that name both by their root
 * hashes have decided; a label without a version fits any.
 */
static bool one_version(const struct facts *facts, struct plan *plan, const char *arch,
			const struct version *version)
{
	struct triple *root = version->root, *usr = version->usr;

	if (!root || !usr || (root->trusted_word && usr->trusted_word))
		return true;
	while (has_version(root) && has_version(usr)) {
		int newer = version_compare(label_version(root->label), label_version(usr->label));

		if (newer == 0)
			return true;
		if (!(newer > 0 ? step_back(facts, plan, PART_ROOT, arch, root)
				: step_back(facts, plan, PART_USR, arch, usr)))
			return false;
	}
	return true;
}

bool version_settle(const struct facts *facts, struct plan *plan, const char *arch,
		    const struct version *version)
{
	char root[128], usr[128];

	if (!version->root || !version->usr)
		return true;
	snprintf(root, sizeof(root), "%s", label_version(version->root->label));
	snprintf(usr, sizeof(usr), "%s", label_version(version->usr->label));
	if (one_version(facts, plan, arch, version)) {
		if (strcmp(root, label_version(version->root->label)) != 0 ||
		    strcmp(usr, label_version(version->usr->label)) != 0)
			plan_note(plan, "root is of version %s, usr of %s: both are of %s", root,
				  usr, label_version(version->root->label));
		return true;
	}
	if (plan->n_refusals == 0)
		plan_refuse(plan, E_VERSION, "root is of version %s, usr of %s: none has both",
			    root, usr);
	return false;
}

bool version_older(const struct facts *facts, struct plan *plan, const char *arch,
		   const struct version *version)
{
	struct triple *root = version->root, *usr = version->usr;

	if (root && usr && !(has_version(root) && has_version(usr)))
		return false; /* which belongs to which, nobody knows */
	return (!root || step_back(facts, plan, PART_ROOT, arch, root)) &&
	       (!usr || step_back(facts, plan, PART_USR, arch, usr)) &&
	       one_version(facts, plan, arch, version);
}

/* No key is looked for any more when one was measured (invariant I3): rules/layers knows for which that is. */
static bool openable(const struct facts *facts, struct plan *plan, const struct triple *triple)
{
	if (!triple || !triple_encrypted(triple) || luks_spare_found(facts, plan, triple->data))
		return true;
	plan_note(plan, "fallback: %s is encrypted, and its key was not found with the newest's",
		  triple->data->subject);
	return false;
}

static void find_failure(const struct facts *facts, struct version *version)
{
	char id[ID_MAX];

	version_id("", "root", version->number, id);
	version->failed = version->root ? fallback_failure(facts, id) : NULL;
	version->failed_set = version->root;
	if (version->failed || !version->usr)
		return;
	version_id("", "usr", version->number, id);
	version->failed = fallback_failure(facts, id);
	version->failed_set = version->usr;
}

/* The steps of the newest version and, for each that failed and may be replaced, the next older one. */
void version_plan(const struct facts *facts, struct plan *plan, const char *arch,
		  struct version *version)
{
	for (version->number = 1;; version->number++) {
		find_failure(facts, version);
		plan_set(facts, plan, version, "root", version->root, plan->root_mount);
		plan_set(facts, plan, version, "usr", version->usr, plan->usr_mount);
		if (!version->failed || plan->n_refusals > 0)
			return;
		if (version->root && version->usr)
			plan_undo(facts, plan, version->number);
		fall_back(plan, version->failed, version->failed_set);
		if (!version_older(facts, plan, arch, version) ||
		    !openable(facts, plan, version->root) || !openable(facts, plan, version->usr))
			break;
	}
	plan_refuse(plan, plan->fallback.code, "%s; no older version may take its place",
		    plan->fallback.text);
}
