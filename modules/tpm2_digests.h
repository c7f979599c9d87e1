/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The digests of one event, one for each active bank, between the child that computes them and the
 * one that extends them. Of a volume key they are HMACs, which stand in the measurement log anyway.
 */
#pragma once

#include "modules/tpm2.h"

#define TPM2_DIGESTS_TEXT 512

struct tpm2_digests {
	size_t n;
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	uint8_t values[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
};

/* "sha1:HEX,sha256:HEX"; 0 or -E2BIG. */
int tpm2_digests_format(const struct tpm2_digests *digests, char *ret, size_t size);
/* Of just the banks that are given, in their order; 0, or -EINVAL with E_MEASURE. */
int tpm2_digests_parse(const char *text, const struct tpm2_bank *banks, size_t n_banks,
		       struct tpm2_digests *ret, struct err *err);
