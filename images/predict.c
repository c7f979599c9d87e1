/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCR 11 by systemd's src/boot/stub.c and src/fundamental/uki.c; policies by TPM 2.0 part 3, section
 * 23, in the order of systemd's tpm2_calculate_sealing_policy().
 */
#include "images/predict.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static inline void free_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static inline void free_md(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static inline void free_bignum(BIGNUM **number)
{
	BN_free(*number);
}

static const EVP_MD *digest_of(const struct predict_bank *bank)
{
	return EVP_get_digestbyname(bank->bank.name);
}

/* With an event's digest, H(data || zeros). */
static int extend(struct predict_bank *bank, unsigned int pcr, const void *data, size_t size,
		  size_t zeros)
{
	static const uint8_t none[4096];
	_cleanup_(free_md) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[EXPECT_DIGEST_MAX];
	bool ok = context && EVP_DigestInit_ex(context, digest_of(bank), NULL) == 1 &&
		  EVP_DigestUpdate(context, data, size) == 1;

	for (size_t n; ok && zeros > 0; zeros -= n) {
		n = zeros < sizeof(none) ? zeros : sizeof(none);
		ok = EVP_DigestUpdate(context, none, n) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(context, digest, NULL) == 1;
	return ok ? expect_extend(&bank->bank, bank->values[pcr], digest) : -EIO;
}

static int measure_section(struct predict_bank *bank, const uint8_t *bytes,
			   const struct pe_section *section)
{
	uint32_t size = section->size < section->memory ? section->size : section->memory;
	int r = extend(bank, 11, section->name, strlen(section->name) + 1, 0);

	return r < 0 ? r : extend(bank, 11, bytes + section->offset, size, section->memory - size);
}

/* The order is the stub's, not the file's; .pcrsig cannot be measured, as it signs the result. */
static int measure_uki(struct predict_bank *bank, const uint8_t *bytes, const struct pe *pe)
{
	static const char *const names[] = { ".linux", ".osrel",   ".cmdline", ".initrd",
					     ".ucode", ".splash",  ".dtb",     ".uname",
					     ".sbat",  ".pcrpkey", ".profile" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		const struct pe_section *section = pe_find(pe, names[i]);

		if (section)
			r = measure_section(bank, bytes, section);
	}
	return r < 0 ? r : extend(bank, 11, "enter-initrd", strlen("enter-initrd"), 0);
}

int predict_uki(const uint8_t *bytes, size_t size, struct prediction *ret, struct err *err)
{
	const struct pe_section *section;
	struct pe pe;
	int r = pe_parse(bytes, size, &pe, err);

	if (r < 0)
		return r;
	if (!pe_find(&pe, ".linux"))
		return err_set(err, E_UKI, EINVAL, "no .linux section: this is no UKI");
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < PREDICT_BANKS; i++) {
		ret->banks[i].bank = tpm2_known_banks[i];
		ret->banks[i].known = 1U << 11 | 1U << 15;
		if (measure_uki(&ret->banks[i], bytes, &pe) < 0)
			return err_set(err, E_INTERNAL, EIO, "%s cannot be computed",
				       tpm2_known_banks[i].name);
	}
	ret->guess = pe_find(&pe, ".dtbauto") || pe_find(&pe, ".hwids") || pe_find(&pe, ".efifw");
	section = pe_find(&pe, ".pcrsig");
	if (section) {
		ret->signatures = (const char *)bytes + section->offset;
		ret->signatures_size =
			section->size < section->memory ? section->size : section->memory;
		ret->signatures_size = strnlen(ret->signatures, ret->signatures_size);
	}
	return 0;
}

const struct predict_bank *predict_bank_named(const struct prediction *prediction, const char *name)
{
	for (size_t i = 0; i < PREDICT_BANKS; i++)
		if (strcmp(prediction->banks[i].bank.name, name) == 0)
			return &prediction->banks[i];
	return NULL;
}

static int add_pcr(struct prediction *prediction, char *line)
{
	char *colon = strchr(line, ':'), *equal = strchr(line, '=');
	const struct predict_bank *found;
	struct predict_bank *bank;
	uint8_t value[64];
	uint64_t pcr;

	if (!colon || !equal || equal < colon)
		return -EINVAL;
	*colon = *equal = '\0';
	found = predict_bank_named(prediction, colon + 1);
	if (!found || text_to_u64(line, &pcr) < 0 || pcr >= EXPECT_PCRS ||
	    hex_decode(equal + 1, value, sizeof(value)) != (int)found->bank.size)
		return -EINVAL;
	if (pcr == 11 || pcr == 15)
		return 0;
	bank = &prediction->banks[found - prediction->banks];
	memcpy(bank->values[pcr], value, bank->bank.size);
	bank->known |= 1U << pcr;
	return 0;
}

