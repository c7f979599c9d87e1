/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tpm/unseal.h"
#include "tests/unit/test.h"

#include <string.h>

struct tpm2_unseal_inputs in;
struct err err;
uint8_t secret[TPM2_SECRET_MAX];
size_t size;

int unseal_token(const struct tpm2_token *token)
{
	static const uint8_t zero[TPM2_SECRET_MAX];
	int r;

	memset(secret, 0xaa, sizeof(secret));
	size = 0;
	err = (struct err){ .code = E_NONE };
	r = tpm2_unseal(&tpm, token, &in, secret, &size, &err);
	CHECK(r == 0 || (size == 0 && memcmp(secret, zero, sizeof(secret)) == 0));
	return r;
}

int unseal(const char *name)
{
	return unseal_token(fixture_token(name));
}

bool says(const char *text)
{
	if (strstr(err.text, text))
		return true;
	fprintf(stderr, "says: %s: %s\n", err_name(err.code), err.text);
	return false;
}
