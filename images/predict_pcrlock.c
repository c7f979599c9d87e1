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

static enum verdict unknown(struct err *why, enum err_code code, const char *text)
{
	err_set(why, code, ENODATA, "%s", text);
	return VERDICT_UNKNOWN;
}

enum verdict predict_pcrlock_token(const struct prediction *prediction,
				   const struct tpm2_token *token, struct err *why)
{
	const struct pcrlock *lock = prediction->lock;
	const struct predict_bank *bank = lock ? predict_bank_named(prediction, lock->bank) : NULL;
	char hex[2 * EXPECT_DIGEST_MAX + 1];

	if (!bank)
		return unknown(why, E_PCRLOCK,
			       "its pcrlock policy is not known: give it with --tpm2-pcrlock");
	if (!pcrlock_is_of(lock, token))
		return unknown(why, E_PCRLOCK, "the pcrlock policy is of another SRK or NV index");
	if (token->pcrs)
		return unknown(why, E_TOKEN, "literal PCRs beside pcrlock are not predicted");
	if (!predict_knows(prediction, bank, lock->pcrs, why))
		return VERDICT_UNKNOWN;
	for (unsigned int pcr = 0; pcr < PCRLOCK_PCRS; pcr++) {
		if (!(lock->pcrs >> pcr & 1) || pcrlock_allows(lock, pcr, bank->values[pcr]))
			continue;
		hex_encode(bank->values[pcr], lock->digest_size, hex);
		err_set(why, E_UNSEAL, EPERM, "pcrlock allows PCR %u of %s other values than %s",
			pcr, lock->bank, hex);
		return VERDICT_NO;
	}
	return VERDICT_YES;
}
