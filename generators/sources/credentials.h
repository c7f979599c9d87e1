/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credentials that the machine's owner or a VM's manager gives in plain text: systemd's names and
 * forms (src/core/import-creds.c), SMBIOS 3.x for the table. All is hostile; a child reads it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CREDENTIALS_SIZE_MAX (UINT64_C(1) << 20) /* of one, and of all together */
#define SMBIOS_TABLE_MAX (4U << 20)

struct credential {
	char name[256];	  /* valid, see credential_name_valid() */
	const char *text; /* inside the string that was read */
	size_t size;
	bool base64;
};

/*
 * An OEM string as a credential: "io.systemd.credential:NAME=TEXT" or with "credential.binary:" and
 * base64. 0; -ENOENT where it is none; -EINVAL where the name or the form is not acceptable: then
 * ret->name is what stands there, encoded and cut.
 */
int credential_of_string(const char *text, size_t size, struct credential *ret);
/* The value of systemd.set_credential[_binary]=, "NAME:TEXT". 0 or -EINVAL as above. */
int credential_of_word(const char *text, size_t size, bool base64, struct credential *ret);

/* The bytes of the value, at most max. Their number, -EINVAL (no base64) or -E2BIG. */
long credential_data(const struct credential *credential, uint8_t *ret, size_t max);

/*
 * Whether one that came in plain text from outside the UKI may go on to the host. Not what opens a
 * volume, is run or says what runs, mounts or logs in without a question (systemd.system-credentials(7)).
 */
bool credential_plain_allowed(const char *name);

/* Each string of each OEM structure (type 11), in order, until the callback returns < 0. */
int smbios_oem_strings(const uint8_t *table, size_t size,
		       int (*callback)(const char *text, size_t size, void *data), void *data);
