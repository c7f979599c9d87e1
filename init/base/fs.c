/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define RESOLVE_TRIES 100

/* What comes at once with a newline behind it is all of /sys's and /proc's lines: a read is saved. */
static ssize_t read_all(int dir_fd, const char *path, bool line, void *ret, size_t size)
{
	_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = ret;
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (n == 0 || (line && len < size && text[len - 1] == '\n')) {
			text[len] = '\0';
			return (ssize_t)len;
		}
	}
	return -E2BIG;
}

ssize_t fs_read(int dir_fd, const char *path, void *ret, size_t size)
{
	return read_all(dir_fd, path, false, ret, size);
}

ssize_t fs_read_line(int dir_fd, const char *path, char *ret, size_t size)
{
	ssize_t n = read_all(dir_fd, path, true, ret, size);

	if (n < 0)
		return n;
	if (n > 0 && ret[n - 1] == '\n')
		ret[--n] = '\0';
	return memchr(ret, '\0', (size_t)n) ? -EINVAL : n;
}

int fs_write_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int fs_write(int dir_fd, const char *path, const char *text)
{
	_close_ int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fs_write_all(fd, text, strlen(text));
}

int fs_create(int dir_fd, const char *path, const void *data, size_t size, mode_t mode)
{
	_close_ int fd =
		openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fs_write_all(fd, data, size);
}

int fs_mkdirs(int dir_fd, const char *path, mode_t mode)
{
	char part[256];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	if (mkdirat(dir_fd, path, mode) == 0 || errno == EEXIST)
		return 0;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(dir_fd, part, mode) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

ssize_t fs_pread(int fd, void *ret, size_t size, uint64_t offset)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = pread(fd, (char *)ret + len, size - len, (off_t)(offset + len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

uint64_t clock_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int fs_open_resolved(int dir_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	const struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	long fd = -1;

	errno = EAGAIN;
	for (int tries = 0; tries < RESOLVE_TRIES && fd < 0 && errno == EAGAIN; tries++)
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}
