/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a child tells of PCRs fits what PID 1 reads of a job, whatever the header's tokens ask for. */
#include "init/job.h"
#include "modules/tpm2_explain.h"
#include "modules/unlock.h"
#include "tests/unit/test.h"

static size_t written, lines;

/* In the place of the one that writes to PID 1's pipe (modules/verbs.c). */
int report_fact(const struct report *report, enum fact_kind kind, const char *subject,
		const struct fields *fields)
{
	(void)report;
	CHECK_INT(kind, FACT_PCR);
	written += strlen("0 - pcr  \n") + strlen(subject) + strlen(fields->text);
	lines++;
	return 0;
}

TEST(report_of_all_tokens_fits)
{
	static struct tpm2_explanation all = { .bank = "sha512", .n = EXPECT_PCRS };
	static struct unlock u;
	size_t one;

	u.step = "key-root";
	for (unsigned int i = 0; i < EXPECT_PCRS; i++) {
		struct tpm2_pcr_note *note = &all.notes[i];

		note->pcr = i;
		memset(note->value, 'f', sizeof(note->value) - 1);
		memset(note->expected, 'e', sizeof(note->expected) - 1);
		memset(note->event, '%', sizeof(note->event) - 1); /* is written as three */
		note->unexplained = true;
	}
	unlock_report_pcrs(&u, 0, &all);
	CHECK_INT(lines, EXPECT_PCRS);
	one = written;
	/* without a limit, as many as a header may have would be too much */
	CHECK(one * LUKS2_TOKENS_MAX > JOB_OUTPUT_MAX);
	for (unsigned int token = 1; token < LUKS2_TOKENS_MAX; token++)
		unlock_report_pcrs(&u, token, &all);
	CHECK(lines >= 2 * EXPECT_PCRS && written < JOB_OUTPUT_MAX / 2);
}
