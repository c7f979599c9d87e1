/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd-stub leaves in /.extra for the host besides images and credentials, carried over to where
 * the host's systemd looks for it (tmpfiles.d/20-systemd-stub.conf): the initrd, and /.extra with it, is
 * deleted at the hand-over. Nothing is read here but to be copied.
 */
#include "generators/stub_file.h"
#include "init/base/fs.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define STUB_FILE_MAX (1U << 20)
static uint8_t data[STUB_FILE_MAX + 1]; /* of this child, which ends after one */

/* 1: it is there now; 0: the stub gave none; or -errno. */
static int carry(int extra_fd, size_t i)
{
	_close_ int from = openat(extra_fd, stub_files[i].name,
				  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;
	int r;

	if (from < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	n = fs_pread(from, data, sizeof(data), 0);
	if (n < 0 || n > (ssize_t)STUB_FILE_MAX)
		return n < 0 ? (int)n : -E2BIG;
	r = fs_create(AT_FDCWD, stub_files[i].to, data, (size_t)n, stub_files[i].mode);
	explicit_bzero(data, (size_t)n);
	return r < 0 ? r : 1;
}

int stub_run(const struct step *step, const struct report *report, struct fields *result,
	     struct err *err)
{
	_close_ int extra_fd = open("/.extra", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fs_mkdirs(AT_FDCWD, STUB_FOLDER, 0755);
	unsigned int n = 0;

	(void)step;
	(void)report;
	if (r < 0)
		return err_set(err, E_IO, -r, "%s: %s", STUB_FOLDER, strerror(-r));
	for (size_t i = 0; i < STUB_FILES; i++) {
		r = carry(extra_fd, i);
		if (r < 0)
			fields_add(result, "skipped", stub_files[i].name);
		else
			n += (unsigned int)r;
	}
	return fields_addf(result, "n", "%u", n);
}
