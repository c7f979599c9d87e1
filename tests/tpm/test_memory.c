/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* After an unseal the secret stands where the caller wants it, and nowhere else (invariant I9). */
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#define HALF 16

/* How often the bytes whose complement is given stand in this process's writable memory. */
__attribute__((no_sanitize("address", "undefined"))) static unsigned int
count_copies(const uint8_t complement[HALF])
{
	unsigned int found = 0;
	unsigned long from, to;
	char line[512], rights[8];
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps)) {
		/* the sanitizer's shadow is larger than any memory that is used */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[1] != 'w' ||
		    rights[0] != 'r' || to - from > 1UL << 30)
			continue;
		for (const uint8_t *p = (const uint8_t *)from; p + HALF <= (const uint8_t *)to;
		     p++) {
			unsigned int i = 0;

			while (i < HALF && (p[i] ^ complement[i]) == 0xff)
				i++;
			found += i == HALF;
		}
	}
	if (maps)
		fclose(maps);
	return found;
}

static void check_clean(const char *state, const char *token, const struct tpm2_unseal_inputs *in)
{
	static uint8_t secret[TPM2_SECRET_MAX];
	uint8_t complement[2 * HALF];
	struct err err;
	size_t size = 0;

	tpm_start(state);
	tpm_boot();
	CHECK_INT(tpm2_unseal(&tpm, fixture_token(token), in, secret, &size, &err), 0);
	CHECK(size >= sizeof(complement));
	for (size_t i = 0; i < sizeof(complement); i++)
		complement[i] = secret[i] ^ 0xff;
	CHECK_INT(count_copies(complement), 1); /* that the search finds what is there */
	CHECK_INT(count_copies(complement + HALF), 1);
	explicit_bzero(secret, sizeof(secret));
	CHECK_INT(count_copies(complement), 0);
	CHECK_INT(count_copies(complement + HALF), 0);
	tpm2_close(&tpm);
	memset(&tpm, 0, sizeof(tpm));
	CHECK_INT(count_copies(complement), 0);
	CHECK_INT(count_copies(complement + HALF), 0);
}

TEST(memory_is_clean)
{
	const struct tpm2_unseal_inputs in = { .signatures = NULL };

	check_clean("ecc", "literal", &in);
}

/* The secret that Argon2id's half of the PIN makes of the sealed one. */
TEST(memory_is_clean_of_argon2id)
{
	static char signatures[65536];
	struct tpm2_unseal_inputs in = { .signatures = signatures,
					 .pin = PIN,
					 .kdf_memory_kib = 1 << 20 };

	memcpy(signatures, fixture("v262-signatures.json", &in.signatures_size),
	       sizeof(signatures));
	check_clean("v262", "v262-argon2id", &in);
}
