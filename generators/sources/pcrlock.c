/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/pcrlock.h"
#include "init/base/attr.h"
#include "init/base/bytes.h"
#include "init/base/field.h"

#include <errno.h>
#include <string.h>

#define KEY_SIZE 32 /* AES-256-GCM, in counter mode: a block of one byte */
#define BLOCK_SIZE 1
#define HEADER_SIZE 48	 /* id, four sizes, IV, padded to eight bytes */
#define METADATA_SIZE 20 /* timestamp, not after, size of the name, which follows */

static size_t pad8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

bool pcrlock_allows(const struct pcrlock *policy, unsigned int pcr, const uint8_t *value)
{
	for (size_t i = 0; i < policy->n_values[pcr]; i++)
		if (memcmp(policy->values[pcr][i], value, policy->digest_size) == 0)
			return true;
	return false;
}

static int add_values(const struct field *entry, uint64_t pcr, struct pcrlock *ret)
{
	uint8_t value[TPM2_TOKEN_DIGEST_MAX];
	struct field values;
	struct json_list list;
	struct json item;
	int r = field_get(entry, "values", '[', &values);

	if (r < 0)
		return r;
	json_list_open(&values.json, &list);
	while (json_list_next(&list, NULL, &item)) {
		char text[2 * sizeof(value) + 1];

		if (json_kind(&item) != '"' || json_text(&item, text, sizeof(text)) < 0 ||
		    hex_decode(text, value, sizeof(value)) != (int)ret->digest_size)
			return field_bad(entry, "values", EINVAL,
					 "has what is no digest of pcrBank");
		if (pcrlock_allows(ret, pcr, value))
			continue; /* systemd keeps a set */
		if (ret->n_values[pcr] == PCRLOCK_VALUES_MAX)
			return field_bad(entry, "values", E2BIG,
					 "has more than 8 values for a PCR");
		memcpy(ret->values[pcr][ret->n_values[pcr]++], value, ret->digest_size);
	}
	return ret->n_values[pcr] ? 0 : field_bad(entry, "values", EINVAL, "is empty");
}

static int get_values(const struct field *root, struct pcrlock *ret)
{
	struct field entry;
	struct json_list list;
	uint64_t pcr;
	int r = field_get(root, "pcrValues", '[', &entry);

	if (r < 0)
		return r;
	json_list_open(&entry.json, &list);
	while (json_list_next(&list, NULL, &entry.json)) {
		if (json_kind(&entry.json) != '{')
			return field_bad(root, "pcrValues", EINVAL, "has what is not an object");
		r = field_u64(&entry, "pcr", 0, PCRLOCK_PCRS - 1, &pcr);
		if (r == 0 && ret->pcrs >> pcr & 1)
			return field_bad(root, "pcrValues", EINVAL, "has a PCR twice");
		if (r == 0)
			r = add_values(&entry, pcr, ret);
		if (r < 0)
			return r;
		ret->pcrs |= UINT32_C(1) << pcr;
	}
	/* with none, the policy would hold for whatever has booted */
	return ret->pcrs ? 0 : field_bad(root, "pcrValues", EINVAL, "names no PCR");
}

/* What else the JSON has is for who makes the next policy (the PIN that writes the index). */
int pcrlock_parse(const char *json, size_t size, struct pcrlock *ret, struct err *err)
{
	static const size_t sizes[] = { 32, 48, 64 };
	struct field root;
	int r;

	ret->pcrs = 0;
	memset(ret->n_values, 0, sizeof(ret->n_values));
	if (size > PCRLOCK_JSON_MAX)
		return err_set(err, E_PCRLOCK, E2BIG, "the policy's JSON is too long");
	r = field_root(json, size, E_PCRLOCK, err, &root);
	if (r == 0) /* sha1 is left out: it is forgeable */
		r = field_word(&root, "pcrBank", "sha256 sha384 sha512");
	if (r < 0)
		return r;
	ret->digest_size = sizes[r];
	r = field_text(&root, "pcrBank", ret->bank, sizeof(ret->bank));
	if (r == 0)
		r = get_values(&root, ret);
	if (r == 0)
		r = field_base64(&root, "srkHandle", ret->srk, sizeof(ret->srk), &ret->srk_size);
	if (r == 0)
		r = field_base64(&root, "nvHandle", ret->nv, sizeof(ret->nv), &ret->nv_size);
	return r;
}

