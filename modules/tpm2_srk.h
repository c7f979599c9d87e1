/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key under which a token's object is sealed. */
#pragma once

#include "generators/sources/tpm2_token.h"
#include "modules/tpm2.h"

/*
 * The persistent key that the token names, held to its name, or the one that systemd before 252
 * made from its template. Looked up once for all tokens that have the same: the TPM's context owns
 * it until tpm2_primary_forget(). 0, -EINVAL with E_TOKEN, -EKEYREJECTED with E_UNSEAL where the
 * TPM has another key there, or what tpm2_error() returns.
 */
int tpm2_primary_key(struct tpm2 *tpm, const struct tpm2_token *token, ESYS_TR *ret,
		     struct err *err);

/* Flushes one that was made from a template; the next token's is looked up anew. */
void tpm2_primary_forget(struct tpm2 *tpm);
