/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predictions for the tokens that systemd itself sealed (tests/fixtures/tpm2/make): same kernel, same PCRs. */
#include "images/predict.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/sha256.h"
#include "tests/unit/gpt_build.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>

#define KERNEL "lintel test kernel\n"
#define HEADERS 512

static uint8_t file[HEADERS + 65536];
static size_t file_size;
static unsigned int n_sections;
static struct prediction prediction;
static struct err err;

static void uki_start(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "MZ", 2);
	put_le(file + 60, 4, 64);
	memcpy(file + 64, "PE\0", 4);
	file_size = HEADERS;
	n_sections = 0;
}

static void uki_add(const char *name, const void *data, size_t size, uint32_t memory)
{
	uint8_t *header = file + 64 + 24 + 40 * (size_t)n_sections;

	memcpy(header, name, strlen(name));
	put_le(header + 8, 4, memory);
	put_le(header + 16, 4, size);
	put_le(header + 20, 4, file_size);
	memcpy(file + file_size, data, size);
	file_size += size;
	put_le(file + 64 + 6, 2, ++n_sections);
}

static int uki_predict(void)
{
	return predict_uki(file, file_size, &prediction, &err);
}

/* The UKI that the fixtures' TPM has booted. */
static void fixture_uki(const char *kernel, const char *signatures)
{
	static char json[32768];
	char path[80];
	ssize_t n;

	snprintf(path, sizeof(path), "tests/fixtures/tpm2/%s.json", signatures ?: "signatures");
	n = fs_read(AT_FDCWD, path, json, sizeof(json));
	CHECK(n > 0);
	uki_start();
	if (signatures)
		uki_add(".pcrsig", json, (size_t)n, (uint32_t)n);
	uki_add(".linux", kernel, strlen(kernel), (uint32_t)strlen(kernel));
	CHECK_INT(uki_predict(), 0);
}

static void give_pcr7(const char *event)
{
	struct predict_bank *bank = &prediction.banks[1];
	char text[80] = "7:sha256=";
	uint8_t both[64] = { 0 }, value[32];
	struct sha256 hash;

	CHECK_STR(bank->bank.name, "sha256");
	sha256_init(&hash);
	sha256_add(&hash, (const uint8_t *)event, strlen(event));
	sha256_end(&hash, both + 32);
	sha256_init(&hash);
	sha256_add(&hash, both, 64);
	sha256_end(&hash, value);
	hex_encode(value, 32, text + 9);
	CHECK_INT(predict_pcrs(&prediction, (uint8_t *)text, strlen(text), &err), 0);
}

static enum verdict judge(const char *name)
{
	static char json[TPM2_TOKEN_JSON_MAX];
	char path[80];
	ssize_t n;

	snprintf(path, sizeof(path), "tests/fixtures/tpm2/%s.json", name);
	n = fs_read(AT_FDCWD, path, json, sizeof(json));
	CHECK(n > 0);
	memset(&err, 0, sizeof(err));
	return n > 0 ? predict_token(&prediction, json, (size_t)n, &err) : VERDICT_UNKNOWN;
}

static const char *const tokens[] = { "signed",	    "ec-key",	  "literal", "pin",    "legacy",
				      "legacy-pin", "legacy-rsa", "rsa-srk", "offline" };

TEST(predict_sealed_tokens)
{
	fixture_uki(KERNEL, "signatures");
	give_pcr7("secure boot policy");
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		enum verdict verdict = judge(tokens[i]);

		if (verdict != VERDICT_YES)
			fprintf(stderr, "%s: %s\n", tokens[i], err.text);
		CHECK_INT(verdict, VERDICT_YES);
	}
}

TEST(predict_sealed_by_262)
{
	static const char *const names[] = { "v262-signed",   "v262-ec-key",  "v262-literal",
					     "v262-pin",      "v262-offline", "v262-argon2id",
					     "v262-policyref" };

	fixture_uki(KERNEL, "v262-signatures");
	give_pcr7("secure boot policy");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_INT(judge(names[i]), VERDICT_YES);
	fixture_uki(KERNEL, "signatures");
	CHECK_INT(judge("v262-signed"), VERDICT_NO);
}

