/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "LUKS2 On-Disk Format Specification" 1.1.3, section 3. The profile: what cryptsetup and systemd
 * write for an AES-XTS volume, and nothing else; a field that is not named here is refused.
 */
#include "generators/sources/luks2_json.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

#define AF_STRIPES 4000
#define SALT_MAX 64

/* Costs that a boot can bear: at 3 million SHA-256 rounds a second, half a minute. */
#define PBKDF2_ITERATIONS_MAX 100000000
#define ARGON2_TIME_MAX 1000
#define ARGON2_CPUS_MAX 4 /* cryptsetup, lib/crypto_backend/pbkdf_check.c: never more */
#define ARGON2_MEMORY_MIN_KIB 32

#define CIPHER "aes-xts-plain64"
#define HASHES "sha256 sha512"

/* A volume key, or a keyslot's: two AES keys of 128 or 256 bits. */
static int get_key_size(const struct field *of, unsigned int *ret)
{
	uint64_t size;
	int r = field_u64(of, "key_size", 32, 64, &size);

	if (r < 0)
		return r;
	if (size != 32 && size != 64)
		return field_bad(of, "key_size", ENOTSUP, "is neither 32 nor 64");
	*ret = (unsigned int)size;
	return 0;
}

static int check_salt(const struct field *of)
{
	uint8_t salt[SALT_MAX];
	size_t size;
	int r = field_base64(of, "salt", salt, sizeof(salt), &size);

	if (r < 0)
		return r;
	return size < 8 ? field_bad(of, "salt", ENOTSUP, "is shorter than 8 bytes") : 0;
}

/* A PBKDF2 with its hash; the index of that in HASHES. */
static int get_pbkdf2(const struct field *of, uint64_t *ret_iterations)
{
	int hash = field_word(of, "hash", HASHES);
	int r = hash < 0 ? hash
			 : field_u64(of, "iterations", 1, PBKDF2_ITERATIONS_MAX, ret_iterations);

	return r < 0 ? r : hash;
}

/* Section 3.2.5. */
static int get_kdf(const struct field *slot, const struct luks2_limits *limits,
		   struct luks2_keyslot *ret)
{
	struct field kdf;
	int type, r = field_get(slot, "kdf", '{', &kdf);

	if (r < 0)
		return r;
	type = field_word(&kdf, "type", "pbkdf2 argon2i argon2id");
	if (type < 0)
		return type;
	ret->kdf = (enum luks2_kdf)type;
	r = check_salt(&kdf);
	if (r < 0)
		return r;
	if (ret->kdf == LUKS2_PBKDF2) {
		r = get_pbkdf2(&kdf, &ret->iterations);
		return r < 0 ? r : field_only(&kdf, "type salt hash iterations");
	}
	r = field_u64(&kdf, "time", 1, ARGON2_TIME_MAX, &ret->time);
	if (r == 0)
		r = field_u64(&kdf, "memory", ARGON2_MEMORY_MIN_KIB, limits->kdf_memory_kib,
			      &ret->memory_kib);
	if (r == 0)
		r = field_u64(&kdf, "cpus", 1, ARGON2_CPUS_MAX, &ret->cpus);
	return r < 0 ? r : field_only(&kdf, "type salt time memory cpus");
}

/* Section 3.2.4. */
static int check_af(const struct field *slot)
{
	struct field af;
	uint64_t stripes;
	int r = field_get(slot, "af", '{', &af);

	if (r == 0)
		r = field_word(&af, "type", "luks1");
	if (r == 0)
		r = field_u64(&af, "stripes", AF_STRIPES, AF_STRIPES, &stripes);
	if (r >= 0)
		r = field_word(&af, "hash", HASHES);
	return r < 0 ? r : field_only(&af, "type stripes hash");
}

/* Section 3.2.3: of the types only "raw", which is the keyslot's key and nothing of a re-encryption. */
static int get_area(const struct field *slot, const struct luks2_header *header,
		    struct luks2_keyslot *ret)
{
	struct field area;
	unsigned int key_size;
	uint64_t start = 2 * header->header_size, end = header->payload_offset;
	int r = field_get(slot, "area", '{', &area);

