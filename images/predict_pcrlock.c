/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A token that systemd-pcrlock governs: each PCR of the policy must come to one of the values that it
 * allows. That the NV index holds this very policy is taken from who keeps both, systemd-pcrlock.
 */
#include "images/predict.h"
#include "init/base/bytes.h"

#include <errno.h>
#include <string.h>

int predict_pcrlock(struct prediction *prediction, uint8_t *json, size_t size, struct err *err)
{
	static struct pcrlock lock;
	int r = pcrlock_parse((const char *)json, size, &lock, err);

	prediction->lock = r < 0 ? NULL : &lock;
	return r;
}

static bool is_allowed(const struct pcrlock *lock, unsigned int pcr, const uint8_t *value)
{
	for (size_t i = 0; i < lock->n_values[pcr]; i++)
		if (memcmp(lock->values[pcr][i], value, lock->digest_size) == 0)
			return true;
	return false;
}

enum verdict predict_pcrlock_token(const struct prediction *prediction,
				   const struct tpm2_token *token, struct err *why)
{
	const struct pcrlock *lock = prediction->lock;
	const struct predict_bank *bank = lock ? predict_bank_named(prediction, lock->bank) : NULL;
	char hex[2 * EXPECT_DIGEST_MAX + 1];

	if (!bank)
		err_set(why, E_PCRLOCK, ENODATA,
			"its pcrlock policy is not known: give it with --tpm2-pcrlock");
	else if (!pcrlock_is_of(lock, token))
		err_set(why, E_PCRLOCK, ENOENT, "the pcrlock policy is of another SRK or NV index");
	else if (token->pcrs)
		err_set(why, E_TOKEN, ENOTSUP, "literal PCRs beside pcrlock are not predicted");
	if (!bank || !pcrlock_is_of(lock, token) || token->pcrs ||
	    !predict_knows(prediction, bank, lock->pcrs, why))
		return VERDICT_UNKNOWN;
	for (unsigned int pcr = 0; pcr < PCRLOCK_PCRS; pcr++) {
		if (!(lock->pcrs >> pcr & 1) || is_allowed(lock, pcr, bank->values[pcr]))
			continue;
		hex_encode(bank->values[pcr], lock->digest_size, hex);
		err_set(why, E_UNSEAL, EPERM, "pcrlock allows PCR %u of %s other values than %s",
			pcr, lock->bank, hex);
		return VERDICT_NO;
	}
	return VERDICT_YES;
}
