/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Children that run steps: one job is one forked child, one pipe, one deadline. */
#pragma once

#include "modules/verb.h"

#define JOBS_MAX 16
#define JOB_BUFFER_MAX 16384  /* of what was read and is not yet a whole line */
#define JOB_OUTPUT_MAX 262144 /* for a step: a full table of 128 partitions, with room */

struct job {
	int fd; /* read end of the child's pipe; -1: free */
	pid_t pid;
	uint64_t start_usec, deadline_usec;
	unsigned int deadline_ms;
	enum verb verb;
	bool asks; /* the consoles are its own now and then */
	size_t n_steps;
	struct {
		char id[FACT_NAME_MAX];
		bool ended; /* its result is a fact */
	} steps[BATCH_MAX];
	bool closed, broken;
	size_t used, total;
	char buffer[JOB_BUFFER_MAX];
};

struct jobs {
	size_t running;
	struct job list[JOBS_MAX];
};

void jobs_init(struct jobs *jobs);
/*
 * Forks a child for steps of one verb: one, or up to BATCH_MAX where it takes several. 0, or -errno with
 * err filled. -EBUSY: no slot is free. The steps must not lie in the plan, which the child has not.
 */
int job_start(struct jobs *jobs, const struct step *steps, size_t n, struct err *err);
/* How many children are running: with steps of images of a verb still to end; for devices; in a lane. */
unsigned int jobs_of_images(const struct jobs *jobs, enum verb verb);
unsigned int jobs_of_devices(const struct jobs *jobs);
unsigned int jobs_in_lane(const struct jobs *jobs, enum lane lane);
/* Whether all its steps have ended. */
bool job_is_over(const struct job *job);
/* Children whose steps, of images, have all ended and who only tidy up: nothing waits for them. */
unsigned int jobs_tidying(const struct jobs *jobs);
void jobs_end_tidying(struct jobs *jobs);
/* Reads what the child wrote into the job's buffer. */
void job_read(struct job *job);
/*
 * Appends what was read to the facts: reports and results, and when the child is gone a failure for
 * the step that it was at; the slot is free then, and whichever steps have not `ended` may be started
 * anew. Where a verb has an order of its own, all without a result have failed. -errno where facts are full.
 */
int job_take(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err);
/* Kills a job whose deadline passed, which each result moves, and records that for all without a result. */
int job_expire(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err);
/* Reaps children that ended. */
void jobs_reap(struct jobs *jobs);
/* Kills all and waits for their end, but not long for one that sits in the kernel. */
void jobs_stop(struct jobs *jobs);
