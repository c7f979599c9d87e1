/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel for an "add" event of every device that is there: one path for cold and hot. */
#include "init/base/fs.h"
#include "modules/verb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 32

/* Folders that hold no device, and classes of devices that no boot waits for. */
static bool skipped(const char *name)
{
	static const char *const names[] = {
		"power",    "trace", "statistics", "queue",	"integrity", "mq",
		"msi_irqs", "tty",   "vc",	   "vtconsole", "mem",	     "bdi",
		"msr",	    "cpuid", "wakeup",	   "workqueue",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void trigger(int dir_fd, unsigned int depth);

static void enter(int dir_fd, const struct dirent *entry, unsigned int depth)
{
	if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || depth >= DEPTH_MAX ||
	    skipped(entry->d_name) || (depth == 0 && strcmp(entry->d_name, "system") == 0))
		return;
	trigger(openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		depth + 1);
}

/*
 * Takes dir_fd. By descriptor and never through a symlink: each device is met once. Without opendir(3),
 * whose three calls and memory for each folder are most of what a folder costs.
 */
static void trigger(int dir_fd, unsigned int depth)
{
	_close_ int fd = dir_fd;
	_Alignas(struct dirent) char entries[2048];
	long n;

	if (fd < 0)
		return;
	fs_write(fd, "uevent", "add"); /* not there in folders that are no device */
	while ((n = syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;) {
			const struct dirent *entry = (const struct dirent *)(entries + at);

			enter(fd, entry, depth);
			at += entry->d_reclen;
		}
}

int coldplug_run(const struct step *step, const struct report *report, struct fields *result,
		 struct err *err)
{
	struct fields none = { .text = "" };
	int fd = open("/sys/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)step;
	(void)result;
	if (fd < 0)
		return err_set(err, E_IO, errno, "/sys/devices: %s", strerror(errno));
	/* CPUs, caches, memory blocks: many events, and one CPU's alias is every CPU's. */
	fs_write(fd, "system/cpu/cpu0/uevent", "add");
	trigger(fd, 0);
	return report_fact(report, FACT_SETTLED, "coldplug", &none);
}
