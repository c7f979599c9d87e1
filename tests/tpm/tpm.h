/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A private swtpm for tests, behind a TCTI that counts, records and spoils. */
#pragma once

#include "modules/tpm2_measure.h"
#include "modules/tpm2_pcrlock.h"
#include "modules/tpm2_unseal.h"

#include <stdbool.h>

#define FIXTURES "tests/fixtures/tpm2/"
#define PIN "lintel PIN 1234"
#define RECORD_MAX 262144

enum fault {
	FAULT_NONE,
	FAULT_CODE,	 /* the TPM answers fault_rc and does nothing */
	FAULT_TRUNCATED, /* half of the answer */
	FAULT_GARBAGE,	 /* the answer with other bytes behind its header */
	FAULT_IO,	 /* no answer */
	FAULT_PART,	 /* of the PCRs that are asked for, the first bank's alone */
};

struct wire {
	enum fault fault;
	TSS2_RC fault_rc;
	unsigned int first, last; /* which commands, from 0 */
	unsigned int commands, seed;
	size_t recorded;
	uint8_t record[RECORD_MAX]; /* all that went over the wire */
};

/* The only TPM of the program at a time. */
extern struct tpm2 tpm;
extern struct wire wire;

/* Starts swtpm on a copy of FIXTURES name, PCRs zero; NULL: a fresh TPM. Ends the program if it cannot. */
void tpm_start(const char *name);
void tpm_stop(void);
/* Power off and on: the state stays, the PCRs are zero. */
void tpm_restart(void);
/* A new ESYS context on the same TPM, with nothing left loaded, and a clean wire. */
void tpm_reconnect(void);
/* Extends the digest of text into every active bank. */
void tpm_extend(unsigned int pcr, const char *text);
/* As the secrets of the fixtures were sealed: firmware, stub and "enter-initrd". */
void tpm_boot(void);
/* As the two steps of a volume do it: digests by the one that has the key, extended by the other. */
int tpm_measure_volume(const char *name, const char *uuid, const uint8_t *key, size_t size,
		       struct err *err);
/* A command with an empty password session, past the library; its code. */
TSS2_RC tpm_raw(const uint8_t *body, size_t size, uint8_t *ret, size_t *ret_size);

/* Reads a fixture as text; static memory. */
const char *fixture(const char *name, size_t *ret_size);
struct tpm2_token *fixture_token(const char *name);
/* A pcrlock policy's credential, in memory of this one. */
const struct pcrlocks *fixture_locks(const char *name);
/* Whether the secret is the one that systemd sealed. */
bool fixture_secret_is(const char *name, const uint8_t *secret, size_t size);
