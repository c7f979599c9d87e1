/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Merges the extension images of one class over the root by read-only overlays, newest on top, and
 * marks them as systemd-sysext marks its own (src/sysext/sysext.c: the folder with "dev" and the
 * list), so that the host lists them and can undo them. The mounts, verity and loop devices then
 * hang on the overlays alone: who undoes those frees them.
 */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/dm.h"
#include "modules/drivers.h"
#include "modules/images.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SYSROOT "/sysroot"
#define IMAGES IMAGES_MOUNTED "/"
#define IMAGES_MAX 64
#define NAME_SIZE 72
#define LAYERS_MAX 4096 /* overlayfs takes its options in one page */

static const struct class
{
	const char *name, *kept, *mark, *list;
	const char *hierarchies[3];
	unsigned long flags;
} classes[] = {
	{ "sysext",
	  "/run/extensions",
	  ".systemd-sysext",
	  "extensions",
	  { "usr", "opt" },
	  MS_NODEV },
	{ "confext",
	  "/run/confexts",
	  ".systemd-confext",
	  "confexts",
	  { "etc" },
	  MS_NODEV | MS_NOSUID | MS_NOEXEC },
};

struct extend {
	const struct class *class;
	size_t n;
	char names[IMAGES_MAX][NAME_SIZE]; /* oldest first */
};

/* Those that matched lie where the host finds them; in version order. */
static int read_names(struct extend *e, struct err *err)
{
	_closedir_ DIR *dir = opendir(e->class->kept);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char name[NAME_SIZE];
		size_t len = strlen(entry->d_name), at = e->n;

		if (len <= 4 || strcmp(entry->d_name + len - 4, ".raw") != 0)
			continue;
		if (e->n == IMAGES_MAX ||
		    text_format(name, sizeof(name), "%.*s", (int)len - 4, entry->d_name) < 0)
			return err_set(err, E_LIMIT, E2BIG, "%s: too much", e->class->kept);
		for (; at > 0 && version_compare(e->names[at - 1], name) > 0; at--)
			memcpy(e->names[at], e->names[at - 1], NAME_SIZE);
		memcpy(e->names[at], name, NAME_SIZE);
		e->n++;
	}
	return 0;
}