int predict_pcrs(struct prediction *prediction, uint8_t *text, size_t size, struct err *err)
{
	unsigned int number = 1;
	char *rest = (char *)text;

	if (memchr(text, 0, size))
		return err_set(err, E_FACTS, EINVAL, "a NUL is no text");
	for (char *line; (line = strsep(&rest, "\n")) != NULL; number++)
		if (line[0] && line[0] != '#' && add_pcr(prediction, line) < 0)
			return err_set(err, E_FACTS, EINVAL,
				       "line %u is not PCR:BANK=HEX, as 7:sha256=…", number);
	return 0;
}

struct policy {
	uint8_t digest[EXPECT_POLICY];
};

static void put_be(uint8_t *to, size_t size, uint32_t value)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

/* A TPM2B of a number of the key, without leading zeros. Returns the bytes, or -EINVAL. */
static int put_number(const EVP_PKEY *key, const char *param, uint8_t *to, size_t max)
{
	_cleanup_(free_bignum) BIGNUM *number = NULL;
	int size;

	if (EVP_PKEY_get_bn_param(key, param, &number) != 1)
		return -EINVAL;
	size = BN_num_bytes(number);
	if (size <= 0 || (size_t)size > max - 2)
		return -EINVAL;
	put_be(to, 2, (uint32_t)size);
	return 2 + BN_bn2bin(number, to + 2);
}

static int put_rsa(const EVP_PKEY *key, uint8_t *to)
{
	uint8_t e[2 + 4];
	int size = put_number(key, OSSL_PKEY_PARAM_RSA_N, to + 6, 2 + 512);
	int n = put_number(key, OSSL_PKEY_PARAM_RSA_E, e, sizeof(e));
	uint32_t exponent = 0;

	if (size < 0 || n < 0)
		return -EINVAL;
	for (int i = 2; i < n; i++)
		exponent = exponent << 8 | e[i];
	put_be(to, 2, (uint32_t)(size - 2) * 8);
	put_be(to + 2, 4, exponent);
	return 6 + size;
}

static int put_ecc(const EVP_PKEY *key, uint8_t *to)
{
	static const struct {
		const char *name;
		uint32_t curve;
	} curves[] = { { "prime256v1", 3 }, { "secp384r1", 4 }, { "secp521r1", 5 } };
	char group[32] = "";
	uint32_t curve = 0;
	int x, y;

	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(group, curves[i].name) == 0)
			curve = curves[i].curve;
	x = put_number(key, OSSL_PKEY_PARAM_EC_PUB_X, to + 4, 2 + 66);
	if (curve == 0 || x < 0)
		return -EINVAL;
	put_be(to, 2, curve);
	put_be(to + 2, 2, 0x10); /* no key derivation */
	y = put_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, to + 4 + x, 2 + 66);
	return y < 0 ? y : 4 + x + y;
}

/* The key's TPM name as systemd loads it: the algorithm and the digest of its TPMT_PUBLIC. */
static int key_name(const EVP_PKEY *key, uint8_t ret[34])
{
	bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	uint8_t area[640];
	int n;

	put_be(area, 2, rsa ? 0x1 : 0x23);
	put_be(area + 2, 2, 0xb);
	put_be(area + 4, 4, 0x60040); /* decrypt, sign, userWithAuth */
	put_be(area + 8, 2, 0);
	put_be(area + 10, 2, 0x10);
	put_be(area + 12, 2, 0x10);
	n = rsa ? put_rsa(key, area + 14) : put_ecc(key, area + 14);
	put_be(ret, 2, 0xb);
	if (n < 0 || EVP_Digest(area, 14 + (size_t)n, ret + 2, NULL, EVP_sha256(), NULL) != 1)
		return -EINVAL;
	return 0;
}

static EVP_PKEY *read_key(const struct tpm2_token *token, uint8_t fingerprint[32])
{
	_cleanup_(free_pkey) EVP_PKEY *key = NULL;
	BIO *bio = BIO_new_mem_buf(token->pubkey, (int)token->pubkey_size);
	unsigned char *der = NULL;
	EVP_PKEY *taken;
	int n;

	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	n = key ? i2d_PublicKey(key, &der) : -1;
	if (n <= 0 || EVP_Digest(der, (size_t)n, fingerprint, NULL, EVP_sha256(), NULL) != 1)
		n = -1;
	OPENSSL_free(der);
	if (n < 0)
		return NULL;
	taken = key;
	key = NULL;
	return taken;
}

static bool verifies(EVP_PKEY *key, const struct pcr_signature *found, const char *ref)
{
	_cleanup_(free_md) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t text[sizeof(found->policy) + EXPECT_POLICY];
	int n = expect_policy_ref(ref, text + found->policy_size);

	memcpy(text, found->policy, found->policy_size);
	return context && n >= 0 &&
	       EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(context, found->signature, found->signature_size, text,
				found->policy_size + (size_t)n) == 1;
}

