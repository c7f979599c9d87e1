/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_cap.h"
#include "init/base/bytes.h"
#include "modules/tpm2_measure.h"

#include <errno.h>

int tpm2_cap(struct tpm2 *tpm, struct fields *result, struct err *err)
{
	static const unsigned int pcrs[] = { 11, TPM2_PCR_SYSTEM_IDENTITY };
	char key[24], hex[2 * TPM2_DIGEST_MAX + 1];
	uint8_t values[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
	int r = 0;

	for (size_t p = 0; p < ARRAY_SIZE(pcrs) && r == 0; p++) {
		const struct tpm2_event event = { .pcr = pcrs[p],
						  .string = "recovery",
						  .type = "phase" };
		struct tpm2_bank banks[TPM2_BANKS_MAX];
		size_t n = 0;

		r = tpm2_measure(tpm, &event, banks, &n, err);
		if (r == 0)
			r = tpm2_pcr_read_banks(tpm, pcrs[p], banks, n, values, err);
		for (size_t i = 0; i < n && r == 0; i++) {
			/* the start of each value: enough to compare, and all banks fit */
			hex_encode(values[i], 8, hex);
			text_format(key, sizeof(key), "pcr%u-%s", pcrs[p], banks[i].name);
			if (fields_add(result, key, hex) < 0)
				r = err_set(err, E_LIMIT, E2BIG, "too many PCR banks");
		}
	}
	return r;
}
