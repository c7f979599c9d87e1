/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PID 1 of the initrd. It has no threads, parses no disk, holds no secret, and never exits. */
#include "init/base/fs.h"
#include "init/base/log.h"
#include "init/refuse.h"
#include "modules/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Facts and plan have room for the largest machine, and a boot touches little of it. As .bss all of that
 * would have to fit into a small guest's memory before the kernel starts /init (__vm_enough_memory() in
 * its mm/util.c); nothing is reserved for a mapping that says so. No child has it, nor needs it: there is
 * nothing to read for whoever takes one over, and no page to copy at a fork.
 */
static struct boot *map_boot(void)
{
	void *map = mmap(NULL, sizeof(struct boot), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	madvise(map, sizeof(struct boot), MADV_DONTFORK);
	madvise(map, sizeof(struct boot), MADV_NOHUGEPAGE);
	return map;
}

/*
 * Of the large buffers in .bss, too, a boot touches little: with huge pages (madvise(2)) the first byte of
 * each has 2 MiB cleared. Children have it so from here; what they allocate is as the kernel likes.
 */
static void small_pages(void)
{
	extern char __bss_start[], _end[]; /* ld's */
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t start = ((uintptr_t)__bss_start + page - 1) & ~(page - 1);

	if ((uintptr_t)_end > start)
		madvise((void *)start, (uintptr_t)_end - start, MADV_NOHUGEPAGE);
}

/* The API file systems with systemd's flags (src/shared/mount-setup.c). */
static int mount_api(struct err *err)
{
	static const struct {
		const char *type, *where, *options;
		unsigned long flags;
	} mounts[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV },
		{ "devtmpfs", "/dev", "mode=0755,size=4m,nr_inodes=64k", MS_NOSUID },
		{ "tmpfs", "/run", "mode=0755,size=20%,nr_inodes=800k", MS_NOSUID | MS_NODEV },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, mounts[i].flags,
			  mounts[i].options) < 0 &&
		    errno != EBUSY)
			return err_set(err, E_MOUNT, errno, "%s: %s", mounts[i].where,
				       strerror(errno));
	}
	/* for the firmware's event log; a kernel may have been built without */
	mount("securityfs", "/sys/kernel/security", "securityfs", MS_NOSUID | MS_NOEXEC | MS_NODEV,
	      NULL);
	return 0;
}

/* Every descriptor from 0 to 2 leads to the console, or at least somewhere. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int std = 0; std <= 2; std++)
		dup2(fd, std);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	struct err err = { .code = E_INTERNAL };
	struct boot *boot;
	int r;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		puts("lintel: PID 1 of an initrd. Put it at /init (see `lintel initrd --help`).");
		return 0;
	}
	if (getpid() != 1) {
		fprintf(stderr, "lintel: this is the init of an initrd and runs only as PID 1\n");
		return 1;
	}
	reboot(RB_DISABLE_CAD);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	small_pages();
	boot = map_boot();
	if (!boot)
		reboot(RB_POWER_OFF); /* nothing is known yet, and no device was opened */
	jobs_init(&boot->jobs);
	handover_batch();
	handover_arguments(argv);
	r = mount_api(&err);
	open_console();
	handover_sysrq_off();
	/* the kernel drops lines otherwise; systemd sets the same */
	fs_write(AT_FDCWD, "/proc/sys/kernel/printk_devkmsg", "on\n");
	log_init();
	if (r == 0)
		r = boot_init(boot, &err);
	if (r == 0)
		boot_run(boot, &err);
	refuse(boot, &err);
}
