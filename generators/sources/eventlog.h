/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware's log of what it and the stub extended the TPM's PCRs with, in the crypto-agile form
 * of the TCG PC Client Platform Firmware Profile 1.06, section 10. Nothing vouches for it: it is
 * believed only where its digests lead to what the PCRs hold.
 */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTLOG_BYTES_MAX (1U << 20)
#define EVENTLOG_EVENTS_MAX 512
#define EVENTLOG_ALGS_MAX 8
#define EVENTLOG_DIGEST_MAX 64
#define EVENTLOG_TEXT_MAX 96
#define EVENTLOG_PCRS 24

/* One that extended a PCR: its digest in the one bank that was asked for. */
struct eventlog_event {
	uint32_t pcr;
	uint8_t digest[EVENTLOG_DIGEST_MAX];
	char text[EVENTLOG_TEXT_MAX]; /* printable ASCII: EV_IPL "quiet" */
};

struct eventlog {
	uint32_t n, digest_size;
	uint32_t locality; /* that TPM2_Startup came from: PCR 0 began with it */
	struct eventlog_event events[EVENTLOG_EVENTS_MAX];
};

/*
 * The events of one bank (a TPM_ALG_ID), in their order. 0; -ENOENT with E_FACTS where the log has
 * not that bank; -EINVAL or -E2BIG with E_FACTS where it is malformed or too long.
 */
int eventlog_parse(const uint8_t *bytes, size_t size, uint16_t alg, struct eventlog *ret,
		   struct err *err);
