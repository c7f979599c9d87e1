/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each command of an unseal and of a measurement, answered wrongly: success or a closed refusal. */
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#include "init/base/text.h"
#include "modules/tpm2_measure.h"

#include <errno.h>
#include <limits.h>

#define COMMANDS_MAX 40 /* of one unseal, cleaning included */

static struct err err;
static struct tpm2_unseal_inputs in;
static char signatures[65536];

static const struct {
	const char *name;
	enum fault fault;
	TSS2_RC rc;
	bool retried, told; /* once is none; it is the TPM's own word */
	enum err_code code;
} faults[] = {
	{ "RETRY", FAULT_CODE, TPM2_RC_RETRY, true, true, E_UNSEAL },
	{ "YIELDED", FAULT_CODE, TPM2_RC_YIELDED, true, true, E_UNSEAL },
	{ "TESTING", FAULT_CODE, TPM2_RC_TESTING, true, true, E_UNSEAL },
	{ "PCR_CHANGED", FAULT_CODE, TPM2_RC_PCR_CHANGED, true, true, E_UNSEAL },
	{ "LOCKOUT", FAULT_CODE, TPM2_RC_LOCKOUT, false, true, E_LOCKOUT },
	{ "FAILURE", FAULT_CODE, TPM2_RC_FAILURE, false, true, E_UNSEAL },
	{ "AUTH_FAIL", FAULT_CODE, TPM2_RC_AUTH_FAIL | TPM2_RC_S | TPM2_RC_1, false, true,
	  E_UNSEAL },
	{ "MEMORY", FAULT_CODE, TPM2_RC_OBJECT_MEMORY, false, true, E_UNSEAL },
	{ "success without an answer", FAULT_CODE, TPM2_RC_SUCCESS, false, false, E_UNSEAL },
	{ "a library's code", FAULT_CODE, TSS2_ESYS_RC_TRY_AGAIN, false, true, E_UNSEAL },
	{ "an unknown layer", FAULT_CODE, 0xffff0fff, false, true, E_UNSEAL },
	{ "truncated", FAULT_TRUNCATED, 0, false, false, E_UNSEAL },
	{ "garbage", FAULT_GARBAGE, 0, false, false, E_UNSEAL },
	{ "no answer", FAULT_IO, 0, false, false, E_UNSEAL },
};

/* One unseal with fault f from command first to last. The code that it ended with. */
static enum err_code run(const char *name, size_t f, unsigned int first, unsigned int last)
{
	static const uint8_t zero[TPM2_SECRET_MAX];
	uint8_t secret[TPM2_SECRET_MAX];
	size_t size = 0;
	int r;

	tpm_reconnect();
	wire.fault = faults[f].fault;
	wire.fault_rc = faults[f].rc;
	wire.first = first;
	wire.last = last;
	wire.seed = first + 1;
	err.code = E_NONE;
	memset(secret, 0xaa, sizeof(secret));
	r = tpm2_unseal(&tpm, fixture_token(name), &in, secret, &size, &err);
	wire.fault = FAULT_NONE;
	/* the worst: 31 tries, and each command of one sent six times */
	CHECK(wire.commands <= 31 * COMMANDS_MAX * 6);
	if (r == 0) {
		CHECK(fixture_secret_is(name, secret, size));
		CHECK_INT(err.code == E_NONE || faults[f].retried, true);
		return E_NONE;
	}
	CHECK(size == 0 && memcmp(secret, zero, sizeof(secret)) == 0);
	CHECK(err.text[0] != '\0');
	return err.code;
}

static bool closed(enum err_code code)
{
	return code == E_UNSEAL || code == E_LOCKOUT || code == E_PCR_SIGNATURE;
}

static void sweep(const char *name, size_t first_fault)
{
	unsigned int commands, last_needed = 0;

	run(name, 0, UINT_MAX,
	    0); /* once before it is counted: the first use of a key may test itself */
	CHECK_INT(run(name, 0, UINT_MAX, 0), E_NONE);
	commands = wire.commands;
	CHECK(commands > 8 && commands < COMMANDS_MAX);
	for (size_t f = first_fault; f < ARRAY_SIZE(faults); f++)
		for (unsigned int i = 0; i < commands; i++) {
			unsigned int before = test_failures;
			enum err_code code = run(name, f, i, i);

			/* bytes of an answer that change may make it another refusal */
			CHECK(code == E_NONE || code == faults[f].code ||
			      (!faults[f].told && closed(code)));
			/* before the loop there is one answer that names banks, and no PCR to change */
			if (faults[f].retried && faults[f].rc != TPM2_RC_PCR_CHANGED)
				CHECK_INT(code, E_NONE);
			if (faults[f].rc == TPM2_RC_PCR_CHANGED && i > 2)
				CHECK_INT(code, E_NONE);
			if (faults[f].rc == TPM2_RC_FAILURE && code != E_NONE)
				last_needed = i;
			if (test_failures > before)
				fprintf(stderr, "%s: %s at command %u: %s %s\n", name,
					faults[f].name, i, err_name(code), err.text);
		}
	/* only what cleans up may fail without a refusal */
	CHECK(last_needed > 5 && last_needed + 6 >= commands);
}

