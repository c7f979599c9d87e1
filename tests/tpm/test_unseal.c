/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets that systemd sealed, on the TPM state that it sealed them to, and on every other. */
#include "modules/tpm2_lockout.h"
#include "tests/tpm/unseal.h"
#include "tests/unit/test.h"

#include "init/base/text.h"

#include <errno.h>
#include <openssl/evp.h>

static char signatures[65536];

static void use_signatures(const char *name)
{
	memcpy(signatures, fixture(name, &in.signatures_size), sizeof(signatures));
	in.signatures = signatures;
	in.pin = NULL;
	in.public_key = NULL;
	in.kdf_memory_kib = 1 << 20;
}

static void boot(const char *state)
{
	use_signatures("signatures.json");
	tpm_start(state);
	tpm_boot();
}

/* Unsealed, right, and never seen on the wire, in whole or in half; nor is what the PIN becomes. */
static void check_opens(const char *name)
{
	wire.recorded = 0;
	CHECK_INT(unseal(name), 0);
	CHECK(fixture_secret_is(name, secret, size));
	CHECK(size >= 32 && wire.recorded > 0 && wire.recorded < RECORD_MAX);
	CHECK(!memmem(wire.record, wire.recorded, secret, 16));
	CHECK(!memmem(wire.record, wire.recorded, secret + 16, 16));
}

TEST(unseal_opens)
{
	static const char *const names[] = { "literal", "signed",     "ec-key",
					     "legacy",	"legacy-rsa", "offline" };

	boot("ecc");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		check_opens(names[i]);
	in.pin = PIN;
	check_opens("pin");
	check_opens("legacy-pin");
	for (int i = 0; i < 5; i++) /* nothing stays loaded: a TPM has three places */
		check_opens("signed");
	boot("rsa");
	check_opens("rsa-srk");
}

/* systemd 262, on its own TPM state; and nothing of it on another's. */
TEST(unseal_opens_262)
{
	static const char *const names[] = { "v262-literal", "v262-signed", "v262-ec-key",
					     "v262-offline" };

	for (int foreign = 0; foreign < 2; foreign++) {
		boot(foreign ? "ecc" : "v262");
		use_signatures("v262-signatures.json");
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			if (!foreign)
				check_opens(names[i]);
			else
				CHECK(unseal(names[i]) < 0);
		}
		in.pin = PIN;
		if (!foreign)
			check_opens("v262-pin");
	}
}

/* A name that is signed with the PCRs: systemd 262's policyRef. Signatures without it are for others. */
TEST(unseal_policy_ref)
{
	static struct tpm2_token token;

	boot("v262");
	use_signatures("v262-signatures.json");
	check_opens("v262-policyref");
	token = *fixture_token("v262-policyref");
	token.ref[0] = '\0'; /* by the same key, for the same PCRs: the TPM knows better */
	CHECK_INT(unseal_token(&token), -EPERM);
	CHECK(says("the policy is not the sealed one"));
	strcpy(token.ref, "other");
	CHECK_INT(unseal_token(&token), -ENOENT);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	token = *fixture_token("v262-signed");
	strcpy(token.ref, "lintel");
	CHECK_INT(unseal_token(&token), -EPERM);
	tpm_extend(11, "leave-initrd");
	CHECK_INT(unseal("v262-policyref"), -ENOENT);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
}

/* systemd 262's own choice for a PIN. It is a secret of 32 bytes that the TPM alone does not have. */
TEST(unseal_argon2id)
{
	boot("v262");
	use_signatures("v262-signatures.json");
	in.pin = PIN;
	check_opens("v262-argon2id");
	CHECK_INT(size, 32);
	in.pin = "lintel PIN 1235";
	CHECK_INT(unseal("v262-argon2id"), -EACCES);
	CHECK(says("PIN: the authorization is wrong"));
	in.pin = PIN;
	in.kdf_memory_kib = 32767; /* of a machine with little memory */
	CHECK_INT(unseal("v262-argon2id"), -ENOMEM);
	CHECK_INT(err.code, E_TOKEN);
	CHECK(says("tpm2_argon2id_memcost is 32768 KiB; here it may be 32767"));
	CHECK_INT(unseal("v262-pin"), 0);
}

