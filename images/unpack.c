/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file system's files without a mount: mounting is root's, and a reader of one's own would be one
 * parser more. The tools get the image as a descriptor, so that no path needs an escape.
 */
#include "images/unpack.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WORDS_MAX 12
#define STRICT "user.extension-release.strict"
#define NOT_INSTALLED 127
#define NOT_STARTED 126

static const char *const folders[] = { "usr/lib/extension-release.d", "etc/extension-release.d" };

/* In the folder, and silent: what a tool says of an image is not what /init would say. */
static int run(const char *folder, const char *const words[WORDS_MAX])
{
	char *argv[WORDS_MAX];
	int status;
	pid_t pid;

	memcpy(argv, words, sizeof(argv));
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (chdir(folder) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		    dup2(null, 2) < 0)
			_exit(NOT_STARTED);
		execvp(argv[0], argv);
		/* e2fsprogs lies where a user's PATH does not look */
		setenv("PATH", "/usr/sbin:/sbin", 1);
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? NOT_INSTALLED : NOT_STARTED);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (pid < 0)
		return -errno;
	return !WIFEXITED(status)		      ? -EIO
	       : WEXITSTATUS(status) == NOT_INSTALLED ? -ENOENT
	       : WEXITSTATUS(status)		      ? -EIO
						      : 0;
}

static int unpack_erofs(const char *image, uint64_t at, const char *folder)
{
	char offset[40];
	const char *const words[WORDS_MAX] = { "fsck.erofs",  offset,	  "--extract=.",
					       "--overwrite", "--xattrs", "--no-preserve",
					       image };

	text_format(offset, sizeof(offset), "--offset=%" PRIu64, at);
	return run(folder, words);
}

static int unpack_squashfs(const char *image, uint64_t at, const char *folder)
{
	char offset[24];
	const char *const words[WORDS_MAX] = {
		"unsquashfs", "-force", "-dest",    ".",	"-offset",
		offset,	      image,	folders[0], folders[1], "usr/lib/os-release",
		"opt"
	};

	text_format(offset, sizeof(offset), "%" PRIu64, at);
	return run(folder, words);
}

/* A name that debugfs takes as it is. */
static bool is_plain(const char *name)
{
	return name[strspn(
		       name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~^@=-")] ==
	       '\0';
}

static int debugfs(const char *image, uint64_t at, const char *folder, const char *request)
{
	char device[80];
	const char *const words[WORDS_MAX] = { "debugfs", "-R", request, device };

	text_format(device, sizeof(device), "%s?offset=%" PRIu64, image, at);
	return run(folder, words);
}

/* debugfs leaves attributes behind: the one that counts is carried after each file. */
static int carry_strict(const char *image, uint64_t at, const char *folder, const char *below)
{
	char path[160], request[512];
	_closedir_ DIR *dir = NULL;
	int r = 0;

	text_format(path, sizeof(path), "%s/%s", folder, below);
	dir = opendir(path);
	for (struct dirent *entry; r == 0 && dir && (entry = readdir(dir)) != NULL;) {
		char value[16];
		ssize_t n;

		if (!text_starts(entry->d_name, "extension-release.") || !is_plain(entry->d_name))
			continue;
		text_format(request, sizeof(request), "ea_get -f .strict /%s/%s " STRICT, below,
			    entry->d_name);
		r = debugfs(image, at, folder, request);
		text_format(path, sizeof(path), "%s/.strict", folder);
		n = fs_read(AT_FDCWD, path, value, sizeof(value));
		unlink(path);
		if (n > 0 &&
		    text_format(path, sizeof(path), "%s/%s/%s", folder, below, entry->d_name) ==
			    0 &&
		    setxattr(path, STRICT, value, (size_t)n, 0) < 0)
			r = -errno;
	}
	return r;
}

static int unpack_ext4(const char *image, uint64_t at, const char *folder)
{
	char path[160], request[160];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		text_format(path, sizeof(path), "%s/%s", folder, folders[i]);
		*strrchr(path, '/') = '\0';
		r = fs_mkdirs(AT_FDCWD, path, 0755);
		text_format(request, sizeof(request), "rdump /%s %.*s", folders[i],
			    (int)(strrchr(folders[i], '/') - folders[i]), folders[i]);
		if (r == 0)
			r = debugfs(image, at, folder, request);
		if (r == 0)
			r = carry_strict(image, at, folder, folders[i]);
	}
	if (r == 0)
		r = debugfs(image, at, folder, "rdump /opt ."); /* a symlink as such */
	return r < 0 ? r
		     : debugfs(image, at, folder, "dump /usr/lib/os-release usr/lib/os-release");
}

static const struct tool {
	const char *fstype, *name, *package;
	int (*unpack)(const char *image, uint64_t at, const char *folder);
} tools[] = {
	{ "erofs", "fsck.erofs", "erofs-utils", unpack_erofs },
	{ "squashfs", "unsquashfs", "squashfs-tools", unpack_squashfs },
	{ "ext4", "debugfs", "e2fsprogs", unpack_ext4 },
};

int unpack_releases(int image_fd, const char *fstype, uint64_t at, const char *folder,
		    struct err *err)
{
	_close_ int fd = dup(image_fd); /* without O_CLOEXEC: the tool's own */
	char image[32];

	text_format(image, sizeof(image), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		int r;

		if (strcmp(tools[i].fstype, fstype) != 0)
			continue;
		r = fd < 0 ? -errno : tools[i].unpack(image, at, folder);
		if (r == -ENOENT)
			return err_set(err, E_IO, ENOENT, "%s is not installed (Debian package %s)",
				       tools[i].name, tools[i].package);
		return r < 0 ? err_set(err, E_FS_TYPE, -r, "%s: %s cannot unpack it: %s", fstype,
				       tools[i].name, strerror(-r))
			     : 0;
	}
	return err_set(err, E_FS_TYPE, ENOTSUP, "%s has no tool that reads it without root",
		       fstype[0] ? fstype : "the file system");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT;
}

void unpack_remove(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
