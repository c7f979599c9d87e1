/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root's companions. A volume that is sealed to this boot phase, or to an untouched PCR 15, must be
 * opened by the initrd; what mounts it is the host's own (systemd-gpt-auto-generator finds /home, /srv,
 * /var and /tmp by their types, and takes a mapping that is there already).
 */
#include "generators/rules/volumes.h"
#include "generators/rules/rules.h"

#include <stdio.h>
#include <string.h>

struct choice {
	const struct facts *facts;
	struct plan *plan;
	const struct sealed_list *sealed;
	struct luks *list;
	size_t n;
};

/* The order of measurement is the order of this list. */
static void add(struct choice *c, const struct fact *part, const char *name, const char *why)
{
	struct luks *luks = &c->list[c->n];

	if (c->n == LUKS_MAX) {
		plan_refuse(c->plan, E_LIMIT, "more than %d LUKS2 volumes to open", LUKS_MAX);
		return;
	}
	luks->part = part;
	luks->sealed = NULL;
	snprintf(luks->why, sizeof(luks->why), "%s", why);
	if (!volume_words(c->facts, c->plan, part, name, &luks->volume))
		return; /* refused */
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i].volume.name, luks->volume.name) == 0)
			plan_refuse(c->plan, E_CRYPTTAB, "%s and %s would both be %s",
				    c->list[i].part->subject, part->subject, luks->volume.name);
	c->n++;
}

static bool chosen(const struct choice *c, const struct fact *part)
{
	for (size_t i = 0; i < c->sealed->n; i++)
		if (c->sealed->volumes[i].part == part)
			return true;
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].part == part)
			return true;
	return false;
}

static bool no_auto(const struct fact *part)
{
	uint64_t flags = 0;

	fields_get_u64(&part->fields, "flags", &flags);
	return flags >> 63 & 1;
}

/* The one partition of that role, or NULL; two are a refusal. */
static const struct fact *find_role(struct choice *c, const char *name)
{
	const struct fact *found = NULL;
	struct pair pair = { .a = "" };

	for (const struct fact *part = NULL;
	     (part = facts_with(c->facts, FACT_PART, "disk", c->plan->boot_disk, part)) != NULL;) {
		if (!fields_are(&part->fields, "name", name) || no_auto(part))
			continue;
		pair_add(&pair, part->subject);
		found = part;
	}
	if (pair.b[0])
		plan_refuse(c->plan, E_ROOT_AMBIGUOUS, "%s: the policy allows both %s and %s", name,
			    pair.a, pair.b);
	return found;
}

/* What the policy names as encrypted must be: else the host would mount what anyone has put there. */
static void add_role(struct choice *c, enum designator role)
{
	const char *name = designator_name(role);
	unsigned int flags = c->plan->policy.flags[role];
	const struct fact *part;
	char why[64];

	if (!(c->plan->policy.listed >> role & 1) || !(flags & POLICY_ENCRYPTED))
		return;
	part = find_role(c, name);
	if (!part && !(flags & POLICY_ABSENT))
		plan_refuse(c->plan, E_POLICY,
			    "there is no %s partition on %s, and the policy wants one", name,
			    c->plan->boot_disk);
	if (!part || c->plan->n_refusals > 0)
		return;
	if (fields_are(&part->fields, "hint", "crypto_LUKS")) {
		text_format(why, sizeof(why), "DPS %s, policy encrypted", name);
		add(c, part, name, why);
	} else if (!(flags & (POLICY_UNPROTECTED | POLICY_UNUSED))) {
		plan_refuse(c->plan, E_POLICY,
			    "%s: %s is no LUKS2 volume, and the policy wants one", name,
			    part->subject);
	}
}

/* Of all that words name, the next behind `after` by its node's name: not by order of arrival. */
static const struct fact *next_named(const struct choice *c, const char *after)
{
	const struct fact *next = NULL;

	for (const struct fact *part = NULL;
	     (part = facts_with(c->facts, FACT_PART, "disk", c->plan->boot_disk, part)) != NULL;)
		if (strcmp(part->subject, after) > 0 && !chosen(c, part) &&
		    fields_are(&part->fields, "hint", "crypto_LUKS") &&
		    volume_named(c->facts, part) &&
		    (!next || strcmp(part->subject, next->subject) < 0))
			next = part;
	return next;
}

static void add_named(struct choice *c)
{
	char name[CRYPT_NAME_MAX], luks[UUID_TEXT_SIZE];
	const struct fact *part = NULL;

	while (c->plan->n_refusals == 0 &&
	       (part = next_named(c, part ? part->subject : "")) != NULL) {
		fields_get(&part->fields, "luks", luks, sizeof(luks));
		text_format(name, sizeof(name), "luks-%s", luks); /* as systemd calls it */
		add(c, part, name, "rd.luks.uuid=, rd.luks.name= or crypttab");
	}
}

/* systemd-gpt-auto-generator(8) calls the root's "root". Spare ones come last, and where there is room. */
static void add_sealed(struct choice *c, bool spare)
{
	for (size_t i = 0; i < c->sealed->n; i++) {
		const struct sealed *sealed = &c->sealed->volumes[i];
		size_t n = c->n;

		if (sealed->spare != spare || (spare && n == LUKS_MAX))
			continue;
		add(c, sealed->part, sealed->name,
		    spare		   ? "the next older version, for fallback"
		    : sealed->below_verity ? "LoaderDevicePartUUID, below verity, policy encrypted"
					   : "LoaderDevicePartUUID, DPS root, policy encrypted");
		if (c->n == n)
			continue;
		c->list[n].sealed = sealed;
		if (spare)
			c->list[n].volume.ask = 0;
	}
}

size_t volumes_choose(const struct facts *facts, struct plan *plan,
		      const struct sealed_list *sealed, struct luks list[LUKS_MAX])
{
	static const enum designator roles[] = { PART_HOME, PART_SRV, PART_VAR, PART_TMP };
	struct choice c = { .facts = facts, .plan = plan, .sealed = sealed, .list = list };

	if (!plan->boot_disk[0])
		return 0;
	add_sealed(&c, false);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		add_role(&c, roles[i]);
	add_named(&c);
	add_sealed(&c, true);
	if (plan->n_refusals == 0)
		volume_words_met(facts, plan);
	return plan->n_refusals == 0 ? c.n : 0;
}
