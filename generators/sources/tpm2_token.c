/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/tpm2_token.h"
#include "init/base/attr.h"
#include "init/base/field.h"

#include <errno.h>
#include <string.h>

#define PCRS_MAX 24 /* PC Client Platform TPM Profile: PCRs 0 to 23 */

/* What tpm2_make_luks2_json() of systemd 252 to 262 writes: a field that is newer changes the policy. */
static const char token_fields[] =
	"type keyslots tpm2-blob tpm2-pcrs tpm2-pcr-bank tpm2-primary-alg tpm2-policy-hash "
	"tpm2-pin tpm2_pcrlock tpm2_pubkey_pcrs tpm2_pubkey tpm2_pubkey_ref tpm2_salt tpm2_srk "
	"tpm2_pcrlock_nv "
	"tpm2_argon2id_memcost tpm2_argon2id_iterations tpm2_argon2id_lanes";

/* As for a key slot: the token's writer is not known, and who asks for more than this wants harm. */
#define ARGON2_MEMORY_MAX (UINT64_C(1) << 30)
#define ARGON2_PASSES_MAX 1000
#define ARGON2_LANES_MAX 256 /* systemd takes as many as the machine has processors */

/* systemd 258 and later may split a policy into shards, one blob and one hash for each. */
static int refuse_shards(const struct field *root)
{
	static const char *const keys[] = { "tpm2-blob", "tpm2-policy-hash" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct json value;

		if (json_get(&root->json, keys[i], &value) && json_kind(&value) == '[')
			return field_bad(root, keys[i], ENOTSUP,
					 "is a list: a sharded policy is not supported");
	}
	return 0;
}

/* The bank and the primary key's algorithm have been written since systemd 250 only. */
static int get_words(const struct field *root, struct tpm2_token *ret)
{
	int n = 0;

	if (field_has(root, "tpm2-pcr-bank")) {
		n = field_word(root, "tpm2-pcr-bank", "sha1 sha256 sha384 sha512");
		if (n < 0)
			return n;
		n = field_text(root, "tpm2-pcr-bank", ret->bank, sizeof(ret->bank));
	}
	ret->primary = TPM2_PRIMARY_ECC;
	if (n >= 0 && field_has(root, "tpm2-primary-alg")) {
		n = field_word(root, "tpm2-primary-alg", "ecc rsa");
		ret->primary = n == 1 ? TPM2_PRIMARY_RSA : TPM2_PRIMARY_ECC;
	}
	if (n >= 0 && field_has(root, "tpm2_pubkey_ref"))
		n = field_text(root, "tpm2_pubkey_ref", ret->ref, sizeof(ret->ref));
	return n < 0 ? n : 0;
}

static int get_masks(const struct field *root, struct tpm2_token *ret)
{
	int r = field_mask(root, "keyslots", '"', 32, &ret->keyslots);

	if (r == 0)
		r = field_mask(root, "tpm2-pcrs", '0', PCRS_MAX, &ret->pcrs);
	if (r == 0 && field_has(root, "tpm2_pubkey_pcrs"))
		r = field_mask(root, "tpm2_pubkey_pcrs", '0', PCRS_MAX, &ret->pubkey_pcrs);
	if (r == 0 && field_has(root, "tpm2-pin"))
		r = field_bool(root, "tpm2-pin", &ret->pin);
	if (r == 0 && field_has(root, "tpm2_pcrlock"))
		r = field_bool(root, "tpm2_pcrlock", &ret->pcrlock);
	return r;
}

static int get_bytes(const struct field *root, struct tpm2_token *ret)
{
	const struct {
		const char *key;
		uint8_t *bytes;
		size_t max, *size;
	} optional[] = {
		{ "tpm2_pubkey", ret->pubkey, sizeof(ret->pubkey), &ret->pubkey_size },
		{ "tpm2_salt", ret->salt, sizeof(ret->salt), &ret->salt_size },
		{ "tpm2_srk", ret->srk, sizeof(ret->srk), &ret->srk_size },
		{ "tpm2_pcrlock_nv", ret->nv, sizeof(ret->nv), &ret->nv_size },
	};
	int r = field_base64(root, "tpm2-blob", ret->blob, sizeof(ret->blob), &ret->blob_size);

	if (r == 0)
		r = field_hex(root, "tpm2-policy-hash", ret->policy_hash, sizeof(ret->policy_hash),
			      &ret->policy_hash_size);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(optional); i++)
		if (field_has(root, optional[i].key))
			r = field_base64(root, optional[i].key, optional[i].bytes, optional[i].max,
					 optional[i].size);
	return r;
}

