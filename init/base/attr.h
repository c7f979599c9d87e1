/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleanup by attribute: a resource is released where its variable leaves its scope. */
#pragma once

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _noreturn_ __attribute__((noreturn))
#define _const_ __attribute__((const))

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void free_ptr(void *ptr)
{
	free(*(void **)ptr);
}

/* Hands the descriptor to the caller; the variable's cleanup then does nothing. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define _close_ _cleanup_(close_fd)
#define _closedir_ _cleanup_(close_dir)
#define _free_ _cleanup_(free_ptr)