/* The policy as systemd-pcrlock would keep it for that token, with these PCRs and values. */
static int give_policy(const struct tpm2_token *token, const char *values)
{
	static char json[16384], srk[4096], nv[4096];

	CHECK(EVP_EncodeBlock((uint8_t *)srk, token->srk, (int)token->srk_size) > 0);
	CHECK(EVP_EncodeBlock((uint8_t *)nv, token->nv, (int)token->nv_size) > 0);
	snprintf(json, sizeof(json),
		 "{\"pcrBank\":\"sha256\",\"pcrValues\":[%s],\"srkHandle\":\"%s\",\"nvHandle\":\"%"
		 "s\"}",
		 values, srk, nv);
	return predict_pcrlock(&prediction, (uint8_t *)json, strlen(json), &err);
}

TEST(predict_pcrlock)
{
	static const char *const other =
		"1111111111111111111111111111111111111111111111111111111111111111";
	static char json[16384], values[512], hex[65];
	struct tpm2_token token;
	ssize_t n = fs_read(AT_FDCWD, "tests/fixtures/tpm2/pcrlock.json", json, sizeof(json));

	CHECK(n > 0 && tpm2_token_parse(json, (size_t)n, &token, &err) == 0);
	fixture_uki(KERNEL, NULL);
	CHECK_INT(uki_predict(), 0);
	CHECK_INT(judge("pcrlock"), VERDICT_UNKNOWN);
	CHECK_INT(err.code, E_PCRLOCK);

	hex_encode(predict_bank_named(&prediction, "sha256")->values[11], 32, hex);
	snprintf(values, sizeof(values), "{\"pcr\":11,\"values\":[\"%s\",\"%s\"]}", other, hex);
	CHECK_INT(give_policy(&token, values), 0);
	CHECK_INT(judge("pcrlock"), VERDICT_YES);
	snprintf(values, sizeof(values), "{\"pcr\":11,\"values\":[\"%s\"]}", other);
	CHECK_INT(give_policy(&token, values), 0);
	CHECK_INT(judge("pcrlock"), VERDICT_NO);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(strstr(err.text, "PCR 11 of sha256") != NULL && strstr(err.text, hex) != NULL);
	snprintf(values, sizeof(values), "{\"pcr\":7,\"values\":[\"%s\"]}", other);
	CHECK_INT(give_policy(&token, values), 0);
	CHECK_INT(judge("pcrlock"), VERDICT_UNKNOWN); /* no file says what PCR 7 is */
	CHECK_INT(err.code, E_UNSEAL);
	token.nv[token.nv_size - 1] ^= 1;
	CHECK_INT(give_policy(&token, values), 0);
	CHECK_INT(judge("pcrlock"), VERDICT_UNKNOWN); /* another index's */
	CHECK_INT(err.code, E_PCRLOCK);
	CHECK_INT(give_policy(&token, "7"), -EINVAL);
	CHECK(prediction.lock == NULL);
}

TEST(predict_other_states)
{
	fixture_uki("another kernel\n", "signatures");
	CHECK_INT(judge("signed"), VERDICT_NO);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	CHECK_INT(judge("ec-key"), VERDICT_NO);
	fixture_uki(KERNEL, NULL);
	CHECK_INT(judge("signed"), VERDICT_NO);
	CHECK_STR(err.text, "the UKI has no PCR signatures");
	CHECK_INT(judge("literal"), VERDICT_UNKNOWN);
	CHECK_STR(err.text, "PCR 7 of sha256 is not known: give it with --pcrs or --tpm-eventlog");
	give_pcr7("another policy");
	CHECK_INT(judge("literal"), VERDICT_NO);
	CHECK_INT(err.code, E_UNSEAL);
}

