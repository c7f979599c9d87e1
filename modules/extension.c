/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a verified and mounted extension image is for this root: both sides' release files are
 * read inside their own trees. One that is goes to where systemd-sysext finds it on the host; that
 * rename is also what the merge takes as its word.
 */
#include "generators/sources/extension.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define SYSROOT "/sysroot"
#define IMAGES "/run/lintel/ext/"
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

/* An image that brings an os-release would change what the next one is matched with. */
static int check_content(int tree_fd, struct err *err)
{
	_close_ int fd = open_inside(tree_fd, "usr/lib/os-release", 0);

	return fd == -ENOENT ? 0
			     : err_set(err, E_EXTENSION, EEXIST, "it has a /usr/lib/os-release");
}

static int match(const struct step *step, const char *name, bool confext, const char *mounted,
		 struct err *err)
{
	static char host_text[RELEASE_TEXT_MAX], own_text[RELEASE_TEXT_MAX];
	_close_ int root_fd = open(SYSROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int tree_fd = open(mounted, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct release host, own;
	char arch[24];
	int fd, r = step_get(step, "arch", arch, sizeof(arch), err);

	if (r < 0)
		return r;
	if (root_fd < 0 || tree_fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", mounted, strerror(errno));
	fd = open_inside(root_fd, "etc/os-release", 0);
	if (fd == -ENOENT)
		fd = open_inside(root_fd, "usr/lib/os-release", 0);
	if (fd < 0)
		return err_set(err, E_EXTENSION, -fd, "the root has no os-release");
	r = read_release(fd, host_text, &host, err);
	if (r == 0)
		r = check_content(tree_fd, err);
	if (r < 0)
		return r;
	fd = open_release(tree_fd, name, confext, err);
	if (fd < 0)
		return fd;
	r = read_release(fd, own_text, &own, err);
	return r < 0 ? r : extension_match(&host, &own, confext, "system", arch, err);
}

/* What is known to be wrong before any image is opened comes as arguments. */
static int refuse_known(const struct step *step, struct err *err)
{
	char code[40], text[ERR_TEXT_MAX];
	enum err_code known;

	if (fields_get(&step->args, "code", code, sizeof(code)) < 0)
		return 0;
	known = err_from_name(code);
	fields_get(&step->args, "text", text, sizeof(text));
	return err_set(err, known == E_MAX_ ? E_INTERNAL : known, EINVAL, "%s", text);
}

/* In one file system: the loop device goes on reading the same file. */
static int keep(const char *name, const char *id, bool confext, struct err *err)
{
	const char *folder = confext ? "/run/confexts" : "/run/extensions";
	char from[128], to[128];
	int r = fs_mkdirs(AT_FDCWD, folder, 0755);

	text_format(from, sizeof(from), IMAGES "%s.raw", id);
	text_format(to, sizeof(to), "%s/%s.raw", folder, name);
	if (r == 0 && rename(from, to) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_IO, -r, "%s: %s", to, strerror(-r)) : 0;
}

int extension_run(const struct step *step, const struct report *report, struct fields *result,
		  struct err *err)
{
	char name[FACT_NAME_MAX], class[16], id[FACT_NAME_MAX], mounted[128];
	bool confext;
	int r = refuse_known(step, err);

	(void)report;
	if (r == 0)
		r = step_get(step, "name", name, sizeof(name), err);
	if (r == 0)
		r = step_get(step, "class", class, sizeof(class), err);
	if (r < 0)
		return r;
	confext = strcmp(class, "confext") == 0;
	text_format(id, sizeof(id), "%s-%s", class, name);
	text_format(mounted, sizeof(mounted), IMAGES "%s", id);
	r = match(step, name, confext, mounted, err);
	if (r == 0)
		r = keep(name, id, confext, err);
	return r < 0 ? r : fields_add(result, "class", class);
}
