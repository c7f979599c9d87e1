/* Runs the tests; or prints the passphrase of TOKEN.json: --unseal TOKEN SIGNATURES STATE [PIN]. */
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct test *tests_first;
unsigned int test_failures;

/*
 * On a copy of swtpm's state. LINTEL_BOOTED=1: with the PCRs that the fixtures are sealed to; else
 * with all of them zero. LINTEL_PCRLOCK=NAME: with that credential.
 */
static int print_passphrase(char **argv, const char *pin)
{
	uint8_t secret[TPM2_SECRET_MAX], base64[2 * TPM2_SECRET_MAX];
	const struct tpm2_token *token = fixture_token(argv[0]);
	static char json[65536];
	struct tpm2_unseal_inputs in = { .signatures = json,
					 .pin = pin,
					 .kdf_memory_kib = 1 << 20 };
	struct err err;
	size_t size;

	if (getenv("LINTEL_PCRLOCK"))
		in.locks = fixture_locks(getenv("LINTEL_PCRLOCK"));
	memcpy(json, fixture(argv[1], &in.signatures_size), sizeof(json));
	tpm_start(argv[2]);
	if (getenv("LINTEL_BOOTED"))
		tpm_boot();
	if (tpm2_unseal(&tpm, token, &in, secret, &size, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err_name(err.code), err.text);
		tpm_stop();
		return 1;
	}
	tpm_stop();
	EVP_EncodeBlock(base64, secret, (int)size);
	fputs((char *)base64, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	if (argc >= 5 && strcmp(argv[1], "--unseal") == 0)
		return print_passphrase(argv + 2, argc > 5 ? argv[5] : PIN);
	for (struct test *test = tests_first; test; test = test->next) {
		if (argc > 1 && !strstr(test->name, argv[1]))
			continue;
		test_failures = 0;
		test->run();
		tpm_stop();
		if (test_failures)
			printf("FAIL %s\n", test->name);
		*(test_failures ? &failed : &passed) += 1;
	}
	printf("unit: %u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
