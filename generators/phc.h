/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A password's hash in the PHC string format, "$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH"
 * (RFC 9106 for the numbers): what guards the recovery shell. It lies in the signed initrd, and who
 * has the ESP can read it, so a hash that is cheap to guess is not taken.
 */
#pragma once

#include "init/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define PHC_TEXT_MAX 256
#define PHC_BYTES_MAX 64 /* of salt and hash, each */
#define PHC_MEMORY_MIN_KIB 8192
#define PHC_MEMORY_MAX_KIB (512 * 1024)
#define PHC_PASSES_MAX 32
#define PHC_LANES_MAX 16
#define PHC_SALT_MIN 8 /* RFC 9106, 3.1 */
#define PHC_HASH_MIN 16

struct phc {
	uint32_t memory_kib, passes, lanes;
	uint8_t salt[PHC_BYTES_MAX], hash[PHC_BYTES_MAX];
	size_t salt_size, hash_size;
};

/* Strict; 0, or -EINVAL and the reason in err (E_CMDLINE, as of all configuration). */
int phc_parse(const char *text, struct phc *ret, struct err *err);
