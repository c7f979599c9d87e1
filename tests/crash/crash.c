/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked around sandbox_child() into build/init-crash, for the boot tests alone: where the command
 * line has crash=VERB:WHAT, the child of that verb does WHAT instead of its work.
 */
#include "init/base/fs.h"
#include "modules/sandbox.h"

#include <fcntl.h>
#include <linux/unistd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define RESULT_FD 3

int __real_sandbox_child(const struct verb_info *verb, struct err *err);
int __wrap_sandbox_child(const struct verb_info *verb, struct err *err);

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

int __wrap_sandbox_child(const struct verb_info *verb, struct err *err)
{
	char line[2048] = "", want[64];
	const char *at;
	int r = __real_sandbox_child(verb, err);

	snprintf(want, sizeof(want), "crash=%s:", verb->name);
	if (r < 0 || fs_read(AT_FDCWD, "/proc/cmdline", line, sizeof(line) - 1) < 0)
		return r;
	at = strstr(line, want);
	if (!at)
		return 0;
	at += strlen(want);
	snprintf(want, sizeof(want), "%.*s", (int)strcspn(at, " \n"), at);
	do_what(want);
	return 0;
}
