// SPDX-License-Identifier: MIT
/*
 * The init of a root that has the kernel enforce an IPE policy (admin-guide/LSM/ipe.rst), /etc/ipe/policy
 * of the name "lintel": what runs before and after, this program and its copy in a tmpfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN "/usr/lib/systemd/systemd"
#define COPY "/tmp/copy"
#define SECURITY "/sys/kernel/security"

static int copy(const char *from, const char *to, int flags)
{
	static char block[1 << 20];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CLOEXEC | flags, 0755);
	ssize_t n, r = in < 0 || out < 0 ? -1 : 0;

	while (r >= 0 && (n = read(in, block, sizeof(block))) > 0)
		r = write(out, block, (size_t)n); /* a policy must come at once */
	n = errno;
	close(in);
	close(out);
	errno = (int)n;
	return r < 0 ? -1 : 0;
}

static void show(const char *when, const char *what, int r)
{
	printf("LINTEL-TEST-IPE %s %s: %s\n", when, what, r < 0 ? strerror(errno) : "done");
	fflush(stdout);
}

static void run(const char *when, const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, "child", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
	show(when, path, errno ? -1 : 0);
}

int main(int argc, char **argv)
{
	int console = open("/dev/console", O_WRONLY), fd;
	char lsm[256] = "";

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	dup2(console, STDOUT_FILENO);
	putchar('\n');
	mount("securityfs", SECURITY, "securityfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	fd = open(SECURITY "/lsm", O_RDONLY | O_CLOEXEC);
	if (read(fd, lsm, sizeof(lsm) - 1) > 0)
		printf("LINTEL-TEST-IPE lsm: %s\n", lsm);
	show("", "copy", copy(OWN, COPY, O_CREAT));
	run("before", OWN);
	run("before", COPY);
	show("", "policy", copy("/etc/ipe/policy", SECURITY "/ipe/new_policy", 0));
	fd = open(SECURITY "/ipe/policies/lintel/active", O_WRONLY | O_CLOEXEC);
	show("", "active", (int)write(fd, "1", 1));
	run("after", OWN);
	run("after", COPY);
	printf("LINTEL-TEST-OK failed=0\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
