/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define NOBODY 65534
#define MEMORY_MAX (UINT64_C(64) * 1024 * 1024)
#define CPU_SECONDS 5

#ifdef __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "seccomp architecture unknown"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW(name)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1),                                     \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Hard and soft: the child cannot raise it again. */
static int bound(int resource, rlim_t value, struct err *err)
{
	const struct rlimit limit = { value, value };

	if (setrlimit(resource, &limit) < 0)
		return err_set(err, E_INTERNAL, errno, "rlimit: %s", strerror(errno));
	return 0;
}

static int install(const struct sock_fprog *program, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) < 0)
		return err_set(err, E_INTERNAL, errno, "seccomp: %s", strerror(errno));
	return 0;
}

/* What is not on the list kills: the child's death is then E_CRASH, with nothing done. */
static int filter_calls(struct err *err)
{
	static struct sock_filter code[] = {
		/* the numbers below mean something else to the 32-bit entry */
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		ALLOW(pread64),
		ALLOW(read),
		ALLOW(write),
		ALLOW(lseek),
		ALLOW(close),
		ALLOW(fstat),
		ALLOW(brk),
		ALLOW(munmap),
		ALLOW(clock_gettime),
		ALLOW(rt_sigreturn),
		ALLOW(exit),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	return install(&program, err);
}

/* Which calls a child is killed for, unless its verb may: what it would need to take the system over. */
static const struct {
	unsigned int number, may;
} forbidden[] = {
	{ SYS_execve, 0 },
	{ SYS_execveat, 0 },
	{ SYS_ptrace, 0 },
	{ SYS_process_vm_readv, 0 },
	{ SYS_process_vm_writev, 0 },
	{ SYS_pidfd_getfd, 0 },
	{ SYS_kexec_load, 0 },
	{ SYS_kexec_file_load, 0 },
	{ SYS_reboot, 0 },
	{ SYS_bpf, 0 },
	{ SYS_perf_event_open, 0 },
	{ SYS_userfaultfd, 0 },
	{ SYS_io_uring_setup, 0 },
	{ SYS_open_by_handle_at, 0 },
	{ SYS_setns, 0 },
	{ SYS_chroot, 0 },
	{ SYS_pivot_root, 0 },
	{ SYS_swapon, 0 },
	{ SYS_socket, 0 },
	{ SYS_init_module, MAY_MODULES },
	{ SYS_finit_module, MAY_MODULES },
	{ SYS_delete_module, MAY_MODULES },
	{ SYS_unshare, MAY_MOUNT },
	{ SYS_mount, MAY_MOUNT },
	{ SYS_umount2, MAY_MOUNT },
	{ SYS_move_mount, MAY_MOUNT },
	{ SYS_open_tree, MAY_MOUNT },
	{ SYS_fsopen, MAY_MOUNT },
	{ SYS_fsmount, MAY_MOUNT },
	{ SYS_mount_setattr, MAY_MOUNT },
	{ SYS_add_key, MAY_KEYS },
	{ SYS_request_key, MAY_KEYS },
	{ SYS_keyctl, MAY_KEYS },
};

#define LEAF_MAX 3
#define PROLOGUE 6

/* Those that the verb may not make, ascending. */
static size_t list_forbidden(const struct verb_info *verb, unsigned int ret[ARRAY_SIZE(forbidden)])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		size_t at = n;

		if (verb->may & forbidden[i].may)
			continue;
		for (; at > 0 && ret[at - 1] > forbidden[i].number; at--)
			ret[at] = ret[at - 1];
		ret[at] = forbidden[i].number;
		n++;
	}
	return n;
}

/*
 * Halves down to few, then one by one: the kernel runs a new filter for every call there is, to know
 * those that always pass, and that took longer than all else that a child's start takes.
 */
static void search(struct sock_fprog *program, const unsigned int *numbers, size_t n)
{
	size_t half = n / 2, jump;

	if (n <= LEAF_MAX) {
		for (size_t i = 0; i < n; i++) {
			program->filter[program->len++] = (struct sock_filter)BPF_JUMP(
				BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1);
			program->filter[program->len++] = (struct sock_filter)BPF_STMT(
				BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
		}
		program->filter[program->len++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		return;
	}
	jump = program->len++;
	search(program, numbers, half);
	program->filter[jump] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JGE | BPF_K, numbers[half], (uint8_t)(program->len - jump - 1), 0);
	search(program, numbers + half, n - half);
}

int sandbox_child(const struct verb_info *verb, struct err *err)
{
	/* per call two, per leaf one, and per fork of the way one: a way of less than 256 in all */
	struct sock_filter code[PROLOGUE + 4 * ARRAY_SIZE(forbidden) + 1] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		/* x32 has the same calls under numbers of its own */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { PROLOGUE, code };
	unsigned int numbers[ARRAY_SIZE(forbidden)];

	_Static_assert(ARRAY_SIZE(code) < 256, "a jump is a byte");
	if (verb->may & MAY_ANYTHING)
		return 0;
	search(&program, numbers, list_forbidden(verb, numbers));
	return install(&program, err);
}

/* Limits first, then root, then the calls: each step still needs what the next one takes away. */
int sandbox_parser(struct err *err)
{
	int r = bound(RLIMIT_AS, MEMORY_MAX, err);

	if (r == 0)
		r = bound(RLIMIT_CPU, CPU_SECONDS, err);
	if (r == 0)
		r = bound(RLIMIT_FSIZE, 0, err);
	if (r == 0)
		r = bound(RLIMIT_NOFILE, 0, err);
	if (r < 0)
		return r;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_set(err, E_INTERNAL, errno, "drop root: %s", strerror(errno));
	return filter_calls(err);
}