/* One byte of each signature: the digest in the clear is no proof. */
TEST(predict_forged_signature)
{
	char *at;

	fixture_uki(KERNEL, "signatures");
	at = (char *)file;
	for (size_t i = HEADERS; i + 8 < file_size; i++)
		if (memcmp(at + i, "\"sig\"", 5) == 0) {
			char *text = memchr(at + i + 5, '"', 8);

			text[20] = text[20] == 'A' ? 'B' : 'A';
		}
	CHECK_INT(uki_predict(), 0);
	CHECK_INT(judge("signed"), VERDICT_NO);
	CHECK_STR(err.text, "the UKI's PCR signature is wrong");
	CHECK_INT(judge("ec-key"), VERDICT_NO);
}

/* systemd-stub hashes what is in memory: cut at VirtualSize, or with zeros behind the file's bytes. */
TEST(predict_section_in_memory)
{
	uint8_t want[64];

	uki_start();
	uki_add(".linux", "ab\0\0", 4, 4);
	CHECK_INT(uki_predict(), 0);
	memcpy(want, prediction.banks[1].values[11], 32);
	uki_start();
	uki_add(".linux", "ab", 2, 4);
	CHECK_INT(uki_predict(), 0);
	CHECK(memcmp(want, prediction.banks[1].values[11], 32) == 0);
	uki_start();
	uki_add(".linux", "ab\0\0\0\0", 6, 4);
	CHECK_INT(uki_predict(), 0);
	CHECK(memcmp(want, prediction.banks[1].values[11], 32) == 0);
}

/* The first profile's own sections replace the base's; the second profile's do not count. */
TEST(predict_profiles)
{
	uint8_t want[64];

	uki_start();
	uki_add(".linux", "k", 1, 1);
	uki_add(".cmdline", "own", 3, 3);
	uki_add(".profile", "ID=main", 7, 7);
	CHECK_INT(uki_predict(), 0);
	memcpy(want, prediction.banks[1].values[11], 32);
	uki_start();
	uki_add(".cmdline", "base", 4, 4);
	uki_add(".linux", "k", 1, 1);
	uki_add(".profile", "ID=main", 7, 7);
	uki_add(".cmdline", "own", 3, 3);
	uki_add(".profile", "ID=other", 8, 8);
	uki_add(".cmdline", "other", 5, 5);
	CHECK_INT(uki_predict(), 0);
	CHECK(memcmp(want, prediction.banks[1].values[11], 32) == 0);
	uki_add(".hwids", "x", 1, 1);
	CHECK_INT(uki_predict(), 0);
	CHECK(!prediction.guess);
}

TEST(predict_malformed)
{
	static char bad[][80] = { "7:sha256=00", "24:sha256=00", "7:md5=00", "7=00", "x:sha1=" };
	struct pe pe = { .n_sections = 77 };

	fixture_uki(KERNEL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(predict_pcrs(&prediction, (uint8_t *)bad[i], strlen(bad[i]), &err),
			  -EINVAL);
		CHECK_INT(err.code, E_FACTS);
	}
	CHECK_INT(predict_pcrs(&prediction, (uint8_t *)bad[0], sizeof(bad[0]), &err), -EINVAL);
	for (size_t size = 0; size < file_size; size++) {
		CHECK_INT(pe_parse(file, size, &pe, &err), -EINVAL);
		CHECK_INT(err.code, E_UKI);
	}
	CHECK_INT(pe.n_sections, 77);
	uki_start();
	uki_add(".linux", "k", 1, 1U << 31);
	CHECK_INT(uki_predict(), -E2BIG);
	uki_start();
	uki_add(".osrel", "k", 1, 1);
	CHECK_INT(uki_predict(), -EINVAL);
	put_le(file + 64 + 6, 2, PE_SECTIONS_MAX + 1);
	CHECK_INT(uki_predict(), -E2BIG);
}
