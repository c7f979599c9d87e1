/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One attempt to unseal, and what came of it. */
#pragma once

#include "tests/tpm/tpm.h"

extern struct tpm2_unseal_inputs in;
extern struct err err;
extern uint8_t secret[TPM2_SECRET_MAX];
extern size_t size;

/* A refusal leaves nothing behind. What tpm2_unseal() returned. */
int unseal_token(const struct tpm2_token *token);
int unseal(const char *name);
/* Whether the refusal has the text; prints it where not. */
bool says(const char *text);
