/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extension images and credentials by name and by what they say of themselves: os-release(5),
 * UAPI.4 (extension images), systemd's src/shared/extension-util.c and src/basic/os-util.c.
 */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define EXTENSION_NAME_MAX 64
#define RELEASE_TEXT_MAX 16384

/*
 * The image's name: the file's without ".raw" and, before that, ".sysext" or ".confext" of its own
 * class. False where it is no image's, too long, hidden, or has other characters than letters,
 * digits and "._+~^@=-": those need no escape in a step, a path or an overlay's options.
 */
bool extension_name(const char *file, bool confext, char ret[EXTENSION_NAME_MAX + 1]);

/* systemd's credential_name_valid(): a file name of printable ASCII without blanks and ':'. */
bool credential_name_valid(const char *name);

/*
 * The value of the last assignment of key in os-release form. 0, -ENOENT, -E2BIG, or -EINVAL where
 * a quote or an escape has no end or a NUL is inside.
 */
int release_value(const char *text, size_t size, const char *key, char *ret, size_t ret_size);

struct release {
	const char *text;
	size_t size;
};

/*
 * Whether SYSEXT_SCOPE or CONFEXT_SCOPE has the word; without one it is "system portable". 0 with
 * *ret set, or -EINVAL with E_EXTENSION.
 */
int extension_in_scope(const struct release *extension, bool confext, const char *scope, bool *ret,
		       struct err *err);

/* 0, or -EINVAL with E_EXTENSION and what does not match. */
int extension_match(const struct release *host, const struct release *extension, bool confext,
		    const char *scope, const char *arch, struct err *err);
