/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the steps of opening one LUKS2 volume share, all of them in one child. */
#pragma once

#include "generators/crypttab.h"
#include "generators/sources/luks2.h"
#include "modules/dm.h"
#include "modules/prompt.h"
#include "modules/tpm2_digests.h"
#include "modules/tpm2_unseal.h"
#include "modules/verb.h"

#define UNLOCK_KEY_MAX 64
#define UNLOCK_KEY_FILE_MAX 4096

/* All in locked memory that is wiped at the end; nowhere else is a secret. */
struct unlock_secrets {
	uint8_t sealed[TPM2_SECRET_MAX];
	char passphrase[TPM2_SECRET_MAX * 2];
	char key[UNLOCK_KEY_MAX];
	size_t sealed_size, key_size;
	char typed[PROMPT_LINE_MAX], file[UNLOCK_KEY_FILE_MAX];
	struct prompt_lines lines;
};

struct crypt_device;

/* What may open it besides the TPM. */
struct unlock_ways {
	char key_file[CRYPT_KEY_MAX]; /* of the initrd; or empty */
	unsigned int ask;	      /* ASK_… */
	bool masked;
	uint64_t tries, timeout_s;
};

struct unlock {
	const struct report *report;
	const char *step; /* its id */
	char name[CRYPT_NAME_MAX], path[64], uuid[UUID_TEXT_SIZE];
	char want_uuid[UUID_TEXT_SIZE]; /* that the words ask for */
	struct dm_part part;
	int header_fd; /* the copy of its header */
	uint64_t header_size;
	struct luks2_header header;
	struct tpm2 tpm;
	struct crypt_device *cd;
	struct unlock_secrets *secrets;
	struct unlock_ways ways;
	const char *by; /* what opened it: "tpm2", "pin", "file", "passphrase", "recovery" */
	unsigned int token, keyslot;
	unsigned int pcr_facts;	     /* that were reported */
	struct tpm2_digests digests; /* of its key, for PCR 15 */
};

/* The most that a key derivation may take now (threat A15). */
uint64_t unlock_kdf_memory_kib(void);

/* Copies the header, holds it to the profile, and gives libcryptsetup the copy. 0 or -errno. */
int unlock_read_header(struct unlock *u, struct err *err);

/*
 * The volume key, into u->secrets: by each TPM token, then the key file, then by what may be asked
 * for. 0, or -errno with what each way said.
 */
int unlock_find_key(struct unlock *u, struct err *err);

/* What the tokens need besides the TPM: the stub's files, read once, and the PIN, which may be NULL. */
const struct tpm2_unseal_inputs *unlock_inputs(const char *pin);

/* For the facts of this boot: what the PCRs are that a token asks for, and what is known of them. */
struct tpm2_explanation;
void unlock_report_pcrs(struct unlock *u, unsigned int token, const struct tpm2_explanation *all);

/* Tries the slots of the mask; -EPERM with E_UNLOCK where none opens. */
int unlock_open_slots(struct unlock *u, uint32_t slots, const char *text, size_t size,
		      struct err *err);
/* The slots that a person's or a file's key opens: no token names them. */
uint32_t unlock_free_slots(const struct unlock *u);
/* Tries the tokens that want a PIN (with one) or those that want none (pin NULL). */
int unlock_try_tokens(struct unlock *u, const char *pin, struct err *err);
bool unlock_wants_pin(const struct unlock *u);

/* By a person. err says on entry why the other ways failed. */
int unlock_ask(struct unlock *u, struct err *err);
