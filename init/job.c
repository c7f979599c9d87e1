/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/job.h"
#include "init/base/fs.h"
#include "init/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RESULT_FD 3

void jobs_init(struct jobs *jobs)
{
	jobs->running = 0;
	for (size_t i = 0; i < JOBS_MAX; i++)
		jobs->list[i].fd = -1;
}

unsigned int jobs_in_lane(const struct jobs *jobs, enum lane lane)
{
	unsigned int n = 0;

	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs->list[i].fd >= 0 && verb_info(jobs->list[i].step.verb)->lane == lane)
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

_noreturn_ static void child_run(const struct step *step, int pipe_fd)
{
	const struct report report = { .fd = RESULT_FD };
	struct fields result = { .text = "" }, status = { .text = "" };
	struct err err = { .code = E_NONE };
	int r;

	child_setup(pipe_fd);
	r = verb_info(step->verb)->run(step, &report, &result, &err);
	fields_add(&status, "status", r < 0 ? "failed" : "done");
	if (r < 0) {
		fields_add(&status, "code", err_name(err.code == E_NONE ? E_INTERNAL : err.code));
		fields_add(&status, "text", err.text);
	} else if (strlen(status.text) + strlen(result.text) + 2 < FIELDS_MAX && result.text[0]) {
		strcat(status.text, " ");
		strcat(status.text, result.text);
	}
	_exit(report_fact(&report, FACT_RESULT, step->id, &status) < 0);
}

int job_start(struct jobs *jobs, const struct step *step, struct err *err)
{
	struct job *job = NULL;
	int fds[2];

	for (size_t i = 0; i < JOBS_MAX && !job; i++)
		if (jobs->list[i].fd < 0)
			job = &jobs->list[i];
	if (!job)
		return -EBUSY;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(err, E_INTERNAL, errno, "pipe: %s", strerror(errno));
	fcntl(fds[1], F_SETFL, 0); /* the child's end blocks; a full pipe only waits for PID 1 */
	job->step = *step;
	job->start_usec = clock_usec();
	job->deadline_usec = job->start_usec + verb_info(step->verb)->deadline_ms * UINT64_C(1000);
	job->used = 0;
	job->pid = fork();
	if (job->pid == 0)
		child_run(step, fds[1]);
	close(fds[1]);
	if (job->pid < 0) {
		close(fds[0]);
		return err_set(err, E_INTERNAL, errno, "fork: %s", strerror(errno));
	}
	job->fd = fds[0];
	jobs->running++;
	return 0;
}

static void job_free(struct jobs *jobs, struct job *job)
{
	kill(job->pid, SIGKILL);
	waitpid(job->pid, NULL, 0);
	close(job->fd);
	job->fd = -1;
	jobs->running--;
}

static int add_result(struct job *job, struct facts *facts, const struct fields *fields,
		      struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, FACT_RESULT, "init", job->step.id, err);

	if (r < 0)
		return r;
	fact.usec = clock_usec();
	fact.fields = *fields;
	fields_addf(&fact.fields, "us", "%" PRIu64, fact.usec - job->start_usec);
	return facts_add(facts, &fact, err);
}

static int add_failure(struct job *job, struct facts *facts, enum err_code code, const char *text,
		       struct err *err)
{
	struct fields fields = { .text = "" };

	fields_add(&fields, "status", "failed");
	fields_add(&fields, "code", err_name(code));
	fields_add(&fields, "text", text);
	return add_result(job, facts, &fields, err);
}

/* A child may report only what its verb is for; a result must be of its own step. */
static bool may_report(const struct job *job, const struct fact *fact)
{
	if (fact->kind == FACT_RESULT)
		return strcmp(fact->subject, job->step.id) == 0;
	return verb_info(job->step.verb)->kinds >> fact->kind & 1;
}

static int take_line(struct job *job, const char *line, struct facts *facts, struct fact *result,
		     struct err *err)
{
	struct fact fact;
	int r = fact_parse(line, &fact, err);

	if (r < 0 || !may_report(job, &fact))
		return add_failure(job, facts, E_CRASH, "its child sent what it may not", err)
			       ?: -EPROTO;
	if (fact.kind == FACT_RESULT) {
		*result = fact;
		return 0;
	}
	fact.usec = clock_usec();
	text_copy(fact.origin, sizeof(fact.origin), verb_name(job->step.verb));
	return facts_add(facts, &fact, err);
}

/* Appends all that the child reported, then its result; -EPROTO where the result is a failure. */
static int take_output(struct job *job, struct facts *facts, struct err *err)
{
	struct fact result = { .usec = 0 };
	char *line = job->output;
	int r;

	job->output[job->used] = '\0';
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		r = take_line(job, line, facts, &result, err);
		if (r < 0)
			return r;
	}
	if (!result.subject[0])
		return add_failure(job, facts, E_CRASH, "its child died", err);
	return add_result(job, facts, &result.fields, err);
}

int job_read(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err)
{
	ssize_t n = read(job->fd, job->output + job->used, JOB_OUTPUT_MAX - job->used);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n > 0) {
		job->used += (size_t)n;
		if (job->used < JOB_OUTPUT_MAX)
			return 0;
		r = add_failure(job, facts, E_LIMIT, "its child reported too much", err);
	} else {
		r = take_output(job, facts, err);
	}
	job_free(jobs, job);
	return r < 0 && r != -EPROTO ? r : 1;
}

int job_expire(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err)
{
	char text[64];

	text_format(text, sizeof(text), "no end after %u ms",
		    verb_info(job->step.verb)->deadline_ms);
	job_free(jobs, job);
	return add_failure(job, facts, E_TIMEOUT, text, err);
}

void jobs_stop(struct jobs *jobs)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs->list[i].fd >= 0)
			job_free(jobs, &jobs->list[i]);
}
