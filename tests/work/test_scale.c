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

static void add_disk(const char *disk)
{
	add("1 x block %s devtype=disk dev=8:1", disk);
	add("1 x gpt %s state=ok", disk);
	add("1 x result probe:%s status=done", disk);
}

static void add_part(const char *disk, unsigned int n, const char *name, const char *uuid)
{
	add("1 x block %sp%u devtype=partition dev=8:1 disk=%s partn=%u start=2048", disk, n, disk,
	    n);
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
	add_triple(loop, 1, 0x70000000 + i);
	snprintf(step[0], sizeof(step[0]), "verity:sysext-e%u", i);
	snprintf(step[1], sizeof(step[1]), "mount:sysext-e%u", i);
	snprintf(step[2], sizeof(step[2]), "ext:sysext-e%u", i);
	for (unsigned int k = 0; k < 3; k++)
		add("1 x result %s status=done system=yes", step[k]);
}

/* The work of one decide() with all that there is. */
static unsigned long long work_of(struct machine machine)
{
	unsigned long long before;
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
	add_part("vda", 1, "esp", BOOT_UUID);
	for (unsigned int i = 0; i < machine.roots; i++)
		add_triple("vda", 2 + 3 * i, 1 + i);
	for (unsigned int d = 0; d < machine.root_disks; d++) {
		snprintf(name, sizeof(name), "sd%u", d);
		add_disk(name);
		for (unsigned int i = 0; i < 42; i++)
			add_triple(name, 1 + 3 * i, 1000 * (d + 1) + i);
	}
	for (unsigned int d = 0; d < machine.idle_disks; d++) {
		snprintf(name, sizeof(name), "idle%u", d);
		add_disk(name);
		for (unsigned int n = 1; n <= machine.idle_parts; n++) {
			snprintf(uuid, sizeof(uuid), "%08x-0000-0000-0001-%012u", d, n);
			add_part(name, n, "linux-generic", uuid);
		}
	}
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
