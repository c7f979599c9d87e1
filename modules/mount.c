/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts the new root and /usr: only from a live dm-verity device (invariant I2), read-only, or
 * from a dm-crypt device that rules/unlock planned, with one of five file systems. Targets are opened without following a symlink of the new root.
 */
#include "generators/root_fs.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/dm.h"
#include "modules/drivers.h"
#include "modules/extension_match.h"
#include "modules/images.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SYSROOT "/sysroot"
#define OPTIONS_MAX 512
#define INIT_READ_MAX (64 << 20)

static void free_probe(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

/* root=UUID= or LABEL=: an empty want asks for nothing. */
static int check_wanted(blkid_probe probe, const char *name, const char *want, struct err *err)
{
	const char *key = text_starts(want, "UUID=") ? "UUID" : "LABEL", *value = "none";

	if (!want[0])
		return 0;
	blkid_probe_lookup_value(probe, key, &value, NULL);
	if (strcmp(want + strlen(key) + 1, value) == 0)
		return 0;
	return err_set(err, E_ROOT_MISSING, ENOENT, "%s has %s %.40s, wanted is %.60s", name, key,
		       value, want);
}

/* Asks libblkid for these types only; two answers are none (threat A44). */
static int detect(int fd, const char *name, const char *want, char *ret, size_t size,
		  struct err *err)
{
	char names[ROOT_FS_MAX][ROOT_FS_NAME_MAX], *filter[ROOT_FS_MAX + 1] = { NULL };
	_cleanup_(free_probe) blkid_probe probe = blkid_new_probe();
	const char *type = NULL;
	int r;

	for (size_t i = 0; i < ROOT_FS_MAX; i++) {
		text_copy(names[i], sizeof(names[i]), root_fs[i].name);
		filter[i] = names[i];
	}
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) < 0 ||
	    blkid_probe_enable_superblocks(probe, 1) < 0 ||
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							     BLKID_SUBLKS_LABEL) < 0 ||
	    blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, filter) < 0)
		return err_set(err, E_IO, EIO, "%s cannot be probed", name);
	r = blkid_do_safeprobe(probe);
	if (r == -2)
		return err_set(err, E_FS_TYPE, EUCLEAN, "%s looks like two file systems", name);
	if (r < 0)
		return err_set(err, E_IO, EIO, "%s cannot be read", name);
	if (r > 0 || blkid_probe_lookup_value(probe, "TYPE", &type, NULL) < 0)
		return err_set(err, E_FS_TYPE, ENOTSUP, "%s holds none of " ROOT_FS_LIST, name);
	text_copy(ret, size, type);
	return check_wanted(probe, name, want, err);
}

/* A line "\ttype" of /proc/filesystems: block file systems have no "nodev" before it. */
static bool kernel_has(const char *type)
{
	static char text[4096]; /* of the last time: file systems only become more */
	char line[40];

	text_format(line, sizeof(line), "\t%s\n", type);
	if (!strstr(text, line) && fs_read(AT_FDCWD, "/proc/filesystems", text, sizeof(text)) < 0)
		text[0] = '\0';
	return strstr(text, line);
}

