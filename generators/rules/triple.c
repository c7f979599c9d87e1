/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/rules/triple.h"
#include "generators/rules/rules.h"

#include <stdio.h>
#include <string.h>

/* What one role looks like on the disks in question. */
struct role {
	const char *name;		  /* "root" */
	char data[24], hash[32], sig[40]; /* DPS names of the three types */
	const char *disk;		  /* the image's own; NULL: the root's */
	char root_word[FIELDS_MAX];	  /* root= or mount.usr=, without those that mean DPS */
	char data_word[FIELDS_MAX];	  /* systemd.verity_root_data=, and _hash= */
	char tree_word[FIELDS_MAX];
	char hash_word[FIELDS_MAX]; /* roothash= or usrhash= */
	bool hash_trusted;	    /* and it is enough by itself */
	unsigned int n_data, n_hash, n_sig, n_bad_sig;
	const struct fact *first_data, *first_bad_sig;
	struct pair excluded, too_old; /* complete sets that no word means; below the minimum */
	struct pair revoked;	       /* and whose root hash the initrd's list has */
	const char *below;	       /* only labels older than this one; NULL: all */
};

/* systemd-veritysetup-generator(8): systemd.verity_root_data= and its like. */
static void role_word(const struct facts *facts, const char *name, const char *what,
		      char ret[FIELDS_MAX])
{
	char key[40];
	struct word word;

	text_format(key, sizeof(key), "systemd.verity_%s_%s", name, what);
	text_copy(ret, FIELDS_MAX, word_get(facts, key, &word) ? word.value : "");
}

static void role_init(struct role *role, enum designator part, const char *arch)
{
	memset(role, 0, sizeof(*role));
	role->name = part == PART_USR ? "usr" : "root";
	text_format(role->data, sizeof(role->data), "%s-%s", role->name, arch);
	text_format(role->hash, sizeof(role->hash), "%s-verity", role->data);
	text_format(role->sig, sizeof(role->sig), "%s-sig", role->hash);
}

/* "systemd.verity_root_data=" has no short form; "root=" means DPS in two spellings. */
static void role_words(const struct facts *facts, const struct plan *plan, enum designator part,
		       const char *arch, struct role *role)
{
	bool usr = part == PART_USR;
	struct word word;

	role_init(role, part, arch);
	if (word_get(facts, usr ? "mount.usr" : "root", &word) && !root_word_is_dps(word.value))
		text_copy(role->root_word, sizeof(role->root_word), word.value);
	role_word(facts, role->name, "data", role->data_word);
	role_word(facts, role->name, "hash", role->tree_word);
	if (word_get(facts, usr ? "usrhash" : "roothash", &word)) {
		text_copy(role->hash_word, sizeof(role->hash_word), word.value);
		role->hash_trusted = word.trusted || (plan->policy.flags[part] & POLICY_VERITY);
	}
}

/* The one disk that the role is looked for on; NULL: any disk. */
static const char *role_disk(const struct plan *plan, const struct role *role)
{
	return role->disk ? role->disk : plan->any_disk ? NULL : plan->boot_disk;
}

/* Whether a partition may be looked at: on the right disk, which is readable, and not no-auto. */
static bool part_eligible(const struct facts *facts, const struct plan *plan,
			  const struct role *role, const struct fact *part)
{
	const char *only = role_disk(plan, role);
	char disk[32];
	uint64_t flags;

	if (fields_get(&part->fields, "disk", disk, sizeof(disk)) < 0 ||
	    (only ? strcmp(disk, only) != 0 : disk_is_image(disk)))
		return false;
	/* rules/bootdisk has asked for the one, rules/images for the other */
	if (!role->disk && only != plan->boot_disk && !disk_usable(facts, disk))
		return false;
	if (fields_get_u64(&part->fields, "flags", &flags) < 0)
		return false;
	return !(flags >> 63 & 1) || role->root_word[0] || role->hash_word[0];
}

