/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as a graph for Graphviz. */
#include "init/explain.h"
#include "init/base/out.h"

#include <stdio.h>
#include <string.h>

/* Whether a step before last waits for this one: then last does so by way of that one. */
static bool is_followed(const struct plan *plan, const struct step *step, const struct step *last)
{
	for (const struct step *other = step + 1; other < last; other++) {
		if (other->after_all)
			return true;
		for (unsigned int i = 0; i < other->n_after; i++)
			if (&plan->steps[other->after[i]] == step)
				return true;
	}
	return false;
}

/* Quotes and backslashes do not occur in ids; labels are escaped as JSON is. */
static void dot_step(struct out *out, const struct facts *facts, const struct plan *plan,
		     const struct step *step)
{
	static const char *const colours[][2] = {
		{ "done", "#d8f0d8" },
		{ "failed", "#f6c9c9" },
		{ "running", "#fdf0c4" },
		{ "waiting", "#eef1f5" },
	};
	const char *state = explain_state(facts, step), *fill = colours[3][1];
	char what[FIELDS_MAX], label[FIELDS_MAX + 256];

	for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
		if (strcmp(state, colours[i][0]) == 0)
			fill = colours[i][1];
	explain_what(step, what, sizeof(what));
	snprintf(label, sizeof(label), "%s %s", verb_name(step->verb), what);
	out_printf(out, "  \"%s\" [fillcolor=\"%s\", tooltip=", step->id, fill);
	out_json(out, step->because);
	out_printf(out, ", label=");
	out_json(out, label);
	out_printf(out, "];\n");
	for (unsigned int i = 0; i < step->n_after; i++)
		out_printf(out, "  \"%s\" -> \"%s\";\n", plan->steps[step->after[i]].id, step->id);
	if (!step->after_all)
		return;
	for (const struct step *other = plan->steps; other < step; other++)
		if (!step_is_device(other->verb, other->id) && !is_followed(plan, other, step))
			out_printf(out, "  \"%s\" -> \"%s\" [style=dashed, color=\"#b0b8c0\"];\n",
				   other->id, step->id);
}

void explain_dot(int fd, const struct facts *facts, const struct plan *plan)
{
	struct out out;

	out_init(&out, fd);
	out_printf(&out, "digraph plan {\n  rankdir=LR; bgcolor=white; nodesep=0.3;\n"
			 "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", "
			 "fontsize=11, color=\"#8090a0\"];\n  edge [color=\"#506070\"];\n");
	for (const struct step *step = plan->steps; step < plan->steps + plan->n_steps; step++)
		if (!step_is_device(step->verb, step->id))
			dot_step(&out, facts, plan, step);
	for (size_t i = 0; i < plan->n_refusals; i++) {
		out_printf(&out, "  refusal%zu [fillcolor=\"#f6c9c9\", label=\"%s\", tooltip=", i,
			   err_name(plan->refusals[i].code));
		out_json(&out, plan->refusals[i].text);
		out_printf(&out, "];\n");
	}
	out_printf(&out, "}\n");
	out_flush(&out);
}
