/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An encrypted root: the one LUKS2 partition with the root's DPS type on the boot disk, where the
 * image policy says "encrypted". The TPM opens it, and only after enter-initrd is measured: what it
 * is sealed to is checked there, and what is sealed here is for this boot phase alone.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

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
	const struct fact *found = NULL;
	char type[24], verity[32];

	if (!(plan->policy.flags[PART_ROOT] & POLICY_ENCRYPTED) || !plan->boot_disk[0])
		return NULL;
	text_format(type, sizeof(type), "root-%s", arch);
	text_format(verity, sizeof(verity), "%s-verity", type);
	for (const struct fact *part = NULL;
	     (part = facts_with(facts, FACT_PART, "disk", plan->boot_disk, part)) != NULL;) {
		bool tree = fields_are(&part->fields, "name", verity) &&
			    (plan->policy.flags[PART_ROOT] & POLICY_SIGNED);
		const char *a, *b;

		if (!tree && !candidate(facts, plan, type, part))
			continue;
		if (!found) {
			found = part;
			continue;
		}
		a = strcmp(found->subject, part->subject) < 0 ? found->subject : part->subject;
		b = a == found->subject ? part->subject : found->subject;
		plan_refuse(plan, E_ROOT_AMBIGUOUS, "root: the policy allows both %s and %s", a, b);
		return NULL;
	}
	return found && fields_are(&found->fields, "name", type) ? found : NULL;
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
static void volume_args(struct plan *plan, struct step *step, const struct volume *volume)
{
	char number[24], ask[ASK_TEXT_SIZE];

	if (volume->uuid[0])
		step_arg(plan, step, "uuid", volume->uuid);
	if (volume->key[0])
		step_arg(plan, step, "key", volume->key);
	flag_args(plan, step, &volume->options);
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

void plan_luks_root(const struct facts *facts, struct plan *plan, const struct fact *part)
{
	char probe[FACT_NAME_MAX];
	struct volume volume;
	struct step *step;
	struct word word;

	if (!volume_words(facts, plan, part, &volume))
		return;
	if (!plan->tpm_expected) {
		plan_refuse(plan, E_UNLOCK,
			    "root: %s is encrypted, and the stub measured nothing that a TPM could "
			    "check",
			    part->subject);
		return;
	}
	if (!plan_find(plan, "m1"))
		return; /* rules/deadline waits for the TPM */
	step = plan_step(plan, VERB_DRIVERS, "crypt", "%s is LUKS2", part->subject);
	/* algif_skcipher: how libcryptsetup opens a key slot; the kernel has no modprobe to ask */
	step_arg(plan, step, "module",
		 "dm_crypt algif_skcipher ?xts ?aes_generic ?aesni_intel ?aes_ce_blk");

	step = plan_step(plan, VERB_UNLOCK, "root",
			 "LoaderDevicePartUUID, DPS root, policy encrypted");
	step_arg(plan, step, "name", volume.name);
	step_arg(plan, step, "part", part->subject);
	volume_args(plan, step, &volume);
	probe_id(plan->boot_disk, probe, sizeof(probe));
	step_after(plan, step, probe);
	step_after(plan, step, "m1");
	step_after(plan, step, "dm");
	step_after(plan, step, "crypt");

	step = plan_step(plan, VERB_MOUNT, "mnt-root", "policy root=encrypted");
	step_arg(plan, step, "kind", "crypt");
	step_arg(plan, step, "what", volume.name);
	step_arg(plan, step, "where", "/sysroot");
	if (word_get(facts, "rw", &word) && !volume.options.read_only)
		step_arg(plan, step, "rw", "yes");
	role_mount_words(facts, plan, step, "root");
	step_after(plan, step, "root");
}
