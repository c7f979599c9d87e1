/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan, the facts and the timeline as a person reads them. Without heap. */
#pragma once

#include "generators/plan.h"

/* A table: id, step, what, after, because; with marks (done, failed, running, waiting). */
void explain_plan(int fd, const struct facts *facts, const struct plan *plan, bool marks);
void explain_json(int fd, const struct facts *facts, const struct plan *plan);
/* Graphviz. */
void explain_dot(int fd, const struct facts *facts, const struct plan *plan);
/* One line a fact, as facts_parse() reads. */
void explain_facts(int fd, const struct facts *facts);
/* One line a step: when it started, how long it took, what it was. */
void explain_timeline(int fd, const struct facts *facts, const struct plan *plan);
/* done, failed, running or waiting. */
const char *explain_state(const struct facts *facts, const struct step *step);
/* "vda2+vda3 -> usr": a step's arguments in short. */
void explain_what(const struct step *step, char *ret, size_t size);
