/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot disk is the one that holds the partition the UKI came from, as the boot loader says in
 * LoaderDevicePartUUID (or the stub in StubDevicePartUUID). No other disk is looked at for a root.
 * Every disk's table is read, so that a second holder of that UUID is seen and refused.
 */
#include "generators/rules/rules.h"
#include "init/base/bytes.h"

#include <string.h>

static void plan_probes(const struct facts *facts, struct plan *plan)
{
	for (const struct fact *disk = NULL;
	     (disk = facts_with(facts, FACT_BLOCK, "devtype", "disk", disk)) != NULL;) {
		char id[FACT_NAME_MAX], dev[24];
		struct step *step;

		if (facts_find(facts, FACT_BLOCK, disk->subject) != disk ||
		    text_starts(disk->subject, "dm-") || disk_is_image(disk->subject))
			continue;
		probe_id(disk->subject, id, sizeof(id));
		if (facts_find(facts, FACT_GONE, disk->subject) && !facts_step_started(facts, id))
			continue;
		fields_get(&disk->fields, "dev", dev, sizeof(dev));
		step = plan_step(plan, VERB_PROBE, id, "uevent block/%s", disk->subject);
		step_arg(plan, step, "disk", disk->subject);
		step_arg(plan, step, "dev", dev);
	}
}

/* Whether the UKI's own line, or a policy that accepts plain verity, frees us of the boot disk. */
static bool any_disk_allowed(const struct facts *facts, const struct plan *plan)
{
	struct word word;

	if (word_get(facts, "root", &word) && word.trusted && strcmp(word.value, "gpt-auto") != 0 &&
	    strcmp(word.value, "dissect") != 0)
		return true;
	if (word_get(facts, "roothash", &word))
		return word.trusted || (plan->policy.flags[PART_ROOT] & POLICY_VERITY);
	if (word_get(facts, "usrhash", &word))
		return word.trusted || (plan->policy.flags[PART_USR] & POLICY_VERITY);
	return false;
}

/* A disk that is known and not yet read could be a second holder; an image is none. */
static bool all_probed(const struct facts *facts, const struct plan *plan, size_t from)
{
	for (size_t i = from; i < plan->n_steps; i++)
		if (plan->steps[i].verb == VERB_PROBE &&
		    !facts_step_result(facts, plan->steps[i].id))
			return false;
	return true;
}

static void find_holder(const struct facts *facts, struct plan *plan, const char *variable,
			const char *uuid)
{
	struct pair holders = { .a = "" };

	for (const struct fact *part = NULL;
	     (part = facts_with(facts, FACT_PART, "uuid", uuid, part)) != NULL;) {
		char disk[sizeof(plan->boot_disk)];

		if (fields_get(&part->fields, "disk", disk, sizeof(disk)) < 0 ||
		    disk_is_image(disk) || !disk_usable(facts, disk))
			continue;
		pair_add(&holders, disk);
	}
	text_copy(plan->boot_disk, sizeof(plan->boot_disk), holders.a);
	if (holders.b[0])
		plan_refuse(plan, E_BOOTDISK_AMBIGUOUS, "%s and %s both hold partition %s (%s)",
			    holders.a, holders.b, uuid, variable);
}

void bootdisk_decide(const struct facts *facts, struct plan *plan)
{
	static const char *const variables[] = { "LoaderDevicePartUUID", "StubDevicePartUUID" };
	size_t from = plan->n_steps;
	char uuid[UUID_TEXT_SIZE];

	plan_probes(facts, plan);
	if (!sources_settled(facts))
		return;
	plan->disks_read = all_probed(facts, plan, from);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		value_get(facts, FACT_EFI, variables[i], uuid, sizeof(uuid));
		if (!uuid[0])
			continue;
		if (plan->disks_read)
			find_holder(facts, plan, variables[i], uuid);
		return;
	}
	if (any_disk_allowed(facts, plan))
		plan->any_disk = true;
	else
		plan_refuse(plan, E_BOOTDISK_UNSET,
			    "LoaderDevicePartUUID and StubDevicePartUUID are unset, and the UKI's "
			    "own command line has no root=");
}
