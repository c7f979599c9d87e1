/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#include "modules/tpm2_cap.h"

#define COMMANDS_MAX 32

/* The first eight bytes of H(0… || H("recovery")), by Python's hashlib: PCRs were zero before. */
#define SHA256_CAPPED "51737c77c481aa22"
#define SHA1_CAPPED "8a6a96fde1a8dd96"

static struct fields result;
static struct err err;

static int cap(void)
{
	result.text[0] = '\0';
	err.text[0] = '\0';
	return tpm2_cap(&tpm, &result, &err);
}

TEST(cap_both_pcrs_in_every_bank)
{
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	size_t n = 0;
	char key[24];

	tpm_start(NULL);
	CHECK_INT(tpm2_pcr_pristine(&tpm, 15, &err), 0);
	CHECK_INT(cap(), 0);
	CHECK(fields_are(&result, "pcr11-sha256", SHA256_CAPPED));
	CHECK(fields_are(&result, "pcr15-sha256", SHA256_CAPPED));
	CHECK_INT(tpm2_pcr_banks(&tpm, 15, banks, &n, &err), 0);
	CHECK(n > 1);
	for (size_t i = 0; i < n; i++) {
		char value[17];

		text_format(key, sizeof(key), "pcr15-%s", banks[i].name);
		CHECK_INT(fields_get(&result, key, value, sizeof(value)), 0);
		if (strcmp(banks[i].name, "sha1") == 0)
			CHECK_STR(value, SHA1_CAPPED);
	}
	tpm_stop();
}

/* What this very boot could unseal is locked away after. */
TEST(cap_ends_unsealing)
{
	static uint8_t secret[TPM2_SECRET_MAX];
	struct tpm2_unseal_inputs in = { .pin = NULL };
	size_t size = 0;

	tpm_start("ecc");
	tpm_boot();
	in.signatures = fixture("signatures.json", &in.signatures_size);
	CHECK_INT(tpm2_unseal(&tpm, fixture_token("literal"), &in, secret, &size, &err), 0);
	CHECK_INT(cap(), 0);
	size = 0;
	CHECK(tpm2_unseal(&tpm, fixture_token("literal"), &in, secret, &size, &err) < 0);
	CHECK(tpm2_unseal(&tpm, fixture_token("signed"), &in, secret, &size, &err) < 0);
	CHECK_INT(size, 0);
	tpm_stop();
}

/* Each command in turn goes wrong: a cap that cannot be seen never passes for done. */
TEST(cap_fails_closed)
{
	static const enum fault faults[] = { FAULT_CODE, FAULT_TRUNCATED, FAULT_IO };
	unsigned int commands;

	tpm_start(NULL);
	CHECK_INT(cap(), 0);
	commands = wire.commands;
	CHECK(commands > 6 && commands < COMMANDS_MAX);
	for (size_t f = 0; f < ARRAY_SIZE(faults); f++) {
		for (unsigned int i = 0; i < commands; i++) {
			tpm_reconnect();
			wire.fault = faults[f];
			wire.fault_rc = TPM2_RC_FAILURE;
			wire.first = wire.last = i;
			CHECK(cap() < 0);
			CHECK_INT(err.code, E_MEASURE);
			wire.fault = FAULT_NONE;
		}
	}
	tpm_stop();
}
