/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Children that run steps: one job is one forked child, one pipe, one deadline. */
#pragma once

#include "modules/verb.h"

#define JOBS_MAX 16
#define JOB_OUTPUT_MAX 131072 /* a full table of 128 partitions, with room */

struct job {
	int fd; /* read end of the child's pipe; -1: free */
	pid_t pid;
	uint64_t start_usec, deadline_usec;
	struct step step;
	size_t used;
	char output[JOB_OUTPUT_MAX + 1];
};

struct jobs {
	size_t running;
	struct job list[JOBS_MAX];
};

void jobs_init(struct jobs *jobs);
/* Forks a child for the step; 0, or -errno with err filled. -EBUSY: no slot is free. */
int job_start(struct jobs *jobs, const struct step *step, struct err *err);
/* How many children of a lane are running. */
unsigned int jobs_in_lane(const struct jobs *jobs, enum lane lane);
/*
 * Reads what the child wrote. 0: it goes on. 1: it ended: what it reported and its result are
 * appended to facts, and the slot is free. -errno where facts are full.
 */
int job_read(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err);
/* Kills a job whose deadline passed and records that as its result. */
int job_expire(struct jobs *jobs, struct job *job, struct facts *facts, struct err *err);
/* Kills and reaps all. */
void jobs_stop(struct jobs *jobs);
