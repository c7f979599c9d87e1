/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one verb that runs in PID 1: moves the API file systems, makes the new root the root,
 * empties the old one and executes the new init. Every path in the new root is opened with
 * openat2() so that its symlinks cannot lead out of it (threat A46).
 */
#include "modules/handover.h"
#include "init/base/fs.h"
#include "modules/credentials.h"
#include "modules/images.h"
#include "modules/verb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#define INIT_ARGS_MAX 64
#define ENV_MAX 64 /* the kernel passes no more than 32 */
#define DELETE_DEPTH_MAX 32

#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif

static char **kernel_argv;
static uint64_t start_realtime_usec, start_monotonic_usec;

static uint64_t now_usec(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void handover_arguments(char **argv)
{
	kernel_argv = argv;
	start_realtime_usec = now_usec(CLOCK_REALTIME);
	start_monotonic_usec = now_usec(CLOCK_MONOTONIC);
}

#define SYSRQ "/proc/sys/kernel/sysrq"
static char sysrq[16]; /* as it was; empty: not changed */

void handover_sysrq_off(void)
{
	if (!sysrq[0])
		fs_read_line(AT_FDCWD, SYSRQ, sysrq, sizeof(sysrq));
	fs_write(AT_FDCWD, SYSRQ, "0");
}

/* Whether the path is a regular, executable file inside the root. */
static bool is_program(int root_fd, const char *path)
{
	_close_ int fd =
		fs_open_resolved(root_fd, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static int find_init(int root_fd, const char *wanted, char ret[PATH_MAX], struct err *err)
{
	static const char *const usual[] = { "/sbin/init", "/usr/lib/systemd/systemd" };

	if (wanted[0]) {
		if (wanted[0] != '/' || !is_program(root_fd, wanted))
			return err_set(err, E_INIT_MISSING, ENOENT,
				       "init=%s is not an executable file of the new root", wanted);
		return text_copy(ret, PATH_MAX, wanted);
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (is_program(root_fd, usual[i]))
			return text_copy(ret, PATH_MAX, usual[i]);
	return err_set(err, E_INIT_MISSING, ENOENT, "neither %s nor %s", usual[0], usual[1]);
}

static int move_api(int root_fd, struct err *err)
{
	static const char *const mounts[] = { "/dev", "/proc", "/sys", "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		_close_ int target = fs_open_resolved(root_fd, mounts[i] + 1, O_PATH | O_DIRECTORY,
						      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

		if (target < 0)
			return err_set(err, E_HANDOVER, -target,
				       "the new root's %s is not a directory: %s", mounts[i],
				       strerror(-target));
		if (syscall(SYS_move_mount, AT_FDCWD, mounts[i], target, "",
			    MOVE_MOUNT_T_EMPTY_PATH) < 0)
			return err_set(err, E_HANDOVER, errno, "move %s: %s", mounts[i],
				       strerror(errno));
	}
	return 0;
}

/* Deletes what is in the directory: the same file system only, no symlink followed. Takes fd. */
static void delete_inside(int dir_fd, dev_t dev, unsigned int depth)
{
	_closedir_ DIR *dir = fdopendir(dir_fd);

	if (!dir) {
		close(dir_fd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct stat st;
		int child;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    (depth == 0 && strcmp(entry->d_name, IMAGES_BELOW) == 0) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_dev != dev)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			unlinkat(dirfd(dir), entry->d_name, 0);
			continue;
		}
		child = openat(dirfd(dir), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0 && depth < DELETE_DEPTH_MAX)
			delete_inside(child, dev, depth + 1);
		else if (child >= 0)
			close(child);
		unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
}

/* The old root is emptied only where it is the kernel's initramfs. Takes fd. */
static void delete_old_root(int old_fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(old_fd, &fs) < 0 || fstat(old_fd, &st) < 0 ||
	    (fs.f_type != RAMFS_MAGIC && fs.f_type != TMPFS_MAGIC)) {
		close(old_fd);
		return;
	}
	delete_inside(old_fd, st.st_dev, 0);
}

static int switch_root(int root_fd, struct err *err)
{
	if (fchdir(root_fd) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_set(err, E_HANDOVER, errno, "switch root: %s", strerror(errno));
	return 0;
}

/* Whether the path leads to systemd, which "/sbin/init" does not say. */
static bool is_systemd(const char *init)
{
	_close_ int fd = open(init, O_PATH | O_CLOEXEC);
	char link[40], path[PATH_MAX];
	ssize_t n;

	text_format(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return strcmp(strrchr(path, '/') ?: "", "/systemd") == 0;
}

/*
 * What a systemd in the initrd would pass on, but for units: systemd's src/core/main.c (the two
 * options) and manager-serialize.c. So systemd-analyze shows how long the initrd took.
 */
static size_t systemd_arguments(char **args, char option[32])
{
	static char switched[] = "--switched-root", system[] = "--system";
	char text[96];
	int fd = memfd_create("systemd-state", 0); /* inherited on purpose */

	if (fd < 0)
		return 0;
	text_format(text, sizeof(text), "initrd-timestamp=%" PRIu64 " %" PRIu64 "\n\n",
		    start_realtime_usec, start_monotonic_usec);
	if (fs_write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return 0;
	}
	text_format(option, 32, "--deserialize=%d", fd);
	args[0] = switched;
	args[1] = system;
	args[2] = option;
	return 3;
}

/*
 * A systemd that finds these takes no credentials from SMBIOS, fw_cfg or the command line itself
 * (src/core/import-creds.c): they are there already, but for what lintel has left out.
 */
static char **add_credentials(char *env[ENV_MAX + 3])
{
	static char system[] = "CREDENTIALS_DIRECTORY=" CREDENTIALS_SYSTEM,
		    encrypted[] = "ENCRYPTED_CREDENTIALS_DIRECTORY=" CREDENTIALS_ENCRYPTED;
	size_t n = 0;

	if (access(CREDENTIALS_SYSTEM, F_OK) < 0)
		return environ;
	for (char **at = environ; *at && n < ENV_MAX; at++)
		env[n++] = *at;
	env[n++] = system;
	env[n++] = encrypted;
	env[n] = NULL;
	return env;
}

/* musl's own call knows no policies. 0: as every process starts. */
static void set_scheduler(int policy)
{
	static const struct sched_param none;

	syscall(SYS_sched_setscheduler, 0, policy, &none);
}

void handover_batch(void)
{
	set_scheduler(SCHED_BATCH | SCHED_RESET_ON_FORK);
}

static int exec_init(const char *init, struct err *err)
{
	char *args[1 + 3 + INIT_ARGS_MAX + 1], *env[ENV_MAX + 3], name[PATH_MAX], option[32];
	size_t n = 0;

	text_copy(name, sizeof(name), init);
	args[n++] = name;
	if (is_systemd(init))
		n += systemd_arguments(args + n, option);
	for (char **arg = kernel_argv + 1; *arg && n < ARRAY_SIZE(args) - 1; arg++)
		args[n++] = *arg;
	args[n] = NULL;
	if (sysrq[0])
		fs_write(AT_FDCWD, SYSRQ, sysrq);
	set_scheduler(SCHED_OTHER);
	execve(init, args, add_credentials(env));
	return err_set(err, E_INIT_MISSING, errno, "%s: %s", init, strerror(errno));
}

int handover_run(const struct step *step, const struct report *report, struct fields *result,
		 struct err *err)
{
	_close_ int old_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_close_ int root_fd = -1;
	char root[64], wanted[PATH_MAX], init[PATH_MAX];
	int r;

	(void)report;
	(void)result;
	r = step_get(step, "root", root, sizeof(root), err);
	if (r < 0)
		return r;
	fields_get(&step->args, "init", wanted, sizeof(wanted));
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (root_fd < 0 || old_fd < 0)
		return err_set(err, E_HANDOVER, errno, "%s: %s", root, strerror(errno));
	r = find_init(root_fd, wanted, init, err);
	if (r == 0)
		r = move_api(root_fd, err);
	if (r == 0)
		r = switch_root(root_fd, err);
	if (r < 0)
		return r;
	delete_old_root(take_fd(&old_fd));
	return exec_init(init, err);
}