	if (r == 0)
		r = field_word(&area, "type", "raw");
	if (r == 0)
		r = field_word(&area, "encryption", CIPHER);
	if (r == 0)
		r = get_key_size(&area, &key_size);
	if (r == 0)
		r = field_u64_text(&area, "offset", start, end, &ret->area_offset);
	if (r == 0)
		r = field_u64_text(&area, "size", (uint64_t)ret->key_size * AF_STRIPES,
				   end - ret->area_offset, &ret->area_size);
	if (r < 0)
		return r;
	if (ret->area_offset % LUKS2_ALIGNMENT != 0)
		return field_bad(&area, "offset", ENOTSUP, "is not a multiple of 4096");
	if (ret->area_size % LUKS2_ALIGNMENT != 0)
		return field_bad(&area, "size", ENOTSUP, "is not a multiple of 4096");
	for (size_t i = 0; i < header->n_keyslots; i++) {
		const struct luks2_keyslot *other = &header->keyslots[i];

		if (ret->area_offset < other->area_offset + other->area_size &&
		    other->area_offset < ret->area_offset + ret->area_size)
			return field_bad(&area, "offset", ENOTSUP,
					 "lets it overlap another keyslot's area");
	}
	return field_only(&area, "type offset size encryption key_size");
}

/* Section 3.2.1; not 3.2.2, "reencrypt". */
static int get_keyslot(const struct field *slot, const struct luks2_limits *limits,
		       const struct luks2_header *header, struct luks2_keyslot *ret)
{
	uint64_t priority = 1;
	int r = field_word(slot, "type", "luks2");

	if (r == 0)
		r = get_key_size(slot, &ret->key_size);
	if (r == 0)
		r = check_af(slot);
	if (r == 0)
		r = get_area(slot, header, ret);
	if (r == 0)
		r = get_kdf(slot, limits, ret);
	if (r == 0 && field_has(slot, "priority"))
		r = field_u64(slot, "priority", 0, 2, &priority);
	if (r == 0)
		r = field_only(slot, "type key_size af area kdf priority");
	ret->priority = (int)priority;
	return r;
}

static int get_keyslots(const struct field *root, const struct luks2_limits *limits,
			struct luks2_header *ret)
{
	struct json_list list;
	struct field all, slot;
	unsigned int id;
	int r = field_get(root, "keyslots", '{', &all);

	if (r < 0)
		return r;
	json_list_open(&all.json, &list);
	while ((r = field_next_id(&all, &list, LUKS2_KEYSLOTS_MAX, &id, &slot)) > 0) {
		struct luks2_keyslot *one = &ret->keyslots[ret->n_keyslots];

		r = get_keyslot(&slot, limits, ret, one);
		if (r < 0)
			return r;
		if (ret->n_keyslots > 0 && one->key_size != ret->keyslots[0].key_size)
			return field_bad(&slot, "key_size", ENOTSUP,
					 "is not that of the first keyslot");
		one->id = id;
		ret->n_keyslots++;
	}
	if (r == 0 && ret->n_keyslots == 0)
		return field_bad(&all, "", ENOTSUP, "has no keyslot");
	ret->key_size = ret->keyslots[0].key_size;
	return r;
}

static int get_sector_size(const struct field *of, unsigned int *ret)
{
	uint64_t size;
	int r = field_u64(of, "sector_size", 512, 4096, &size);

	if (r < 0)
		return r;
	if (size & (size - 1))
		return field_bad(of, "sector_size", ENOTSUP, "is not a power of two");
	*ret = (unsigned int)size;
	return 0;
}

static int get_segment_place(const struct field *segment, const struct luks2_limits *limits,
			     struct luks2_header *ret)
{
	char text[24];
	uint64_t size, device = limits->device_bytes;
	int r = field_u64_text(segment, "offset", 2 * ret->header_size + LUKS2_ALIGNMENT, device,
			       &ret->payload_offset);

	if (r < 0)
		return r;
	if (ret->payload_offset % LUKS2_ALIGNMENT != 0)
		return field_bad(segment, "offset", ENOTSUP, "is not a multiple of 4096");
	if (device - ret->payload_offset < ret->sector_size)
		return field_bad(segment, "offset", ENOTSUP, "leaves no room on the device");
	r = field_text(segment, "size", text, sizeof(text));
	if (r < 0 || strcmp(text, "dynamic") == 0)
		return r;
	r = field_u64_text(segment, "size", ret->sector_size, device - ret->payload_offset, &size);
	if (r < 0)
		return r;
	return size % ret->sector_size != 0
		       ? field_bad(segment, "size", ENOTSUP, "is not a multiple of sector_size")
		       : 0;
}

/* Section 3.3.2; not "linear" nor OPAL's (4.10). threats A11: here a planted "cipher_null" would make the attacker's plaintext the volume. */
static int get_segment(const struct field *root, const struct luks2_limits *limits,
		       struct luks2_header *ret)
{
	struct field all, segment;
	int r = field_get(root, "segments", '{', &all);

