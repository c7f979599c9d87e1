/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verity sets whose data partition is a LUKS2 volume: what it decrypts to is what the signed hash tree
 * is over. The policy has to allow both protections, and neither takes the other's place. That it is
 * one is the probe's word: where that is wrong, no key is found, or the ciphertext does not match.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

#include <string.h>

bool triple_encrypted(const struct triple *triple)
{
	return fields_are(&triple->data->fields, "hint", "crypto_LUKS");
}

static bool allowed(struct plan *plan, enum designator role, const struct triple *triple)
{
	const char *name = designator_name(role), *data = triple->data->subject;

	if (!(plan->policy.flags[role] & POLICY_ENCRYPTED))
		plan_refuse(plan, E_POLICY,
			    "%s: %s is a LUKS2 volume, and the policy does not allow that: add "
			    "encrypted (%s=%s+encrypted)",
			    name, data, name, triple->trusted_word ? "verity" : "signed");
	else if (strcmp(triple->disk, plan->boot_disk) != 0)
		plan_refuse(plan, E_BOOTDISK_UNSET,
			    "%s: %s is encrypted, and no boot loader named its disk", name, data);
	else
		return true;
	return false;
}

static void add(struct plan *plan, enum designator role, const struct triple *triple, bool spare,
		struct sealed_list *list)
{
	struct sealed *sealed = &list->volumes[list->n];

	if (!triple || !triple_encrypted(triple) || !allowed(plan, role, triple))
		return;
	*sealed = (struct sealed){ .part = triple->data, .below_verity = true, .spare = spare };
	text_format(sealed->name, sizeof(sealed->name), "%s-crypt%s", designator_name(role),
		    spare ? "-2" : "");
	list->n++;
}

/*
 * When the newest version turns out to be bad its key has been measured, and nothing is unsealed any
 * more (invariant I3): so the next older one's is found with it. What is wrong with that one is said
 * when its turn comes.
 */
static void add_spares(const struct facts *facts, struct plan *plan, const char *arch,
		       const struct version *version, struct sealed_list *list)
{
	size_t refusals = plan->n_refusals, notes = plan->n_notes;
	struct triple root, usr;
	struct version older = *version;

	if (version->root) {
		root = *version->root;
		older.root = &root;
	}
	if (version->usr) {
		usr = *version->usr;
		older.usr = &usr;
	}
	if (version_older(facts, plan, arch, &older)) {
		add(plan, PART_ROOT, older.root, true, list);
		add(plan, PART_USR, older.usr, true, list);
	}
	plan->n_refusals = refusals;
	plan->n_notes = notes;
}

void layers_choose(const struct facts *facts, struct plan *plan, const char *arch,
		   const struct version *version, struct sealed_list *list)
{
	size_t n = list->n;

	add(plan, PART_ROOT, version->root, false, list);
	add(plan, PART_USR, version->usr, false, list);
	if (list->n > n && action_choose(facts) == ACTION_FALLBACK)
		add_spares(facts, plan, arch, version, list);
}
