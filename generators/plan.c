/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const verb_names[] = {
	[VERB_COLDPLUG] = "coldplug",
	[VERB_EFIVARS] = "efivars",
	[VERB_DRIVERS] = "drivers",
	[VERB_PROBE] = "probe",
	[VERB_VERITY] = "verity",
	[VERB_MOUNT] = "mount",
	[VERB_LOOP] = "loop",
	[VERB_EXTENSION] = "extension",
	[VERB_EXTEND_INITRD] = "extend-initrd",
	[VERB_EXTEND] = "extend",
	[VERB_CREDENTIALS] = "credentials",
	[VERB_STUB] = "stub",
	[VERB_MEASURE] = "measure",
	[VERB_HANDOVER] = "handover",
	[VERB_UNLOCK] = "unlock",
	[VERB_CAP] = "cap",
	[VERB_LOADER] = "loader",
	[VERB_ACTIVATE] = "activate",
	[VERB_STORED] = "stored",
	[VERB_PASSWORD] = "password",
	[VERB_SHELL] = "shell",
};

const char *verb_name(enum verb verb)
{
	return verb_names[verb];
}

void plan_reset(struct plan *plan)
{
	plan->n_steps = plan->n_waits = plan->n_refusals = plan->n_notes = 0;
	memset(plan->heads, 0, sizeof(plan->heads));
	plan->boot_disk[0] = plan->root_mount[0] = plan->usr_mount[0] = '\0';
	plan->fallback = (struct err){ .code = E_NONE };
	plan->any_disk = plan->root_planned = plan->tpm_expected = false;
	plan->disks_read = plan->enough = plan->late_too = plan->asks = plan->recovery = false;
	plan->initrd_pending = false;
}

static unsigned int bucket_of(const char *id)
{
	return text_hash(0, id) % PLAN_BUCKETS;
}

/* Of two steps with one id the earlier is found. */
static void link_step(struct plan *plan, struct step *step)
{
	uint16_t *at = &plan->heads[bucket_of(step->id)];

	step->next = 0;
	while (*at)
		at = &plan->steps[*at - 1].next;
	*at = (uint16_t)(plan->n_steps + 1);
}

struct step *plan_step(struct plan *plan, enum verb verb, const char *id, const char *fmt, ...)
{
	struct step *step;
	va_list ap;

	if (plan->n_steps >= PLAN_STEPS_MAX) {
		plan_refuse(plan, E_LIMIT, "more than %d steps", PLAN_STEPS_MAX);
		return NULL;
	}
	step = &plan->steps[plan->n_steps];
	step->verb = verb;
	step->after_all = step->late = false;
	step->n_after = 0;
	step->args.text[0] = '\0';
	if (text_copy(step->id, sizeof(step->id), id) < 0) {
		plan_refuse(plan, E_LIMIT, "step name too long: %.60s…", id);
		return NULL;
	}
	va_start(ap, fmt);
	text_vformat(step->because, sizeof(step->because), fmt, ap); /* shown only: may be cut */
	va_end(ap);
	link_step(plan, step);
	plan->n_steps++;
	return step;
}

void step_arg(struct plan *plan, struct step *step, const char *key, const char *value)
{
	if (step && fields_add(&step->args, key, value) < 0)
		plan_refuse(plan, E_LIMIT, "step %s: arguments too long at %s", step->id, key);
}

void step_after(struct plan *plan, struct step *step, const char *id)
{
	const struct step *other = plan_find(plan, id);

	if (!step)
		return;
	if (!other)
		plan_refuse(plan, E_INTERNAL, "step %s waits for %s, which is not planned",
			    step->id, id);
	else if (step->n_after >= STEP_AFTER_MAX)
		plan_refuse(plan, E_LIMIT, "step %s waits for too many others", step->id);
	else
		step->after[step->n_after++] = (uint16_t)(other - plan->steps);
}

void plan_wait(struct plan *plan, const char *id, uint64_t deadline_usec, const char *fmt, ...)
{
	struct wait *wait = &plan->waits[plan->n_waits];
	va_list ap;

	if (plan->n_waits >= PLAN_WAITS_MAX) {
		plan_refuse(plan, E_LIMIT, "more than %d waits", PLAN_WAITS_MAX);
		return;
	}
	if (text_copy(wait->id, sizeof(wait->id), id) < 0)
		return;
	wait->deadline_usec = deadline_usec;
	va_start(ap, fmt);
	vsnprintf(wait->what, sizeof(wait->what), fmt, ap);
	va_end(ap);
	plan->n_waits++;
}

void plan_refuse(struct plan *plan, enum err_code code, const char *fmt, ...)
{
	struct err *refusal = &plan->refusals[plan->n_refusals];
	va_list ap;

	if (plan->n_refusals >= PLAN_REFUSALS_MAX)
		return; /* the first ones are shown; one alone stops the boot */
	refusal->code = code;
	va_start(ap, fmt);
	vsnprintf(refusal->text, sizeof(refusal->text), fmt, ap);
	va_end(ap);
	plan->n_refusals++;
}

void plan_note(struct plan *plan, const char *fmt, ...)
{
	va_list ap;

	if (plan->n_notes >= PLAN_NOTES_MAX)
		return; /* notes only explain */
	va_start(ap, fmt);
	vsnprintf(plan->notes[plan->n_notes++], sizeof(plan->notes[0]), fmt, ap);
	va_end(ap);
}

const struct step *plan_find(const struct plan *plan, const char *id)
{
	uint16_t at = plan->heads[bucket_of(id)];

	while (at && strcmp(plan->steps[at - 1].id, id) != 0)
		at = plan->steps[at - 1].next;
	return at ? &plan->steps[at - 1] : NULL;
}

bool step_is_device(enum verb verb, const char *id)
{
	return verb == VERB_DRIVERS && strchr(id, ':');
}

bool step_is_image(enum verb verb, const char *id)
{
	if (verb == VERB_PROBE)
		return text_starts(id, "probe:loop");
	if (verb == VERB_VERITY || verb == VERB_MOUNT)
		return strchr(id, ':'); /* the root's own are "root", "mnt-root" */
	return verb == VERB_LOOP || verb == VERB_EXTENSION;
}

enum news fact_news(const struct plan *plan, const struct fact *fact)
{
	const struct step *step;

	/* a table counts when its probe has ended, and what is mapped when its verity or volume has */
	if (fact->kind == FACT_GPT || fact->kind == FACT_PART || fact->kind == FACT_SIG ||
	    (fact->kind == FACT_BLOCK && text_starts(fact->subject, "dm-")))
		return NEWS_NONE;
	step = fact->kind == FACT_RESULT ? plan_find(plan, fact->subject) : NULL;
	return step && step_is_image(step->verb, step->id) ? NEWS_WITH_OTHERS : NEWS_NOW;
}

bool step_ready(const struct plan *plan, const struct step *step, const struct facts *facts)
{
	if (step_is_device(step->verb, step->id) &&
	    (plan->enough || (step->late && !plan->late_too)))
		return false;
	for (unsigned int i = 0; i < step->n_after; i++)
		if (!facts_step_done(facts, plan->steps[step->after[i]].id))
			return false;
	if (!step->after_all)
		return true;
	for (const struct step *other = plan->steps; other < step; other++)
		if (!step_is_device(other->verb, other->id) && !facts_step_result(facts, other->id))
			return false;
	return true;
}
