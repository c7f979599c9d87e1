/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The LUKS2 token "systemd-tpm2" (systemd's src/shared/tpm2-util.c, tpm2_make_luks2_json() and
 * tpm2_parse_luks2_json()), and the signed PCR policies of /.extra/tpm2-pcr-signature.json
 * (systemd-measure(1)). Both are hostile text: neither is covered by a signature until the TPM
 * itself has checked the policy.
 */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPM2_TOKEN_JSON_MAX 16384
#define TPM2_TOKEN_BLOB_MAX 2048 /* TPM2B_PRIVATE, TPM2B_PUBLIC, one after the other */
#define TPM2_TOKEN_PEM_MAX 4096	 /* of a public key */
#define TPM2_TOKEN_SRK_MAX 1024	 /* serialized ESYS_TR */
#define TPM2_TOKEN_NV_MAX 1024	 /* serialized ESYS_TR of the pcrlock NV index */
#define TPM2_TOKEN_SALT_MAX 64
#define TPM2_TOKEN_DIGEST_MAX 64
#define TPM2_POLICY_REF_MAX 256 /* a name, with its NUL */

enum tpm2_primary { TPM2_PRIMARY_ECC, TPM2_PRIMARY_RSA };

/* All bytes are decoded; sizes of 0 mean that the field is not there. */
struct tpm2_token {
	uint32_t keyslots;	       /* mask: 1 << keyslot */
	uint32_t pcrs;		       /* mask: literal PCRs */
	uint32_t pubkey_pcrs;	       /* mask: PCRs of the signed policy; 0: none */
	char bank[8];		       /* "sha1", "sha256", "sha384", "sha512"; empty: not named */
	enum tpm2_primary primary;     /* where there is no srk */
	char ref[TPM2_POLICY_REF_MAX]; /* of the signed policy, since systemd 262; empty: none */
	bool pin, pcrlock;
	uint32_t argon2_memory_kib, argon2_passes, argon2_lanes; /* of the PIN; 0: PBKDF2 or none */
	size_t blob_size, policy_hash_size, pubkey_size, salt_size, srk_size, nv_size;
	uint8_t blob[TPM2_TOKEN_BLOB_MAX];
	uint8_t policy_hash[TPM2_TOKEN_DIGEST_MAX];
	uint8_t pubkey[TPM2_TOKEN_PEM_MAX]; /* PEM */
	uint8_t salt[TPM2_TOKEN_SALT_MAX];
	uint8_t srk[TPM2_TOKEN_SRK_MAX];
	uint8_t nv[TPM2_TOKEN_NV_MAX];
};

/*
 * Strict: 0, or -EINVAL/-E2BIG with E_TOKEN and the field's name; -ENOTSUP with E_TOKEN where the
 * token is well-formed and needs what lintel does not do (shards, fields that it does not know).
 */
int tpm2_token_parse(const char *json, size_t size, struct tpm2_token *ret, struct err *err);

#define PCR_SIGNATURE_JSON_MAX 65536
#define PCR_SIGNATURE_MAX 1024 /* bytes of one signature */

/* Which signature is looked for: over a policy of PCRs and bank, with a name, by the key with that SHA-256. */
struct pcr_wanted {
	const char *bank, *ref; /* ref: as the token has it */
	uint32_t pcrs;
	const uint8_t *fingerprint; /* 32 bytes */
	const uint8_t *policy;	    /* NULL: any */
	size_t policy_size;
};

struct pcr_signature {
	uint8_t policy[TPM2_TOKEN_DIGEST_MAX];
	size_t policy_size, signature_size;
	uint8_t signature[PCR_SIGNATURE_MAX];
};

/*
 * The first that is wanted; a UKI has one for each phase, bank, key and kernel. 0, -ENOENT where there is
 * none, or -EINVAL/-E2BIG, with E_PCR_SIGNATURE.
 */
int pcr_signature_find(const char *json, size_t size, const struct pcr_wanted *wanted,
		       struct pcr_signature *ret, struct err *err);
