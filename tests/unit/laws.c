/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Confluence: the same facts in any order give the same plan, and the same first refusal.
 * Monotone: at every prefix, and with facts that arrive in any order that causes allow, a step that
 * was ready keeps its arguments and is in every later plan (but while a new disk is being read, or
 * where the boot is refused), and a refusal is never withdrawn.
 */
#include "tests/unit/laws.h"
#include "init/explain.h"
#include "tests/unit/test.h"

#include <sys/mman.h>

#define SHUFFLES 40
#define ARRIVALS 12
#define LINES_MAX 8192

static struct facts other;
static struct plan other_plan;
static char wanted[PLAN_TEXT_MAX], got[PLAN_TEXT_MAX];

void plan_text(const struct facts *facts, const struct plan *plan, bool marks, char *ret)
{
	int fd = memfd_create("plan", MFD_CLOEXEC);
	ssize_t n;

	explain_plan(fd, facts, plan, marks);
	/* and what is not for a person: the arguments as the verbs get them, and what may start */
	for (const struct step *step = plan->steps; step < plan->steps + plan->n_steps; step++)
		dprintf(fd, "%s %s %s\n", step_ready(plan, step, facts) ? "ready" : "later",
			step->id, step->args.text);
	n = pread(fd, ret, PLAN_TEXT_MAX - 1, 0);
	ret[n < 0 ? 0 : n] = '\0';
	close(fd);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines in one order, so that two plans compare as sets of steps. */
static void sorted_text(const struct facts *facts, const struct plan *plan, bool marks, char *ret)
{
	static char copy[PLAN_TEXT_MAX];
	static const char *list[LINES_MAX];
	size_t n = 0;

	plan_text(facts, plan, marks, copy);
	for (char *line = strtok(copy, "\n"); line && n < LINES_MAX; line = strtok(NULL, "\n"))
		list[n++] = line;
	qsort(list, n, sizeof(list[0]), compare_lines);
	ret[0] = '\0';
	for (size_t i = 0, used = 0; i < n; i++)
		used += (size_t)sprintf(ret + used, "%s\n", list[i]);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Facts of one kind and subject override each other, so they keep their order; all else moves. */
static void shuffle(const struct facts *facts, uint32_t seed)
{
	static uint16_t order[FACTS_MAX];
	struct err err;

	for (uint16_t i = 0; i < facts->n; i++)
		order[i] = i;
	for (size_t i = facts->n; i > 1; i--) {
		size_t j = next_random(&seed) % i;
		uint16_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
	facts_clear(&other);
	for (size_t i = 0; i < facts->n; i++) {
		const struct fact *fact = &facts->list[order[i]];

		if (facts_find(&other, fact->kind, fact->subject))
			continue;
		for (const struct fact *same = facts_find(facts, fact->kind, fact->subject); same;
		     same = facts_next(facts, same))
			CHECK_INT(facts_add(&other, same, &err), 0);
	}
	CHECK_INT(other.n, facts->n);
}

static void check_confluence(const char *name, const struct facts *facts, const struct plan *plan)
{
	sorted_text(facts, plan, true, wanted);
	for (uint32_t seed = 1; seed <= SHUFFLES; seed++) {
		shuffle(facts, seed);
		decide(&other, &other_plan);
		sorted_text(&other, &other_plan, true, got);
		if (strcmp(wanted, got) == 0 &&
		    (plan->n_refusals == 0 ||
		     strcmp(plan->refusals[0].text, other_plan.refusals[0].text) == 0))
			continue;
		fprintf(stderr, "%s: seed %u gives another plan:\n%s", name, seed, got);
		CHECK(!"confluent");
		return;
	}
}

/* The steps that were ready once, as they were then. */
static struct step ready[PLAN_STEPS_MAX];
static size_t n_ready;

static void check_step(const char *name, size_t at, const struct step *then)
{
	const struct step *now = plan_find(&other_plan, then->id);

	if (now ? strcmp(now->args.text, then->args.text) == 0 : !other_plan.disks_read)
		return;
	fprintf(stderr, "%s: after fact %zu, step %s is %s: %s; %s\n", name, at, then->id,
		now ? "another one" : "withdrawn", then->args.text, now ? now->args.text : "");
	CHECK(!"monotone");
}

/* A disk that vanished unread: its probe found no free place in time. */
static bool never_started(const struct facts *all, const struct step *step)
{
	return step->verb == VERB_PROBE && !facts_step_result(all, step->id) &&
	       facts_find(all, FACT_GONE, step->id + strlen("probe:"));
}

/* One more fact, and all that it starts. False where the boot ends here. */
static bool arrive(const char *name, const struct facts *all, const struct fact *fact,
		   const struct plan *last)
{
	struct err err;

	CHECK_INT(facts_add(&other, fact, &err), 0);
	decide(&other, &other_plan);
	if (other_plan.n_refusals > 0) {
		if (last->n_refusals == 0)
			fprintf(stderr, "%s: refused after fact %zu only: %s\n", name, other.n,
				other_plan.refusals[0].text);
		CHECK(last->n_refusals > 0);
		return false;
	}
	for (size_t i = 0; i < n_ready; i++)
		check_step(name, other.n, &ready[i]);
	for (size_t i = 0; i < other_plan.n_steps; i++) {
		const struct step *step = &other_plan.steps[i];
		struct fact start = { .usec = fact->usec, .kind = FACT_START, .origin = "init" };

		if (facts_step_started(&other, step->id) ||
		    !step_ready(&other_plan, step, &other) || never_started(all, step))
			continue;
		ready[n_ready++] = *step;
		strcpy(start.subject, step->id);
		CHECK_INT(facts_add(&other, &start, &err), 0);
	}
	return true;
}

static void check_prefixes(const char *name, const struct facts *facts, const struct plan *plan)
{
	facts_clear(&other);
	n_ready = 0;
	for (size_t i = 0; i < facts->n; i++)
		if (facts->list[i].kind != FACT_START &&
		    !arrive(name, facts, &facts->list[i], plan))
			return;
}

/* Whether what causes the fact has been: the sources come first, and a result after its start. */
static bool may_arrive(const struct facts *facts, const bool *gone, size_t i)
{
	const struct fact *fact = &facts->list[i];
	char id[FACT_NAME_MAX], disk[FACT_NAME_MAX];

	for (size_t k = 0; k < i; k++) {
		const struct fact *earlier = &facts->list[k];

		if (gone[k])
			continue;
		/* what was known before coldplug, what a child reports, and what overrides */
		if (fact->kind <= FACT_CONFIG || earlier->kind <= FACT_CONFIG ||
		    earlier->kind == FACT_EXTRA || earlier->kind == FACT_SETTLED ||
		    fact->kind == FACT_DEADLINE || strcmp(fact->subject, earlier->subject) == 0)
			return false;
		if (fact->kind == FACT_RESULT &&
		    fields_get(&earlier->fields, "disk", disk, sizeof(disk)) == 0) {
			snprintf(id, sizeof(id), "probe:%.80s", disk);
			if (strcmp(id, fact->subject) == 0)
				return false;
		}
		if (fact->kind == FACT_RESULT && earlier->kind == FACT_GPT) {
			snprintf(id, sizeof(id), "probe:%.80s", earlier->subject);
			if (strcmp(id, fact->subject) == 0)
				return false;
		}
	}
	return fact->kind != FACT_RESULT || facts_step_started(&other, fact->subject);
}

/* The facts in another order that could have been; what is held back for ever comes last. */
static void check_arrival(const char *name, const struct facts *facts, const struct plan *plan,
			  uint32_t seed)
{
	static bool gone[FACTS_MAX];
	size_t n_gone = 0;

	facts_clear(&other);
	n_ready = 0;
	memset(gone, 0, sizeof(gone));
	for (size_t i = 0; i < facts->n; i++)
		if (facts->list[i].kind == FACT_START) {
			gone[i] = true;
			n_gone++;
		}
	for (unsigned int tries = 0; n_gone < facts->n;) { /* since the last one that arrived */
		size_t i = next_random(&seed) % facts->n;

		if (gone[i])
			continue;
		if (tries < 20 * facts->n && !may_arrive(facts, gone, i)) {
			tries++;
			continue;
		}
		if (tries < 20 * facts->n)
			tries = 0;
		gone[i] = true;
		n_gone++;
		if (!arrive(name, facts, &facts->list[i], plan))
			return;
	}
	sorted_text(&other, &other_plan, false, got);
	if (strcmp(wanted, got) != 0) {
		fprintf(stderr, "%s: arrival %u ends in another plan:\n%s", name, seed, got);
		CHECK(!"confluent");
	}
}

void check_laws(const char *name, const struct facts *facts, const struct plan *plan)
{
	check_confluence(name, facts, plan);
	check_prefixes(name, facts, plan);
	sorted_text(facts, plan, false, wanted);
	for (uint32_t seed = 1; seed <= ARRIVALS; seed++)
		check_arrival(name, facts, plan, seed);
}
