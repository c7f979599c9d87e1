/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encrypted volumes of the boot disk. The root: the one LUKS2 partition with the root's DPS type,
 * where the image policy says "encrypted". The TPM opens it, and only after enter-initrd is measured:
 * what it is sealed to is checked there, and what is sealed here is for this boot phase alone. rules/volumes
 * says which others are opened with it.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"
#include "generators/rules/volumes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool candidate(const struct facts *facts, const struct plan *plan, const char *type,
		      const struct fact *part)
{
	uint64_t flags = 0;
	struct word word;

	if (!fields_are(&part->fields, "name", type) ||
	    !fields_are(&part->fields, "hint", "crypto_LUKS") ||
	    !fields_are(&part->fields, "disk", plan->boot_disk))
		return false;
	fields_get_u64(&part->fields, "flags", &flags);
	if (!word_get(facts, "root", &word) || root_word_is_dps(word.value))
		return !(flags >> 63 & 1);
	return root_word_matches(word.value, part);
}

const struct fact *luks_choose(const struct facts *facts, struct plan *plan, const char *arch)
{
	unsigned int flags = plan->policy.flags[PART_ROOT];
	const struct fact *found = NULL;
	struct pair pair = { .a = "" };
	char type[24];

	/* what is held to verity as well is rules/layers' */
	if (!(flags & POLICY_ENCRYPTED) || flags & (POLICY_SIGNED | POLICY_VERITY) ||
	    !plan->boot_disk[0])
		return NULL;
	text_format(type, sizeof(type), "root-%s", arch);
	for (const struct fact *part = NULL;
	     (part = facts_with(facts, FACT_PART, "disk", plan->boot_disk, part)) != NULL;) {
		if (!candidate(facts, plan, type, part))
			continue;
		pair_add(&pair, part->subject);
		found = part;
	}
	if (!pair.b[0])
		return found;
	plan_refuse(plan, E_ROOT_AMBIGUOUS, "root: the policy allows both %s and %s", pair.a,
		    pair.b);
	return NULL;
}

/* What it says of the kernel's modules: it has no modprobe to ask. Early where the policy is sure. */
void plan_crypt_drivers(struct plan *plan, const char *why)
{
	struct step *step;

	if (plan_find(plan, "crypt"))
		return;
	step = plan_step(plan, VERB_DRIVERS, "crypt", "%s", why);
	step_arg(plan, step, "module", "dm_crypt ?xts ?aes_generic ?aesni_intel ?aes_ce_blk");
}

/* dm-crypt's flags, in the order in which the kernel prints them. */
static void flag_args(struct plan *plan, struct step *step, const struct crypt_options *options)
{
	char flags[160];

	text_format(flags, sizeof(flags), "%s%s%s%s%s", options->discard ? " allow_discards" : "",
		    options->same_cpu_crypt ? " same_cpu_crypt" : "",
		    options->submit_from_crypt_cpus ? " submit_from_crypt_cpus" : "",
		    options->no_read_workqueue ? " no_read_workqueue" : "",
		    options->no_write_workqueue ? " no_write_workqueue" : "");
	if (flags[0])
		step_arg(plan, step, "flags", flags + 1);
	if (options->read_only)
		step_arg(plan, step, "ro", "yes");
}

/* Only where something may be asked for does the step wait for a person, and the boot for keyboards. */
static void key_args(struct plan *plan, struct step *step, const struct volume *volume)
{
	char number[24], ask[ASK_TEXT_SIZE];

	if (volume->uuid[0])
		step_arg(plan, step, "uuid", volume->uuid);
	if (volume->key[0])
		step_arg(plan, step, "key", volume->key);
	if (!volume->ask || !step)
		return;
	ask_format(volume->ask, ask);
	step_arg(plan, step, "ask", ask);
	text_format(number, sizeof(number), "%" PRIu64, volume->options.tries);
	step_arg(plan, step, "tries", number);
	text_format(number, sizeof(number), "%" PRIu64, volume->options.timeout_s);
	step_arg(plan, step, "timeout", number);
	if (volume->options.masked)
		step_arg(plan, step, "echo", "masked");
	step->patience_s = (uint16_t)volume->options.timeout_s;
	plan->asks = true;
}

#define STEP_ID_MAX (CRYPT_NAME_MAX + 8)

static void step_id(const char *what, const struct luks *luks, char ret[STEP_ID_MAX])
{
	text_format(ret, STEP_ID_MAX, "%s-%s", what, luks->volume.name);
}

static bool may_fail(const struct luks *luks)
{
	return luks->sealed && luks->sealed->spare;
}

/* A step whose id has a ':' may fail (rules/failure). */
static void key_id(const struct luks *luks, char ret[STEP_ID_MAX])
{
	text_format(ret, STEP_ID_MAX, "key%s%s", may_fail(luks) ? ":" : "-", luks->volume.name);
}