/* A real directory right below a tree, or -ENOENT; a symlink there is an error. */
static int open_below(const char *tree, const char *name)
{
	_close_ int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	return fs_open_resolved(fd, name, O_PATH | O_DIRECTORY,
				RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* Layers go by descriptor: no name needs an escape, and none is followed again. Keeps fd open. */
static int add_layer(char layers[LAYERS_MAX], int fd)
{
	size_t used = strlen(layers);

	return text_format(layers + used, LAYERS_MAX - used, "%s/proc/self/fd/%d",
			   used > strlen("lowerdir=") ? ":" : "", fd);
}

static int write_mark(const struct extend *e, const char *meta, const char *file, const char *text)
{
	char path[128];

	text_format(path, sizeof(path), "%s/%s", meta, e->class->mark);
	if (fs_mkdirs(AT_FDCWD, path, 0755) < 0)
		return -EIO;
	text_format(path, sizeof(path), "%s/%s/%s", meta, e->class->mark, file);
	return fs_create(AT_FDCWD, path, text, strlen(text), 0644);
}

/* The top layer: the list of all names, and then the number of the overlay that it is in. */
static int write_list(const struct extend *e, const char *meta)
{
	static char text[IMAGES_MAX * NAME_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < e->n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", e->names[i]);
	return write_mark(e, meta, e->class->list, text);
}

static int write_dev(const struct extend *e, const char *meta, const char *hierarchy)
{
	_close_ int fd = open_below(SYSROOT, hierarchy);
	struct stat st;
	char text[32];

	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? fd : -errno;
	text_format(text, sizeof(text), "%u:%u\n", major(st.st_dev), minor(st.st_dev));
	return write_mark(e, meta, "dev", text);
}

/* The layers of one hierarchy; returns how many of them are images', or -errno. */
static int stack(const struct extend *e, const char *hierarchy, int meta_fd, int root_fd,
		 char layers[LAYERS_MAX])
{
	int n = 0, r = text_format(layers, LAYERS_MAX, "lowerdir=");

	if (r == 0)
		r = add_layer(layers, meta_fd);
	for (size_t i = e->n; i > 0 && r == 0; i--) {
		char tree[128];
		int fd;

		text_format(tree, sizeof(tree), IMAGES "%s-%s", e->class->name, e->names[i - 1]);
		fd = open_below(tree, hierarchy);
		if (fd == -ENOENT)
			continue;
		r = fd < 0 ? fd : add_layer(layers, fd);
		n++;
	}
	if (r == 0)
		r = add_layer(layers, root_fd);
	return r < 0 ? r : n;
}

static int merge(const struct extend *e, const char *hierarchy, struct err *err)
{
	char layers[LAYERS_MAX], meta[96], path[40];
	_close_ int root_fd = open_below(SYSROOT, hierarchy), meta_fd = -1;
	int r, n = 0;

	/* the root has no such folder, and a verified one gets none; where its link leads is the host's to say */
	if (root_fd == -ENOENT || root_fd == -ELOOP)
		return 0;
	text_format(meta, sizeof(meta), IMAGES ".%s-%s", e->class->name, hierarchy);
	r = root_fd < 0 ? root_fd : write_list(e, meta);
	if (r == 0) {
		meta_fd = open(meta, O_PATH | O_DIRECTORY | O_CLOEXEC);
		n = meta_fd < 0 ? -errno : stack(e, hierarchy, meta_fd, root_fd, layers);
		r = n < 0 ? n : 0;
	}
	text_format(path, sizeof(path), "/proc/self/fd/%d", root_fd);
	if (n > 0 &&
	    mount(e->class->name, path, "overlay", MS_RDONLY | e->class->flags, layers) < 0)
		r = -errno;
	if (n > 0 && r == 0)
		r = write_dev(e, meta, hierarchy);
	if (r < 0)
		return err_set(err, E_MOUNT, -r, "%ss over /%s: %s", e->class->name, hierarchy,
			       strerror(-r));
	return 0;
}

/* The folder of the files that are kept, for the host; the first class that has some mounts it. */
static int keep_files(struct err *err)
{
	const unsigned long flags = MS_NODEV | MS_NOSUID | MS_NOEXEC;

	if (access("/" IMAGES_BELOW, F_OK) < 0 || access(IMAGES_KEPT, F_OK) == 0)
		return 0;
	if (fs_mkdirs(AT_FDCWD, IMAGES_KEPT, 0755) < 0 ||
	    mount("/" IMAGES_BELOW, IMAGES_KEPT, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, IMAGES_KEPT, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return err_set(err, E_MOUNT, errno, IMAGES_KEPT ": %s", strerror(errno));
	return 0;
}

/* The images' own mounts, and what did not match: whatever the overlays use stays alive. */
static void clean_up(const struct class *class)
{
	_closedir_ DIR *dir = opendir(IMAGES);
	size_t len = strlen(class->name);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char path[FACT_NAME_MAX + 40];

		if (strncmp(entry->d_name, class->name, len) != 0 || entry->d_name[len] != '-' ||
		    text_format(path, sizeof(path), IMAGES "%s", entry->d_name) < 0)
			continue;
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
			char usr[sizeof(path) + 4];

			text_format(usr, sizeof(usr), "%s/usr", path);
			umount2(usr, MNT_DETACH | UMOUNT_NOFOLLOW);
			rmdir(usr);
		}
		rmdir(path);
		dm_remove(entry->d_name); /* at once where the image did not match */
	}
}

/* What extend-initrd has mounted over the initrd: the way to the root is behind us. */
static void clean_initrd(void)
{
	_closedir_ DIR *dir = opendir(DRIVERS_INDEXES);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char path[160];

		if (entry->d_name[0] == '.' ||
		    text_format(path, sizeof(path), DRIVERS_INDEXES "/%s", entry->d_name) < 0)
			continue;
		umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
		rmdir(path);
	}
	rmdir(DRIVERS_INDEXES);
	umount2("/usr/lib/firmware", MNT_DETACH | UMOUNT_NOFOLLOW);
	rmdir(IMAGES ".none");
}

/* The kernel keeps a device that is in use until its last user goes. */
static void detach_loops(char *loops)
{
	for (char *save, *number = strtok_r(loops, ",", &save); number;
	     number = strtok_r(NULL, ",", &save)) {
		char path[32];
		_close_ int fd = -1;

		text_format(path, sizeof(path), "/dev/loop%s", number);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			ioctl(fd, LOOP_CLR_FD);
	}
}

static const struct class *find_class(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (strcmp(classes[i].name, name) == 0)
			return &classes[i];
	return NULL;
}

int extend_run(const struct step *step, const struct report *report, struct fields *result,
	       struct err *err)
{
	static struct extend e; /* of this child, which ends after one */
	char class[16], loops[FIELDS_MAX];
	uint64_t n;
	int r = step_get(step, "class", class, sizeof(class), err);

	(void)report;
	if (r < 0)
		return r;
	e.class = find_class(class);
	fields_get(&step->args, "loops", loops, sizeof(loops));
	if (!e.class || fields_get_u64(&step->args, "n", &n) < 0)
		return err_set(err, E_INTERNAL, EINVAL, "class= or n= is wrong");
	r = read_names(&e, err);
	if (r == 0 && e.n != n)
		r = err_set(err, E_INTERNAL, EINVAL, "%zu images in %s, the plan has %" PRIu64, e.n,
			    e.class->kept, n);
	if (r == 0)
		r = keep_files(err);
	for (size_t i = 0; r == 0 && e.n > 0 && e.class->hierarchies[i]; i++)
		r = merge(&e, e.class->hierarchies[i], err);
	if (strcmp(class, "sysext") == 0)
		clean_initrd();
	clean_up(e.class);
	detach_loops(loops);
	return r < 0 ? r : fields_addf(result, "n", "%zu", e.n);
}
