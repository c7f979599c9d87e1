/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts and plans at their limits: more is an error, and what fits is decided on. */
#include "init/base/fs.h"
#include "init/base/log.h"
#include "tests/unit/laws.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdlib.h>

static struct facts facts;
static struct plan plan;
static struct err err;

_printf_(1, 2) static int add(const char *fmt, ...)
{
	char line[FACT_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return facts_parse(&facts, line, &err);
}

static void start(void)
{
	facts_clear(&facts);
	CHECK_INT(add("1 x config arch value=x86-64"), 0);
	CHECK_INT(add("1 x config firmware value=efi"), 0);
	CHECK_INT(add("1 x settled sources"), 0);
	CHECK_INT(add("1 x efi LoaderDevicePartUUID value=c0ffee00-1111-4222-8333-444444444444"),
		  0);
	CHECK_INT(add("1 x result efi status=done"), 0);
}

/* A full table: an ESP, and a signed root of another version in every three partitions. */
static int add_disk(unsigned int disk, bool boot)
{
	int r = add("1 x block sd%u devtype=disk dev=8:%u", disk, disk);

	if (r == 0)
		r = add("1 x gpt sd%u state=ok", disk);
	for (unsigned int n = 1; n <= 128 && r == 0; n++) {
		static const char *const names[] = { "root-x86-64-verity-sig", "root-x86-64",
						     "root-x86-64-verity" };
		unsigned int set = disk * 1000 + (n - 2) / 3;

		if (n == 1)
			r = add("1 x part sd%up1 disk=sd%u n=1 name=esp "
				"uuid=c0ffee00-1111-4222-8333-"
				"%012llx start=1 size=1 flags=0 label=esp",
				disk, disk, boot ? 0x444444444444ULL : 1ULL + disk);
		else
			r = add("1 x part sd%up%u disk=sd%u n=%u name=%s uuid=%08x-0000-0000-0000-"
				"%012u start=1 size=1 flags=0 label=os_%u",
				disk, n, disk, n, names[(n - 1) % 3], set, (n - 1) % 3, set);
		if (r == 0 && n > 1 && (n - 1) % 3 == 0)
			r = add("1 x sig sd%up%u disk=sd%u roothash=%08x0000000000000000%08x"
				"%08x0000000000000000%08x",
				disk, n, disk, set, 1, set, 2);
	}
	return r < 0 ? r : add("1 x result probe:sd%u status=done", disk);
}

TEST(limits_many_disks)
{
	const struct step *root;
	unsigned int disk = 1;

	start();
	CHECK_INT(add_disk(0, true), 0);
	while (add_disk(disk, false) == 0)
		disk++;
	CHECK_INT(err.code, E_LIMIT);
	CHECK_INT(facts.n, FACTS_MAX);
	CHECK(disk > 20);
	/* the last disk was not read to its end: a second holder may be in there */
	decide(&facts, &plan);
	CHECK(!plan_find(&plan, "root"));
	/* without it, all others are read, and the newest of the boot disk wins */
	start();
	CHECK_INT(add_disk(0, true), 0);
	for (unsigned int i = 1; i < disk; i++)
		CHECK_INT(add_disk(i, false), 0);
	decide(&facts, &plan);
	CHECK_INT(plan.n_refusals, 0);
	root = plan_find(&plan, "root");
	CHECK(root && fields_are(&root->args, "sig", "sd0p127"));
}

/* More devices than a plan has steps: a refusal, and no step is lost silently. */
TEST(limits_steps)
{
	start();
	for (int i = 0; facts.n < FACTS_MAX - 1; i++)
		CHECK_INT(add("1 x device usb:v%d modalias=usb:v%d", i, i), 0);
	decide(&facts, &plan);
	CHECK_INT(plan.n_steps, PLAN_STEPS_MAX);
	CHECK_INT(plan.refusals[0].code, E_LIMIT);
}

static void plan_clear(void)
{
	facts_clear(&facts);
	decide(&facts, &plan);
	plan_reset(&plan);
}

TEST(limits_plan)
{
	char id[FACT_NAME_MAX + 1], value[FIELDS_MAX];
	struct step *step = NULL;

	plan_clear();
	for (int i = 0; i < PLAN_STEPS_MAX; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		step = plan_step(&plan, VERB_PROBE, id, "x");
		CHECK(step && plan_find(&plan, id) == step);
	}
	CHECK_INT(plan.n_refusals, 0);
	for (int i = 0; i < STEP_AFTER_MAX; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		step_after(&plan, step, id);
		CHECK_INT(step->after[i], i);
	}
	CHECK_INT(plan.n_refusals, 0);
	step_after(&plan, step, "s99");
	CHECK_INT(step->n_after, STEP_AFTER_MAX);
	CHECK_STR(plan.refusals[0].text, "step s2047 waits for too many others");
	CHECK(plan_step(&plan, VERB_PROBE, "more", "x") == NULL);
	CHECK_STR(plan.refusals[1].text, "more than 2048 steps");
	step_after(&plan, NULL, "s1");
	step_arg(&plan, NULL, "k", "v");
	CHECK_INT(plan.n_refusals, 2);

	plan_clear();
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	CHECK(plan_step(&plan, VERB_PROBE, id, "x") == NULL);
	CHECK_INT(plan.refusals[0].code, E_LIMIT);
	CHECK_INT(plan.n_steps, 0);
	step = plan_step(&plan, VERB_PROBE, "a", "x");
	step_after(&plan, step, "b");
	CHECK_INT(plan.refusals[1].code, E_INTERNAL);
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	step_arg(&plan, step, "k", value);
	CHECK_STR(plan.refusals[2].text, "step a: arguments too long at k");
	CHECK_STR(step->args.text, "");
}

TEST(limits_plan_lists)
{
	char id[64];

	plan_clear();
	for (int i = 0; i < PLAN_WAITS_MAX; i++)
		plan_wait(&plan, "w", 1, "x");
	CHECK_INT(plan.n_refusals, 0);
	plan_wait(&plan, "w", 1, "x");
	CHECK_INT(plan.n_waits, PLAN_WAITS_MAX);
	CHECK_STR(plan.refusals[0].text, "more than 8 waits");
	for (int i = 0; i < 2 * PLAN_REFUSALS_MAX; i++)
		plan_refuse(&plan, E_IO, "%d", i);
	CHECK_INT(plan.n_refusals, PLAN_REFUSALS_MAX);
	CHECK_STR(plan.refusals[PLAN_REFUSALS_MAX - 1].text, "6");
	for (int i = 0; i < 2 * PLAN_NOTES_MAX; i++)
		plan_note(&plan, "%d", i);
	CHECK_INT(plan.n_notes, PLAN_NOTES_MAX);
	CHECK_STR(plan.notes[PLAN_NOTES_MAX - 1], "15");
	memset(id, 'x', sizeof(id));
	id[40] = '\0';
	plan_clear();
	plan_wait(&plan, id, 1, "x");
	CHECK_INT(plan.n_waits, 0);
}

TEST(err_text)
{
	struct err e;
	char big[2 * ERR_TEXT_MAX];

	CHECK_INT(err_set(&e, E_IO, EIO, "%s", "vda"), -EIO);
	err_wrap(&e, "probe %d", 1);
	CHECK_STR(e.text, "probe 1: vda");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_wrap(&e, "%s", big);
	CHECK_INT(strlen(e.text), ERR_TEXT_MAX - 1);
	CHECK_STR(err_name(E_IO), "LINTEL-E-IO");
	CHECK_STR(err_name(E_MAX_), "LINTEL-E-INTERNAL");
	CHECK_STR(err_meaning(E_MAX_), err_meaning(E_INTERNAL));
	CHECK_STR(err_advice(E_MAX_), err_advice(E_INTERNAL));
	for (unsigned int i = 0; i < E_MAX_; i++) {
		CHECK_INT(err_from_name(err_name((enum err_code)i)), i);
		CHECK(*err_meaning((enum err_code)i) && *err_advice((enum err_code)i));
	}
	CHECK_INT(err_from_name("LINTEL-E-IOX"), E_MAX_);
}

TEST(fs_errors)
{
	char path[] = "/tmp/lintel-unit-XXXXXX", text[8], deep[300];
	_close_ int dir = -1;

	CHECK(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(fs_write(dir, "a", "x"), -ENOENT); /* creates nothing */
	CHECK_INT(fs_create(dir, "a", "1234567", 7, 0600), 0);
	CHECK_INT(fs_write(dir, "a", "89"), 0);
	CHECK_INT(fs_read(dir, "a", text, sizeof(text)), 7);
	CHECK_STR(text, "8934567");
	CHECK_INT(fs_read(dir, "a", text, 7), -E2BIG);
	CHECK_INT(fs_read(dir, ".", text, sizeof(text)), -EISDIR);
	CHECK_INT(fs_create(dir, "no/a", "", 0, 0600), -ENOENT);
	CHECK_INT(symlinkat("a", dir, "link"), 0);
	CHECK_INT(fs_create(dir, "link", "", 0, 0600), -ELOOP);
	CHECK_INT(fs_mkdirs(dir, "d/e/f", 0700), 0);
	CHECK_INT(fs_mkdirs(dir, "d/e/f", 0700), 0);
	CHECK_INT(fs_mkdirs(dir, "a/b", 0700), -ENOTDIR);
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	CHECK_INT(fs_mkdirs(dir, deep, 0700), -ENAMETOOLONG);
	CHECK_INT(fs_pread(dir, text, 1, 0), -EISDIR);
	CHECK_INT(fs_pread(-1, text, 1, 0), -EBADF);
	CHECK_INT(fs_write_all(-1, "x", 1), -EBADF);
	unlinkat(dir, "link", 0);
	unlinkat(dir, "a", 0);
	unlinkat(dir, "d/e/f", AT_REMOVEDIR);
	unlinkat(dir, "d/e", AT_REMOVEDIR);
	unlinkat(dir, "d", AT_REMOVEDIR);
	CHECK_INT(rmdir(path), 0);
}

/* Without /dev/kmsg lines go to standard error, whole and each with its newline. */
TEST(log_lines)
{
	char big[1024], got[2048];
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CHECK_INT(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	log_line(6, "%s %d", "disk", 7);
	log_line(3, "%s", big);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], got, sizeof(got) - 1);
	close(fds[0]);
	got[n < 0 ? 0 : n] = '\0';
	CHECK(strncmp(got, "disk 7\nxxx", 10) == 0);
	CHECK_INT(n, 7 + 511);
	CHECK(n > 0 && got[n - 1] == '\n');
}
