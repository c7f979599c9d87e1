/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_expect.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define CC_POLICY_AUTHORIZE 0x16aU
#define CC_POLICY_AUTH_VALUE 0x16bU
#define CC_POLICY_PCR 0x17fU

const char *const expect_phases[EXPECT_PHASES] = { "enter-initrd", "leave-initrd", "sysinit",
						   "ready",	   "shutdown",	   "final" };

const struct tpm2_bank tpm2_known_banks[TPM2_KNOWN_BANKS] = {
	{ 0x4, "sha1", 20 },
	{ 0xb, "sha256", 32 },
	{ 0xc, "sha384", 48 },
	{ 0xd, "sha512", 64 },
};

const struct tpm2_bank *tpm2_bank_named(const char *name)
{
	for (size_t i = 0; i < TPM2_KNOWN_BANKS; i++)
		if (strcmp(tpm2_known_banks[i].name, name[0] ? name : "sha256") == 0)
			return &tpm2_known_banks[i];
	return NULL;
}

static void put_be(uint8_t *to, size_t size, uint32_t value)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

int expect_extend(const struct tpm2_bank *bank, uint8_t value[EXPECT_DIGEST_MAX],
		  const uint8_t *digest)
{
	uint8_t both[2 * EXPECT_DIGEST_MAX];
	const EVP_MD *type = EVP_get_digestbyname(bank->name);

	memcpy(both, value, bank->size);
	memcpy(both + bank->size, digest, bank->size);
	return type && EVP_Digest(both, 2 * bank->size, value, NULL, type, NULL) == 1 ? 0 : -EIO;
}

int expect_extend_word(const struct tpm2_bank *bank, uint8_t value[EXPECT_DIGEST_MAX],
		       const char *word)
{
	const EVP_MD *type = EVP_get_digestbyname(bank->name);
	uint8_t digest[EXPECT_DIGEST_MAX];

	if (!type || EVP_Digest(word, strlen(word), digest, NULL, type, NULL) != 1)
		return -EIO;
	return expect_extend(bank, value, digest);
}

int expect_replay(const struct tpm2_bank *bank, const struct eventlog *log, unsigned int pcr,
		  uint32_t n, uint8_t ret[EXPECT_DIGEST_MAX])
{
	int r = 0;

	memset(ret, 0, EXPECT_DIGEST_MAX);
	if (pcr == 0)
		ret[bank->size - 1] = (uint8_t)log->locality;
	for (uint32_t i = 0; i < n && i < log->n && r == 0; i++)
		if (log->events[i].pcr == pcr)
			r = expect_extend(bank, ret, log->events[i].digest);
	return r;
}

int expect_policy(uint8_t digest[EXPECT_POLICY], uint32_t command, const uint8_t *rest, size_t size)
{
	uint8_t text[EXPECT_POLICY + 4 + 64];

	if (size > sizeof(text) - EXPECT_POLICY - 4)
		return -E2BIG;
	memcpy(text, digest, EXPECT_POLICY);
	put_be(text + EXPECT_POLICY, 4, command);
	if (size > 0)
		memcpy(text + EXPECT_POLICY + 4, rest, size);
	return EVP_Digest(text, EXPECT_POLICY + 4 + size, digest, NULL, EVP_sha256(), NULL) == 1
		       ? 0
		       : -EIO;
}

int expect_policy_pcrs(uint8_t digest[EXPECT_POLICY], const struct tpm2_bank *bank, uint32_t pcrs,
		       const uint8_t values[EXPECT_PCRS][EXPECT_DIGEST_MAX])
{
	uint8_t all[EXPECT_PCRS * EXPECT_DIGEST_MAX], rest[10 + 32] = { 0, 0, 0, 1 };
	size_t n = 0;

	put_be(rest + 4, 2, bank->alg);
	rest[6] = 3;
	for (unsigned int i = 0; i < 3; i++)
		rest[7 + i] = (uint8_t)(pcrs >> 8 * i);
	for (unsigned int i = 0; i < EXPECT_PCRS; i++) {
		if (!(pcrs >> i & 1))
			continue;
		memcpy(all + n, values[i], bank->size);
		n += bank->size;
	}
	if (EVP_Digest(all, n, rest + 10, NULL, EVP_sha256(), NULL) != 1)
		return -EIO;
	return expect_policy(digest, CC_POLICY_PCR, rest, sizeof(rest));
}

int expect_policy_ref(const char *name, uint8_t ret[EXPECT_POLICY])
{
	if (!name[0])
		return 0;
	return EVP_Digest(name, strlen(name), ret, NULL, EVP_sha256(), NULL) == 1 ? EXPECT_POLICY
										  : -EIO;
}

int expect_policy_authorize(uint8_t digest[EXPECT_POLICY], const uint8_t *name, size_t size,
			    const char *ref)
{
	uint8_t text[2 * EXPECT_POLICY];
	int n = expect_policy_ref(ref, text + EXPECT_POLICY);
	int r;

	memset(digest, 0, EXPECT_POLICY); /* what was approved is forgotten */
	r = n < 0 ? n : expect_policy(digest, CC_POLICY_AUTHORIZE, name, size);
	if (r < 0)
		return r;
	memcpy(text, digest, EXPECT_POLICY);
	return EVP_Digest(text, EXPECT_POLICY + (size_t)n, digest, NULL, EVP_sha256(), NULL) == 1
		       ? 0
		       : -EIO;
}

int expect_policy_auth_value(uint8_t digest[EXPECT_POLICY])
{
	return expect_policy(digest, CC_POLICY_AUTH_VALUE, NULL, 0);
}
