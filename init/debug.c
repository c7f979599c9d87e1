/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only in the build for debugging (`make DEBUG=1`): lintel.break=STEP opens the shell, without a password
 * and before any cap, when that step is about to start. The release build has neither code nor word.
 */
#include "init/debug.h"

#ifdef LINTEL_DEBUG

#include "init/base/log.h"
#include "init/watchdog.h"

#include <errno.h>
#include <poll.h>

#define IDLE_S 3600
#define TICK_MS 1000

static struct job *shell_job(struct boot *boot)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (boot->jobs.list[i].fd >= 0 && boot->jobs.list[i].verb == VERB_SHELL)
			return &boot->jobs.list[i];
	return NULL;
}

int debug_break(struct boot *boot, const struct step *step, struct err *err)
{
	struct step shell = { .id = "break", .verb = VERB_SHELL, .patience_s = IDLE_S };
	int r;

	if (facts_step_result(&boot->facts, shell.id))
		return 0;
	for (const struct fact *fact = facts_find(&boot->facts, FACT_CMDLINE, "lintel.break");
	     !fact || !fields_are(&fact->fields, "value", step->id);
	     fact = facts_next(&boot->facts, fact))
		if (!fact)
			return 0;
	log_line(4, "lintel.break=%s", step->id);
	fields_add(&shell.args, "seconds", "3600");
	r = job_start(&boot->jobs, &shell, 1, err);
	for (struct job *job; r >= 0 && (job = shell_job(boot)) != NULL;) {
		struct pollfd wait = { .fd = job->fd, .events = POLLIN };

		poll(&wait, 1, TICK_MS);
		watchdog_feed();
		if (!wait.revents)
			continue;
		job_read(job);
		r = job_take(&boot->jobs, job, &boot->facts, err);
	}
	return r;
}

#endif