TEST(unseal_key_of_extra)
{
	static uint8_t pem[TPM2_TOKEN_PEM_MAX];
	struct tpm2_token token;

	boot("ecc");
	token = *fixture_token("signed");
	memcpy(pem, token.pubkey, token.pubkey_size);
	in.public_key_size = token.pubkey_size;
	token.pubkey_size = 0;
	CHECK_INT(unseal_token(&token), -EINVAL);
	CHECK_INT(err.code, E_TOKEN);
	in.public_key = pem;
	CHECK_INT(unseal_token(&token), 0);
	CHECK(fixture_secret_is("signed", secret, size));
}

TEST(unseal_other_boot)
{
	boot("ecc");
	tpm_extend(11, "leave-initrd"); /* the root file system's part of the boot */
	CHECK_INT(unseal("signed"), -ENOENT);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	CHECK(says("0x800 of sha256"));
	CHECK_INT(unseal("literal"), -EPERM);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(says("other values of PCRs (sha256), which now are 7="));
	tpm_restart(); /* and a kernel that was not measured at all */
	CHECK_INT(unseal("signed"), -ENOENT);
	CHECK_INT(unseal("literal"), -EPERM);
	CHECK_INT(unseal("legacy"), -ENOENT);
	tpm_boot();
	check_opens("signed");
	tpm_extend(7, "another Secure Boot policy");
	CHECK_INT(unseal("legacy"), -EPERM); /* right signature, other literal PCR */
	CHECK(says("PCRs (sha256), which now are 7="));
	check_opens("signed");
}

TEST(unseal_signatures)
{
	char *sig;

	boot("ecc");
	in.signatures = NULL;
	CHECK_INT(unseal("signed"), -ENOENT);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	CHECK(says("brought no PCR signatures"));
	use_signatures("foreign.json"); /* right policy, by another key */
	CHECK_INT(unseal("signed"), -ENOENT);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	use_signatures("signatures.json"); /* a changed signature under the right key's name */
	for (sig = signatures; (sig = strstr(sig, "\"sig\": \"")) != NULL; sig += 40)
		memset(sig + 30, sig[30] == 'A' ? 'B' : 'A', 3);
	CHECK_INT(unseal("signed"), -EKEYREJECTED);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	CHECK(says("the signature is wrong"));
	CHECK_INT(unseal("ec-key"), -EKEYREJECTED);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
}

TEST(unseal_pin_and_lockout)
{
	boot("ecc");
	CHECK_INT(tpm2_lockout_check(&tpm, &err), 0);
	CHECK_INT(unseal("pin"), -EACCES);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(says("needs a PIN"));
	in.pin = "";
	CHECK_INT(unseal("pin"), -EACCES);
	in.pin = "lintel PIN 1235";
	CHECK_INT(unseal("pin"), -EACCES);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(says("PIN: the authorization is wrong"));
	in.pin = PIN;
	check_opens("pin");
	in.pin = "wrong";
	for (int i = 0; i < 40 && unseal("pin") == -EACCES; i++)
		;
	CHECK_INT(err.code, E_LOCKOUT);
	in.pin = PIN; /* the right one is not even tried, and is not told from a wrong one */
	CHECK_INT(unseal("pin"), -EBUSY);
	CHECK_INT(err.code, E_LOCKOUT);
	CHECK(says(" failures counted; the next try is free within "));
	/* known without one more try */
	CHECK_INT(tpm2_lockout_check(&tpm, &err), -EBUSY);
	CHECK_INT(err.code, E_LOCKOUT);
	check_opens(
		"signed"); /* sealed without a PIN: systemd marks it as not subject to lockout */
}

TEST(unseal_foreign_tpm)
{
	struct tpm2_token token;

	boot(NULL);
	CHECK_INT(unseal("signed"), -ENOENT);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(says("SRK: the TPM has no such key"));
	CHECK_INT(unseal("legacy"), -EKEYREJECTED); /* its own primary key, but not that one */
	CHECK_INT(err.code, E_UNSEAL);
	boot("rsa");
	CHECK_INT(unseal("signed"), -EKEYREJECTED);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(says("not the SRK that the token names"));
	token = *fixture_token("literal"); /* the blob of one under the SRK of the other */
	memcpy(token.srk, fixture_token("rsa-srk")->srk, sizeof(token.srk));
	token.srk_size = fixture_token("rsa-srk")->srk_size;
	CHECK_INT(unseal_token(&token), -EKEYREJECTED);
	CHECK(says("made by another TPM, or changed"));
}

