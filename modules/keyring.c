/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/keyring.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One line of /proc/keys, proc_keys_show(): "1a2b3c4d I------     1 perm 1f0f0000 0 0 keyring   .platform: 3" */
static bool is_trusted_ring(const char *line)
{
	static const char *const names[] = { ".builtin_trusted_keys:", ".secondary_trusted_keys:",
					     ".machine:", ".platform:" };
	const char *at = strstr(line, " keyring ");

	if (!at)
		return false;
	at += strlen(" keyring ");
	at += strspn(at, " ");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (text_starts(at, names[i]))
			return true;
	return false;
}

/* A key that is there and may not be read is another error than none. */
static bool has(unsigned long ring, const char *description)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, (int)ring, "asymmetric", description, 0) >= 0 ||
	       errno != ENOKEY;
}

static bool may_have(const uint8_t *id, size_t size)
{
	static char description[3 + 2 * KEYRING_ID_MAX + 1] = "ex:";
	FILE *keys = fopen("/proc/keys", "re");
	bool found = false, any = false;
	char line[512];

	if (!keys)
		return true;
	hex_encode(id, size, description + 3);
	while (!found && fgets(line, sizeof(line), keys)) {
		if (!is_trusted_ring(line))
			continue;
		any = true;
		found = has(strtoul(line, NULL, 16), description);
	}
	fclose(keys);
	return found || !any;
}

/* Images that share a child have one signer mostly, and the kernel's answer stays the same. */
bool keyring_may_have(const uint8_t *id, size_t size)
{
	static uint8_t last[KEYRING_ID_MAX];
	static size_t last_size;
	static bool answer;

	if (size == 0 || size > KEYRING_ID_MAX)
		return true;
	if (size != last_size || memcmp(id, last, size) != 0) {
		memcpy(last, id, size);
		last_size = size;
		answer = may_have(id, size);
	}
	return answer;
}
