/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules: one step for each device alias, and one for what verity needs in any case. */
#include "generators/root_fs.h"
#include "generators/rules/rules.h"

#include <string.h>

/*
 * PCI mass storage but NVMe (class 01, subclass 08) and virtio, and USB hosts (0C03): to look at
 * empty ports takes them longer than the whole boot from another disk.
 */
static bool probes_slowly(const char *modalias)
{
	const char *class = text_starts(modalias, "pci:") ? strstr(modalias, "bc") : NULL;

	if (!class || text_starts(modalias, "pci:v00001AF4"))
		return false;
	return (text_starts(class, "bc01") && !text_starts(class, "bc01sc08")) ||
	       text_starts(class, "bc0Csc03");
}

/*
 * Extension images have brought modules: what had no driver is looked up again, under another name.
 * Devices that turn up from now on are looked up in all indexes at once.
 */
static void plan_again(const struct facts *facts, struct plan *plan, const struct fact *device)
{
	const struct fact *first = facts_step_result(facts, device->subject);
	const struct fact *initrd = facts_step_result(facts, "initrd");
	char id[FACT_NAME_MAX], modalias[FIELDS_MAX];
	struct step *step;
	uint64_t n;

	if (!first || !initrd || fields_get_u64(&initrd->fields, "modules", &n) < 0 || n == 0 ||
	    (fields_get_u64(&first->fields, "loaded", &n) == 0 && n > 0))
		return;
	fields_get(&device->fields, "modalias", modalias, sizeof(modalias));
	if (text_format(id, sizeof(id), "again:%s", device->subject) < 0)
		text_format(id, sizeof(id), "again:h:%08x%08x", text_hash(1, modalias),
			    text_hash(2, modalias));
	step = plan_step(plan, VERB_DRIVERS, id, "initrd");
	step_arg(plan, step, "modalias", modalias);
	if (step)
		step->late = probes_slowly(modalias);
}

static bool only_encrypted(const struct plan *plan)
{
	return (plan->policy.flags[PART_ROOT] & POLICY_PROTECTIONS & ~POLICY_ABSENT) ==
	       POLICY_ENCRYPTED;
}

void step_after_verity(struct plan *plan, struct step *step)
{
	struct step *driver;

	if (!only_encrypted(plan)) {
		step_after(plan, step, "dm");
		return;
	}
	if (!plan_find(plan, "dm-verity")) {
		driver = plan_step(plan, VERB_DRIVERS, "dm-verity", "a signed image");
		step_arg(plan, driver, "module", "dm_verity");
	}
	step_after(plan, step, "dm-verity");
}

/* What every way to a root needs. Once all words about the policy are there: later ones only narrow it. */
static void plan_mapper(const struct facts *facts, struct plan *plan)
{
	struct step *step;

	if (!facts_find(facts, FACT_SETTLED, "sources"))
		return;
	if (only_encrypted(plan)) {
		step = plan_step(plan, VERB_DRIVERS, "dm", "always");
		step_arg(plan, step, "module", "dm_mod");
		plan_crypt_drivers(plan, "policy root=encrypted");
	} else {
		step = plan_step(plan, VERB_DRIVERS, "dm", "always: dm-verity");
		step_arg(plan, step, "module", "dm_mod dm_verity");
	}
}

static void plan_root_fs(const struct facts *facts, struct plan *plan)
{
	struct word fstype;
	struct step *step;

	if (!word_get(facts, "rootfstype", &fstype) || !fstype.value[0] ||
	    strcmp(fstype.value, "auto") == 0 || strcmp(fstype.value, "tmpfs") == 0)
		return;
	if (!root_fs_find(fstype.value)) {
		plan_refuse(plan, E_FS_TYPE, "rootfstype=%.40s may not hold a root", fstype.value);
		return;
	}
	step = plan_step(plan, VERB_DRIVERS, "fs", "rootfstype=");
	step_arg(plan, step, "module", fstype.value);
}

void drivers_decide(const struct facts *facts, struct plan *plan)
{
	struct step *step;
	char modalias[FIELDS_MAX];

	plan_mapper(facts, plan);
	plan_root_fs(facts, plan);
	for (const struct fact *fact = NULL;
	     (fact = facts_each(facts, FACT_DEVICE, fact)) != NULL;) {
		if (facts_find(facts, FACT_DEVICE, fact->subject) != fact)
			continue;
		step = plan_step(plan, VERB_DRIVERS, fact->subject, "uevent");
		if (!step)
			return; /* refused: the plan is full */
		fields_get(&fact->fields, "modalias", modalias, sizeof(modalias));
		fields_copy(&step->args, &fact->fields, "modalias");
		step->late = probes_slowly(modalias);
		plan_again(facts, plan, fact);
	}
}

bool plan_filesystem(struct plan *plan, const struct fact *part, char ret_id[FS_STEP_MAX])
{
	char hint[16], module[20];
	struct step *step;

	/* what the disk's reader says may be a lie */
	if (fields_get(&part->fields, "hint", hint, sizeof(hint)) < 0 || !root_fs_find(hint))
		return false;
	text_format(ret_id, FS_STEP_MAX, "fs-%s", hint);
	if (plan_find(plan, ret_id))
		return true;
	text_format(module, sizeof(module), "?%s", hint);
	step = plan_step(plan, VERB_DRIVERS, ret_id, "%s seems to hold it", part->subject);
	step_arg(plan, step, "module", module);
	return true;
}