bool pcrlock_is_of(const struct pcrlock *policy, const struct tpm2_token *token)
{
	return policy->nv_size == token->nv_size && policy->srk_size == token->srk_size &&
	       memcmp(policy->nv, token->nv, token->nv_size) == 0 &&
	       memcmp(policy->srk, token->srk, token->srk_size) == 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool pcrlock_credential_name(const char *file, char ret[PCRLOCK_NAME_MAX])
{
	static const char start[] = "pcrlock.", end[] = ".cred";
	size_t len = strlen(file), from = sizeof(start) - 1, tail = sizeof(end) - 1;

	if (len < from + tail || len - tail >= PCRLOCK_NAME_MAX)
		return false;
	for (size_t i = 0; i < len - tail; i++)
		ret[i] = lower(file[i]);
	ret[len - tail] = '\0';
	for (size_t i = 0; i < tail; i++)
		if (lower(file[len - tail + i]) != end[i])
			return false;
	return memcmp(ret, start, from) == 0;
}

int null_credential_decode(const char *text, size_t size, uint8_t *ret, size_t max)
{
	size_t n = 0, at = 0;
	char quad[4];
	int r = 3;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			continue;
		if (r < 3)
			return -EINVAL; /* more after the padding */
		quad[n++] = text[i];
		if (n < sizeof(quad))
			continue;
		r = base64_decode(quad, sizeof(quad), ret + at, max - at);
		if (r < 0)
			return r;
		at += (size_t)r;
		n = 0;
	}
	return n == 0 ? (int)at : -EINVAL;
}

int null_credential_parse(const uint8_t *data, size_t size, struct null_credential *ret)
{
	/* CRED_AES256_GCM_BY_NULL: the key is the SHA-256 of nothing */
	static const uint8_t id[16] = { 0x05, 0x84, 0x69, 0xda, 0xf6, 0xf5, 0x43, 0x24,
					0x80, 0x05, 0x49, 0xda, 0x0f, 0x8e, 0xa2, 0xfb };

	if (size < HEADER_SIZE + pad8(METADATA_SIZE) + NULL_CREDENTIAL_TAG)
		return -EINVAL;
	if (memcmp(data, id, sizeof(id)) != 0)
		return -ENOTSUP;
	if (le32(data + 16) != KEY_SIZE || le32(data + 20) != BLOCK_SIZE ||
	    le32(data + 24) != NULL_CREDENTIAL_IV || le32(data + 28) != NULL_CREDENTIAL_TAG)
		return -EINVAL;
	*ret = (struct null_credential){ .iv = data + 32,
					 .cipher = data + HEADER_SIZE,
					 .tag = data + size - NULL_CREDENTIAL_TAG,
					 .header_size = HEADER_SIZE,
					 .cipher_size = size - HEADER_SIZE - NULL_CREDENTIAL_TAG };
	return 0;
}

/* Its times are not looked at: the initrd's clock is not known to be right, and no key vouches for them. */
long null_credential_payload(const uint8_t *data, size_t size, const char *name)
{
	size_t name_size, at;

	if (size < pad8(METADATA_SIZE))
		return -EINVAL;
	name_size = le32(data + 16);
	if (name_size >= PCRLOCK_NAME_MAX)
		return -EINVAL;
	at = pad8(METADATA_SIZE + name_size);
	if (at > size)
		return -EINVAL;
	if (name_size > 0 &&
	    (name_size != strlen(name) || memcmp(data + METADATA_SIZE, name, name_size) != 0))
		return -EKEYREJECTED;
	return (long)at;
}
