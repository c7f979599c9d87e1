/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies of systemd-pcrlock: taken from the boot's credentials, and replayed in a policy session. */
#pragma once

#include "generators/sources/pcrlock.h"
#include "modules/tpm2_policy.h"

#define PCRLOCKS_MAX 8 /* one for each system that boots from the ESP */

/* All that came with the boot, whichever volume it is for. */
struct pcrlocks {
	struct pcrlock all[PCRLOCKS_MAX];
	size_t n;
	char why[160]; /* what of them was not taken, and why; or empty */
};

/* Takes those of a folder of credentials, which may not be there; again for the next folder. */
void tpm2_pcrlock_read(const char *folder, struct pcrlocks *ret);

/*
 * Decrypts and parses the text of one credential, which has a name (null_credential_decode() and so
 * on). 0, or -errno with E_PCRLOCK.
 */
int tpm2_pcrlock_open(const char *text, size_t size, const char *name, struct pcrlock *ret,
		      struct err *err);

/*
 * Brings the session's policy to what the token's NV index approves. -ENOENT with E_PCRLOCK: no policy
 * of that volume; -EPERM: none that fits the PCRs, which are named; or what tpm2_error() returns.
 */
int tpm2_policy_pcrlock(const struct tpm2_policy *policy, struct err *err);
