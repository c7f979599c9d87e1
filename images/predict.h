/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the TPM's PCRs will hold at the next boot of a UKI, and which tokens that opens. */
#pragma once

#include "images/pe.h"
#include "generators/sources/pcrlock.h"
#include "modules/tpm2_expect.h"

#include <stdbool.h>

#define PREDICT_BANKS TPM2_KNOWN_BANKS

struct predict_bank {
	struct tpm2_bank bank;
	uint32_t known;	   /* mask of values */
	uint32_t disagree; /* mask: the event log leads to another value than the TPM holds */
	uint8_t values[EXPECT_PCRS][EXPECT_DIGEST_MAX];
};

struct prediction {
	struct predict_bank banks[PREDICT_BANKS];
	const char *signatures; /* .pcrsig, or NULL */
	size_t signatures_size;
	const struct pcrlock *lock; /* or NULL; static memory */
	bool guess;		    /* the UKI lets the stub choose by the machine's hardware */
	bool other_uki;		    /* what is known is of another UKI's boot */
};

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_UNKNOWN };

/* PCR 11 as systemd-stub and then "enter-initrd" leave it, PCR 15 as yet empty. */
int predict_uki(const uint8_t *bytes, size_t size, struct prediction *ret, struct err *err);
/*
 * A file of values, "7:sha256=HEX", one a line, with a NUL at its end; its text is cut up. PCR 11 and 15
 * are not taken from there. 0 or -EINVAL with E_FACTS.
 */
int predict_pcrs(struct prediction *prediction, uint8_t *text, size_t size, struct err *err);
/*
 * The other PCRs as in the boot whose log this is (binary_bios_measurements); 4 and 9, which the UKI
 * decides, only where it was the same. 0, or -errno with E_FACTS.
 */
int predict_eventlog(struct prediction *prediction, uint8_t *bytes, size_t size, struct err *err);
/*
 * The same of the machine that this runs on: device is its TPM's folder, "/sys/class/tpm/tpm0". The log's
 * values count where they are those that the TPM holds; where the kernel has no log, the TPM's own do.
 * 0; -ENODEV with E_IO where no PCR can be read there; or -errno with E_IO or E_FACTS.
 */
int predict_host(struct prediction *prediction, const char *device, struct err *err);
/*
 * The policy that the TPM's NV index holds, as systemd-pcrlock keeps it: /var/lib/systemd/pcrlock.json.
 * 0, or -errno with E_PCRLOCK.
 */
int predict_pcrlock(struct prediction *prediction, uint8_t *json, size_t size, struct err *err);
enum verdict predict_pcrlock_token(const struct prediction *prediction,
				   const struct tpm2_token *token, struct err *why);
const struct predict_bank *predict_bank_named(const struct prediction *prediction,
					      const char *name);
/* Whether all those PCRs are known; if not, err says which is not, and why. */
bool predict_knows(const struct prediction *prediction, const struct predict_bank *bank,
		   uint32_t pcrs, struct err *why);
/* Whether the token unseals, on its own TPM; why not in err. */
enum verdict predict_token(const struct prediction *prediction, const char *json, size_t size,
			   struct err *why);

struct predict_files {
	const char *disk, *uki;
	const char *pcrs, *eventlog, *device, *pcrlock; /* or NULL */
};

/*
 * The folder of the TPM that is asked, as sysfs has it: the one that is named, or this machine's where
 * the disk is one of its devices and no file says what PCRs will hold. false: none.
 */
bool predict_host_folder(const struct predict_files *files, bool is_device, char *ret, size_t size);

/* `lintel plan DISK --uki UKI`: prints, and returns 0, 5 or 6; or -errno with err. */
int predict_main(const struct predict_files *files, bool json, struct err *err);
