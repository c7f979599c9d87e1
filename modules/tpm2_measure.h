/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measurements into one PCR of every active bank, as systemd makes them: the digest of a string,
 * or its HMAC where the event stands for a secret. Each is read back; one that cannot be seen is a
 * failure (threats A04, A05). The event goes to systemd's userspace log for systemd-pcrlock.
 */
#pragma once

#include "modules/tpm2_digests.h"

#define TPM2_EVENT_SIZE 1024 /* of an event string, with its NUL */
#define TPM2_PCR_SYSTEM_IDENTITY 15

struct tpm2_event {
	unsigned int pcr;
	const char *string; /* printable ASCII */
	const char *type;   /* "phase", "volume-key" */
	const uint8_t *key; /* NULL: a plain digest */
	size_t key_size;
	const char *digests; /* NULL, or what tpm2_digests_format() made: taken instead */
};

/* What the event extends the PCR with, in each active bank; 0 or -errno with E_MEASURE. */
int tpm2_event_digests(struct tpm2 *tpm, const struct tpm2_event *event, struct tpm2_digests *ret,
		       struct err *err);

/* 0 and the banks that were extended, or -errno with E_MEASURE. */
int tpm2_measure(struct tpm2 *tpm, const struct tpm2_event *event,
		 struct tpm2_bank ret[TPM2_BANKS_MAX], size_t *ret_n, struct err *err);

/* The event string of a volume's key; 0 or -E2BIG. */
int tpm2_volume_word(const char *name, const char *uuid, char ret[TPM2_EVENT_SIZE]);
