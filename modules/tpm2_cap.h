/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/text.h"
#include "modules/tpm2.h"

/*
 * Extends "recovery" into PCR 11 and 15 of every active bank and reads both back: what is sealed to
 * an initrd's PCRs can no longer be unsealed (invariant I5). The values that were read go into
 * result as pcrN-BANK=. 0 or -errno.
 */
int tpm2_cap(struct tpm2 *tpm, struct fields *result, struct err *err);
