/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person sees when a boot was refused. */
#pragma once

#include "generators/plan.h"

struct screen {
	const struct facts *facts;
	const struct plan *plan;
	const struct err *why;
	const char *phone;
	const char *capped;    /* what the cap reported */
	const char *next_boot; /* where the next boot finds the reason, or why it does not */
};

/*
 * Writes the plan, the facts that led there and, last, so that it stays in view, what happened and
 * what to do.
 */
void screen_write(int fd, const struct screen *screen);
