/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked around sandbox_child() into build/init-crash, for the boot tests alone: where the command
 * line has crash=VERB:WHAT, the child of that verb does WHAT instead of its work. With crash=uevents:lost
 * the kernel has no room for most events, until PID 1 was told that it lost some. With crash=tpm:late
 * there is no TPM to be seen or opened until the plan waits for nothing else. With crash=reading:second
 * whoever reads several disks dies of the second one.
 */
#include "generators/sources/disk.h"
#include "init/base/fs.h"
#include "init/boot.h"
#include "init/monitor.h"
#include "modules/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/unistd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define RESULT_FD 3
#define TPM "/dev/tpmrm0"
#define HIDDEN "/dev/hidden"

int __real_sandbox_child(const struct verb_info *verb, struct err *err);
int __wrap_sandbox_child(const struct verb_info *verb, struct err *err);
int __real_disk_read(const struct disk *disk, const struct disk_sink *sink);
int __wrap_disk_read(const struct disk *disk, const struct disk_sink *sink);
int __real_monitor_open(struct err *err);
int __wrap_monitor_open(struct err *err);
int __real_facts_add(struct facts *facts, const struct fact *fact, struct err *err);
int __wrap_facts_add(struct facts *facts, const struct fact *fact, struct err *err);
void __real_progress_tell(const struct boot *boot);
void __wrap_progress_tell(const struct boot *boot);
int __real_monitor_read(int fd, struct facts *facts, struct err *err);
int __wrap_monitor_read(int fd, struct facts *facts, struct err *err);

/* Whether the command line has the text; if so, the word behind it. */
static bool find_word(const char *text, char *ret, size_t size)
{
	char line[2048] = "";
	const char *at;

	if (fs_read(AT_FDCWD, "/proc/cmdline", line, sizeof(line) - 1) < 0)
		return false;
	at = strstr(line, text);
	if (!at)
		return false;
	at += strlen(text);
	snprintf(ret, size, "%.*s", (int)strcspn(at, " \n"), at);
	return true;
}

static void set_room(int fd, int bytes)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

static bool hidden;

int __wrap_facts_add(struct facts *facts, const struct fact *fact, struct err *err)
{
	return hidden && fact->kind == FACT_TPM ? 0 : __real_facts_add(facts, fact, err);
}

/* The kernel tells of the device once more, now that it is there. */
void __wrap_progress_tell(const struct boot *boot)
{
	int fd;

	__real_progress_tell(boot);
	if (!hidden || !boot->plan.disks_read || boot->plan.n_waits == 0 ||
	    strcmp(boot->plan.waits[0].id, "tpm") != 0)
		return;
	hidden = false;
	fd = open("/sys/class/tpmrm/tpmrm0/uevent", O_WRONLY | O_CLOEXEC);
	if (rename(HIDDEN, TPM) == 0 && fs_write_all(fd, "add", 3) == 0)
		puts("crash: the TPM comes now");
	fflush(stdout);
	close(fd);
}

int __wrap_monitor_open(struct err *err)
{
	char what[64];
	int fd = __real_monitor_open(err);

	if (find_word("crash=tpm:", what, sizeof(what)))
		hidden = rename(TPM, HIDDEN) == 0;
	if (fd >= 0 && find_word("crash=uevents:", what, sizeof(what)))
		set_room(fd, 0); /* the kernel makes it its least: one event or two */
	return fd;
}

int __wrap_monitor_read(int fd, struct facts *facts, struct err *err)
{
	int r = __real_monitor_read(fd, facts, err);

	if (r == -ENOBUFS)
		set_room(fd, 16 << 20);
	return r;
}

static void send_junk(void)
{
	static const char junk[] = "0 - result end status=done\n";

	fs_write_all(RESULT_FD, junk, sizeof(junk) - 1);
	pause();
}

static void send_flood(void)
{
	char line[4096];

	memset(line, 'x', sizeof(line));
	while (fs_write_all(RESULT_FD, line, sizeof(line)) == 0)
		;
	pause();
}

static void do_what(const char *what)
{
	char *const none[] = { NULL };

	if (strcmp(what, "abort") == 0)
		abort();
	else if (strcmp(what, "kill") == 0)
		kill(getpid(), SIGKILL);
	else if (strcmp(what, "junk") == 0)
		send_junk();
	else if (strcmp(what, "flood") == 0)
		send_flood();
	else if (strcmp(what, "exec") == 0)
		execve("/init", none, none);
	else if (strcmp(what, "module") == 0)
		syscall(SYS_finit_module, 0, "", 0);
	else if (strcmp(what, "mount") == 0)
		mount("none", "/run", "tmpfs", 0, NULL);
	else if (strcmp(what, "reboot") == 0)
		syscall(SYS_reboot, 0, 0, 0, NULL);
	else if (strcmp(what, "socket") == 0)
		syscall(SYS_socket, 1, 1, 0);
	puts("CRASH-SURVIVED"); /* a case hides this: the call was not stopped */
	fflush(stdout);
	_exit(1);
}

static bool second; /* asked before the sandbox, in which nothing is opened */

int __wrap_disk_read(const struct disk *disk, const struct disk_sink *sink)
{
	static unsigned int readings;

	if (second && ++readings == 2)
		abort();
	return __real_disk_read(disk, sink);
}

int __wrap_sandbox_child(const struct verb_info *verb, struct err *err)
{
	char want[64], what[64];
	int r = __real_sandbox_child(verb, err);

	second = find_word("crash=reading:", what, sizeof(what));
	snprintf(want, sizeof(want), "crash=%s:", verb->name);
	if (r == 0 && find_word(want, what, sizeof(what)))
		do_what(what);
	return r;
}
