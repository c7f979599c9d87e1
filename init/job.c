/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/job.h"
#include "generators/sources/disk.h"
#include "init/base/fs.h"
#include "init/base/log.h"
#include "modules/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RESULT_FD 3
#define STOP_MS 2000 /* for children that were killed */

void jobs_init(struct jobs *jobs)
{
	jobs->running = 0;
	for (size_t i = 0; i < JOBS_MAX; i++)
		jobs->list[i].fd = -1;
}

bool job_is_over(const struct job *job)
{
	for (size_t i = 0; i < job->n_steps; i++)
		if (!job->steps[i].ended)
			return false;
	return true;
}

unsigned int jobs_of_images(const struct jobs *jobs, enum verb verb)
{
	unsigned int n = 0;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		const struct job *job = &jobs->list[i];

		n += job->fd >= 0 && job->verb == verb && step_is_image(verb, job->steps[0].id) &&
		     !job_is_over(job);
	}
	return n;
}

unsigned int jobs_of_devices(const struct jobs *jobs)
{
	unsigned int n = 0;

	for (size_t i = 0; i < JOBS_MAX; i++)
		n += jobs->list[i].fd >= 0 &&
		     step_is_device(jobs->list[i].verb, jobs->list[i].steps[0].id);
	return n;
}

static bool tidies(const struct job *job)
{
	return job->fd >= 0 && step_is_image(job->verb, job->steps[0].id) && job_is_over(job);
}

unsigned int jobs_tidying(const struct jobs *jobs)
{
	unsigned int n = 0;

	for (size_t i = 0; i < JOBS_MAX; i++)
		n += tidies(&jobs->list[i]);
	return n;
}

unsigned int jobs_in_lane(const struct jobs *jobs, enum lane lane)
{
	unsigned int n = 0;

	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs->list[i].fd >= 0 && verb_info(jobs->list[i].verb)->lane == lane)
			n++;
	return n;
}

/* The child keeps its three standard descriptors and the pipe, and dies with PID 1. */
static void child_setup(int pipe_fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	if (dup2(pipe_fd, RESULT_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, RESULT_FD + 1, ~0U, 0U);
}

_noreturn_ static void child_run(const struct step *steps, size_t n, int pipe_fd)
{
	const struct report report = { .fd = RESULT_FD };
	const struct verb_info *verb = verb_info(steps->verb);
	struct err sandbox = { .code = E_NONE };
	int r;

	child_setup(pipe_fd);
	r = sandbox_child(verb, &sandbox);
	if (r == 0 && verb->run_batch) {
		verb->run_batch(steps, n, &report);
		_exit(0);
	}
	for (size_t i = 0; i < n; i++) {
		struct fields result = { .text = "" };
		struct err err = sandbox;
		int done = r < 0 ? r : verb->run(&steps[i], &report, &result, &err);

		if (report_result(&report, steps[i].id, done, &result, &err) < 0)
			_exit(1);
	}
	_exit(0);
}

static struct job *free_slot(struct jobs *jobs)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs->list[i].fd < 0)
			return &jobs->list[i];
	return NULL;
}

int job_start(struct jobs *jobs, const struct step *steps, size_t n, struct err *err)
{
	struct job *job = free_slot(jobs);
	int fds[2];
	pid_t pid;

	if (!job)
		return -EBUSY;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(err, E_INTERNAL, errno, "pipe: %s", strerror(errno));
	fcntl(fds[1], F_SETFL, 0); /* the child's end blocks; a full pipe only waits for PID 1 */
	job->verb = steps->verb;
	job->start_usec = clock_usec();
	job->deadline_ms = verb_info(job->verb)->deadline_ms + steps->patience_s * 1000U;
	job->deadline_usec = job->start_usec + job->deadline_ms * UINT64_C(1000);
	job->asks = steps->patience_s > 0;
	job->used = job->total = 0;
	job->closed = job->broken = false;
	job->n_steps = n;
	for (size_t i = 0; i < n; i++) {
		text_copy(job->steps[i].id, sizeof(job->steps[i].id), steps[i].id);
		job->steps[i].ended = false;
	}
	pid = fork();
	if (pid == 0) /* the child has no `job` */
		child_run(steps, n, fds[1]);
	job->pid = pid;
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_set(err, E_INTERNAL, errno, "fork: %s", strerror(errno));
	}
	job->fd = fds[0];
	jobs->running++;
	return 0;
}

/* Not waited for here: a child that sits in the kernel would hold PID 1 up. */
static void job_free(struct jobs *jobs, struct job *job)
{
	if (job->pid > 0)
		kill(job->pid, SIGKILL);
	close(job->fd);
	job->fd = -1;
	jobs->running--;
}

/*
 * A pid is forgotten when it is reaped, so that no later process of that number is killed. Where no child
 * of ours has ended there is nothing to ask for: whose parent has ended waits for the next one that does.
 */
void jobs_reap(struct jobs *jobs)
{
	bool ended = false;

	for (size_t i = 0; i < JOBS_MAX; i++)
		ended |= jobs->list[i].pid > 0 && jobs->list[i].fd < 0;
	if (!ended)
		return;
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
		for (size_t i = 0; i < JOBS_MAX; i++)
			if (jobs->list[i].pid == pid)
				jobs->list[i].pid = 0;
}

