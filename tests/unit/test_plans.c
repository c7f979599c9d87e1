/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Golden plans: tests/plans/NAME.facts gives tests/plans/NAME.plan, and keeps the laws.
 * UPDATE=1 in the environment writes the .plan files anew.
 */
#include "tests/unit/laws.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>

#define FOLDER "tests/plans"

static struct facts facts;
static struct plan plan;
static char text[PLAN_TEXT_MAX], golden[PLAN_TEXT_MAX];

static bool read_file(const char *path, char *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, PLAN_TEXT_MAX - 1);

	if (fd >= 0)
		close(fd);
	ret[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

/* Reads the facts and decides; false where they do not parse. */
static bool decide_on(const char *name)
{
	struct err err = { .code = E_NONE };
	char path[512];

	facts_clear(&facts);
	snprintf(path, sizeof(path), FOLDER "/%s.facts", name);
	CHECK(read_file(path, text));
	if (facts_parse(&facts, text, &err) < 0) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		CHECK(!"facts parse");
		return false;
	}
	decide(&facts, &plan);
	return true;
}

static void check_golden(const char *name)
{
	char path[512];

	plan_text(&facts, &plan, true, text);
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
}

static void keep_laws(const char *name)
{
	check_laws(name, &facts, &plan);
}

static void for_each_plan(void (*check)(const char *name))
{
	DIR *dir = opendir(FOLDER);
	unsigned int n = 0;

	CHECK(dir != NULL);
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".facts") != 0)
			continue;
		*dot = '\0';
		if (decide_on(entry->d_name))
			check(entry->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	CHECK(n > 0);
}

TEST(plans_golden)
{
	for_each_plan(check_golden);
}

TEST(plans_laws)
{
	for_each_plan(keep_laws);
}
