/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/boot.h"
#include "generators/sources/sources.h"
#include "init/base/fs.h"
#include "init/base/log.h"
#include "init/debug.h"
#include "init/explain.h"
#include "init/monitor.h"
#include "init/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#define DRIVERS_MAX 8	 /* children; a slow driver keeps one, and each takes a batch of devices */
#define IMAGES_AT_ONCE 4 /* children of a verb that share the images that are ready */

static int add_fact(struct boot *boot, enum fact_kind kind, const char *subject, struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, kind, "init", subject, err);

	fact.usec = clock_usec();
	return r < 0 ? r : facts_add(&boot->facts, &fact, err);
}

int boot_init(struct boot *boot, struct err *err)
{
	_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	jobs_init(&boot->jobs);

	boot->monitor_fd = monitor_open(err);
	if (boot->monitor_fd < 0)
		return boot->monitor_fd;
	r = config_read(root_fd, &boot->facts, err);
	if (r == 0)
		r = cmdline_read(root_fd, &boot->facts, err);
	if (r == 0)
		r = crypttab_read(root_fd, &boot->facts, err);
	if (r == 0)
		r = extra_read(root_fd, &boot->facts, err);
	if (r == 0)
		r = profile_read(root_fd, &boot->facts, err);
	return r < 0 ? r : add_fact(boot, FACT_SETTLED, "sources", err);
}

static void record_file(const struct boot *boot, const char *path,
			void (*write_it)(int fd, const struct boot *boot))
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd >= 0)
		write_it(fd, boot);
}

static void write_facts(int fd, const struct boot *boot)
{
	explain_facts(fd, &boot->facts);
}

static void write_plan(int fd, const struct boot *boot)
{
	explain_plan(fd, &boot->facts, &boot->plan, true);
}

static void write_timeline(int fd, const struct boot *boot)
{
	explain_timeline(fd, &boot->facts, &boot->plan);
}

void boot_record(const struct boot *boot)
{
	if (fs_mkdirs(AT_FDCWD, "/run/lintel", 0755) < 0)
		return;
	record_file(boot, "/run/lintel/facts", write_facts);
	record_file(boot, "/run/lintel/plan", write_plan);
	record_file(boot, "/run/lintel/timeline", write_timeline);
}

static bool debug(const struct boot *boot)
{
#ifdef LINTEL_DEBUG
	return facts_find(&boot->facts, FACT_CMDLINE, "lintel.debug");
#else
	(void)boot;
	return false;
#endif
}

/* Most devices need no driver of ours: only lintel.debug tells of those. */
static void log_start(const struct boot *boot, const struct step *step)
{
	char what[FIELDS_MAX];

	if (step_is_device(step->verb, step->id) && !debug(boot))
		return;
	explain_what(step, what, sizeof(what));
	log_line(7, "%s: %s %.300s", step->id, verb_name(step->verb), what);
}

static void log_results(const struct boot *boot, size_t from)
{
	for (size_t i = from; i < boot->facts.n; i++) {
		const struct fact *fact = &boot->facts.list[i];
		char text[ERR_TEXT_MAX], code[40];
		uint64_t us = 0;

		if (fact->kind != FACT_RESULT ||
		    (fields_are(&fact->fields, "loaded", "0") && !debug(boot)))
			continue;
		fields_get_u64(&fact->fields, "us", &us);
		fields_get(&fact->fields, "text", text, sizeof(text));
		fields_get(&fact->fields, "code", code, sizeof(code));
		log_line(code[0] ? 5 : 6, "%s: %s in %" PRIu64 ".%03" PRIu64 " ms%s%s%s%s",
			 fact->subject, code[0] ? "failed" : "done", us / 1000, us % 1000,
			 code[0] ? ": " : "", code, code[0] ? ": " : "", text);
	}
}

/*
 * Images are many and alike, and a child costs more than most of what it does for one. The root's own
 * steps ("root", "mnt-root") share no child: another's fault or delay is not theirs.
 */
