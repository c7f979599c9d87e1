/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extends a word into one PCR, as systemd-pcrextend does: the digest of the word without a NUL. */
#include "init/base/text.h"
#include "modules/tpm2_measure.h"
#include "modules/verb.h"

#include <errno.h>
#include <string.h>

#define WORD_MAX 64

static int read_arguments(const struct step *step, char word[WORD_MAX], unsigned int *ret_pcr,
			  struct err *err)
{
	uint64_t pcr = 0;
	int r = step_get(step, "word", word, WORD_MAX, err);

	if (r < 0)
		return r;
	if (!word[0] || word[strspn(word, "abcdefghijklmnopqrstuvwxyz-")] != '\0')
		return err_set(err, E_INTERNAL, EINVAL, "word=%s", word);
	if (fields_get_u64(&step->args, "pcr", &pcr) < 0 || pcr > TPM2_PCR_MAX)
		return err_set(err, E_INTERNAL, EINVAL, "pcr= is missing or no PCR");
	*ret_pcr = (unsigned int)pcr;
	return 0;
}

int measure_run(const struct step *step, const struct report *report, struct fields *result,
		struct err *err)
{
	char word[WORD_MAX], names[TPM2_BANKS_MAX * 8] = "";
	struct tpm2_event event = { .string = word, .type = "phase" };
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	struct tpm2 tpm;
	size_t n = 0;
	int r = read_arguments(step, word, &event.pcr, err);

	(void)report;
	if (r < 0)
		return r;
	if (!tpm2_present()) {
		if (!fields_are(&step->args, "required", "yes"))
			return fields_add(result, "skipped", "no-tpm");
		return err_set(err, E_MEASURE, ENODEV, "there is no TPM to measure into");
	}
	r = tpm2_open(&tpm, err);
	if (r == 0)
		r = tpm2_measure(&tpm, &event, banks, &n, err);
	tpm2_close(&tpm);
	for (size_t i = 0; i < n && r == 0; i++) {
		size_t used = strlen(names);

		r = text_format(names + used, sizeof(names) - used, "%s%s", i ? "," : "",
				banks[i].name);
	}
	return r < 0 ? r : fields_add(result, "banks", names);
}