/* Whether the UKI has the key's signature over what its PCRs will be. */
static int find_signature(const struct prediction *prediction, const struct tpm2_token *token,
			  const struct predict_bank *bank, const struct policy *approved,
			  EVP_PKEY *key, const uint8_t fingerprint[32], struct err *why)
{
	const struct pcr_wanted wanted = { .bank = bank->bank.name,
					   .ref = token->ref,
					   .pcrs = token->pubkey_pcrs,
					   .fingerprint = fingerprint,
					   .policy = approved->digest,
					   .policy_size = sizeof(approved->digest) };
	struct pcr_signature found;
	char digest[65];
	int r;

	if (!prediction->signatures)
		return err_set(why, E_PCR_SIGNATURE, ENOENT, "the UKI has no PCR signatures");
	r = pcr_signature_find(prediction->signatures, prediction->signatures_size, &wanted, &found,
			       why);
	if (r == 0)
		return verifies(key, &found, token->ref)
			       ? 0
			       : err_set(why, E_PCR_SIGNATURE, EKEYREJECTED,
					 "the UKI's PCR signature is wrong");
	if (r != -ENOENT)
		return r;
	hex_encode(approved->digest, 32, digest);
	return err_set(why, E_PCR_SIGNATURE, ENOENT,
		       "none of the UKI's signatures by the disk's key for %s is for policy %s",
		       bank->bank.name, digest);
}

static int policy_authorize(const struct prediction *prediction, const struct tpm2_token *token,
			    const struct predict_bank *bank, struct policy *policy, struct err *why)
{
	uint8_t fingerprint[32], name[34];
	_cleanup_(free_pkey) EVP_PKEY *key = read_key(token, fingerprint);
	struct policy approved = { { 0 } };
	int r;

	if (!key || key_name(key, name) < 0)
		return err_set(why, E_TOKEN, EINVAL, "the PCR public key is no RSA or EC key");
	r = expect_policy_pcrs(approved.digest, &bank->bank, token->pubkey_pcrs, bank->values);
	if (r == 0)
		r = find_signature(prediction, token, bank, &approved, key, fingerprint, why);
	if (r == 0)
		r = expect_policy_authorize(policy->digest, name, sizeof(name), token->ref);
	return r;
}

bool predict_knows(const struct prediction *prediction, const struct predict_bank *bank,
		   uint32_t pcrs, struct err *why)
{
	uint32_t unknown = pcrs & ~bank->known;
	int first = unknown ? __builtin_ctz(unknown) : 0;

	if (prediction->guess && pcrs & 1U << 11)
		err_set(why, E_UKI, ENOTSUP,
			"the stub chooses .dtbauto, .hwids or .efifw by the hardware");
	else if (unknown)
		err_set(why, E_UNSEAL, ENODATA, "PCR %d of %s is not known: %s", first,
			bank->bank.name,
			bank->disagree >> first & 1 ? "the event log leads to another value"
			: prediction->other_uki	    ? "the boot that is known is of another UKI"
						    : "give it with --pcrs or --tpm-eventlog");
	else
		return true;
	return false;
}

/* What the prediction cannot tell is no refusal. */
static bool foreseeable(const struct prediction *prediction, const struct tpm2_token *token,
			const struct predict_bank *bank, struct err *why)
{
	if (!predict_knows(prediction, bank, token->pcrs | token->pubkey_pcrs, why))
		return false;
	if (token->policy_hash_size != 32)
		err_set(why, E_TOKEN, ENODATA, "the token does not say what it was sealed to");
	return token->policy_hash_size == 32;
}

enum verdict predict_token(const struct prediction *prediction, const char *json, size_t size,
			   struct err *why)
{
	struct policy policy = { { 0 } };
	const struct predict_bank *bank;
	struct tpm2_token token;
	int r = tpm2_token_parse(json, size, &token, why);

	if (r < 0)
		return VERDICT_NO;
	if (token.pcrlock)
		return predict_pcrlock_token(prediction, &token, why);
	bank = predict_bank_named(prediction, tpm2_bank_named(token.bank)->name);
	if (!bank || !foreseeable(prediction, &token, bank, why))
		return VERDICT_UNKNOWN;
	if (token.pubkey_pcrs)
		r = policy_authorize(prediction, &token, bank, &policy, why);
	if (r == 0 && token.pcrs)
		r = expect_policy_pcrs(policy.digest, &bank->bank, token.pcrs, bank->values);
	if (r == 0 && token.pin)
		r = expect_policy_auth_value(policy.digest);
	if (r == -EIO || r == -E2BIG)
		return VERDICT_UNKNOWN;
	if (r < 0)
		return VERDICT_NO;
	if (memcmp(policy.digest, token.policy_hash, 32) == 0)
		return VERDICT_YES;
	err_set(why, E_UNSEAL, EPERM, "sealed to other values of PCRs 0x%x of %s", token.pcrs,
		bank->bank.name);
	return VERDICT_NO;
}