/* systemd 262: all three or none. What is derived takes the place of PIN and secret (tpm2_pin.c). */
static int get_argon2(const struct field *root, struct tpm2_token *ret)
{
	const struct {
		const char *key;
		uint64_t max;
		uint32_t *value;
		unsigned int divisor;
	} all[] = {
		{ "tpm2_argon2id_lanes", ARGON2_LANES_MAX, &ret->argon2_lanes, 1 },
		{ "tpm2_argon2id_iterations", ARGON2_PASSES_MAX, &ret->argon2_passes, 1 },
		{ "tpm2_argon2id_memcost", ARGON2_MEMORY_MAX, &ret->argon2_memory_kib, 1024 },
	};
	bool any = false;
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		any |= field_has(root, all[i].key);
	for (size_t i = 0; any && i < ARRAY_SIZE(all); i++) {
		int r = field_u64(root, all[i].key, all[i].divisor, all[i].max, &value);

		if (r < 0)
			return r;
		*all[i].value = (uint32_t)(value / all[i].divisor);
	}
	if (any && (!ret->pin || ret->salt_size < 8))
		return field_bad(root, "tpm2_argon2id_memcost", EINVAL, "without PIN and salt");
	/* RFC 9106, 3.1: eight blocks of one KiB for each lane */
	return any && ret->argon2_memory_kib < 8 * ret->argon2_lanes
		       ? field_bad(root, "tpm2_argon2id_memcost", EINVAL,
				   "is too little for its lanes")
		       : 0;
}

int tpm2_token_parse(const char *json, size_t size, struct tpm2_token *ret, struct err *err)
{
	struct field root;
	int r;

	if (size > TPM2_TOKEN_JSON_MAX)
		return err_set(err, E_TOKEN, E2BIG, "the token's JSON is too long");
	r = field_root(json, size, E_TOKEN, err, &root);
	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	r = field_word(&root, "type", "systemd-tpm2");
	if (r == 0)
		r = field_only(&root, token_fields);
	if (r == 0)
		r = refuse_shards(&root);
	if (r == 0)
		r = get_masks(&root, ret);
	if (r == 0)
		r = get_words(&root, ret);
	if (r == 0)
		r = get_bytes(&root, ret);
	if (r == 0)
		r = get_argon2(&root, ret);
	if (r < 0)
		return r;
	if (ret->pubkey_pcrs && ret->pubkey_size == 0)
		return field_bad(&root, "tpm2_pubkey", EINVAL, "is missing");
	return 0;
}

/* 0, -ENOENT where the entry is for another key, PCRs, name or policy, or has fields not known here. */
static int get_entry(const struct field *entry, const struct pcr_wanted *wanted,
		     struct pcr_signature *ret)
{
	char ref[TPM2_POLICY_REF_MAX] = "";
	uint8_t fingerprint[32];
	struct err foreign;
	struct field quiet = *entry;
	uint32_t pcrs;
	size_t size = 0;
	int r;

	quiet.err = &foreign;
	if (field_only(&quiet, "pcrs pkfp ref pol sig") < 0)
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	r = field_mask(entry, "pcrs", '0', PCRS_MAX, &pcrs);
	if (r == 0 && field_has(entry, "ref"))
		r = field_text(entry, "ref", ref, sizeof(ref));
	if (r == 0)
		r = field_hex(entry, "pkfp", fingerprint, sizeof(fingerprint), &size);
	if (r < 0)
		return r;
	if (size != sizeof(fingerprint))
		return field_bad(entry, "pkfp", EINVAL, "is not 32 bytes");
	if (pcrs != wanted->pcrs || strcmp(ref, wanted->ref) != 0 ||
	    memcmp(fingerprint, wanted->fingerprint, size) != 0)
		return -ENOENT;
	r = field_hex(entry, "pol", ret->policy, sizeof(ret->policy), &ret->policy_size);
	if (r < 0)
		return r;
	if (wanted->policy && (ret->policy_size != wanted->policy_size ||
			       memcmp(ret->policy, wanted->policy, ret->policy_size) != 0))
		return -ENOENT;
	return field_base64(entry, "sig", ret->signature, sizeof(ret->signature),
			    &ret->signature_size);
}

int pcr_signature_find(const char *json, size_t size, const struct pcr_wanted *wanted,
		       struct pcr_signature *ret, struct err *err)
{
	struct field root, entry;
	struct json_list list;
	int r;

	if (size > PCR_SIGNATURE_JSON_MAX)
		return err_set(err, E_PCR_SIGNATURE, E2BIG, "the JSON is too long");
	r = field_root(json, size, E_PCR_SIGNATURE, err, &root);
	if (r < 0)
		return r;
	if (!field_has(&root, wanted->bank))
		return field_bad(&root, wanted->bank, ENOENT, "is missing");
	r = field_get(&root, wanted->bank, '[', &entry);
	if (r < 0)
		return r;
	json_list_open(&entry.json, &list);
	while (json_list_next(&list, NULL, &entry.json)) {
		if (json_kind(&entry.json) != '{')
			return field_bad(&root, wanted->bank, EINVAL, "has what is not an object");
		r = get_entry(&entry, wanted, ret);
		if (r != -ENOENT)
			return r;
	}
	return field_bad(&root, wanted->bank, ENOENT,
			 "has no signature by that key for those PCRs");
}
