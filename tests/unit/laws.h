/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The laws of plans, held to by any list of facts; see laws.c. */
#pragma once

#include "generators/plan.h"

/* The plan as a person sees it (marks: with the state of each step), and the steps' arguments. ret: PLAN_TEXT_MAX bytes. */
#define PLAN_TEXT_MAX (1024 * 1024)
void plan_text(const struct facts *facts, const struct plan *plan, bool marks, char *ret);
/* plan: of all facts. */
void check_laws(const char *name, const struct facts *facts, const struct plan *plan);
