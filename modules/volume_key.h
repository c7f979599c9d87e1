/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Volume keys between the step that finds one and the step that maps its volume: as "logon" keys, which
 * no process can read, in the keyring of user 0. Only dm-crypt takes them from there.
 */
#pragma once

#include "init/base/err.h"

#include <stddef.h>

#define VOLUME_KEY_NAME_SIZE 64

/* "cryptsetup:UUID-d0", as libcryptsetup names it and the live table shows it. */
void volume_key_name(const char *uuid, char ret[VOLUME_KEY_NAME_SIZE]);
/* 0, or -EEXIST with E_UNLOCK: there is one of that name, as a copy of a volume has its UUID, too. */
int volume_key_check(const char *uuid, struct err *err);
/* 0 or -errno with E_UNLOCK: there is one of that name, or no room. */
int volume_key_add(const char *uuid, const void *key, size_t size, struct err *err);
/* The kernel wipes it at once; one that is not there is no matter. */
void volume_key_drop(const char *uuid);
void volume_key_drop_all(void);
