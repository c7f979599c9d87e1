/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The JSON of a signature partition. What is accepted makes JSON again that means the same, with
 * zeros behind it or not, and with anything else behind it is refused.
 */
#include "generators/sources/verity.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>

#define TEXT_MAX (VERITY_SIG_JSON_MAX + 64)

static bool is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i]))
			return false;
	return text[len] == '\0';
}

static int parse(const char *text, size_t size, struct verity_signature *ret)
{
	struct err err = { .code = E_NONE };
	char *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, text, size);
	r = verity_signature_parse(copy, size, ret, &err);
	free(copy);
	must(r == 0 || (err.code == E_SIG_MALFORMED && err.text[0]));
	return r;
}

static bool same(const struct verity_signature *a, const struct verity_signature *b)
{
	return strcmp(a->roothash, b->roothash) == 0 &&
	       strcmp(a->fingerprint, b->fingerprint) == 0 && a->der_size == b->der_size &&
	       memcmp(a->der, b->der, a->der_size) == 0;
}

static void base64(const uint8_t *data, size_t size, char *ret)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3, ret += 4) {
		uint32_t b = (uint32_t)data[i] << 16;

		b |= i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0;
		b |= i + 2 < size ? data[i + 2] : 0;
		ret[0] = digits[b >> 18];
		ret[1] = digits[b >> 12 & 63];
		ret[2] = i + 1 < size ? digits[b >> 6 & 63] : '=';
		ret[3] = i + 2 < size ? digits[b & 63] : '=';
	}
	*ret = '\0';
}

/* The bytes are one SEQUENCE of their own length. */
static void check_der(const struct verity_signature *sig)
{
	size_t head = sig->der[1] < 0x80 ? 2 : 2 + (sig->der[1] & 0x7fU), len = 0;

	must(sig->der_size >= 2 && sig->der_size <= VERITY_SIG_DER_MAX && sig->der[0] == 0x30);
	must(head <= 5 && head <= sig->der_size);
	for (size_t i = 2; i < head; i++)
		len = len << 8 | sig->der[i];
	must(sig->der_size == head + (head == 2 ? sig->der[1] : len));
}

static void check_again(const struct verity_signature *sig)
{
	static char text[TEXT_MAX], der[VERITY_SIG_DER_MAX * 2];
	static struct verity_signature again;
	int n;

	base64(sig->der, sig->der_size, der);
	n = snprintf(text, sizeof(text) - 32, "{\"rootHash\":\"%s\",%s%s%s\"signature\":\"%s\"}",
		     sig->roothash, sig->fingerprint[0] ? "\"certificateFingerprint\":\"" : "",
		     sig->fingerprint, sig->fingerprint[0] ? "\"," : "", der);
	must(parse(text, (size_t)n, &again) == 0 && same(sig, &again));
	memset(text + n, 0, 32);
	must(parse(text, (size_t)n + 32, &again) == 0 && same(sig, &again));
	text[n + 31] = '}';
	must(parse(text, (size_t)n + 32, &again) < 0);
	must(parse(text, (size_t)n - 1, &again) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verity_signature sig;

	memset(&sig, 0x5a, sizeof(sig));
	if (parse((const char *)data, size, &sig) < 0) {
		must(sig.roothash[0] == 0x5a && sig.der[0] == 0x5a);
		return 0;
	}
	must(is_hex(sig.roothash, 64) || is_hex(sig.roothash, 128));
	must(!sig.fingerprint[0] || is_hex(sig.fingerprint, 64));
	check_der(&sig);
	check_again(&sig);
	return 0;
}
