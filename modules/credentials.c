/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credentials that the stub found on the ESP, for the host's service manager: encrypted, and from
 * nowhere that is trusted, so nothing here reads or uses one. Names, limits and modes are systemd's
 * (src/core/import-creds.c). Those of SMBIOS, fw_cfg and the command line the host takes itself.
 */
#include "generators/sources/extension.h"
#include "init/base/fs.h"
#include "init/base/log.h"
#include "init/base/text.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define PARENT "/run/credentials"
#define TARGET PARENT "/@encrypted"
#define ALL_MAX (UINT64_C(1) << 20) /* CREDENTIALS_TOTAL_SIZE_MAX; a single one may be as large */

struct import {
	int fd; /* of TARGET */
	uint64_t sum;
	unsigned int n, skipped;
	char why[160]; /* the last that was skipped */
};

/* The first of two of one name stays: the boot entry's folder is read before the global one. */
static int copy_one(struct import *import, int dir_fd, const char *file, const char *name)
{
	static char data[ALL_MAX + 1];
	_close_ int from = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_close_ int to = -1;
	struct stat st;
	ssize_t n;
	int r;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	n = fs_pread(from, data, sizeof(data), 0);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n > ALL_MAX - import->sum)
		return -E2BIG;
	to = openat(import->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (to < 0)
		return -errno;
	r = fs_write_all(to, data, (size_t)n);
	if (r < 0) {
		unlinkat(import->fd, name, 0);
		return r;
	}
	import->sum += (uint64_t)n;
	import->n++;
	return 0;
}

static void import_folder(struct import *import, const char *path)
{
	_closedir_ DIR *dir = opendir(path);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		size_t len = strlen(entry->d_name);
		char name[NAME_MAX + 1];
		int r = -EINVAL;

		if (len <= 5 || strcmp(entry->d_name + len - 5, ".cred") != 0)
			continue;
		text_format(name, sizeof(name), "%.*s", (int)len - 5, entry->d_name);
		if (credential_name_valid(name))
			r = copy_one(import, dirfd(dir), entry->d_name, name);
		if (r == 0 || r == -EEXIST)
			continue;
		import->skipped++;
		text_encode(entry->d_name, name, sizeof(name));
		text_format(import->why, sizeof(import->why), "%.100s: %s", name,
			    r == -EINVAL ? "not a credential's name" : strerror(-r));
	}
}

/* A mount point of its own, read-only from now on. */
static int seal(struct err *err)
{
	const unsigned long flags = MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY;

	if (mount(TARGET, TARGET, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, TARGET, NULL, MS_BIND | MS_REMOUNT | flags, NULL) < 0)
		return err_set(err, E_MOUNT, errno, TARGET ": %s", strerror(errno));
	return 0;
}

int credentials_run(const struct step *step, const struct report *report, struct fields *result,
		    struct err *err)
{
	struct import import = { .fd = -1 };
	_close_ int fd = -1;
	int r = fs_mkdirs(AT_FDCWD, PARENT, 0755);

	(void)step;
	(void)report;
	if (r == 0)
		r = fs_mkdirs(AT_FDCWD, TARGET, 0700);
	fd = import.fd = open(TARGET, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r < 0 || fd < 0)
		return err_set(err, E_IO, r < 0 ? -r : errno, TARGET ": %s",
			       strerror(r < 0 ? -r : errno));
	import_folder(&import, "/.extra/credentials");
	import_folder(&import, "/.extra/global_credentials");
	r = seal(err);
	if (r == 0 && import.skipped > 0)
		log_line(5, "%s: %u credentials skipped, the last: %s", err_name(E_CREDENTIAL),
			 import.skipped, import.why);
	if (r == 0 && import.skipped > 0)
		r = fields_addf(result, "skipped", "%u", import.skipped);
	return r < 0 ? r : fields_addf(result, "n", "%u", import.n);
}
