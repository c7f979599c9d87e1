/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Golden plans: tests/plans/NAME.facts gives tests/plans/NAME.plan. And the laws: the same facts
 * in any order give the same plan (confluence), and no step that could start after some of the
 * facts is missing after all of them, unless the boot is refused (monotone).
 *
 * UPDATE=1 in the environment writes the .plan files anew.
 */
#include "init/explain.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>

#define FOLDER "tests/plans"
#define TEXT_MAX (1024 * 1024)
#define SHUFFLES 40

static struct facts facts, other;
static struct plan plan, other_plan;
static char text[TEXT_MAX], golden[TEXT_MAX], shuffled[TEXT_MAX];

static bool read_file(const char *path, char *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, TEXT_MAX - 1);

	if (fd >= 0)
		close(fd);
	ret[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

static void plan_text(const struct facts *of, const struct plan *what, char *ret)
{
	int fd = memfd_create("plan", MFD_CLOEXEC);
	ssize_t n;

	explain_plan(fd, of, what, true);
	n = pread(fd, ret, TEXT_MAX - 1, 0);
	ret[n < 0 ? 0 : n] = '\0';
	close(fd);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines in one order, so that two plans compare as sets of steps. */
static void sort_lines(char *lines)
{
	static char copy[TEXT_MAX];
	static const char *list[8192];
	size_t n = 0;

	strcpy(copy, lines);
	for (char *line = strtok(copy, "\n"); line && n < 8192; line = strtok(NULL, "\n"))
		list[n++] = line;
	qsort(list, n, sizeof(list[0]), compare_lines);
	lines[0] = '\0';
	for (size_t i = 0, used = 0; i < n; i++)
		used += (size_t)sprintf(lines + used, "%s\n", list[i]);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void facts_clear(struct facts *of)
{
	of->n = 0;
	memset(of->head, 0, sizeof(of->head));
	memset(of->tail, 0, sizeof(of->tail));
}

/* Facts of one kind and subject override each other, so they keep their order; all else moves. */
static void shuffle(uint32_t seed)
{
	static uint16_t order[FACTS_MAX];
	struct err err;

	for (uint16_t i = 0; i < facts.n; i++)
		order[i] = i;
	for (size_t i = facts.n; i > 1; i--) {
		size_t j = next_random(&seed) % i;
		uint16_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
	facts_clear(&other);
	for (size_t i = 0; i < facts.n; i++) {
		const struct fact *fact = &facts.list[order[i]];

		if (facts_find(&other, fact->kind, fact->subject))
			continue;
		for (const struct fact *same = facts_find(&facts, fact->kind, fact->subject); same;
		     same = facts_next(&facts, same))
			CHECK_INT(facts_add(&other, same, &err), 0);
	}
	CHECK_INT(other.n, facts.n);
}

static void check_confluence(const char *name)
{
	plan_text(&facts, &plan, text);
	sort_lines(text);
	for (uint32_t seed = 1; seed <= SHUFFLES; seed++) {
		shuffle(seed);
		decide(&other, &other_plan);
		plan_text(&other, &other_plan, shuffled);
		sort_lines(shuffled);
		if (strcmp(text, shuffled) != 0) {
			fprintf(stderr, "%s: seed %u gives another plan:\n%s", name, seed,
				shuffled);
			CHECK(!"confluent");
			return;
		}
	}
}

static void check_monotone(const char *name)
{
	struct err err;

	facts_clear(&other);
	for (size_t i = 0; i < facts.n; i++) {
		CHECK_INT(facts_add(&other, &facts.list[i], &err), 0);
		decide(&other, &other_plan);
		if (other_plan.n_refusals > 0 && plan.n_refusals == 0) {
			fprintf(stderr, "%s: refused after fact %zu only: %s\n", name, i,
				other_plan.refusals[0].text);
			CHECK(!"no refusal is withdrawn");
		}
		for (size_t k = 0; k < other_plan.n_steps && plan.n_refusals == 0; k++) {
			const struct step *step = &other_plan.steps[k], *last;

			if (!step_ready(&other_plan, step, &other))
				continue;
			last = plan_find(&plan, step->id);
			if (last && strcmp(last->args.text, step->args.text) == 0)
				continue;
			fprintf(stderr, "%s: step %s of fact %zu is withdrawn\n", name, step->id,
				i);
			CHECK(!"monotone");
		}
	}
}

static void check_golden(const char *name)
{
	char path[512];
	struct err err = { .code = E_NONE };

	facts_clear(&facts);
	snprintf(path, sizeof(path), FOLDER "/%s.facts", name);
	CHECK(read_file(path, text));
	if (facts_parse(&facts, text, &err) < 0) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		CHECK(!"facts parse");
		return;
	}
	decide(&facts, &plan);
	plan_text(&facts, &plan, text);
	snprintf(path, sizeof(path), FOLDER "/%s.plan", name);
	if (getenv("UPDATE")) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
		close(fd);
	}
	CHECK(read_file(path, golden));
	if (strcmp(text, golden) != 0) {
		fprintf(stderr, "%s differs:\n%s", path, text);
		CHECK(!"golden");
	}
	check_confluence(name);
	check_monotone(name);
}

TEST(plans_golden)
{
	DIR *dir = opendir(FOLDER);
	unsigned int n = 0;

	CHECK(dir != NULL);
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".facts") != 0)
			continue;
		*dot = '\0';
		check_golden(entry->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	CHECK(n > 0);
}
