/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PCRs that a machine's firmware and stub extend, as its last boot's event log has them. */
#include "images/predict.h"

#include <errno.h>
#include <string.h>

/* Of the firmware, its boot manager and the stub. 10 is IMA's, 16 and up are no boot's. */
#define REPLAYED 0x73ffU
/* The UKI as a program, its initrd and command line: those of the next boot only if it is the same. */
#define UKI_PCRS (1U << 4 | 1U << 9)

/* Whether the log is of a boot of the very UKI that is asked about. */
static int same_uki(const struct predict_bank *bank, const struct eventlog *log, bool *ret)
{
	uint8_t value[EXPECT_DIGEST_MAX];
	int r = expect_replay(&bank->bank, log, 11, log->n, value);

	if (r == 0)
		r = expect_extend_word(&bank->bank, value, "enter-initrd");
	*ret = r == 0 && memcmp(value, bank->values[11], bank->bank.size) == 0;
	return r;
}

static int take_bank(struct prediction *prediction, struct predict_bank *bank,
		     const struct eventlog *log)
{
	uint32_t pcrs = REPLAYED & ~(1U << 11);
	bool same;
	int r = same_uki(bank, log, &same);

	if (!same) {
		pcrs &= ~UKI_PCRS;
		prediction->other_uki = true;
	}
	for (unsigned int pcr = 0; pcr < EXPECT_PCRS && r == 0; pcr++)
		if (pcrs >> pcr & 1)
			r = expect_replay(&bank->bank, log, pcr, log->n, bank->values[pcr]);
	bank->known |= pcrs;
	return r;
}

int predict_eventlog(struct prediction *prediction, const uint8_t *bytes, size_t size,
		     struct err *err)
{
	static struct eventlog log;
	size_t found = 0;

	for (size_t i = 0; i < PREDICT_BANKS; i++) {
		struct predict_bank *bank = &prediction->banks[i];
		int r = eventlog_parse(bytes, size, bank->bank.alg, &log, err);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (log.digest_size != bank->bank.size)
			return err_set(err, E_FACTS, EINVAL,
				       "the TPM's event log has %u bytes for a digest of %s",
				       log.digest_size, bank->bank.name);
		if (take_bank(prediction, bank, &log) < 0)
			return err_set(err, E_INTERNAL, EIO, "%s cannot be computed",
				       bank->bank.name);
		found++;
	}
	return found > 0 ? 0 : -EINVAL; /* err is of the last bank that it has not */
}
