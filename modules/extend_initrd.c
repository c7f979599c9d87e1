/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lets verified images of the initrd's own scope bring drivers and firmware. Of such an image
 * nothing else is seen: not its programs, not its modprobe.d, its certificates only where the UKI's
 * own line says so. Its modules are found through its own index, over its files and the initrd's,
 * so that it may name modules of both; the kernel finds firmware of all at its usual place.
 */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/drivers.h"
#include "modules/images.h"
#include "modules/pkcs7.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define IMAGES IMAGES_MOUNTED "/sysext-"
#define EMPTY IMAGES_MOUNTED "/.none" /* overlayfs takes no single layer */
#define FIRMWARE "/usr/lib/firmware"

struct layers {
	unsigned int n;
	char text[1024]; /* by descriptor: a name needs no escape, and none is followed again */
};

static int open_below(int tree_fd, const char *path)
{
	return fs_open_resolved(tree_fd, path, O_RDONLY | O_DIRECTORY,
				RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* On top of those that are there. */
static int add_top(struct layers *layers, int fd)
{
	char below[sizeof(layers->text)];

	text_copy(below, sizeof(below), layers->text);
	layers->n++;
	return text_format(layers->text, sizeof(layers->text), "/proc/self/fd/%d%s%s", fd,
			   below[0] ? ":" : "", below);
}

static int mount_layers(const struct layers *layers, const char *target, struct err *err)
{
	const unsigned long flags = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC;
	char options[sizeof(layers->text) + 16];
	int r = fs_mkdirs(AT_FDCWD, target, 0755);

	text_format(options, sizeof(options), "lowerdir=%s", layers->text);
	if (r == 0 && mount("lintel", target, "overlay", flags, options) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_MOUNT, -r, "extensions over %s: %s", target, strerror(-r))
		     : 0;
}

/* The layer below all images: what the initrd has there, or nothing. Stays open, as all do. */
static int start_layers(struct layers *layers, const char *own, struct err *err)
{
	int fd = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && fs_mkdirs(AT_FDCWD, EMPTY, 0755) == 0)
		fd = open(EMPTY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", own, strerror(errno));
	return add_top(layers, fd);
}

/* Returns 1 where the image has an index for this kernel. */
static int add_modules(int tree_fd, const char *name, struct err *err)
{
	struct layers layers = { .n = 0 };
	char own[PATH_MAX], target[160];
	struct utsname kernel;
	struct stat st;
	int fd, r;

	uname(&kernel);
	text_format(own, sizeof(own), "/usr/lib/modules/%s", kernel.release);
	fd = open_below(tree_fd, own + 1);
	if (fd < 0 || fstatat(fd, "modules.dep.bin", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		r = fd < 0 ? fd : -errno;
		return r == -ENOENT ? 0 : err_set(err, E_IO, -r, "%s: %s", own, strerror(-r));
	}
	text_format(target, sizeof(target), DRIVERS_INDEXES "/%s", name);
	r = start_layers(&layers, own, err);
	if (r == 0)
		r = add_top(&layers, fd);
	if (r == 0)
		r = mount_layers(&layers, target, err);
	return r < 0 ? r : 1;
}

static int copy_certificate(int folder_fd, const char *file, const char *to, struct err *err)
{
	static char data[PKCS7_CERTIFICATE_SIZE_MAX];
	_close_ int fd = openat(folder_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -errno : fs_pread(fd, data, sizeof(data), 0);
	int r = n < 0 ? (int)n : fs_mkdirs(AT_FDCWD, CERTIFICATES_EXTENSION, 0755);

	if (n == sizeof(data))
		r = -E2BIG;
	if (r == 0)
		r = fs_create(AT_FDCWD, to, data, (size_t)n, 0444);
	return r < 0 ? err_set(err, E_EXTENSION, -r, "certificate %.80s: %s", file, strerror(-r))
		     : 0;
}

/* Returns how many. Each under its image's name: none can take the place of another's. */
static int add_certificates(int tree_fd, const char *name, struct err *err)
{
	_closedir_ DIR *dir = NULL;
	int fd = open_below(tree_fd, "usr/lib/verity.d"), n = 0, r = 0;

	dir = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; dir && r == 0 && (entry = readdir(dir)) != NULL;) {
		char to[PATH_MAX];
		size_t len = strlen(entry->d_name);

		if (len <= 4 || strcmp(entry->d_name + len - 4, ".crt") != 0)
			continue;
		if (n == PKCS7_CERTIFICATES_MAX)
			return err_set(err, E_LIMIT, E2BIG, "%s has more than %d certificates",
				       name, PKCS7_CERTIFICATES_MAX);
		text_format(to, sizeof(to), CERTIFICATES_EXTENSION "/%s-%d.crt", name, n++);
		r = copy_certificate(fd, entry->d_name, to, err);
	}
	return r < 0 ? r : n;
}

struct totals {
	int images, modules, firmware, certificates;
};

static int extend_one(const char *name, bool certificates, struct layers *firmware,
		      struct totals *totals, struct err *err)
{
	_close_ int tree_fd = -1;
	char tree[128];
	int fd, r;

	text_format(tree, sizeof(tree), IMAGES "%s", name);
	tree_fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (tree_fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", tree, strerror(errno));
	r = add_modules(tree_fd, name, err);
	if (r < 0)
		return r;
	totals->images++;
	totals->modules += r;
	fd = open_below(tree_fd, &FIRMWARE[1]);
	r = fd < 0 ? 0 : add_top(firmware, fd);
	totals->firmware += fd >= 0;
	if (r == 0 && certificates) {
		r = add_certificates(tree_fd, name, err);
		totals->certificates += r > 0 ? r : 0;
	}
	return r < 0 ? r : 0;
}

int extend_initrd_run(const struct step *step, const struct report *report, struct fields *result,
		      struct err *err)
{
	bool certificates = fields_are(&step->args, "certificates", "yes");
	struct layers firmware = { .n = 0 };
	struct totals totals = { .images = 0 };
	char names[FIELDS_MAX];
	int r = step_get(step, "names", names, sizeof(names), err);

	(void)report;
	if (r == 0)
		r = start_layers(&firmware, FIRMWARE, err);
	for (char *save, *name = r < 0 ? NULL : strtok_r(names, ",", &save); name && r == 0;
	     name = strtok_r(NULL, ",", &save))
		r = extend_one(name, certificates, &firmware, &totals, err);
	if (r == 0 && totals.firmware > 0)
		r = mount_layers(&firmware, FIRMWARE, err);
	if (r < 0)
		return r;
	fields_addf(result, "modules", "%d", totals.modules);
	fields_addf(result, "firmware", "%d", totals.firmware);
	if (certificates)
		fields_addf(result, "certificates", "%d", totals.certificates);
	return fields_addf(result, "n", "%d", totals.images);
}
