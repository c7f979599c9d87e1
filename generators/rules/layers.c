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

static void add(struct plan *plan, enum designator role, const struct triple *triple,
		struct sealed_list *list)
{
	struct sealed *sealed = &list->volumes[list->n];

	if (!triple || !triple_encrypted(triple) || !allowed(plan, role, triple))
		return;
	sealed->part = triple->data;
	sealed->below_verity = true;
	text_format(sealed->name, sizeof(sealed->name), "%s-crypt", designator_name(role));
	list->n++;
}

void layers_choose(struct plan *plan, const struct version *version, struct sealed_list *list)
{
	add(plan, PART_ROOT, version->root, list);
	add(plan, PART_USR, version->usr, list);
}