static bool is_spare(const struct step *key)
{
	return key->verb == VERB_UNLOCK && text_starts(key->id, "key:");
}

static void plan_key(struct plan *plan, const struct luks *luks)
{
	char id[STEP_ID_MAX], probe[FACT_NAME_MAX];
	struct step *step;

	key_id(luks, id);
	step = plan_step(plan, VERB_UNLOCK, id, "%s", luks->why);
	step_arg(plan, step, "name", luks->volume.name);
	step_arg(plan, step, "part", luks->part->subject);
	key_args(plan, step, &luks->volume);
	probe_id(plan->boot_disk, probe, sizeof(probe));
	step_after(plan, step, probe);
	step_after(plan, step, "m1");
}

/* What the key's step said, as arguments of those that come after it. */
static void copy_args(const struct facts *facts, struct plan *plan, struct step *step,
		      const char *key, const char *const *keys)
{
	const struct fact *result = facts_step_result(facts, key);

	for (; step && result && *keys; keys++)
		if (fields_copy(&step->args, &result->fields, *keys) == -E2BIG)
			plan_refuse(plan, E_LIMIT, "step %s: arguments too long", step->id);
}

/* After all keys are there (what is sealed to an untouched PCR 15 must be unsealed), in fixed order. */
static void plan_measure(const struct facts *facts, struct plan *plan, const struct luks *list,
			 size_t n, size_t which)
{
	static const char *const keys[] = { "uuid", "digests", NULL };
	const struct luks *luks = &list[which];
	char id[STEP_ID_MAX], key[STEP_ID_MAX];
	struct step *step;

	step_id("vk", luks, id);
	key_id(luks, key);
	step = plan_step(plan, VERB_MEASURE, id, "the key of every volume goes into PCR 15");
	step_arg(plan, step, "pcr", "15");
	step_arg(plan, step, "volume", luks->volume.name);
	step_arg(plan, step, "required", "yes");
	copy_args(facts, plan, step, key, keys);
	for (size_t i = 0; which == 0 && i < n; i++) {
		key_id(&list[i], key);
		step_after(plan, step, key);
	}
	if (which > 0) {
		step_id("vk", &list[which - 1], id);
		step_after(plan, step, id);
	}
}

/* The step that finds the key of that partition's volume, or NULL. */
static const struct step *key_step(const struct plan *plan, const struct fact *part)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].verb == VERB_UNLOCK &&
		    fields_are(&plan->steps[i].args, "part", part->subject))
			return &plan->steps[i];
	return NULL;
}

/* No volume is mapped before every key is measured (invariant I4): after the last one. */
static void plan_open(const struct facts *facts, struct plan *plan, const struct luks *luks)
{
	static const char *const keys[] = { "uuid",   "cipher", "keysize", "sector",
					    "offset", "size",	NULL };
	const struct step *key = key_step(plan, luks->part);
	char id[STEP_ID_MAX], last[STEP_ID_MAX] = "";
	struct step *step;

	for (size_t i = 0; i < plan->n_steps; i++)
		if (text_starts(plan->steps[i].id, "vk-"))
			text_copy(last, sizeof(last), plan->steps[i].id);
	step_id("open", luks, id);
	step = plan_step(plan, VERB_ACTIVATE, id, "%s", luks->why);
	step_arg(plan, step, "name", luks->volume.name);
	step_arg(plan, step, "part", luks->part->subject);
	flag_args(plan, step, &luks->volume.options);
	copy_args(facts, plan, step, key ? key->id : "", keys);
	step_after(plan, step, last);
	step_after(plan, step, "dm");
	step_after(plan, step, "crypt");
}

/* Whoever wrote to what is verified could only break it, whatever words say. */
bool luks_open(const struct facts *facts, struct plan *plan, const struct fact *part,
	       char ret_name[CRYPT_NAME_MAX])
{
	const struct step *key = key_step(plan, part);
	struct luks luks = { .part = part, .why = "the data of a verity set" };

	if (!key || (facts_step_result(facts, key->id) && !facts_step_done(facts, key->id)))
		return false;
	fields_get(&key->args, "name", ret_name, CRYPT_NAME_MAX);
	if (!volume_words(facts, plan, part, ret_name, &luks.volume))
		return false;
	luks.volume.options.read_only = true;
	plan_open(facts, plan, &luks);
	return true;
}

/* One that words name is mapped as they say, writable perhaps: it is in no version's way. */
bool luks_spare_found(const struct facts *facts, const struct plan *plan, const struct fact *part)
{
	const struct step *key = key_step(plan, part);

	return key && is_spare(key) && facts_step_done(facts, key->id);
}

