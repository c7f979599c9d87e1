/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/text.h"
#include "modules/tpm2_explain.h"
#include "modules/unlock.h"

/* Of the first tokens that did not open: a job that says too much is ended, and 32 could. */
#define PCR_FACTS_MAX 96

void unlock_report_pcrs(struct unlock *u, unsigned int token, const struct tpm2_explanation *all)
{
	for (size_t i = 0; i < all->n && u->pcr_facts < PCR_FACTS_MAX; i++) {
		const struct tpm2_pcr_note *note = &all->notes[i];
		struct fields fields = { .text = "" };
		char pcr[4];

		text_format(pcr, sizeof(pcr), "%u", note->pcr);
		fields_add(&fields, "step", u->step);
		fields_addf(&fields, "token", "%u", token);
		fields_add(&fields, "bank", all->bank);
		fields_add(&fields, "value", note->value);
		if (note->expected[0])
			fields_add(&fields, "expected", note->expected);
		if (note->event[0])
			fields_add(&fields, "event", note->event);
		if (note->unexplained)
			fields_add(&fields, "log", "disagrees");
		report_fact(u->report, FACT_PCR, pcr, &fields);
		u->pcr_facts++;
	}
}
