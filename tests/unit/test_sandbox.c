/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/sandbox.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32 0x40000000L

/* The signal that ends a child of such a verb at that call; 0: it came back. */
static int signal_of(unsigned int may, long call)
{
	const struct verb_info verb = { .name = "test", .may = may };
	struct err err;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_child(&verb, &err) < 0)
			_exit(1);
		/* arguments that do no harm where the call is let through */
		syscall(call, -1L, 0L, 0L, 0L, 0L);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(sandbox_child_never)
{
	static const long calls[] = { SYS_execve,	    SYS_execveat,	 SYS_ptrace,
				      SYS_kexec_load,	    SYS_reboot,		 SYS_bpf,
				      SYS_userfaultfd,	    SYS_setns,		 SYS_chroot,
				      SYS_pivot_root,	    SYS_pidfd_getfd,	 SYS_io_uring_setup,
				      SYS_process_vm_readv, SYS_perf_event_open, SYS_socket };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		CHECK_INT(signal_of(~(unsigned int)MAY_ANYTHING, calls[i]), SIGSYS);
}

TEST(sandbox_child_by_verb)
{
	static const struct {
		unsigned int may;
		long call;
	} rows[] = {
		{ MAY_MODULES, SYS_finit_module },  { MAY_MODULES, SYS_init_module },
		{ MAY_MODULES, SYS_delete_module }, { MAY_MOUNT, SYS_mount },
		{ MAY_MOUNT, SYS_umount2 },	    { MAY_MOUNT, SYS_move_mount },
		{ MAY_MOUNT, SYS_open_tree },	    { MAY_MOUNT, SYS_fsopen },
		{ MAY_MOUNT, SYS_mount_setattr },   { MAY_KEYS, SYS_add_key },
		{ MAY_KEYS, SYS_keyctl },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(signal_of(~(rows[i].may | MAY_ANYTHING), rows[i].call), SIGSYS);
		CHECK_INT(signal_of(rows[i].may, rows[i].call), 0);
	}
}

/* What every verb does, and the other numbers of a call that some may not do. */
TEST(sandbox_child_plain_calls)
{
	CHECK_INT(signal_of(0, SYS_getpid), 0);
	CHECK_INT(signal_of(0, SYS_read), 0);
	CHECK_INT(signal_of(0, SYS_ioctl), 0);
#ifdef __x86_64__
	CHECK_INT(signal_of(0, X32 | SYS_mount), SIGSYS);
#endif
}