static void start(const char *pin)
{
	memcpy(signatures, fixture("signatures.json", &in.signatures_size), sizeof(signatures));
	in.signatures = signatures;
	in.pin = pin;
	tpm_start("ecc");
	tpm_boot();
}

TEST(faults_once)
{
	start(NULL);
	sweep("signed", 5); /* the SRK's part is short: the TPM's own words are seen below */
	sweep("legacy", 0);
}

/* Every command of a pcrlock policy too: capability, PCRs, alternatives, NV index. */
TEST(faults_pcrlock)
{
	in = (struct tpm2_unseal_inputs){ .locks = fixture_locks("pcrlock.cred") };
	tpm_start("pcrlock");
	tpm_boot();
	sweep("pcrlock", 5); /* busy and the like: as with the others */
}

TEST(faults_for_good)
{
	unsigned int commands;

	start(NULL);
	CHECK_INT(run("signed", 0, UINT_MAX, 0), E_NONE);
	commands = wire.commands;
	for (size_t f = 0; f < ARRAY_SIZE(faults); f++) {
		enum err_code code = run("signed", f, 0, UINT_MAX);

		CHECK(closed(code));
		CHECK(run("signed", f, commands - 6, UINT_MAX) == E_NONE || closed(err.code));
	}
	/* a PCR that never rests: thirty times, then no more */
	CHECK_INT(run("signed", 3, 5, UINT_MAX), E_UNSEAL);
	CHECK(strstr(err.text, "a PCR changed meanwhile") != NULL);
	CHECK(wire.commands > 31 && wire.commands < 31 * 8);
	/* busy for longer than the library tries */
	for (unsigned int i = 3; i < commands - 4; i++)
		CHECK_INT(run("signed", i % 3, i, i + 9), E_NONE);
	/* what was imported once is not imported again */
	CHECK_INT(run("offline", 3, 8, 8), E_NONE);
	/* lockout is told even where the TPM does not say how long */
	CHECK_INT(run("signed", 4, 0, UINT_MAX), E_LOCKOUT);
}

TEST(faults_with_pin)
{
	unsigned int commands;

	start(PIN);
	CHECK_INT(run("pin", 0, UINT_MAX, 0), E_NONE);
	commands = wire.commands;
	for (unsigned int i = 0; i < commands; i++) {
		enum err_code code = run("pin", 6, i, i); /* AUTH_FAIL: asked for again */

		CHECK(code == E_NONE || code == E_UNSEAL);
		CHECK(code == E_NONE || strstr(err.text, "authorization is wrong"));
	}
}

/* An extend that fails, or that the TPM did not do, is a failure; and is never done twice. */
TEST(faults_measure)
{
	static const uint8_t key[64] = "volume key";
	unsigned int commands;
	char log[128];

	start(NULL);
	text_format(log, sizeof(log), "%s/tpm2-measure.log", tpm.log_folder);
	tpm_reconnect();
	CHECK_INT(tpm_measure_volume("root", "uuid", key, sizeof(key), &err), 0);
	commands = wire.commands;
	CHECK(commands >= 4 && commands < 10);
	for (size_t f = 0; f < ARRAY_SIZE(faults); f++)
		for (unsigned int i = 0; i < commands; i++) {
			int r;

			tpm_reconnect();
			unlink(log); /* one that failed stays marked */
			wire.fault = faults[f].fault;
			wire.fault_rc = faults[f].rc;
			wire.first = wire.last = i;
			wire.seed = i + 1;
			r = tpm_measure_volume("root", "uuid", key, sizeof(key), &err);
			if (faults[f].retried && faults[f].rc != TPM2_RC_PCR_CHANGED)
				CHECK_INT(r, 0);
			else
				CHECK(r < 0 && err.code == E_MEASURE);
		}
}