void jobs_end_tidying(struct jobs *jobs)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (tidies(&jobs->list[i]))
			job_free(jobs, &jobs->list[i]);
}

static int add_result(struct job *job, size_t which, struct facts *facts,
		      const struct fields *fields, struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, FACT_RESULT, "init", job->steps[which].id, err);

	if (r < 0)
		return r;
	job->steps[which].ended = true;
	job->total = 0; /* what it may say is for each step, and so is its time */
	job->deadline_usec = clock_usec() + job->deadline_ms * UINT64_C(1000);
	fact.usec = clock_usec();
	fact.fields = *fields;
	fields_addf(&fact.fields, "us", "%" PRIu64, fact.usec - job->start_usec);
	return facts_add(facts, &fact, err);
}

/* Where steps are run in their order, the one that the child is at: the first without a result. */
static size_t current(const struct job *job)
{
	size_t i = 0;

	while (i + 1 < job->n_steps && job->steps[i].ended)
		i++;
	return i;
}

/* Records a failure for the step that the child was at, or for all that have no result. */
static int fail(struct job *job, bool all, struct facts *facts, enum err_code code,
		const char *text, struct err *err)
{
	struct fields fields = { .text = "" };
	int r = 0;

	fields_add(&fields, "status", "failed");
	fields_add(&fields, "code", err_name(code));
	fields_add(&fields, "text", text);
	for (size_t i = all ? 0 : current(job); i < job->n_steps && r == 0; i++) {
		if (!job->steps[i].ended)
			r = add_result(job, i, facts, &fields, err);
		if (!all)
			break;
	}
	return r;
}

/* What a sandboxed reader says may be a lie, but only about the disk that it is at. */
static bool own_disk(const struct job *job, const struct fact *fact)
{
	const char *disk = strchr(job->steps[current(job)].id, ':');

	if (job->verb != VERB_PROBE)
		return true;
	if (!disk)
		return false;
	return fact->kind == FACT_GPT ? strcmp(fact->subject, disk + 1) == 0
				      : disk_partition(fact->subject, disk + 1, NULL) &&
						fields_are(&fact->fields, "disk", disk + 1);
}

/* A child may report only what its verb is for, and each of its own steps' results once. */
static int take_line(struct job *job, const char *line, struct facts *facts, struct err *err)
{
	struct fact fact;

	job->broken = fact_parse(line, &fact, err) < 0;
	if (job->broken)
		return 0;
	for (size_t i = 0; fact.kind == FACT_RESULT && i < job->n_steps; i++)
		if (!job->steps[i].ended && strcmp(fact.subject, job->steps[i].id) == 0)
			return add_result(job, i, facts, &fact.fields, err);
	job->broken = fact.kind == FACT_RESULT || !(verb_info(job->verb)->kinds >> fact.kind & 1) ||
		      !own_disk(job, &fact);
	if (job->broken)
		return 0;
	fact.usec = clock_usec();
	text_copy(fact.origin, sizeof(fact.origin), verb_name(job->verb));
	return facts_add(facts, &fact, err);
}

void job_read(struct job *job)
{
	ssize_t n = read(job->fd, job->buffer + job->used, JOB_BUFFER_MAX - job->used);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	job->closed = n <= 0;
	job->used += n > 0 ? (size_t)n : 0;
	job->total += n > 0 ? (size_t)n : 0;
}

int job_take(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err)
{
	bool all = verb_info(job->verb)->sharing == TOGETHER; /* in whatever order */
	char *line = job->buffer, *end;
	int r = 0;

	while (r == 0 && !job->broken &&
	       (end = memchr(line, '\n', job->used - (size_t)(line - job->buffer)))) {
		*end = '\0';
		r = take_line(job, line, facts, err);
		line = end + 1;
	}
	if (r < 0)
		return r;
	job->used -= (size_t)(line - job->buffer);
	memmove(job->buffer, line, job->used);
	if (job->broken)
		r = fail(job, all, facts, E_CRASH, "its child sent what it may not", err);
	else if (job->used == JOB_BUFFER_MAX || job->total > JOB_OUTPUT_MAX)
		r = fail(job, all, facts, E_LIMIT, "its child reported too much", err);
	else if (job->closed)
		r = fail(job, all, facts, E_CRASH, "its child died", err);
	else
		return 0;
	job_free(jobs, job);
	return r;
}

int job_expire(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err)
{
	char text[64];

	text_format(text, sizeof(text), "no end after %u ms", job->deadline_ms);
	job_free(jobs, job);
	return fail(job, true, facts, E_TIMEOUT, text, err);
}

void jobs_stop(struct jobs *jobs)
{
	uint64_t end = clock_usec() + STOP_MS * 1000, now;

	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs->list[i].fd >= 0)
			job_free(jobs, &jobs->list[i]);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		_close_ int fd = jobs->list[i].pid > 0
					 ? (int)syscall(SYS_pidfd_open, jobs->list[i].pid, 0U)
					 : -1;
		struct pollfd ended = { .fd = fd, .events = POLLIN };

		now = clock_usec();
		if (fd >= 0 && now < end)
			poll(&ended, 1, (int)((end - now) / 1000) + 1);
	}
	jobs_reap(jobs);
}