/* The name as it should be, with another key behind it: the salt would be readable to who made it. */
static unsigned int commands_of(const char *name)
{
	unsigned int before = wire.commands;

	CHECK_INT(unseal(name), 0);
	return wire.commands - before;
}

/* Key rotation leaves several tokens, and one PIN is tried several times: the SRK is looked up once. */
TEST(unseal_srk_once)
{
	static const char *const names[] = { "signed", "legacy" }; /* by handle, by template */

	boot("ecc");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		unsigned int first;

		tpm_reconnect();
		unseal(names[i]); /* the first use of a key may test itself */
		tpm_reconnect();
		first = commands_of(names[i]);
		CHECK_INT(commands_of(names[i]), first - 1);
	}
	/* another one takes its place, and the first is looked up again */
	CHECK(commands_of("signed") > 0 && commands_of("legacy") > 0);
}

TEST(unseal_srk_swapped)
{
	struct tpm2_token token;

	boot("ecc");
	token = *fixture_token("signed");
	token.srk[token.srk_size - 1] ^= 1;
	CHECK_INT(unseal_token(&token), -EINVAL);
	CHECK_INT(err.code, E_TOKEN);
	CHECK(says("name is not of its key"));
	token = *fixture_token("signed");
	token.srk[10] ^= 1; /* the name itself */
	CHECK_INT(unseal_token(&token), -EINVAL);
	token = *fixture_token("signed");
	token.srk[0] = 0x40; /* a hierarchy for a handle */
	CHECK_INT(unseal_token(&token), -EINVAL);
	CHECK(says("no persistent key"));
	token = *fixture_token("signed");
	token.srk_size--;
	CHECK_INT(unseal_token(&token), -EINVAL);
	for (size_t i = 0; i < token.srk_size; i++) { /* and any byte of it */
		token = *fixture_token("signed");
		token.srk[i] ^= 0x10;
		CHECK(unseal_token(&token) < 0);
	}
}

/* Everything in the token is the attacker's: no byte may crash, and none but the right ones open. */
TEST(unseal_token_mutations)
{
	static struct tpm2_token token;
	unsigned int seed = 1;

	boot("ecc");
	for (int i = 0; i < 150; i++) {
		uint8_t *at, old;

		token = *fixture_token("legacy");
		seed = seed * 1103515245 + 12345;
		at = seed >> 31 ? &token.blob[(seed >> 8) % token.blob_size]
				: &token.pubkey[(seed >> 8) % token.pubkey_size];
		old = *at;
		*at ^= (uint8_t)(1 + (seed >> 20) % 255);
		if (unseal_token(&token) == 0) /* PEM's text has bytes that do not count */
			CHECK(at >= token.pubkey && at < token.pubkey + token.pubkey_size &&
			      fixture_secret_is("legacy", secret, size));
		CHECK(old != *at);
	}
	check_opens("legacy");
	token = *fixture_token("literal");
	token.policy_hash[0] ^= 1;
	CHECK_INT(unseal_token(&token), -EINVAL);
	CHECK(says("not sealed to tpm2-policy-hash"));
}

/* Leaves only the sha1 bank, as some firmware does (TPM2_PCR_Allocate, platform's authorization). */
TEST(unseal_sha1_only)
{
	static const uint8_t allocate[] = { 0, 0, 1,	0x2b, 0x40, 0, 0,    0x0c, 0, 0, 0, 9, 0x40,
					    0, 0, 9,	0,    0,    0, 0,    0,	   0, 0, 0, 2, 0,
					    4, 3, 0xff, 0xff, 0xff, 0, 0x0b, 3,	   0, 0, 0 };
	struct tpm2_token token;

	use_signatures("signatures.json");
	tpm_start("ecc");
	CHECK_INT(tpm_raw(allocate, sizeof(allocate), NULL, NULL), 0);
	tpm_restart();
	tpm_boot();
	CHECK_INT(unseal("signed"), -ENOENT);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(says("PCR 11 has no active bank sha256"));
	CHECK_INT(unseal("literal"), -ENOENT);
	token = *fixture_token("literal");
	text_copy(token.bank, sizeof(token.bank), "sha1");
	CHECK_INT(unseal_token(&token), -ENOTSUP);
	CHECK_INT(err.code, E_TOKEN);
}
