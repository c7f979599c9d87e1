/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One text as a policy's JSON, as a credential's base64, its bytes and what is decrypted of them. */
#include "generators/sources/pcrlock.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void parse_json(const char *text, size_t size)
{
	static struct pcrlock lock;
	struct err err;

	if (pcrlock_parse(text, size, &lock, &err) < 0) {
		must(err.code == E_PCRLOCK);
		return;
	}
	must(lock.pcrs && lock.nv_size > 0 && lock.nv_size <= sizeof(lock.nv) && lock.srk_size > 0);
	for (unsigned int pcr = 0; pcr < PCRLOCK_PCRS; pcr++)
		must(lock.n_values[pcr] <= PCRLOCK_VALUES_MAX &&
		     (lock.n_values[pcr] > 0) == (lock.pcrs >> pcr & 1));
}

static void parse_bytes(const uint8_t *data, size_t size)
{
	struct null_credential parts;
	long at = null_credential_payload(data, size, "pcrlock.x");

	must(at < 0 || (size_t)at <= size);
	if (null_credential_parse(data, size, &parts) == 0)
		must(parts.header_size + parts.cipher_size + NULL_CREDENTIAL_TAG == size &&
		     parts.tag + NULL_CREDENTIAL_TAG == data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[PCRLOCK_CREDENTIAL_MAX];
	char name[PCRLOCK_NAME_MAX], file[300] = "";
	int n = null_credential_decode((const char *)data, size, bytes, sizeof(bytes));

	must(n <= (int)sizeof(bytes));
	if (n > 0)
		parse_bytes(bytes, (size_t)n);
	parse_bytes(data, size);
	parse_json((const char *)data, size);
	memcpy(file, data, size < sizeof(file) - 1 ? size : sizeof(file) - 1);
	if (pcrlock_credential_name(file, name))
		must(strlen(name) + 5 == strlen(file) && strlen(name) >= 8);
	return 0;
}
