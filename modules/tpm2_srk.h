/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key under which a token's object is sealed. */
#pragma once

#include "generators/sources/tpm2_token.h"
#include "modules/tpm2.h"

struct tpm2_primary_key {
	ESYS_TR handle;
	bool transient; /* flush it */
};

/*
 * The persistent key that the token names, held to its name, or the one that systemd before 252
 * made from its template. 0, -EINVAL with E_TOKEN, -EKEYREJECTED with E_UNSEAL where the TPM has
 * another key there, or what tpm2_error() returns.
 */
int tpm2_primary_key(struct tpm2 *tpm, const struct tpm2_token *token, struct tpm2_primary_key *ret,
		     struct err *err);
