/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the work of decide() and of adding facts grows: with what the boot uses linearly, and with
 * what it does not use hardly at all. Work is counted in basic blocks, so no figure here is a time.
 */
#include "generators/plan.h"
#include "tests/unit/test.h"
#include "tests/work/counter.h"

#include <stdarg.h>

#define BOOT_UUID "c0ffee00-1111-4222-8333-444444444444"

static struct facts facts;
static struct plan plan;

_printf_(1, 2) static void add(const char *fmt, ...)
{
	struct err err;
	char line[FACT_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	CHECK_INT(facts_parse(&facts, line, &err), 0);
}

struct machine {
	unsigned int devices;	 /* PCI devices that want a driver */
	unsigned int idle_disks; /* full of other partitions */
	unsigned int idle_parts; /* on each */
	unsigned int roots;	 /* signed versions on the boot disk, at most 42 */
	unsigned int root_disks; /* more disks with a full table of signed roots; root= names one */
	unsigned int images;	 /* extension images, each verified and mounted */
};

/* Of loop devices the uevents become no facts (sources/uevent). */
static bool is_loop(const char *disk)
{
	return strncmp(disk, "loop", 4) == 0;
}

static void add_disk(const char *disk)
{
	if (!is_loop(disk))
		add("1 x block %s devtype=disk dev=8:1", disk);
	add("1 x gpt %s state=ok", disk);
}

static void add_part(const char *disk, unsigned int n, const char *name, const char *uuid)
{
	if (!is_loop(disk))
		add("1 x block %sp%u devtype=partition dev=8:1 disk=%s partn=%u start=2048", disk,
		    n, disk, n);
	add("1 x part %sp%u disk=%s n=%u name=%s uuid=%s start=1 size=1 flags=0 label=os_%u", disk,
	    n, disk, n, name, uuid, n);
}

/* A signed triple, from partition n on. */
static void add_triple(const char *disk, unsigned int n, unsigned int set)
{
	char uuid[40];

	snprintf(uuid, sizeof(uuid), "%08x-0000-0000-0000-%012u", set, 1);
	add_part(disk, n, "root-x86-64", uuid);
	snprintf(uuid, sizeof(uuid), "%08x-0000-0000-0000-%012u", set, 2);
	add_part(disk, n + 1, "root-x86-64-verity", uuid);
	snprintf(uuid, sizeof(uuid), "%08x-0000-0000-0000-%012u", set, 3);
	add_part(disk, n + 2, "root-x86-64-verity-sig", uuid);
	add("1 x sig %sp%u disk=%s roothash=%08x0000000000000000%08x%08x0000000000000000%08x", disk,
	    n + 2, disk, set, 1, set, 2);
}

static void add_image(unsigned int i)
{
	char loop[16], step[3][32];

	snprintf(loop, sizeof(loop), "loop%u", i);
	add("1 x extra sysext/e%u.raw class=sysext name=e%u size=1", i, i);
	add("1 x result loop:sysext-e%u status=done node=%s dev=7:%u", i, loop, i);
	add_disk(loop);
	add("1 x result probe:%s status=done", loop);
	add_triple(loop, 1, 0x70000000 + i);
	snprintf(step[0], sizeof(step[0]), "verity:sysext-e%u", i);
	snprintf(step[1], sizeof(step[1]), "mount:sysext-e%u", i);
	snprintf(step[2], sizeof(step[2]), "ext:sysext-e%u", i);
	for (unsigned int k = 0; k < 3; k++)
		add("1 x result %s status=done system=yes", step[k]);
}

/* All that is known of it; nothing is known yet of images. */
static void add_machine(struct machine machine)
{
	char name[16], uuid[40];

	facts_clear(&facts);
	add("1 x config arch value=x86-64");
	add("1 x config firmware value=efi");
	add("1 x settled sources");
	add("1 x result efi status=done");
	if (machine.root_disks)
		add("1 x cmdline root value=PARTUUID=00000001-0000-0000-0000-000000000001 "
		    "trusted=yes");
	else
		add("1 x efi LoaderDevicePartUUID value=" BOOT_UUID);
	for (unsigned int i = 0; i < machine.devices; i++)
		add("1 x device pci:v00001AF4d%08X modalias=pci:v00001AF4d%08Xsv00001AF4bc01", i,
		    i);
	add_disk("vda");
	add("1 x result probe:vda status=done");
	add_part("vda", 1, "esp", BOOT_UUID);
	for (unsigned int i = 0; i < machine.roots; i++)
		add_triple("vda", 2 + 3 * i, 1 + i);
	for (unsigned int d = 0; d < machine.root_disks; d++) {
		snprintf(name, sizeof(name), "sd%u", d);
		add_disk(name);
		add("1 x result probe:%s status=done", name);
		for (unsigned int i = 0; i < 42; i++)
			add_triple(name, 1 + 3 * i, 1000 * (d + 1) + i);
	}
	for (unsigned int d = 0; d < machine.idle_disks; d++) {
		snprintf(name, sizeof(name), "idle%u", d);
		add_disk(name);
		add("1 x result probe:%s status=done", name);
		for (unsigned int n = 1; n <= machine.idle_parts; n++) {
			snprintf(uuid, sizeof(uuid), "%08x-0000-0000-0001-%012u", d, n);
			add_part(name, n, "linux-generic", uuid);
		}
	}
}

/* The work of one decide() with all that there is. */
static unsigned long long work_of(struct machine machine)
{
	unsigned long long before;

	add_machine(machine);
	if (machine.images)
		add("1 x result extmod status=done");
	for (unsigned int i = 0; i < machine.images; i++)
		add_image(i);
	before = work_done;
	decide(&facts, &plan);
	before = work_done - before;
	CHECK_INT(plan.n_refusals, 0);
	CHECK(plan_find(&plan, "root"));
	return before;
}

/* What a step's child tells; the first image's loop device is the first one, and so on. */
static void end_step(const struct step *step, unsigned int *loops)
{
	char disk[16];

	if (step->verb == VERB_PROBE && step_is_image(step->verb, step->id)) {
		snprintf(disk, sizeof(disk), "%s", step->id + strlen("probe:"));
		add_disk(disk);
		add_triple(disk, 1, 0x70000000 + (unsigned int)atoi(disk + strlen("loop")));
	}
	if (step->verb == VERB_LOOP) {
		add("1 x result %s status=done node=loop%u dev=7:%u", step->id, *loops, *loops);
		++*loops;
	} else {
		add("1 x result %s status=done system=yes", step->id);
	}
}

/* As init/boot.c and init/start.c have it; level: how many images are still at the stage of the step that ended. */
static bool has_news(size_t from, unsigned int level)
{
	for (; from < facts.n; from++) {
		enum news news = fact_news(&plan, &facts.list[from]);

		if (news == NEWS_NOW || (news == NEWS_WITH_OTHERS && level == 0))
			return true;
	}
	return false;
}

/* The work of all decisions of a boot whose steps end one by one, in the order in which they were started. */
static unsigned long long work_of_boot(unsigned int images, unsigned int *ret_decisions)
{
	static struct step queue[PLAN_STEPS_MAX];
	unsigned int running[VERB_MAX_] = { 0 }, loops = 0;
	unsigned long long work = 0, before;
	size_t started = 0, known;
	enum verb verb;
	bool news = true;

	add_machine((struct machine){ .roots = 1 });
	for (unsigned int i = 0; i < images; i++)
		add("1 x extra sysext/e%u.raw class=sysext name=e%u size=1", i, i);
	*ret_decisions = 0;
	for (size_t ended = 0; !facts_step_done(&facts, "end"); ended++) {
		before = work_done;
		if (news)
			decide(&facts, &plan);
		work += work_done - before;
		*ret_decisions += news;
		for (size_t i = 0; i < plan.n_steps; i++) {
			const struct step *step = &plan.steps[i];

			if (facts_step_started(&facts, step->id) ||
			    !step_ready(&plan, step, &facts))
				continue;
			add("1 x start %s", step->id);
			running[step->verb] += step_is_image(step->verb, step->id);
			queue[started++] = *step;
		}
		if (ended == started) {
			CHECK(!"the boot goes on");
			break;
		}
		verb = queue[ended].verb;
		running[verb] -= step_is_image(verb, queue[ended].id);
		known = facts.n;
		end_step(&queue[ended], &loops);
		news = has_news(known, running[verb]);
	}
	CHECK_INT(plan.n_refusals, 0);
	CHECK_INT(loops, images);
	return work;
}

static void check_linear(const char *what, unsigned long long half, unsigned long long full,
			 unsigned long long none)
{
	printf("work.%s %llu, twice as many: %llu, none: %llu\n", what, half, full, none);
	CHECK(half > none);
	CHECK((full - none) * 2 < (half - none) * 5);
}

TEST(scale_devices)
{
	check_linear("devices", work_of((struct machine){ .roots = 1, .devices = 512 }),
		     work_of((struct machine){ .roots = 1, .devices = 1024 }),
		     work_of((struct machine){ .roots = 1 }));
}

TEST(scale_roots_of_the_boot_disk)
{
	check_linear("roots", work_of((struct machine){ .roots = 21 }),
		     work_of((struct machine){ .roots = 42 }),
		     work_of((struct machine){ .roots = 1 }));
}

TEST(scale_roots_of_any_disk)
{
	check_linear("root-disks", work_of((struct machine){ .roots = 1, .root_disks = 32 }),
		     work_of((struct machine){ .roots = 1, .root_disks = 64 }),
		     work_of((struct machine){ .roots = 1, .root_disks = 1 }));
}

TEST(scale_images)
{
	check_linear("images", work_of((struct machine){ .roots = 1, .images = 32 }),
		     work_of((struct machine){ .roots = 1, .images = 64 }),
		     work_of((struct machine){ .roots = 1 }));
}

TEST(scale_boot_of_images)
{
	unsigned int decisions[3];
	unsigned long long none = work_of_boot(0, &decisions[0]),
			   half = work_of_boot(16, &decisions[1]),
			   full = work_of_boot(32, &decisions[2]);

	check_linear("boot-of-images", half, full, none);
	printf("work.boot-of-images.decisions %u, twice as many: %u, none: %u\n", decisions[1],
	       decisions[2], decisions[0]);
	CHECK_INT(decisions[1], decisions[2]);
}

TEST(scale_idle_disks)
{
	check_linear("idle-disks", work_of((struct machine){ .roots = 1, .idle_disks = 31 }),
		     work_of((struct machine){ .roots = 1, .idle_disks = 62 }),
		     work_of((struct machine){ .roots = 1 }));
}

/* What stands on a disk that the boot does not use costs nothing, beyond chance in the indices. */
TEST(scale_idle_partitions)
{
	unsigned long long few = work_of(
		(struct machine){ .roots = 1, .devices = 512, .idle_disks = 63, .idle_parts = 1 });
	unsigned long long full = work_of((struct machine){
		.roots = 1, .devices = 512, .idle_disks = 63, .idle_parts = 128 });

	printf("work.idle-partitions 1 on each disk: %llu, 128: %llu\n", few, full);
	CHECK(full * 10 <= few * 12);
	CHECK(facts.n > 16000);
}
