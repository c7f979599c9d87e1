/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A verb carries out one kind of step, in a forked child (no exec). It returns 0, or -errno with
 * err filled; it may report facts, which PID 1 takes only where the table in verbs.c lets that
 * verb report that kind.
 */
#pragma once

#include "generators/plan.h"

enum lane {
	LANE_ANY,     /* as many at once as are ready */
	LANE_DRIVERS, /* a pool of children, each for a batch of devices */
	LANE_TPM,     /* one at a time, in plan order */
	LANE_PID1,    /* in PID 1 itself, alone: the hand-over */
};

/* What a child may ask of the kernel besides files, devices and memory (modules/sandbox.c). */
enum may {
	MAY_MODULES = 1 << 0,
	MAY_MOUNT = 1 << 1,
	MAY_KEYS = 1 << 2,
	MAY_ANYTHING = 1 << 3, /* the recovery shell, whose user is root */
};

/* Which of its steps one child may run. */
enum sharing {
	ALONE,	  /* one */
	IMAGES,	  /* several of images, in their order; of others one */
	TOGETHER, /* several, in an order of its own */
};

struct report {
	int fd; /* the pipe to PID 1; one line a fact */
};

struct verb_info {
	const char *name;
	enum lane lane;
	unsigned int deadline_ms;
	unsigned int kinds; /* mask of 1 << FACT_…: what it may report besides its result */
	unsigned int may;   /* mask of MAY_… */
	enum sharing sharing;
	int (*run)(const struct step *step, const struct report *report, struct fields *result,
		   struct err *err);
	/* Instead, where there is work before the first step or after the last: it reports each result. */
	void (*run_batch)(const struct step *steps, size_t n, const struct report *report);
};

#define BATCH_MAX 32

const struct verb_info *verb_info(enum verb verb);

/* Sends one fact to PID 1, which sets time and origin. 0 or -errno. */
int report_fact(const struct report *report, enum fact_kind kind, const char *subject,
		const struct fields *fields);

/* The same, but sent with the next one that is not, or where many wait: PID 1 is woken once for them. */
int report_fact_later(const struct report *report, enum fact_kind kind, const char *subject,
		      const struct fields *fields);

/* Sends the end of a step to PID 1: r < 0 is its failure, err tells why. 0 or -errno. */
int report_result(const struct report *report, const char *id, int r, const struct fields *result,
		  const struct err *err);

/* The argument of a step, or E_INTERNAL where it is missing. */
int step_get(const struct step *step, const char *key, char *ret, size_t size, struct err *err);

int coldplug_run(const struct step *, const struct report *, struct fields *, struct err *);
int efivars_run(const struct step *, const struct report *, struct fields *, struct err *);
void drivers_run_batch(const struct step *, size_t, const struct report *);
void probe_run_batch(const struct step *, size_t, const struct report *);
int verity_run(const struct step *, const struct report *, struct fields *, struct err *);
int unlock_run(const struct step *, const struct report *, struct fields *, struct err *);
int activate_run(const struct step *, const struct report *, struct fields *, struct err *);
int mount_run(const struct step *, const struct report *, struct fields *, struct err *);
int stored_run(const struct step *, const struct report *, struct fields *, struct err *);
void loop_run_batch(const struct step *, size_t, const struct report *);
int extension_run(const struct step *, const struct report *, struct fields *, struct err *);
int extend_initrd_run(const struct step *, const struct report *, struct fields *, struct err *);
int extend_run(const struct step *, const struct report *, struct fields *, struct err *);
int credentials_run(const struct step *, const struct report *, struct fields *, struct err *);
int stub_run(const struct step *, const struct report *, struct fields *, struct err *);
int measure_run(const struct step *, const struct report *, struct fields *, struct err *);
int cap_run(const struct step *, const struct report *, struct fields *, struct err *);
int loader_run(const struct step *, const struct report *, struct fields *, struct err *);
int password_run(const struct step *, const struct report *, struct fields *, struct err *);
int shell_run(const struct step *, const struct report *, struct fields *, struct err *);
int handover_run(const struct step *, const struct report *, struct fields *, struct err *);
