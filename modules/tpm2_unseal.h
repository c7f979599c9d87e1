/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unseals the secret of a "systemd-tpm2" token, for a forked child only. The caller has held the
 * LUKS2 header to its profile and knows that PCR 15 is pristine (tpm2_pcr_pristine()).
 */
#pragma once

#include "generators/sources/tpm2_token.h"
#include "modules/tpm2.h"

#define TPM2_SECRET_MAX 128 /* MAX_SYM_DATA, TPM 2.0 part 2, 11.1.11 */

struct tpm2_unseal_inputs {
	const char *signatures; /* /.extra/tpm2-pcr-signature.json, or NULL */
	size_t signatures_size;
	const uint8_t *public_key; /* PEM of /.extra, for a token without; or NULL */
	size_t public_key_size;
	const struct pcrlocks *locks; /* or NULL */
	const char *pin;	      /* or NULL */
	uint64_t kdf_memory_kib;      /* the most that may be taken to derive it */
};

/*
 * 0 and the secret, in a buffer of TPM2_SECRET_MAX bytes that the caller has locked and will wipe;
 * LUKS2's passphrase is its base64. On failure the buffer is wiped, and err says E_UNSEAL, E_TOKEN,
 * E_PCR_SIGNATURE, E_PCRLOCK or E_LOCKOUT; -EACCES: a PIN is needed or wrong, and another may be asked for.
 */
int tpm2_unseal(struct tpm2 *tpm, const struct tpm2_token *token,
		const struct tpm2_unseal_inputs *in, uint8_t ret_secret[TPM2_SECRET_MAX],
		size_t *ret_size, struct err *err);
