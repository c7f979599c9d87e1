// SPDX-License-Identifier: MIT
/*
 * The init of a root whose owner turns against it: it loads other tables into the live mapping that it
 * came from, and into one of its own, where the kernel has no reason to refuse.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <unistd.h>

struct request {
	struct dm_ioctl head;
	char data[8192];
};

static int control;
static struct request request;

static void prepare(const char *name, uint32_t flags)
{
	memset(&request, 0, sizeof(request));
	request.head.version[0] = DM_VERSION_MAJOR;
	request.head.data_size = sizeof(request);
	request.head.data_start = sizeof(request.head);
	request.head.flags = flags;
	snprintf(request.head.name, sizeof(request.head.name), "%s", name);
}

static int simple(unsigned long command, const char *name, uint32_t flags)
{
	prepare(name, flags);
	return ioctl(control, command, &request);
}

static int load(const char *name, const char *type, uint64_t sectors, const char *table)
{
	struct dm_target_spec *spec = (struct dm_target_spec *)request.data;

	prepare(name, DM_READONLY_FLAG);
	request.head.target_count = 1;
	spec->length = sectors;
	spec->next = sizeof(*spec) + 1024;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
	snprintf(request.data + sizeof(*spec), 1024, "%s", table);
	return ioctl(control, DM_TABLE_LOAD, &request);
}

static int show(const char *what, int r)
{
	printf("LINTEL-TEST-RELOAD %s: %s\n", what, r < 0 ? strerror(errno) : "done");
	return r;
}

/* The device below a live mapping, as its table has it (verity: 2nd word, crypt: 4th, linear: 1st). */
static int look(const char *name, char type[16], char dev[16], uint64_t *sectors, char table[1024])
{
	struct dm_target_spec *spec = (struct dm_target_spec *)request.data;
	const char *form;

	if (simple(DM_TABLE_STATUS, name, DM_STATUS_TABLE_FLAG) < 0)
		return -1;
	*sectors = spec->length;
	snprintf(type, 16, "%.15s", spec->target_type);
	snprintf(table, 1024, "%.1000s", request.data + sizeof(*spec));
	form = strcmp(type, "verity") == 0  ? "%*s %15s"
	       : strcmp(type, "crypt") == 0 ? "%*s %*s %*s %15s"
					    : "%15s";
	return sscanf(table, form, dev) == 1 ? 0 : -1;
}

/* Linear over what is below: all that the target checked is gone. */
static int reload_linear(const char *name, const char *dev, uint64_t sectors)
{
	char what[64], table[64];
	int r;

	snprintf(what, sizeof(what), "%s linear", name);
	snprintf(table, sizeof(table), "%s 0", dev);
	r = load(name, "linear", sectors, table);
	if (r == 0)
		r = simple(DM_DEV_SUSPEND, name,
			   0); /* without the flag: resume, with the new table */
	return show(what, r);
}

/* The same tree, but of another root hash, by nobody signed; it is not resumed. */
static void reload_verity(const char *name, uint64_t sectors, char *table)
{
	char *words[10], *rest = table, own[1024];
	size_t n = 0;

	while (n < 10 && (words[n] = strsep(&rest, " ")) != NULL)
		n++;
	if (n < 10)
		return;
	words[8][0] = words[8][0] == '0' ? '1' : '0';
	snprintf(own, sizeof(own), "%s %s %s %s %s %s %s %s %s %s", words[0], words[1], words[2],
		 words[3], words[4], words[5], words[6], words[7], words[8], words[9]);
	show("root verity", load(name, "verity", sectors, own));
	simple(DM_TABLE_CLEAR, name, 0);
}

int main(void)
{
	int console = open("/dev/console", O_WRONLY), failed = 0;
	char type[16] = "", dev[16] = "", table[1024];
	uint64_t sectors = 0;

	if (console >= 0)
		dup2(console, STDOUT_FILENO);
	putchar('\n');
	mlockall(MCL_CURRENT | MCL_FUTURE); /* what is below may be gone in a moment */
	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (control < 0 || look("root", type, dev, &sectors, table) < 0)
		failed += 2;

	/* the same steps, where they must work */
	if (simple(DM_DEV_CREATE, "own", 0) < 0 || reload_linear("own", dev, sectors) < 0 ||
	    reload_linear("own", dev, sectors / 2) < 0)
		failed += 4;
	failed += reload_linear("root", dev, sectors) == 0;
	if (strcmp(type, "verity") == 0)
		reload_verity("root", sectors, table);
	printf("LINTEL-TEST-OK failed=%d\n", failed);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
