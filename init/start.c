/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/start.h"
#include "init/base/log.h"
#include "init/debug.h"
#include "init/explain.h"
#include "init/watchdog.h"

#include <errno.h>

#define DRIVERS_MAX 8 /* children; a slow driver keeps one, and each takes a batch of devices */

/*
 * Images are many and alike, and a child costs more than most of what it does for one. The root's own
 * steps ("root", "mnt-root") share no child: another's fault or delay is not theirs.
 */
static bool is_shared(const struct step *step)
{
	return verb_info(step->verb)->sharing == IMAGES && step_is_image(step->verb, step->id);
}

/* Whether others are still at the stage before: the step starts when it can share a child with theirs. */
static bool stage_before(const struct boot *boot, const struct step *step)
{
	for (unsigned int i = 0; i < step->n_after; i++) {
		const struct step *before = &boot->plan.steps[step->after[i]];

		if (step_is_image(before->verb, before->id) &&
		    jobs_of_images(&boot->jobs, before->verb) > 0)
			return true;
	}
	return false;
}

/*
 * Coldplug tells of devices one by one, and most need no driver of ours. Until it has told of all, one
 * child takes those that came while the last one was at it, instead of a child for each handful.
 */
static bool gathering(const struct boot *boot, const struct step *step)
{
	return step_is_device(step->verb, step->id) &&
	       facts_step_started(&boot->facts, "coldplug") &&
	       !facts_step_result(&boot->facts, "coldplug") && jobs_of_devices(&boot->jobs) > 0;
}

/* Whether the step's lane has room now. */
static bool lane_free(const struct boot *boot, const struct step *step)
{
	if (gathering(boot, step))
		return false;
	if (is_shared(step) &&
	    (jobs_of_images(&boot->jobs, step->verb) >= boot->readers || stage_before(boot, step)))
		return false;
	switch (verb_info(step->verb)->lane) {
	case LANE_DRIVERS:
		return jobs_in_lane(&boot->jobs, LANE_DRIVERS) < DRIVERS_MAX;
	case LANE_TPM:
		return jobs_in_lane(&boot->jobs, LANE_TPM) == 0;
	case LANE_PID1:
		return boot->jobs.running ==
		       jobs_in_lane(&boot->jobs, LANE_DRIVERS) + jobs_tidying(&boot->jobs);
	case LANE_ANY:
		break;
	}
	return true;
}

/*
 * The hand-over is the commit point: what is known is written down, then there is no way back.
 * Drivers of devices that the boot did not need may still be starting: they are the host's now.
 */
static int run_here(struct boot *boot, const struct step *step, struct err *err)
{
	struct fields result = { .text = "" };

	jobs_end_tidying(&boot->jobs);
	boot_record(boot);
	watchdog_disarm();
	return verb_info(step->verb)->run(step, NULL, &result, err);
}

static bool startable(const struct boot *boot, const struct step *step)
{
	return !facts_step_started(&boot->facts, step->id) &&
	       step_ready(&boot->plan, step, &boot->facts);
}

/* How many of the steps that are ready go into one child: of images the children share them all. */
static size_t batch_size(const struct boot *boot, size_t from)
{
	const struct step *first = &boot->plan.steps[from];
	size_t ready = 0, running = jobs_of_images(&boot->jobs, first->verb);
	size_t room = running < boot->readers ? boot->readers - running : 1;

	if (!is_shared(first))
		return verb_info(first->verb)->sharing == TOGETHER ? BATCH_MAX : 1;
	for (size_t i = from; i < boot->plan.n_steps; i++)
		ready += boot->plan.steps[i].verb == first->verb &&
			 is_shared(&boot->plan.steps[i]) && startable(boot, &boot->plan.steps[i]);
	ready = (ready + room - 1) / room;
	return ready < BATCH_MAX ? ready : BATCH_MAX;
}

/* Most devices need no driver of ours: only lintel.debug tells of those. */
static void log_start(const struct boot *boot, const struct step *step)
{
	char what[FIELDS_MAX];

	if (step_is_device(step->verb, step->id) && !boot_debug(boot))
		return;
	explain_what(step, what, sizeof(what));
	log_line(7, "%s: %s %.300s", step->id, verb_name(step->verb), what);
}

/* Starts a step and, where one child may take several, some of those of its verb that are ready too. */
static int start_from(struct boot *boot, size_t from, struct err *err)
{
	static struct step batch[BATCH_MAX]; /* large, and only until the fork */
	enum verb verb = boot->plan.steps[from].verb;
	bool shared = is_shared(&boot->plan.steps[from]);
	size_t n = 0, max = batch_size(boot, from);
	int r;

	for (size_t i = from; i < boot->plan.n_steps && n < max; i++) {
		const struct step *step = &boot->plan.steps[i];

		if (step->verb != verb || is_shared(step) != shared || !startable(boot, step))
			continue;
		r = boot_add_fact(boot, FACT_START, step->id, err);
#ifdef LINTEL_DEBUG
		if (r >= 0)
			r = debug_break(boot, step, err);
#endif
		if (r < 0)
			return r;
		log_start(boot, step);
		batch[n++] = *step;
	}
	if (verb_info(verb)->lane == LANE_PID1)
		return run_here(boot, batch, err);
	return job_start(&boot->jobs, batch, n, err);
}

/* What the plan waits for comes first, and drivers last: most of them are for nothing. */
int start_ready(struct boot *boot, struct err *err)
{
	for (int drivers = 0; drivers < 2; drivers++) {
		for (size_t i = 0; i < boot->plan.n_steps; i++) {
			const struct step *step = &boot->plan.steps[i];
			int r;

			if (step_is_device(step->verb, step->id) != drivers ||
			    !startable(boot, step) || !lane_free(boot, step))
				continue;
			if (boot->jobs.running == JOBS_MAX)
				jobs_end_tidying(&boot->jobs);
			if (boot->jobs.running == JOBS_MAX)
				return 0;
			r = start_from(boot, i, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int start_left(struct boot *boot, const struct job *job, struct err *err)
{
	static struct step left[BATCH_MAX]; /* large, and only until the fork */
	size_t n = 0;

	for (size_t i = 0; i < job->n_steps; i++) {
		const struct step *step = plan_find(&boot->plan, job->steps[i].id);

		if (step && !job->steps[i].ended)
			left[n++] = *step;
	}
	return n > 0 ? job_start(&boot->jobs, left, n, err) : 0;
}

bool stage_over(const struct boot *boot, enum verb verb)
{
	if (jobs_of_images(&boot->jobs, verb) > 0)
		return false;
	for (size_t i = 0; i < boot->plan.n_steps; i++) {
		const struct step *step = &boot->plan.steps[i];

		if (step->verb == verb && step_is_image(verb, step->id) && startable(boot, step))
			return false; /* there was no free place for it yet */
	}
	return true;
}
