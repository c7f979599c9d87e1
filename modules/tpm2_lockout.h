/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TPM's protection against guessing: part 1 of its specification, "Dictionary Attack Protection". */
#pragma once

#include "modules/tpm2.h"

/* 0, or -EBUSY with E_LOCKOUT: no PIN is to be tried, and err says for how long. */
int tpm2_lockout_check(struct tpm2 *tpm, struct err *err);
/* The same where the TPM has just refused for that reason: always -EBUSY. */
int tpm2_lockout_tell(struct tpm2 *tpm, struct err *err);
