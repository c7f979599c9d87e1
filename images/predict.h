/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the TPM's PCRs will hold at the next boot of a UKI, and which tokens that opens. */
#pragma once

#include "images/pe.h"
#include "generators/sources/tpm2_token.h"

#include <stdbool.h>

#define PREDICT_PCRS 24
#define PREDICT_BANKS 4

struct predict_bank {
	const char *name;
	uint16_t alg; /* TPM_ALG_ID */
	size_t size;
	uint32_t known; /* mask of values */
	uint8_t values[PREDICT_PCRS][64];
};

struct prediction {
	struct predict_bank banks[PREDICT_BANKS];
	const char *signatures; /* .pcrsig, or NULL */
	size_t signatures_size;
	bool guess; /* the UKI lets the stub choose by the machine's hardware */
};

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_UNKNOWN };

/* PCR 11 as systemd-stub and then "enter-initrd" leave it, PCR 15 as yet empty. */
int predict_uki(const uint8_t *bytes, size_t size, struct prediction *ret, struct err *err);
/* "7:sha256=HEX", one a line; PCR 11 and 15 are not taken from there. 0 or -EINVAL with E_FACTS. */
int predict_pcrs(struct prediction *prediction, char *text, struct err *err);
/* Whether the token unseals, on its own TPM; why not in err. */
enum verdict predict_token(const struct prediction *prediction, const char *json, size_t size,
			   struct err *why);

/* `lintel plan DISK --uki UKI`: prints, and returns 0, 5 or 6; or -errno with err. */
int predict_main(const char *disk, const char *uki, const char *pcrs, bool json, struct err *err);
