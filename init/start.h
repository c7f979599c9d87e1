/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the plan's steps start now, and which of them share a child. */
#pragma once

#include "init/boot.h"

/* Starts what is ready and has room. 0, or -errno with err filled; the hand-over returns only if it failed. */
int start_ready(struct boot *boot, struct err *err);
/*
 * Starts what shared a job's child with the step that ended it and has no result yet, in another child:
 * the fault was that step's alone. The job's slot is free. 0, or -errno with err filled.
 */
int start_left(struct boot *boot, const struct job *job, struct err *err);
/* Whether all of the verb's steps of images that could start have ended. */
bool stage_over(const struct boot *boot, enum verb verb);
