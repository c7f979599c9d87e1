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

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return err_set(err, E_INTERNAL, errno, "seccomp: %s", strerror(errno));
	return 0;
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
