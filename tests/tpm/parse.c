/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers for the fixtures alone, so that the TPM's side can be tested by itself. Weak: where the
 * product's own parsers are linked, these are not used.
 */
#include "tests/tpm/tpm.h"

#include "init/base/bytes.h"

#include <errno.h>
#include <string.h>

#define _weak_ __attribute__((weak))

/* The value behind "key":, without its quote; NULL where there is none before end. */
static const char *value(const char *text, const char *end, const char *key, size_t *ret_size)
{
	for (size_t n = strlen(key); text && text + n + 2 < end; text++) {
		if (*text != '"' || memcmp(text + 1, key, n) != 0 || text[n + 1] != '"')
			continue;
		text += n + 2;
		text += strspn(text, ": \n\"");
		*ret_size = strcspn(text, "\"}]");
		return text;
	}
	*ret_size = 0;
	return NULL;
}

static size_t bytes(const char *text, const char *end, const char *key, bool hex, uint8_t *ret,
		    size_t max)
{
	char copy[8192];
	size_t size;
	const char *at = value(text, end, key, &size);
	int r;

	if (!at || size >= sizeof(copy))
		return 0;
	memcpy(copy, at, size);
	copy[size] = '\0';
	r = hex ? hex_decode(copy, ret, max) : base64_decode(copy, size, ret, max);
	return r > 0 ? (size_t)r : 0;
}

static uint32_t mask(const char *text, const char *end, const char *key)
{
	size_t size;
	const char *at = value(text, end, key, &size);
	uint32_t ret = 0;

	while (at && at < end && *at != ']') {
		at += strcspn(at, "0123456789]");
		if (*at != ']')
			ret |= 1U << strtoul(at, NULL, 10);
		at += strspn(at, "0123456789");
	}
	return ret;
}

_weak_ int tpm2_token_parse(const char *json, size_t size, struct tpm2_token *t, struct err *err)
{
	const char *end = json + size, *at;

	(void)err;
	memset(t, 0, sizeof(*t));
	t->blob_size = bytes(json, end, "tpm2-blob", false, t->blob, sizeof(t->blob));
	t->policy_hash_size =
		bytes(json, end, "tpm2-policy-hash", true, t->policy_hash, sizeof(t->policy_hash));
	t->pubkey_size = bytes(json, end, "tpm2_pubkey", false, t->pubkey, sizeof(t->pubkey));
	t->salt_size = bytes(json, end, "tpm2_salt", false, t->salt, sizeof(t->salt));
	t->srk_size = bytes(json, end, "tpm2_srk", false, t->srk, sizeof(t->srk));
	t->pcrs = mask(json, end, "tpm2-pcrs");
	t->pubkey_pcrs = mask(json, end, "tpm2_pubkey_pcrs");
	at = value(json, end, "tpm2-pcr-bank", &size);
	if (at)
		memcpy(t->bank, at, size);
	at = value(json, end, "tpm2-primary-alg", &size);
	t->primary = at && memcmp(at, "rsa", 3) == 0 ? TPM2_PRIMARY_RSA : TPM2_PRIMARY_ECC;
	at = value(json, end, "tpm2-pin", &size);
	t->pin = at && memcmp(at, "true", 4) == 0;
	return t->blob_size ? 0 : -EINVAL;
}

_weak_ int pcr_signature_find(const char *json, size_t size, const char *bank, uint32_t pcrs,
			      const uint8_t fingerprint[32], unsigned int skip,
			      struct pcr_signature *ret, struct err *err)
{
	const char *end = json + size;
	size_t n;

	(void)bank;
	(void)err;
	for (const char *at = json; (at = value(at, end, "pcrs", &n)) != NULL;) {
		const char *close = at + strcspn(at, "}");

		bytes(at, close, "pkfp", true, ret->fingerprint, sizeof(ret->fingerprint));
		if (mask(at - 10, close, "pcrs") != pcrs ||
		    memcmp(ret->fingerprint, fingerprint, 32) != 0 || skip-- > 0)
			continue;
		ret->pcrs = pcrs;
		ret->policy_size = bytes(at, close, "pol", true, ret->policy, sizeof(ret->policy));
		ret->signature_size =
			bytes(at, close, "sig", false, ret->signature, sizeof(ret->signature));
		return 0;
	}
	return -ENOENT;
}
