/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/release.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* systemd's src/basic/os-util.c: looked at only where no file has the image's own name. */
#define STRICT "user.extension-release.strict"

/* A path of a tree, whose symlinks lead nowhere else. */
static int open_inside(int tree_fd, const char *path, uint64_t flags)
{
	return fs_open_resolved(tree_fd, path, flags | O_RDONLY | O_NONBLOCK,
				RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* Takes fd, which must be a regular file that is no larger than the buffer. */
static int read_release(int file_fd, char buffer[RELEASE_TEXT_MAX], struct release *ret,
			struct err *err)
{
	_close_ int fd = file_fd;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, E_EXTENSION, EINVAL, "the release file is no file");
	n = fs_pread(fd, buffer, RELEASE_TEXT_MAX, 0);
	if (n < 0 || n == RELEASE_TEXT_MAX)
		return err_set(err, E_EXTENSION, EINVAL, "the release file is too large, or: %s",
			       strerror(n < 0 ? (int)-n : E2BIG));
	*ret = (struct release){ buffer, (size_t)n };
	return 0;
}

/* "0", "no", "false": the image's own name is not asked for. */
static bool is_relaxed(int fd)
{
	char value[16] = "";
	ssize_t n = fgetxattr(fd, STRICT, value, sizeof(value) - 1);

	return n > 0 && text_to_bool(value) == 0;
}

/* The one release file that says that its name does not matter; of two, neither. */
static int find_relaxed(int tree_fd, const char *folder, struct err *err)
{
	_closedir_ DIR *dir = NULL;
	_close_ int found = -1;
	int fd = open_inside(tree_fd, folder, O_DIRECTORY);

	dir = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		_close_ int one = -1;

		if (!text_starts(entry->d_name, "extension-release."))
			continue;
		one = openat(fd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (one < 0 || !is_relaxed(one))
			continue;
		if (found >= 0)
			return err_set(err, E_EXTENSION, ENOTUNIQ, "two release files are relaxed");
		found = take_fd(&one);
	}
	if (found < 0)
		return err_set(err, E_EXTENSION, ENOENT,
			       "no /%s/extension-release.NAME of its name, nor one with " STRICT
			       "=0",
			       folder);
	return take_fd(&found);
}

static int open_release(int tree_fd, const char *name, bool confext, struct err *err)
{
	const char *folder = confext ? "etc/extension-release.d" : "usr/lib/extension-release.d";
	char path[160];
	int fd;

	text_format(path, sizeof(path), "%s/extension-release.%s", folder, name);
	fd = open_inside(tree_fd, path, 0);
	return fd == -ENOENT ? find_relaxed(tree_fd, folder, err)
	       : fd < 0	     ? err_set(err, E_EXTENSION, -fd, "/%s: %s", path, strerror(-fd))
			     : fd;
}

/* What is merged: a symlink there would lead elsewhere, and no overlay takes one for a layer. */
static int check_folder(int tree_fd, const char *name, struct err *err)
{
	_close_ int fd = fs_open_resolved(tree_fd, name, O_PATH | O_DIRECTORY,
					  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	return fd >= 0 || fd == -ENOENT
		       ? 0
		       : err_set(err, E_EXTENSION, ENOTDIR, "its /%s is not a directory", name);
}

/* An image that brings an os-release would change what the next one is matched with. */
static int check_content(int tree_fd, bool confext, struct err *err)
{
	_close_ int fd = open_inside(tree_fd, "usr/lib/os-release", 0);
	int r = check_folder(tree_fd, confext ? "etc" : "usr", err);

	if (r == 0 && !confext)
		r = check_folder(tree_fd, "opt", err);
	if (r < 0 || fd == -ENOENT)
		return r;
	return err_set(err, E_EXTENSION, EEXIST, "it has a /usr/lib/os-release");
}

int release_of_root(int root_fd, char buffer[RELEASE_TEXT_MAX], struct release *ret,
		    struct err *err)
{
	int fd = open_inside(root_fd, "etc/os-release", 0);

	if (fd == -ENOENT)
		fd = open_inside(root_fd, "usr/lib/os-release", 0);
	if (fd < 0)
		return err_set(err, E_EXTENSION, -fd, "the root has no os-release");
	return read_release(fd, buffer, ret, err);
}

int release_of_initrd(int root_fd, char buffer[RELEASE_TEXT_MAX], struct release *ret,
		      struct err *err)
{
	int fd = open_inside(root_fd, "etc/initrd-release", 0);

	if (fd < 0)
		return err_set(err, E_EXTENSION, -fd, "the initrd has no /etc/initrd-release");
	return read_release(fd, buffer, ret, err);
}

int release_of_image(int tree_fd, const char *name, bool confext, char buffer[RELEASE_TEXT_MAX],
		     struct release *ret, struct err *err)
{
	int r = check_content(tree_fd, confext, err), fd;

	if (r < 0)
		return r;
	fd = open_release(tree_fd, name, confext, err);
	return fd < 0 ? fd : read_release(fd, buffer, ret, err);
}

void release_describe(const struct release *release, char *ret, size_t size)
{
	char id[64], version[64];

	release_value(release->text, release->size, "ID", id, sizeof(id));
	release_value(release->text, release->size, "VERSION_ID", version, sizeof(version));
	if (text_format(ret, size, "%s%s%s", id, version[0] ? " " : "", version) < 0)
		text_copy(ret, size, "?");
}
