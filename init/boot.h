/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop of PID 1: event, fact, decide, start, until hand-over or refusal. */
#pragma once

#include "init/job.h"

struct boot {
	struct facts facts;
	struct facts late; /* results of the steps of a refusal: the list above may be full */
	struct plan plan;
	struct jobs jobs;
	int monitor_fd;
	bool lost;	      /* uevents, that are still to be asked for again */
	unsigned int readers; /* children of a verb that share the images that are ready */
};

/* Reads the sources that need no device, and opens the uevent socket. */
int boot_init(struct boot *boot, struct err *err);
/* Runs until the new root's init is executed; returns only where the boot is refused. */
void boot_run(struct boot *boot, struct err *ret_refusal);
/* Leaves facts, plan and timeline in /run/lintel. Failures are ignored: they explain only. */
void boot_record(const struct boot *boot);
/* Appends a fact of PID 1's own, of this moment. 0, or -errno with err filled. */
int boot_add_fact(struct boot *boot, enum fact_kind kind, const char *subject, struct err *err);
/* lintel.debug in a build made for it: all is told of. */
bool boot_debug(const struct boot *boot);
