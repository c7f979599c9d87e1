/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The string of systemd's measurement of a volume key, by its src/shared/pcrextend-util.c. Those of
 * the machine ID and of file systems are the host's to make: systemd-pcrmachine.service and
 * systemd-pcrfs@.service have ConditionPathExists=!/etc/initrd-release.
 */
#include "init/base/text.h"
#include "modules/tpm2_measure.h"

#include <errno.h>
#include <string.h>

/*
 * Appends ":value" or the first word. A colon, a backslash and what is not printable ASCII becomes
 * \xNN (systemd's xescape()), so that no label can pass for the next field.
 */
static int add_field(char ret[TPM2_EVENT_SIZE], const char *value)
{
	size_t used = strlen(ret);
	int r = 0;

	if (used)
		r = text_copy(ret + used, TPM2_EVENT_SIZE - used, ":");
	for (const char *c = value ? value : ""; *c && r == 0; c++) {
		bool plain = *c >= ' ' && *c < 127 && *c != '\\' && *c != ':';

		used = strlen(ret);
		r = text_format(ret + used, TPM2_EVENT_SIZE - used, plain ? "%c" : "\\x%02x",
				plain ? *c : (unsigned char)*c);
	}
	return r;
}

static int join(char ret[TPM2_EVENT_SIZE], const char *const *fields, size_t n)
{
	int r = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_field(ret, fields[i]);
	return r;
}

int tpm2_volume_word(const char *name, const char *uuid, char ret[TPM2_EVENT_SIZE])
{
	const char *fields[] = { "cryptsetup", name, uuid };

	return join(ret, fields, ARRAY_SIZE(fields));
}
