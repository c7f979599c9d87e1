/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A systemd-pcrlock policy as it reaches the initrd: the values that PCRs may have, as JSON
 * (tpm2_pcrlock_policy_from_json() of systemd's src/shared/tpm2-util.c), in a credential that
 * write_boot_policy_file() of src/pcrlock/pcrlock.c puts on the ESP under the null key. That proves
 * nothing and need not: the TPM compares what comes of the values with an NV index.
 */
#pragma once

#include "generators/sources/tpm2_token.h"

#define PCRLOCK_CREDENTIAL_MAX 131072 /* the file: base64 in lines */
#define PCRLOCK_JSON_MAX 65536
#define PCRLOCK_PCRS 24
#define PCRLOCK_VALUES_MAX 8 /* of one PCR: systemd's limit, for it is PolicyOR's */
#define PCRLOCK_NAME_MAX 256

struct pcrlock {
	char name[PCRLOCK_NAME_MAX]; /* of the credential */
	char bank[8];
	size_t digest_size;
	uint32_t pcrs; /* mask: those with values */
	size_t n_values[PCRLOCK_PCRS];
	uint8_t values[PCRLOCK_PCRS][PCRLOCK_VALUES_MAX][TPM2_TOKEN_DIGEST_MAX];
	size_t srk_size, nv_size; /* both serialized as in the token */
	uint8_t srk[TPM2_TOKEN_SRK_MAX], nv[TPM2_TOKEN_NV_MAX];
};

/* 0, or -EINVAL/-E2BIG/-ENOTSUP with E_PCRLOCK and the field's name. The name stays as it is. */
int pcrlock_parse(const char *json, size_t size, struct pcrlock *ret, struct err *err);

/* Whether the value, of digest_size bytes, is one that the PCR (below PCRLOCK_PCRS) may have. */
bool pcrlock_allows(const struct pcrlock *policy, unsigned int pcr, const uint8_t *value);

/* Whether it is the one of the volume's SRK and NV index: tpm2_pcrlock_policy_from_credentials(). */
bool pcrlock_is_of(const struct pcrlock *policy, const struct tpm2_token *token);

/* Of an encrypted credential (systemd's src/shared/creds-util.c): what is where in its bytes. */
struct null_credential {
	const uint8_t *iv, *cipher, *tag;
	size_t header_size, cipher_size; /* the header, from the first byte on, is authenticated */
};

#define NULL_CREDENTIAL_IV 12
#define NULL_CREDENTIAL_TAG 16

/* The name that a file of the ESP stands for: "pcrlock.….cred", in any case, as VFAT has it. */
bool pcrlock_credential_name(const char *file, char ret[PCRLOCK_NAME_MAX]);
/* Base64 in lines. The bytes, or -EINVAL/-E2BIG. */
int null_credential_decode(const char *text, size_t size, uint8_t *ret, size_t max);
/* Only what the null key encrypts: -ENOTSUP for other keys, -EINVAL. */
int null_credential_parse(const uint8_t *data, size_t size, struct null_credential *ret);
/* Where the payload begins in what was decrypted; -EINVAL, -EKEYREJECTED: it has another name. */
long null_credential_payload(const uint8_t *data, size_t size, const char *name);
