/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policies that systemd seals to, replayed in a policy session in its order. */
#pragma once

#include "generators/sources/tpm2_token.h"
#include "modules/tpm2.h"

/* The key of signed PCR policies, as systemd loads it: its TPM name is part of the policy. */
struct tpm2_policy_key {
	TPM2B_PUBLIC public;
	uint8_t fingerprint[32]; /* SHA-256 of the DER key, as in the signature file */
};

/* From PEM; RSA or a NIST curve. 0, or -EINVAL with E_TOKEN. */
int tpm2_policy_key(const uint8_t *pem, size_t size, struct tpm2_policy_key *ret, struct err *err);

struct tpm2_policy {
	struct tpm2 *tpm;
	ESYS_TR session;
	const struct tpm2_bank *bank;
	const struct tpm2_policy_key *key; /* of pubkey_pcrs */
	const char *ref;		   /* and the name that was signed with them; "" */
	uint32_t pcrs, pubkey_pcrs;	   /* masks: literal, signed */
	bool pin;
	const struct tpm2_token *token; /* of a pcrlock policy; or NULL */
	const struct pcrlocks *locks;
	const char *signatures; /* the JSON of /.extra/tpm2-pcr-signature.json */
	size_t signatures_size;
};

/*
 * Signed PCRs, pcrlock, literal PCRs, PIN: the order of tpm2_build_sealing_policy(). Returns the
 * session's policy digest. 0, -ENOENT/-EINVAL with E_PCR_SIGNATURE or E_PCRLOCK, or what tpm2_error()
 * returns.
 */
int tpm2_policy_build(const struct tpm2_policy *policy, TPM2B_DIGEST *ret, struct err *err);

/* Steps of it: TPM2_PolicyPCR with what is in the PCRs, and the session's digest so far. */
int tpm2_policy_pcrs(const struct tpm2_policy *policy, const struct tpm2_bank *bank, uint32_t pcrs,
		     struct err *err);
int tpm2_policy_digest(const struct tpm2_policy *policy, TPM2B_DIGEST *ret, struct err *err);
