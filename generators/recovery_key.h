/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recovery keys of systemd-cryptenroll(1), as src/shared/recovery-key.c of systemd makes them. */
#pragma once

#include <stdbool.h>

#define RECOVERY_KEY_BYTES 32
#define RECOVERY_KEY_DIGITS (2 * RECOVERY_KEY_BYTES)
#define RECOVERY_KEY_GROUP 8 /* digits between two dashes */
#define RECOVERY_KEY_SIZE (RECOVERY_KEY_DIGITS + RECOVERY_KEY_DIGITS / RECOVERY_KEY_GROUP) /* NUL */

/*
 * Whether what was typed is a recovery key: 64 modhex digits, with all of the seven dashes between
 * groups of eight or with none. ret is then how the key slot wants it: small letters and dashes.
 */
bool recovery_key_normalize(const char *typed, char ret[RECOVERY_KEY_SIZE]);
