/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which PCR keeps a token shut. Its policy is one digest over all of them, so no value that was sealed
 * can be read; but earlier values of the PCRs can be had from the event log and from the phases, and
 * where the policy holds with one of those, that is what it was sealed to.
 */
#pragma once

#include "init/base/text.h"
#include "modules/tpm2_expect.h"
#include "modules/tpm2_unseal.h"

struct tpm2_pcr_note {
	unsigned int pcr;
	char value[2 * EXPECT_DIGEST_MAX + 1];
	char expected[2 * EXPECT_DIGEST_MAX + 1]; /* or empty: it may differ or not */
	char event[EVENTLOG_TEXT_MAX]; /* that led away from it, or the last one; or empty */
	bool unexplained;	       /* the log leads to another value */
};

struct tpm2_explanation {
	const char *bank;
	size_t n;
	struct tpm2_pcr_note notes[EXPECT_PCRS];
};

/*
 * After tpm2_unseal() refused: err has its code and text, which become better where more is known.
 * ret->n is 0 where the PCRs have nothing to do with it.
 */
void tpm2_explain(struct tpm2 *tpm, const struct tpm2_token *token,
		  const struct tpm2_unseal_inputs *in, struct tpm2_explanation *ret,
		  struct err *err);