static void count_sig(const struct facts *facts, struct role *role, const struct fact *part)
{
	const struct fact *sig = facts_find(facts, FACT_SIG, part->subject);
	char text[130];

	role->n_sig++;
	if (sig && fields_get(&sig->fields, "roothash", text, sizeof(text)) == 0)
		return;
	role->n_bad_sig++;
	if (sig && (!role->first_bad_sig || strcmp(sig->subject, role->first_bad_sig->subject) < 0))
		role->first_bad_sig = sig;
}

static void count_part(const struct facts *facts, const struct plan *plan, struct role *role,
		       const struct fact *part)
{
	bool data = fields_are(&part->fields, "name", role->data);
	bool hash = !data && fields_are(&part->fields, "name", role->hash);

	if (!data && !hash && !fields_are(&part->fields, "name", role->sig))
		return;
	if (!part_eligible(facts, plan, role, part) ||
	    (data && !root_word_matches(role->root_word, part)))
		return;
	if (hash) {
		role->n_hash++;
	} else if (!data) {
		count_sig(facts, role, part);
	} else {
		if (!role->first_data || strcmp(part->subject, role->first_data->subject) < 0)
			role->first_data = part;
		role->n_data++;
	}
}

/* Other disks' partitions, or those of other types, cost nothing: there may be thousands. */
static void count_role(const struct facts *facts, const struct plan *plan, struct role *role)
{
	const char *const names[] = { role->data, role->hash, role->sig };
	const char *disk = role_disk(plan, role);
	const struct fact *part = NULL;

	if (disk) {
		while ((part = facts_with(facts, FACT_PART, "disk", disk, part)) != NULL)
			count_part(facts, plan, role, part);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		while ((part = facts_with(facts, FACT_PART, "name", names[i], part)) != NULL)
			count_part(facts, plan, role, part);
}

/*
 * The one partition of that type and UUID; two of them are a refusal. An image has few partitions,
 * and other images that are copies of it have the same UUIDs: there the disk tells more.
 */
static const struct fact *find_half(const struct facts *facts, struct plan *plan,
				    const struct role *role, const char *type, const char *uuid)
{
	const char *key = role->disk ? "disk" : "uuid", *value = role->disk ? role->disk : uuid;
	const struct fact *found = NULL;
	struct pair pair = { .a = "" };

	for (const struct fact *part = NULL;
	     (part = facts_with(facts, FACT_PART, key, value, part)) != NULL;) {
		if (!fields_are(&part->fields, "name", type) ||
		    !fields_are(&part->fields, "uuid", uuid) ||
		    !part_eligible(facts, plan, role, part))
			continue;
		pair_add(&pair, part->subject);
		found = part;
	}
	if (!pair.b[0])
		return found;
	plan_refuse(plan, E_ROOT_AMBIGUOUS, "%s: %s and %s both have UUID %s", role->name, pair.a,
		    pair.b, uuid);
	return NULL;
}

/* Completes a triple from its root hash; false where a part of it is missing. */
static bool complete(const struct facts *facts, struct plan *plan, struct role *role,
		     const char *roothash, struct triple *ret)
{
	char uuid[UUID_TEXT_SIZE];

	if (!roothash_half(roothash, 0, uuid))
		return false;
	ret->data = find_half(facts, plan, role, role->data, uuid);
	if (!ret->data || !roothash_half(roothash, 1, uuid))
		return false;
	ret->hash = find_half(facts, plan, role, role->hash, uuid);
	if (!ret->hash)
		return false;
	if (!root_word_matches(role->root_word, ret->data) ||
	    !root_word_matches(role->data_word, ret->data) ||
	    !root_word_matches(role->tree_word, ret->hash)) {
		pair_add(&role->excluded, ret->data->subject);
		return false;
	}
	fields_get(&ret->data->fields, "disk", ret->disk, sizeof(ret->disk));
	if (!fields_are(&ret->hash->fields, "disk", ret->disk))
		return false;
	fields_get(&ret->data->fields, "label", ret->label, sizeof(ret->label));
	if (!role->disk && !version_allowed(facts, ret->label)) {
		pair_add(&role->too_old, ret->data->subject);
		return false;
	}
	if (roothash_revoked(facts, roothash)) {
		pair_add(&role->revoked, ret->data->subject);
		return false;
	}
	text_copy(ret->roothash, sizeof(ret->roothash), roothash);
	text_copy(ret->type_name, sizeof(ret->type_name), role->data);
	text_copy(ret->why_disk, sizeof(ret->why_disk),
		  plan->any_disk ? "any disk" : "LoaderDevicePartUUID");
	return true;
}

static const struct fact *next_sig(const struct facts *facts, const struct plan *plan,
				   const struct role *role, const struct fact *after)
{
	const char *disk = role_disk(plan, role);

	return disk ? facts_with(facts, FACT_SIG, "disk", disk, after)
		    : facts_each(facts, FACT_SIG, after);
}

/*
 * Takes the newest of all complete, signed triples. Versions are compared on one disk only: which
 * disks are there is a matter of time, and a newer one that comes late would change the plan.
 */
static bool choose_signed(const struct facts *facts, struct plan *plan, struct role *role,
			  struct triple *ret)
{
	struct pair ties = { .a = "" }, disks = { .a = "" };
	bool found = false;

	for (const struct fact *sig = NULL; (sig = next_sig(facts, plan, role, sig)) != NULL;) {
		const struct fact *part = facts_find(facts, FACT_PART, sig->subject);
		struct triple one = { .sig = sig };
		char roothash[129];
		int newer;

		if (!part || !fields_are(&part->fields, "name", role->sig) ||
		    !part_eligible(facts, plan, role, part) ||
		    fields_get(&sig->fields, "roothash", roothash, sizeof(roothash)) < 0 ||
		    (role->hash_word[0] && strcmp(roothash, role->hash_word) != 0) ||
		    !complete(facts, plan, role, roothash, &one) ||
		    (role->below && version_compare(one.label, role->below) >= 0))
			continue;
		pair_add(&disks, one.disk);
		newer = found ? version_compare(one.label, ret->label) : 1;
		if (newer > 0)
			ties = (struct pair){ .a = "" };
		if (newer >= 0)
			pair_add(&ties, sig->subject);
		if (newer <= 0)
			continue;
		*ret = one;
		found = true;
	}
	if (disks.b[0])
		plan_refuse(plan, E_ROOT_AMBIGUOUS, "%s: %s and %s both hold a signed one",
			    role->name, disks.a, disks.b);
	else if (ties.b[0])
		plan_refuse(plan, E_ROOT_AMBIGUOUS, "%s: %s and %s have labels of the same version",
			    role->name, ties.a, ties.b);
	snprintf(ret->why_trust, sizeof(ret->why_trust), "signed by %s",
		 found ? ret->sig->subject : "nothing");
	return found;
}

static bool choose_by_word(const struct facts *facts, struct plan *plan, struct role *role,
			   struct triple *ret)
{
	*ret = (struct triple){ .trusted_word = true };
	snprintf(ret->why_trust, sizeof(ret->why_trust), "%shash= of the command line", role->name);
	return complete(facts, plan, role, role->hash_word, ret);
}

/* The role's partitions are there, but nothing complete: say which link of the chain is missing. */
static void refuse_incomplete(struct plan *plan, const struct role *role)
{
	const char *at = role->first_data ? role->first_data->subject : "?";
	char text[ERR_TEXT_MAX] = "";

	if (role->revoked.a[0])
		plan_refuse(plan, E_REVOKED, "%s: the root hash of %s is revoked", role->name,
			    role->revoked.a);
	else if (role->too_old.a[0])
		plan_refuse(plan, E_VERSION, "%s: %s is older than the signed minimum version",
			    role->name, role->too_old.a);
	else if (role->hash_word[0] && !plan->any_disk)
		plan_refuse(plan, E_ROOT_MISSING,
			    "%s: no data and verity partition with the UUIDs "
			    "of %shash=%.16s…",
			    role->name, role->name, role->hash_word);
	else if (role->excluded.a[0])
		plan_refuse(plan, E_ROOT_MISSING,
			    "%s: %s is complete and signed, but not what the command line names",
			    role->name, role->excluded.a);
	else if (role->hash_word[0])
		return; /* it may still turn up on another disk */
	else if (role->n_data == 0)
		plan_refuse(plan, E_ROOT_MISSING, "a %s without its data partition", role->hash);
	else if (role->n_hash == 0)
		plan_refuse(plan, E_ROOT_UNPROTECTED, "%s: %s has no %s partition beside it",
			    role->name, at, role->hash);
	else if (role->n_sig == 0)
		plan_refuse(plan, E_VERITY_UNSIGNED, "%s: %s has no %s partition", role->name, at,
			    role->sig);
	else if (role->n_bad_sig == role->n_sig && role->first_bad_sig) {
		fields_get(&role->first_bad_sig->fields, "text", text, sizeof(text));
		plan_refuse(plan, E_SIG_MALFORMED, "%s: %s: %s", role->name,
			    role->first_bad_sig->subject, text);
	} else
		plan_refuse(plan, E_SIG_MISMATCH,
			    "%s: no signature is for the root hash in the UUID of %s", role->name,
			    at);
}

/* It may be the newest version's: then an older one boots, and this says why. */
static void note_passed_over(struct plan *plan, const struct role *role)
{
	char text[ERR_TEXT_MAX] = "";

	if (role->revoked.a[0])
		plan_note(plan, "%s: %s is passed over: %s", role->name, role->revoked.a,
			  err_name(E_REVOKED));
	if (!role->first_bad_sig)
		return;
	fields_get(&role->first_bad_sig->fields, "text", text, sizeof(text));
	plan_note(plan, "%s: %s is passed over: %s: %.120s", role->name,
		  role->first_bad_sig->subject, err_name(E_SIG_MALFORMED), text);
}

/* What the policy asks of a role, against what is there. */
static bool policy_uses(struct plan *plan, enum designator part, const struct role *role)
{
	unsigned int flags = plan->policy.flags[part];
	bool there = role->n_data || role->n_hash || role->n_sig;

	if (!there || flags & (POLICY_SIGNED | POLICY_VERITY))
		return there;
	if (flags & POLICY_UNUSED)
		plan_note(plan, "%s: there, and unused by policy", role->name);
	else
		plan_refuse(plan, E_POLICY,
			    "%s: %s is there, but the policy neither allows verity nor unused",
			    role->name, role->first_data ? role->first_data->subject : role->hash);
	return false;
}

bool triple_choose(const struct facts *facts, struct plan *plan, enum designator part,
		   const char *arch, const char *below, struct triple *ret)
{
	struct role role;
	bool found;

	role_words(facts, plan, part, arch, &role);
	role.below = below;
	if (!root_word_known(role.root_word) || !root_word_known(role.data_word) ||
	    !root_word_known(role.tree_word)) {
		plan_refuse(
			plan, E_CMDLINE,
			"%s=%.80s: use gpt-auto, PARTUUID=, PARTLABEL=, UUID=, LABEL= or /dev/…",
			part == PART_USR ? "mount.usr" : "root", role.root_word);
		return false;
	}
	count_role(facts, plan, &role);
	if (role.n_data == 0 && role.root_word[0] && plan->any_disk &&
	    !facts_find(facts, FACT_DEADLINE, "root"))
		return false; /* what it names may still turn up on another disk */
	if (!policy_uses(plan, part, &role))
		return false;
	found = role.hash_word[0] && role.hash_trusted ? choose_by_word(facts, plan, &role, ret)
						       : choose_signed(facts, plan, &role, ret);
	if (plan->n_refusals > 0)
		return false;
	if (found && !below)
		note_passed_over(plan, &role);
	if (found)
		policy_check_flags(plan, part, ret->data);
	else if (!below)
		refuse_incomplete(plan, &role);
	return found;
}

bool triple_of_image(const struct facts *facts, struct plan *plan, enum designator part,
		     const char *arch, const char *disk, struct triple *ret)
{
	struct role role;

	role_init(&role, part, arch);
	role.disk = disk;
	if (choose_signed(facts, plan, &role, ret))
		return true;
	count_role(facts, plan, &role);
	if (role.n_data)
		refuse_incomplete(plan, &role);
	return false;
}
