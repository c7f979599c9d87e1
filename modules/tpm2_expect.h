/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a TPM would compute, without one: PCR values and policy digests (TPM 2.0 part 1, 11.4 and 19.7). */
#pragma once

#include "generators/sources/eventlog.h"

#include <stddef.h>
#include <stdint.h>

#define EXPECT_PCRS EVENTLOG_PCRS
#define EXPECT_DIGEST_MAX 64
#define EXPECT_POLICY 32 /* sha256, which systemd's policies are of */

/* systemd-pcrphase(8): in this order, each extends PCR 11, lintel's own "enter-initrd" first. */
#define EXPECT_PHASES 6
extern const char *const expect_phases[EXPECT_PHASES];

/* A bank of PCRs. */
struct tpm2_bank {
	uint16_t alg;	  /* TPM_ALG_ID */
	const char *name; /* as OpenSSL and systemd call it: "sha256" */
	unsigned int size;
};

/* Those whose digests lintel can compute; sha1 is the first. */
#define TPM2_KNOWN_BANKS 4
extern const struct tpm2_bank tpm2_known_banks[TPM2_KNOWN_BANKS];
/* The bank that a token names, or sha256 where it names none, as before systemd 250; NULL: not known. */
const struct tpm2_bank *tpm2_bank_named(const char *name);

/* PCR = H(PCR || digest); 0 or -EIO. */
int expect_extend(const struct tpm2_bank *bank, uint8_t value[EXPECT_DIGEST_MAX],
		  const uint8_t *digest);
/* The same with the digest of a word. */
int expect_extend_word(const struct tpm2_bank *bank, uint8_t value[EXPECT_DIGEST_MAX],
		       const char *word);
/* The PCR after the first n events of the log, its other PCRs' among them; 0 or -EIO. */
int expect_replay(const struct tpm2_bank *bank, const struct eventlog *log, unsigned int pcr,
		  uint32_t n, uint8_t ret[EXPECT_DIGEST_MAX]);

/* PolicyUpdate(): digest = H(digest || command || rest); 0, -E2BIG or -EIO. */
int expect_policy(uint8_t digest[EXPECT_POLICY], uint32_t command, const uint8_t *rest,
		  size_t size);
/* TPM2_PolicyPCR over a mask of PCRs. */
int expect_policy_pcrs(uint8_t digest[EXPECT_POLICY], const struct tpm2_bank *bank, uint32_t pcrs,
		       const uint8_t values[EXPECT_PCRS][EXPECT_DIGEST_MAX]);
/*
 * systemd 262's policyRef: the SHA-256 of a name, or nothing where that is empty. Returns the bytes, 0 or
 * EXPECT_POLICY; -EIO.
 */
int expect_policy_ref(const char *name, uint8_t ret[EXPECT_POLICY]);
/* TPM2_PolicyAuthorize by the key of that TPM name, with the policyRef of ref; after what it has signed. */
int expect_policy_authorize(uint8_t digest[EXPECT_POLICY], const uint8_t *name, size_t size,
			    const char *ref);
int expect_policy_auth_value(uint8_t digest[EXPECT_POLICY]);
