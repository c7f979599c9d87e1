/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One text as a token and as PCR signatures: sizes stay within their fields. */
#include "generators/sources/tpm2_token.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t fingerprint[32];
	static struct tpm2_token token;
	static const struct pcr_wanted any = { "sha256", "", 1 << 11, fingerprint, NULL, 0 };
	static struct pcr_signature found;
	struct err err;
	const char *text = (const char *)data;

	if (tpm2_token_parse(text, size, &token, &err) < 0)
		must(err.code == E_TOKEN);
	else
		must(token.blob_size > 0 && token.blob_size <= sizeof(token.blob) &&
		     token.policy_hash_size > 0 && token.pubkey_size <= sizeof(token.pubkey) &&
		     (!token.pubkey_pcrs || token.pubkey_size > 0) &&
		     (!token.argon2_memory_kib ||
		      (token.pin && token.argon2_memory_kib <= 1 << 20)));
	if (pcr_signature_find(text, size, &any, &found, &err) < 0)
		must(err.code == E_PCR_SIGNATURE);
	else
		must(found.policy_size > 0 && found.signature_size > 0);
	return 0;
}
