/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounded reads and plain writes, all relative to a directory descriptor. */
#pragma once

#include "attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads a whole file of at most size-1 bytes and ends it with a NUL. Returns its length, or
 * -E2BIG where it is larger, or -errno. The descriptor is opened O_CLOEXEC.
 */
ssize_t fs_read(int dir_fd, const char *path, void *ret, size_t size);
/* The same, as one line: the trailing newline is cut; an embedded NUL is -EINVAL. */
ssize_t fs_read_line(int dir_fd, const char *path, char *ret, size_t size);
/*
 * openat2(2): resolve is of RESOLVE_…; the descriptor (O_CLOEXEC) or -errno. A mount or rename
 * anywhere at the same moment makes the kernel answer EAGAIN: then it is asked again.
 */
int fs_open_resolved(int dir_fd, const char *path, uint64_t flags, uint64_t resolve);
/* Opens for writing without O_CREAT and writes at once; 0 or -errno. For /sys and /proc. */
int fs_write(int dir_fd, const char *path, const char *text);
/* Creates or replaces; 0 or -errno. */
int fs_create(int dir_fd, const char *path, const void *data, size_t size, mode_t mode);
/* mkdir -p; 0 or -errno. */
int fs_mkdirs(int dir_fd, const char *path, mode_t mode);
/* pread until size bytes or the end; returns the bytes or -errno. */
ssize_t fs_pread(int fd, void *ret, size_t size, uint64_t offset);
/* write until all is out; 0 or -errno. */
int fs_write_all(int fd, const void *data, size_t size);
/* CLOCK_BOOTTIME in microseconds. */
uint64_t clock_usec(void);
