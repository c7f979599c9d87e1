/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the boot waits for, with one deadline each. A deadline that passed is a fact, and only
 * then does "not yet" become "missing".
 */
#include "generators/rules/rules.h"

#include <inttypes.h>

#define QUICK_MS UINT64_C(2000) /* a disk that hangs must not hold up all others for longer */
#define TIMEOUT_DEFAULT_S 90	/* systemd's DefaultDeviceTimeoutSec= */

static uint64_t deadline(const struct facts *facts)
{
	const struct fact *start = facts_find(facts, FACT_SETTLED, "sources");
	uint64_t seconds = TIMEOUT_DEFAULT_S;
	struct word word;

	if (word_get(facts, "lintel.timeout", &word) && text_to_u64(word.value, &seconds) < 0)
		seconds = TIMEOUT_DEFAULT_S;
	return (start ? start->usec : 0) + seconds * 1000000;
}

static void bootdisk_deadline(const struct facts *facts, struct plan *plan)
{
	char uuid[64];
	const char *what;

	value_get(facts, FACT_EFI, "LoaderDevicePartUUID", uuid, sizeof(uuid));
	if (!uuid[0])
		value_get(facts, FACT_EFI, "StubDevicePartUUID", uuid, sizeof(uuid));
	what = plan->any_disk ? "the partition that root=, roothash= or usrhash= names"
			      : "the disk that holds the boot partition";
	if (!facts_find(facts, FACT_DEADLINE, "root"))
		plan_wait(plan, "root", deadline(facts), "%s %s", what, uuid);
	else if (!refuse_bad_tables(facts, plan))
		plan_refuse(plan, plan->any_disk ? E_ROOT_MISSING : E_BOOTDISK_MISSING,
			    "%s %s did not appear in time", what, uuid);
}

/* The slow drivers' turn: the quick ones are done, and what they brought is no boot disk. */
static void late_drivers(const struct facts *facts, struct plan *plan)
{
	const struct fact *settled = facts_find(facts, FACT_SETTLED, "coldplug");
	bool late = false, busy = !settled || !plan->disks_read;

	for (const struct step *step = plan->steps; step < plan->steps + plan->n_steps; step++) {
		late = late || step->late;
		if (step_is_device(step->verb, step->id) && !step->late &&
		    !facts_step_result(facts, step->id))
			busy = true;
	}
	plan->late_too = !busy || facts_find(facts, FACT_DEADLINE, "quick-drivers");
	if (late && !plan->late_too && settled && !plan->enough)
		plan_wait(plan, "quick-drivers", settled->usec + QUICK_MS * 1000,
			  "quick drivers, before those that probe slowly start");
}

void deadline_decide(const struct facts *facts, struct plan *plan)
{
	if (!sources_settled(facts))
		return;
	late_drivers(facts, plan);
	if (plan->tpm_expected && !facts_find(facts, FACT_TPM, "tpmrm0")) {
		if (facts_find(facts, FACT_DEADLINE, "tpm"))
			plan_refuse(plan, E_MEASURE,
				    "the stub measured, but no TPM device appeared in time");
		else
			plan_wait(plan, "tpm", deadline(facts), "the TPM that the stub used");
	}
	if (!plan->root_planned && !plan->initrd_pending && plan->n_refusals == 0)
		bootdisk_deadline(facts, plan);
}