	if (r == 0)
		r = field_only(&all, "0");
	if (r == 0)
		r = field_get(&all, "0", '{', &segment);
	if (r == 0)
		r = field_word(&segment, "type", "crypt");
	if (r == 0)
		r = field_word(&segment, "encryption", CIPHER);
	if (r == 0)
		r = field_word(&segment, "iv_tweak", "0");
	if (r == 0)
		r = get_sector_size(&segment, &ret->sector_size);
	if (r == 0)
		r = get_segment_place(&segment, limits, ret);
	if (r == 0)
		r = field_only(&segment, "type offset size iv_tweak encryption sector_size");
	return r < 0 ? r : text_copy(ret->cipher, sizeof(ret->cipher), CIPHER);
}

static uint32_t keyslot_mask(const struct luks2_header *header)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < header->n_keyslots; i++)
		mask |= 1U << header->keyslots[i].id;
	return mask;
}

/* Section 3.4. One digest, of the volume key that all keyslots hold and that the segment is encrypted with. */
static int check_digest(const struct field *root, const struct luks2_header *header)
{
	struct field all, digest;
	uint32_t keyslots = 0, segments = 0;
	uint64_t iterations;
	uint8_t bytes[64];
	size_t size = 0;
	int hash, r = field_get(root, "digests", '{', &all);

	if (r == 0)
		r = field_only(&all, "0");
	if (r == 0)
		r = field_get(&all, "0", '{', &digest);
	if (r == 0)
		r = field_word(&digest, "type", "pbkdf2");
	if (r == 0)
		r = field_mask(&digest, "keyslots", '"', LUKS2_KEYSLOTS_MAX, &keyslots);
	if (r == 0)
		r = field_mask(&digest, "segments", '"', LUKS2_KEYSLOTS_MAX, &segments);
	if (r < 0)
		return r;
	if (keyslots != keyslot_mask(header))
		return field_bad(&digest, "keyslots", ENOTSUP, "are not those of the header");
	if (segments != 1)
		return field_bad(&digest, "segments", ENOTSUP, "are not just segment 0");
	hash = get_pbkdf2(&digest, &iterations);
	r = hash < 0 ? hash : check_salt(&digest);
	if (r == 0)
		r = field_base64(&digest, "digest", bytes, sizeof(bytes), &size);
	if (r < 0)
		return r;
	if (size != (hash == 0 ? 32 : 64))
		return field_bad(&digest, "digest", ENOTSUP, "is not as long as its hash");
	return field_only(&digest, "type keyslots segments hash iterations salt digest");
}

/* Section 3.6: of each only what LUKS2 itself has; whose type it is reads the rest. */
static int get_tokens(const struct field *root, struct luks2_header *ret)
{
	struct json_list list;
	struct field all, token;
	unsigned int id;
	int r = field_get(root, "tokens", '{', &all);

	if (r < 0)
		return r;
	json_list_open(&all.json, &list);
	while ((r = field_next_id(&all, &list, LUKS2_TOKENS_MAX, &id, &token)) > 0) {
		struct luks2_token *one = &ret->tokens[ret->n_tokens];

		r = field_text(&token, "type", one->type, sizeof(one->type));
		if (r == 0)
			r = field_mask(&token, "keyslots", '"', LUKS2_KEYSLOTS_MAX, &one->keyslots);
		if (r < 0)
			return r;
		if (one->keyslots & ~keyslot_mask(ret))
			return field_bad(&token, "keyslots", ENOTSUP, "names a keyslot not there");
		one->id = id;
		one->json = token.json.at;
		one->json_size = json_size(&token.json);
		ret->n_tokens++;
	}
	return r;
}

int luks2_json_parse(const char *text, size_t size, const struct luks2_limits *limits,
		     struct luks2_header *ret, struct err *err)
{
	struct field root;
	int r = field_root(text, size, E_LUKS_HEADER, err, &root);

	if (r < 0)
		return r;
	root.code = E_LUKS_PROFILE;
	r = get_segment(&root, limits, ret);
	if (r == 0)
		r = get_keyslots(&root, limits, ret);
	if (r == 0)
		r = check_digest(&root, ret);
	if (r == 0)
		r = luks2_config_check(&root, ret);
	if (r == 0)
		r = get_tokens(&root, ret);
	return r < 0 ? r : field_only(&root, "keyslots tokens segments digests config");
}