/* The mount point as a descriptor: /sysroot or a real directory right below it, or an image's. */
static int open_target(const char *where, struct err *err)
{
	bool image = text_starts(where, IMAGES_MOUNTED "/");
	const char *base = image ? IMAGES_MOUNTED : SYSROOT;
	int r = image ? fs_mkdirs(AT_FDCWD, where, 0755) : 0;
	_close_ int base_fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (r < 0 || base_fd < 0)
		return err_set(err, E_MOUNT, r < 0 ? -r : errno, "%s: %s", base,
			       strerror(r < 0 ? -r : errno));
	if (strcmp(where, base) == 0)
		return take_fd(&base_fd);
	if (!image && !text_starts(where, SYSROOT "/"))
		return err_set(err, E_INTERNAL, EINVAL, "%s is not below %s", where, base);
	r = fs_open_resolved(base_fd, where + strlen(base) + 1, O_PATH | O_DIRECTORY,
			     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	return r < 0 ? err_set(err, E_MOUNT, -r, "%s: %s", where, strerror(-r)) : r;
}

static int mount_at(const char *source, const char *where, const char *type, unsigned long flags,
		    const char *options, struct err *err)
{
	_close_ int target = open_target(where, err);
	char path[40];

	if (target < 0)
		return target;
	text_format(path, sizeof(path), "/proc/self/fd/%d", target);
	if (mount(source, path, type, flags, options) < 0)
		return err_set(err, E_MOUNT, errno, "%s (%s) at %s: %s", source, type, where,
			       strerror(errno));
	return 0;
}

/* Opens the device by its number: its live target must be the one wanted, whatever its name says. */
static int open_dm(const char *name, const char *wanted, char ret_path[DM_PATH_SIZE],
		   struct err *err)
{
	unsigned int what = DM_TABLE | (strcmp(wanted, "crypt") == 0 ? DM_WRITABLE : 0);
	char target[DM_TARGET_SIZE] = "", text[DM_TEXT_MAX];
	uint64_t dev = 0, length;
	int r = dm_status(name, what, target, &length, text, &dev, err);

	if (r == 0 && strcmp(target, wanted) != 0)
		r = err_set(err, E_DM_TABLE, EUCLEAN, "%s is %s, not %s", name, target, wanted);
	return r < 0 ? r : dm_open(dev, ret_path, err);
}

/* What failed because the blocks that were read are not the signed ones says so. */
static void blame_verity(const char *name, struct err *err)
{
	if (!dm_verity_corrupt(name))
		return;
	err->code = E_VERITY_CORRUPT;
	err_wrap(err, "%s has blocks that do not match the root hash", name);
}

/*
 * Splits rootflags=: mount(2) takes some words as flags, the others go to the file system. What
 * would make the mount writable or let devices in is dropped: only the plan's rw= does the first.
 */
static int split_options(const char *text, unsigned long *flags, char *rest, size_t size)
{
	static const struct {
		const char *word;
		unsigned long flag;
	} known[] = {
		{ "ro", 0 },
		{ "rw", 0 },
		{ "dev", 0 },
		{ "nodev", 0 },
		{ "defaults", 0 },
		{ "nosuid", MS_NOSUID },
		{ "noexec", MS_NOEXEC },
		{ "noatime", MS_NOATIME },
		{ "nodiratime", MS_NODIRATIME },
		{ "relatime", MS_RELATIME },
	};

	for (const char *word = text, *end; *word; word = *end ? end + 1 : end) {
		size_t i = 0, len, used = strlen(rest);

		end = strchrnul(word, ',');
		len = (size_t)(end - word);
		while (i < ARRAY_SIZE(known) &&
		       (strlen(known[i].word) != len || strncmp(known[i].word, word, len) != 0))
			i++;
		if (i < ARRAY_SIZE(known))
			*flags |= known[i].flag;
		else if (len > 0 && text_format(rest + used, size - used, "%s%.*s", used ? "," : "",
						(int)len, word) < 0)
			return -E2BIG;
	}
	return 0;
}

/* fstype= or what libblkid finds; its driver is loaded, for the kernel has no modprobe to ask. */
static const struct root_fs *find_type(const struct step *step, int fd, const char *name,
				       struct err *err)
{
	const struct root_fs *fs;
	char type[16], want[FIELDS_MAX];
	int r = fields_get(&step->args, "fstype", type, sizeof(type));

	fields_get(&step->args, "want", want, sizeof(want));
	if ((want[0] || r == -ENOENT || (r == 0 && (!type[0] || strcmp(type, "auto") == 0))) &&
	    detect(fd, name, want, type, sizeof(type), err) < 0) {
		blame_verity(name, err);
		return NULL;
	}
	fs = root_fs_find(type); /* of a name that is too long, type is empty */
	if (!fs)
		err_set(err, E_FS_TYPE, ENOTSUP, "%s: fstype %s may not hold a root", name, type);
	else if (!kernel_has(type) && drivers_load_module(type, err) < 0)
		return NULL;
	return fs;
}

/*
 * What the hand-over reads first: a bad block there must show now, while an older version can still
 * be taken. The pages stay in the cache, so init starts no later for it.
 */
static int read_init(const char *name, const char *where, struct err *err)
{
	static const char *const inits[] = { "sbin/init", "usr/lib/systemd/systemd",
					     "lib/systemd/systemd" };
	_close_ int root_fd = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
	static char block[1 << 16];

	for (size_t i = 0; root_fd >= 0 && i < ARRAY_SIZE(inits); i++) {
		_close_ int fd = fs_open_resolved(root_fd, inits[i], O_RDONLY | O_NONBLOCK,
						  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
		struct stat st;
		ssize_t n = fd == -EIO ? -EIO : 0;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			for (off_t at = 0; at < INIT_READ_MAX; at += n) {
				n = fs_pread(fd, block, sizeof(block), (uint64_t)at);
				if (n <= 0)
					break;
			}
		if (n < 0 || dm_verity_corrupt(name)) {
			umount2(where, MNT_DETACH);
			return err_set(err, E_VERITY_CORRUPT, EIO, "%s/%s cannot be read", where,
				       inits[i]);
		}
	}
	return 0;
}

static int mount_dm(const struct step *step, const char *kind, const char *name, const char *where,
		    struct fields *result, struct err *err)
{
	char path[DM_PATH_SIZE], options[OPTIONS_MAX], all[OPTIONS_MAX + 32] = "";
	bool crypt = strcmp(kind, "crypt") == 0;
	unsigned long flags = MS_NODEV;
	const struct root_fs *fs;
	_close_ int fd = open_dm(name, kind, path, err);
	int r;

	if (fd < 0)
		return fd;
	fs = find_type(step, fd, name, err);
	if (!fs)
		return -ENOTSUP;
	if (!crypt)
		text_copy(all, sizeof(all), fs->options); /* a journal is the owner's to replay */
	if (!crypt || !fields_are(&step->args, "rw", "yes"))
		flags |= MS_RDONLY;
	if (fields_get(&step->args, "options", options, sizeof(options)) == -E2BIG ||
	    split_options(options, &flags, all, sizeof(all)) < 0)
		return err_set(err, E_LIMIT, E2BIG, "mount options of %s are too long", name);
	r = mount_at(path, where, fs->name, flags, all, err);
	if (r < 0) {
		blame_verity(name, err);
		return r;
	}
	if (!crypt && text_starts(where, SYSROOT))
		r = read_init(name, where, err);
	return r < 0 ? r : fields_add(result, "fstype", fs->name);
}

static int mount_tmpfs(const struct step *step, const char *where, struct err *err)
{
	char options[OPTIONS_MAX];
	int r = fields_get(&step->args, "options", options, sizeof(options));

	if (r == -E2BIG)
		return err_set(err, E_LIMIT, E2BIG, "mount options of %s are too long", where);
	return mount_at("tmpfs", where, "tmpfs", MS_NODEV, r < 0 ? "mode=0755" : options, err);
}

/* What a host needs to find in a root that is only a tmpfs (systemd's base-filesystem.c). */
static int make_folders(struct err *err)
{
	static const char *const folders[] = { "usr", "dev", "proc", "sys", "run",
					       "etc", "var", "root", "home" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		char path[32];

		text_format(path, sizeof(path), SYSROOT "/%s", folders[i]);
		r = fs_mkdirs(AT_FDCWD, path, strcmp(folders[i], "root") == 0 ? 0700 : 0755);
	}
	if (r == 0)
		r = fs_mkdirs(AT_FDCWD, SYSROOT "/tmp", 0700);
	if (r == 0 && chmod(SYSROOT "/tmp", 01777) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_MOUNT, -r, "folders of the root: %s", strerror(-r)) : 0;
}

/* The merged-usr links, for what the verified /usr has; both may be symlinks themselves. */
static int make_links(struct err *err)
{
	static const char *const links[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char usr[32], path[32];
		struct stat st;

		text_format(usr, sizeof(usr), SYSROOT "/usr/%s", links[i]);
		text_format(path, sizeof(path), SYSROOT "/%s", links[i]);
		if (lstat(usr, &st) < 0)
			continue;
		if (symlink(usr + strlen(SYSROOT "/"), path) < 0)
			return err_set(err, E_MOUNT, errno, "%s: %s", path, strerror(errno));
	}
	return 0;
}

/* A root whose /usr failed makes room for an older version of both. */
static int unmount(const char *where, struct err *err)
{
	if (strcmp(where, SYSROOT) != 0)
		return err_set(err, E_INTERNAL, EINVAL, "%s is not " SYSROOT, where);
	if (umount2(where, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return err_set(err, E_MOUNT, errno, "%s: %s", where, strerror(errno));
	return 0;
}

int mount_run(const struct step *step, const struct report *report, struct fields *result,
	      struct err *err)
{
	char what[DM_NAME_SIZE], where[128], kind[16];
	int r = step_get(step, "what", what, sizeof(what), err);

	(void)report;
	if (r == 0)
		r = step_get(step, "where", where, sizeof(where), err);
	if (r == 0)
		r = step_get(step, "kind", kind, sizeof(kind), err);
	if (r < 0)
		return r;
	if (strcmp(kind, "tmpfs") == 0) {
		r = mount_tmpfs(step, where, err);
		return r < 0 ? r : make_folders(err);
	}
	if (strcmp(kind, "undo") == 0)
		return unmount(where, err);
	if (strcmp(kind, "verity") != 0 && strcmp(kind, "crypt") != 0)
		return err_set(err, E_INTERNAL, EINVAL,
			       "kind= is not verity, crypt, tmpfs or undo");
	r = mount_dm(step, kind, what, where, result, err);
	if (r < 0 && text_starts(where, IMAGES_MOUNTED "/"))
		dm_remove(what); /* nobody asks for it again */
	if (r == 0 && fields_are(&step->args, "base", "yes"))
		r = make_links(err);
	if (r == 0 && fields_are(&step->args, "scope", "initrd"))
		r = extension_scope(step, result, err);
	return r;
}
