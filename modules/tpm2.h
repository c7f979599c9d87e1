/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TPM 2.0 by tpm2-tss: the kernel's resource manager, and no other way to it. */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>

#define TPM2_DEVICE "/dev/tpmrm0"
#define TPM2_PCR_MAX 23
#define TPM2_BANKS_MAX 8
#define TPM2_DIGEST_MAX 64

struct tpm2 {
	ESYS_CONTEXT *esys;
	TSS2_TCTI_CONTEXT *tcti;
};

/* One active bank of a PCR. */
struct tpm2_bank {
	TPMI_ALG_HASH alg;
	const char *name; /* as OpenSSL and systemd call it: "sha256" */
	unsigned int size;
};

/* Whether the kernel has a TPM at all, even one whose node is not there yet. */
bool tpm2_present(void);

/* 0 or -errno with E_MEASURE; tpm2_close() is due either way. */
int tpm2_open(struct tpm2 *tpm, struct err *err);
void tpm2_close(struct tpm2 *tpm);

/*
 * The active banks that have the PCR; at least one. A bank of an unknown algorithm is an error:
 * left alone, it would stay as it was for whoever seals to it (threat A05).
 */
int tpm2_pcr_banks(struct tpm2 *tpm, unsigned int pcr, struct tpm2_bank ret[TPM2_BANKS_MAX],
		   size_t *ret_n, struct err *err);
/* Writes bank->size bytes. */
int tpm2_pcr_read(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *bank, uint8_t *ret,
		  struct err *err);
/* One command for all banks; digests[i] belongs to banks[i]. Never sent twice. */
int tpm2_pcr_extend(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *banks,
		    uint8_t digests[][TPM2_DIGEST_MAX], size_t n, struct err *err);
