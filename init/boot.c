/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/boot.h"
#include "generators/sources/sources.h"
#include "init/base/fs.h"
#include "init/base/log.h"
#include "init/explain.h"
#include "init/monitor.h"
#include "init/start.h"
#include "init/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define READERS_MAX 8

int boot_add_fact(struct boot *boot, enum fact_kind kind, const char *subject, struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, kind, "init", subject, err);

	fact.usec = clock_usec();
	return r < 0 ? r : facts_add(&boot->facts, &fact, err);
}

/* More children than processors only take turns; and somewhere others have to find room, too. */
static unsigned int count_readers(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 1		  ? 1
	       : processors > READERS_MAX ? READERS_MAX
					  : (unsigned int)processors;
}

int boot_init(struct boot *boot, struct err *err)
{
	_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	jobs_init(&boot->jobs);
	boot->readers = count_readers();
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
	return r < 0 ? r : boot_add_fact(boot, FACT_SETTLED, "sources", err);
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

bool boot_debug(const struct boot *boot)
{
#ifdef LINTEL_DEBUG
	return facts_find(&boot->facts, FACT_CMDLINE, "lintel.debug");
#else
	(void)boot;
	return false;
#endif
}

static void log_results(const struct boot *boot, size_t from)
{
	for (size_t i = from; i < boot->facts.n; i++) {
		const struct fact *fact = &boot->facts.list[i];
		char text[ERR_TEXT_MAX], code[40];
		uint64_t us = 0;

		if (fact->kind != FACT_RESULT ||
		    (fields_are(&fact->fields, "loaded", "0") && !boot_debug(boot)))
			continue;
		fields_get_u64(&fact->fields, "us", &us);
		fields_get(&fact->fields, "text", text, sizeof(text));
		fields_get(&fact->fields, "code", code, sizeof(code));
		log_line(code[0] ? 5 : 6, "%s: %s in %" PRIu64 ".%03" PRIu64 " ms%s%s%s%s",
			 fact->subject, code[0] ? "failed" : "done", us / 1000, us % 1000,
			 code[0] ? ": " : "", code, code[0] ? ": " : "", text);
	}
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

static int take(struct boot *boot, struct job *job, struct err *err)
{
	int r = job_take(&boot->jobs, job, &boot->facts, err);

	return r < 0 || job->fd >= 0 ? r : start_left(boot, job, err);
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
			r = boot_add_fact(boot, FACT_DEADLINE, boot->plan.waits[i].id, err);
	return r;
}

/* Events that were lost are asked for again; /sys is the truth. */
static int read_monitor(struct boot *boot, struct err *err)
{
	int r = monitor_read(boot->monitor_fd, &boot->facts, err);
	const struct step *coldplug = plan_find(&boot->plan, "coldplug");
	struct step again; /* the child has no plan */

	boot->lost |= r == -ENOBUFS;
	if (r < 0 && r != -ENOBUFS)
		return r;
	if (!boot->lost || !coldplug)
		return 0;
	log_line(5, "uevents were lost: asking the kernel for all again");
	again = *coldplug;
	jobs_end_tidying(&boot->jobs);
	r = job_start(&boot->jobs, &again, 1, err);
	boot->lost = r == -EBUSY;
	return boot->lost ? 0 : r;
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
			r = take(boot, &boot->jobs.list[i], err);
	if (r >= 0)
		r = expire(boot, err);
	jobs_reap(&boot->jobs);
	log_results(boot, before);
	watchdog_feed();
	progress_tell(boot);
	return r < 0 ? r : 0;
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
		size_t known, taken;

		if (news)
			decide(&boot->facts, &boot->plan);
		if (boot->plan.n_refusals > 0) {
			*ret_refusal = boot->plan.refusals[0];
			return;
		}
		if ((news || room) && start_ready(boot, ret_refusal) < 0)
			return;
		known = boot->facts.n; /* that steps have started is no news */
		taken = boot->jobs.running - jobs_tidying(&boot->jobs);
		if (wait_events(boot, ret_refusal) < 0)
			return;
		news = has_news(boot, known);
		/* some wait for a place, not for news */
		room = boot->jobs.running - jobs_tidying(&boot->jobs) < taken;
	}
}
