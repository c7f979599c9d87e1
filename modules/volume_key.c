/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/volume_key.h"
#include "init/base/text.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TYPE "logon"

void volume_key_name(const char *uuid, char ret[VOLUME_KEY_NAME_SIZE])
{
	text_format(ret, VOLUME_KEY_NAME_SIZE, "cryptsetup:%s-d0", uuid);
}

static long find(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, TYPE, name, 0);
}

int volume_key_check(const char *uuid, struct err *err)
{
	char name[VOLUME_KEY_NAME_SIZE];

	volume_key_name(uuid, name);
	return find(name) < 0
		       ? 0
		       : err_set(err, E_UNLOCK, EEXIST, "there is another volume of UUID %s", uuid);
}

int volume_key_add(const char *uuid, const void *key, size_t size, struct err *err)
{
	char name[VOLUME_KEY_NAME_SIZE];
	int r = volume_key_check(uuid, err); /* add_key(2) would replace it */

	if (r < 0)
		return r;
	volume_key_name(uuid, name);
	if (syscall(SYS_add_key, TYPE, name, key, size, KEY_SPEC_USER_KEYRING) < 0)
		return err_set(err, E_UNLOCK, errno, "add key: %s", strerror(errno));
	return 0;
}

/* Revoked, its payload is wiped whoever holds it; unlinked, its name is gone from /proc/keys. */
void volume_key_drop(const char *uuid)
{
	char name[VOLUME_KEY_NAME_SIZE];
	long key;

	volume_key_name(uuid, name);
	key = find(name);
	if (key < 0)
		return;
	syscall(SYS_keyctl, KEYCTL_REVOKE, key);
	syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
}

/* Before hand-over nothing else is in this keyring; what is in none is wiped by the kernel. */
void volume_key_drop_all(void)
{
	syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_USER_KEYRING);
}