void luks_after_spare(struct plan *plan, struct step *step)
{
	const char *first = NULL; /* to be measured, when all keys were looked for */
	bool spare = false;

	for (size_t i = 0; i < plan->n_steps; i++) {
		spare = spare || is_spare(&plan->steps[i]);
		if (!first && text_starts(plan->steps[i].id, "vk-"))
			first = plan->steps[i].id;
	}
	if (spare && first)
		step_after(plan, step, first);
}

/* A child that was killed may have left the key in the keyring, and did not say whose. */
static bool left_behind(const struct facts *facts, const struct step *key,
			char ret_uuid[UUID_TEXT_SIZE])
{
	const struct fact *result = facts_step_result(facts, key->id), *part;
	char node[FACT_NAME_MAX] = "";

	if (!result || (!fields_are(&result->fields, "code", err_name(E_TIMEOUT)) &&
			!fields_are(&result->fields, "code", err_name(E_CRASH))))
		return false;
	fields_get(&key->args, "part", node, sizeof(node));
	part = facts_find(facts, FACT_PART, node);
	return part && fields_get(&part->fields, "luks", ret_uuid, UUID_TEXT_SIZE) == 0;
}

/* The key is in no one's way in the kernel's keyring, but no secret outlives its use (invariant I9). */
void luks_drop(const struct facts *facts, struct plan *plan)
{
	static const char *const keys[] = { "uuid", NULL };

	for (size_t i = 0, n = plan->n_steps; i < n; i++) {
		const struct step *key = &plan->steps[i];
		char name[CRYPT_NAME_MAX], id[STEP_ID_MAX], uuid[UUID_TEXT_SIZE] = "";
		struct step *step;

		if (!is_spare(key) || fields_get(&key->args, "name", name, sizeof(name)) < 0)
			continue;
		text_format(id, sizeof(id), "vk-%s", name);
		if (!plan_find(plan, id) && !left_behind(facts, key, uuid))
			continue; /* it was not found */
		text_format(id, sizeof(id), "open-%s", name);
		if (plan_find(plan, id))
			continue;
		text_format(id, sizeof(id), "drop-%s", name);
		step = plan_step(plan, VERB_ACTIVATE, id, "the newest version is mounted");
		step_arg(plan, step, "name", name);
		step_arg(plan, step, "drop", "yes");
		copy_args(facts, plan, step, key->id, keys);
		if (uuid[0])
			step_arg(plan, step, "uuid", uuid);
		step_after_root(plan, step);
	}
}

/* Without the spare ones whose keys were not found: nothing of them is measured. */
static size_t drop_failed(const struct facts *facts, struct luks *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		char id[STEP_ID_MAX];

		key_id(&list[i], id);
		if (!may_fail(&list[i]) || !facts_step_result(facts, id) ||
		    facts_step_done(facts, id))
			list[kept++] = list[i];
	}
	return kept;
}

static void plan_root_mount(const struct facts *facts, struct plan *plan, const struct luks *luks)
{
	struct step *step = plan_step(plan, VERB_MOUNT, "mnt-root", "policy root=encrypted");
	char id[STEP_ID_MAX];
	struct word word;

	step_arg(plan, step, "kind", "crypt");
	step_arg(plan, step, "what", luks->volume.name);
	step_arg(plan, step, "where", "/sysroot");
	if (word_get(facts, "rw", &word) && !luks->volume.options.read_only)
		step_arg(plan, step, "rw", "yes");
	role_mount_words(facts, plan, step, "root");
	step_id("open", luks, id);
	step_after(plan, step, id);
}

bool plan_luks(const struct facts *facts, struct plan *plan, const struct sealed_list *sealed)
{
	static struct luks list[LUKS_MAX]; /* no state: filled anew by each call */
	size_t n = volumes_choose(facts, plan, sealed, list);

	if (n == 0)
		return plan->n_refusals == 0;
	if (!plan->tpm_expected) {
		plan_refuse(plan, E_UNLOCK,
			    "%s: %s is encrypted, and the stub measured nothing that a TPM could "
			    "check",
			    list[0].volume.name, list[0].part->subject);
		return false;
	}
	if (!plan_find(plan, "m1"))
		return false; /* rules/deadline waits for the TPM */
	plan_crypt_drivers(plan, "a LUKS2 volume");
	for (size_t i = 0; i < n; i++)
		plan_key(plan, &list[i]);
	n = drop_failed(facts, list, n);
	for (size_t i = 0; i < n; i++)
		plan_measure(facts, plan, list, n, i);
	for (size_t i = 0; i < n; i++)
		if (!list[i].sealed || !list[i].sealed->below_verity)
			plan_open(facts, plan, &list[i]);
	if (list[0].sealed && !list[0].sealed->below_verity)
		plan_root_mount(facts, plan, &list[0]);
	return true;
}
