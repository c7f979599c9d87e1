/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a PIN is made into, before the TPM is asked and after; for a forked child only. */
#pragma once

#include "generators/sources/tpm2_token.h"
#include "modules/tpm2.h"

/* To be locked and wiped by the caller. */
struct tpm2_pin {
	TPM2B_AUTH auth; /* the sealed object's authValue */
	uint8_t key[32]; /* of Argon2id: what is unsealed is nothing without it */
};

/* kdf_memory_kib: the most that the derivation may take. 0; -EACCES, -ENOMEM or -EIO with err. */
int tpm2_pin_derive(const struct tpm2_token *token, const char *pin, uint64_t kdf_memory_kib,
		    struct tpm2_pin *ret, struct err *err);

/* What opens the key slot, in the place of what was unsealed; that itself where Argon2id has no part. */
int tpm2_pin_finish(const struct tpm2_token *token, const struct tpm2_pin *pin, uint8_t *secret,
		    size_t *size, struct err *err);