static bool is_shared(const struct step *step)
{
	return verb_info(step->verb)->several && step_is_image(step->verb, step->id);
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
	    (jobs_of_images(&boot->jobs, step->verb) >= IMAGES_AT_ONCE || stage_before(boot, step)))
		return false;
	switch (verb_info(step->verb)->lane) {
	case LANE_DRIVERS:
		return jobs_in_lane(&boot->jobs, LANE_DRIVERS) < DRIVERS_MAX;
	case LANE_TPM:
		return jobs_in_lane(&boot->jobs, LANE_TPM) == 0;
	case LANE_PID1:
		return boot->jobs.running == jobs_in_lane(&boot->jobs, LANE_DRIVERS);
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
	size_t room = running < IMAGES_AT_ONCE ? IMAGES_AT_ONCE - running : 1;

	if (!is_shared(first))
		return verb_info(first->verb)->run_batch ? BATCH_MAX : 1;
	for (size_t i = from; i < boot->plan.n_steps; i++)
		ready += boot->plan.steps[i].verb == first->verb &&
			 is_shared(&boot->plan.steps[i]) && startable(boot, &boot->plan.steps[i]);
	ready = (ready + room - 1) / room;
	return ready < BATCH_MAX ? ready : BATCH_MAX;
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
		r = add_fact(boot, FACT_START, step->id, err);
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
static int start_ready(struct boot *boot, struct err *err)
{
	for (int drivers = 0; drivers < 2; drivers++) {
		for (size_t i = 0; i < boot->plan.n_steps; i++) {
			const struct step *step = &boot->plan.steps[i];
			int r;

			if (step_is_device(step->verb, step->id) != drivers ||
			    !startable(boot, step) || !lane_free(boot, step))
				continue;
			if (boot->jobs.running == JOBS_MAX)
				return 0;
			r = start_from(boot, i, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Milliseconds until the next deadline of a job or a wait, or the next word about them. */
static int next_timeout(const struct boot *boot)
{
	uint64_t now = clock_usec(), next = now + PROGRESS_MS * 1000;

	for (size_t i = 0; i < JOBS_MAX; i++)
		if (boot->jobs.list[i].fd >= 0 && boot->jobs.list[i].deadline_usec < next)
			next = boot->jobs.list[i].deadline_usec;
	for (size_t i = 0; i < boot->plan.n_waits; i++)
		if (boot->plan.waits[i].deadline_usec < next)
			next = boot->plan.waits[i].deadline_usec;
	return next <= now ? 0 : (int)((next - now) / 1000) + 1;
}

static int expire(struct boot *boot, struct err *err)
{
	uint64_t now = clock_usec();
	int r = 0;

	for (size_t i = 0; i < JOBS_MAX && r >= 0; i++) {
		struct job *job = &boot->jobs.list[i];

		if (job->fd >= 0 && job->deadline_usec <= now)
			r = job_expire(&boot->jobs, job, &boot->facts, err);
	}
	for (size_t i = 0; i < boot->plan.n_waits && r >= 0; i++)
		if (boot->plan.waits[i].deadline_usec <= now)
			r = add_fact(boot, FACT_DEADLINE, boot->plan.waits[i].id, err);
	return r;
}

/* Events that were lost are asked for again; /sys is the truth. */
static int read_monitor(struct boot *boot, struct err *err)
{
	int r = monitor_read(boot->monitor_fd, &boot->facts, err);
	const struct step *coldplug = plan_find(&boot->plan, "coldplug");
	struct step again; /* the child has no plan */

	if (r != -ENOBUFS || !coldplug)
		return r;
	log_line(5, "uevents were lost: asking the kernel for all again");
	again = *coldplug;
	r = job_start(&boot->jobs, &again, 1, err);
	return r == -EBUSY ? 0 : r;
}

/*
 * One wake-up. The socket is drained after the children are read and before their results count:
 * what a module or coldplug caused is known when its step ends.
 */
static int wait_events(struct boot *boot, struct err *err)
{
	struct pollfd fds[1 + JOBS_MAX] = { { .fd = boot->monitor_fd, .events = POLLIN } };
	size_t before = boot->facts.n;
	int r;

	for (size_t i = 0; i < JOBS_MAX; i++)
		fds[1 + i] = (struct pollfd){ .fd = boot->jobs.list[i].fd, .events = POLLIN };
	if (poll(fds, ARRAY_SIZE(fds), next_timeout(boot)) < 0 && errno != EINTR)
		return err_set(err, E_INTERNAL, errno, "poll: %s", strerror(errno));
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (fds[1 + i].revents)
			job_read(&boot->jobs.list[i]);
	r = read_monitor(boot, err);
	for (size_t i = 0; i < JOBS_MAX && r >= 0; i++)
		if (fds[1 + i].revents)
			r = job_take(&boot->jobs, &boot->jobs.list[i], &boot->facts, err);
	if (r >= 0)
		r = expire(boot, err);
	jobs_reap(&boot->jobs);
	log_results(boot, before);
	watchdog_feed();
	progress_tell(boot);
	return r < 0 ? r : 0;
}

/* Whether all of the verb's steps of images that could start have ended. */
static bool stage_over(const struct boot *boot, enum verb verb)
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

static bool has_news(const struct boot *boot, size_t from)
{
	for (size_t i = from; i < boot->facts.n; i++) {
		const struct fact *fact = &boot->facts.list[i];
		enum news news = fact_news(&boot->plan, fact);

		if (news == NEWS_NOW ||
		    (news == NEWS_WITH_OTHERS &&
		     stage_over(boot, plan_find(&boot->plan, fact->subject)->verb)))
			return true;
	}
	return false;
}

/* The plan follows from the facts alone: a wake-up without news leaves it as it is. */
void boot_run(struct boot *boot, struct err *ret_refusal)
{
	for (bool news = true, room = true;;) {
		size_t known, running;

		if (news)
			decide(&boot->facts, &boot->plan);
		if (boot->plan.n_refusals > 0) {
			*ret_refusal = boot->plan.refusals[0];
			return;
		}
		if ((news || room) && start_ready(boot, ret_refusal) < 0)
			return;
		known = boot->facts.n; /* that steps have started is no news */
		running = boot->jobs.running;
		if (wait_events(boot, ret_refusal) < 0)
			return;
		news = has_news(boot, known);
		room = boot->jobs.running < running; /* some wait for a place, not for news */
	}
}
