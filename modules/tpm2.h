/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TPM 2.0 by tpm2-tss: the kernel's resource manager, and no other way to it. */
#pragma once

#include "generators/sources/tpm2_token.h"
#include "init/base/err.h"
#include "modules/tpm2_expect.h"

#include <stdbool.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>

#define TPM2_DEVICE "/dev/tpmrm0"
#define TPM2_PCR_MAX 23
#define TPM2_BANKS_MAX 8
#define TPM2_DIGEST_MAX 64

#define TPM2_LOG_FOLDER "/run/log/systemd"
#define TPM2_EVENT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

struct tpm2 {
	ESYS_CONTEXT *esys;
	TSS2_TCTI_CONTEXT *tcti;
	const char *log_folder; /* of the userspace measurement log */
	const char *event_log;	/* the firmware's */
	struct {
		bool known, transient; /* made from a template: to be flushed */
		ESYS_TR handle;
		enum tpm2_primary primary; /* the template, where srk is empty */
		size_t size;
		uint8_t srk[TPM2_TOKEN_SRK_MAX]; /* as the tokens have it */
	} primary;				 /* see modules/tpm2_srk.h */
};

/* Whether the kernel has a TPM at all, even one whose node is not there yet. */
bool tpm2_present(void);

/* 0 or -errno with E_MEASURE; tpm2_close() is due either way. */
int tpm2_open(struct tpm2 *tpm, struct err *err);
void tpm2_close(struct tpm2 *tpm);
/* The same over a TCTI that is already made, from malloc(): /init has the device only. */
int tpm2_start(struct tpm2 *tpm, TSS2_TCTI_CONTEXT *tcti, struct err *err);

/*
 * Says in err what the TPM answered. -ESTALE: a PCR changed; -EAGAIN: busy; -EBUSY: lockout;
 * -EACCES: wrong authorization; -EPERM: policy; -ENOENT: no such object; -EKEYREJECTED: foreign
 * object or wrong signature; -EIO: all else.
 */
int tpm2_error(struct err *err, enum err_code code, const char *what, TSS2_RC rc);

/*
 * The active banks that have the PCR; at least one. A bank of an unknown algorithm is an error:
 * left alone, it would stay as it was for whoever seals to it (threat A05).
 */
int tpm2_pcr_banks(struct tpm2 *tpm, unsigned int pcr, struct tpm2_bank ret[TPM2_BANKS_MAX],
		   size_t *ret_n, struct err *err);
/*
 * The bank of that name, which must have all PCRs of the mask: one that is not active is an empty
 * selection to the TPM, and binds to nothing. sha1 is refused, with E_TOKEN.
 */
int tpm2_bank_active(struct tpm2 *tpm, const char *name, uint32_t pcrs, struct tpm2_bank *ret,
		     struct err *err);
/* As few commands as the TPM allows; ret[i] belongs to banks[i]. */
int tpm2_pcr_read_banks(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *banks, size_t n,
			uint8_t ret[][TPM2_DIGEST_MAX], struct err *err);
/* Writes bank->size bytes. */
int tpm2_pcr_read(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *bank, uint8_t *ret,
		  struct err *err);
/* One command for all banks; digests[i] belongs to banks[i]. Never sent twice. */
int tpm2_pcr_extend(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *banks,
		    uint8_t digests[][TPM2_DIGEST_MAX], size_t n, struct err *err);
/* 0 where the PCR is zero in every active bank: nothing was measured into it since the reset. */
int tpm2_pcr_pristine(struct tpm2 *tpm, unsigned int pcr, struct err *err);
