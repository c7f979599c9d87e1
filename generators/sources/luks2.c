/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/luks2.h"
#include "generators/sources/luks2_json.h"
#include "init/base/sha256.h"
#include "init/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* "LUKS2 On-Disk Format Specification" 1.1.3, section 2.1: the binary header, big-endian. */
enum {
	H_MAGIC = 0,
	H_VERSION = 6,
	H_SIZE = 8,
	H_SEQID = 16,
	H_LABEL = 24,
	H_CHECKSUM_ALG = 72,
	H_UUID = 168,
	H_OFFSET = 256,
	H_CHECKSUM = 448,
	H_END = 4096,
	MAGIC_SIZE = 6,
	LABEL_SIZE = 48,
	CHECKSUM_ALG_SIZE = 32,
	CHECKSUM_FIELD_SIZE = 64,
	UUID_SIZE = 40,
};

#define HDR_SIZE_MIN 0x4000ULL
#define HDR_SIZE_MAX 0x400000ULL

#define BAD(err, ...) err_set(err, E_LUKS_HEADER, EINVAL, __VA_ARGS__)

static const char primary_magic[MAGIC_SIZE] = { 'L', 'U', 'K', 'S', (char)0xba, (char)0xbe };
static const char secondary_magic[MAGIC_SIZE] = { 'S', 'K', 'U', 'L', (char)0xba, (char)0xbe };

static uint64_t be64(const uint8_t *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

/* Section 2.1: the sizes are the powers of two from 16 KiB to 4 MiB. */
static bool size_ok(uint64_t size)
{
	return size >= HDR_SIZE_MIN && size <= HDR_SIZE_MAX && (size & (size - 1)) == 0;
}

static bool checksum_ok(const uint8_t *copy, uint64_t hdr_size)
{
	static const uint8_t zeros[CHECKSUM_FIELD_SIZE];
	uint8_t digest[SHA256_SIZE];
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add(&hash, copy, H_CHECKSUM);
	sha256_add(&hash, zeros, sizeof(zeros));
	sha256_add(&hash, copy + H_CHECKSUM + sizeof(zeros), hdr_size - H_CHECKSUM - sizeof(zeros));
	sha256_end(&hash, digest);
	return memcmp(digest, copy + H_CHECKSUM, sizeof(digest)) == 0;
}

/* Where a text field is not ended by a NUL, or not of plain characters, false. */
static bool text_field(const uint8_t *field, size_t size, char *ret)
{
	for (size_t i = 0; i < size; i++) {
		ret[i] = (char)field[i];
		if (!field[i])
			return true;
		if (field[i] < 32 || field[i] > 126)
			break;
	}
	ret[0] = '\0';
	return false;
}

/*
 * Whether an intact copy stands at offset: 1, 0, or -errno where it has another checksum than
 * sha256, which libcryptsetup might find to be right, or another version.
 */
static int copy_intact(const uint8_t *bytes, size_t size, uint64_t offset, const char *magic,
		       struct err *err)
{
	const uint8_t *copy = bytes + offset;
	const char *name = magic == primary_magic ? "primary" : "secondary";
	char algorithm[CHECKSUM_ALG_SIZE];
	uint64_t hdr_size;

	if (offset > size || size - offset < H_END || memcmp(copy, magic, MAGIC_SIZE) != 0)
		return 0;
	if (copy[H_VERSION] != 0 || copy[H_VERSION + 1] != 2)
		return err_set(err, E_LUKS_PROFILE, ENOTSUP, "%s header: version is %u, not 2",
			       name, (unsigned int)copy[H_VERSION] << 8 | copy[H_VERSION + 1]);
	if (!text_field(copy + H_CHECKSUM_ALG, sizeof(algorithm), algorithm) ||
	    strcmp(algorithm, "sha256") != 0)
		return err_set(err, E_LUKS_PROFILE, ENOTSUP, "%s header: csum_alg is not sha256",
			       name);
	hdr_size = be64(copy + H_SIZE);
	if (!size_ok(hdr_size) || be64(copy + H_OFFSET) != offset ||
	    (offset > 0 && offset != hdr_size))
		return 0;
	if (hdr_size > size - offset)
		return BAD(err, "%s header: hdr_size is %" PRIu64 ", only %zu bytes were read",
			   name, hdr_size, size);
	return checksum_ok(copy, hdr_size);
}

/*
 * An intact copy. It has to pass whether it is the one that counts (section 4.5) or not, so that
 * libcryptsetup, should it ever choose otherwise, chooses something that was checked, too.
 */
static int parse_copy(const uint8_t *bytes, uint64_t offset, const struct luks2_limits *limits,
		      struct luks2_header *ret, struct err *err)
{
	const uint8_t *copy = bytes + offset;
	char uuid[UUID_SIZE];
	size_t json_max, json_size;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->secondary = offset > 0;
	ret->header_size = be64(copy + H_SIZE);
	ret->seqid = be64(copy + H_SEQID);
	if (!text_field(copy + H_LABEL, LABEL_SIZE, ret->label))
		return BAD(err, "label is not ended or not plain text");
	if (!text_field(copy + H_UUID, UUID_SIZE, uuid) || uuid_parse(uuid, &ret->uuid) < 0)
		return BAD(err, "uuid is malformed");
	json_max = ret->header_size - H_END;
	json_size = strnlen((const char *)copy + H_END, json_max);
	for (size_t i = json_size; i < json_max; i++)
		if (copy[H_END + i])
			return BAD(err, "json area: data behind the JSON");
	/* Section 2.2 asks for an ending NUL. */
	if (json_size == json_max)
		return BAD(err, "json area: no NUL at its end");
	r = luks2_json_parse((const char *)copy + H_END, json_size, limits, ret, err);
	if (r < 0)
		err_wrap(err, offset > 0 ? "secondary header" : "primary header");
	return r;
}

/* The secondary of an intact primary stands at its hdr_size; else wherever one could stand. */
static int find_secondary(const uint8_t *bytes, size_t size, uint64_t primary_size,
			  uint64_t *ret_offset, struct err *err)
{
	uint64_t first = primary_size ? primary_size : HDR_SIZE_MIN;
	uint64_t last = primary_size ? primary_size : HDR_SIZE_MAX;

	for (uint64_t offset = first; offset <= last; offset *= 2) {
		int r = copy_intact(bytes, size, offset, secondary_magic, err);

		if (r == 0)
			continue;
		*ret_offset = offset;
		return r;
	}
	return 0;
}

/* libcryptsetup takes a header for LUKS2's where either magic is there (lib/luks2). */
static bool any_magic(const uint8_t *bytes, size_t size)
{
	if (size >= MAGIC_SIZE && memcmp(bytes, primary_magic, MAGIC_SIZE) == 0)
		return true;
	for (uint64_t offset = HDR_SIZE_MIN; offset <= HDR_SIZE_MAX; offset *= 2)
		if (size >= offset + MAGIC_SIZE &&
		    memcmp(bytes + offset, secondary_magic, MAGIC_SIZE) == 0)
			return true;
	return false;
}

int luks2_header_parse(const uint8_t *bytes, size_t size, const struct luks2_limits *limits,
		       struct luks2_header *ret, struct err *err)
{
	struct luks2_header second;
	uint64_t offset = 0;
	int primary, secondary, r;

	if (!any_magic(bytes, size))
		return err_set(err, E_LUKS_HEADER, ENOENT, "no LUKS2 header");
	primary = copy_intact(bytes, size, 0, primary_magic, err);
	if (primary < 0)
		return primary;
	if (primary) {
		r = parse_copy(bytes, 0, limits, ret, err);
		if (r < 0)
			return r;
		if (size < 2 * ret->header_size)
			return BAD(err, "only %zu bytes were read, both headers take %" PRIu64,
				   size, 2 * ret->header_size);
	}
	secondary = find_secondary(bytes, size, primary ? ret->header_size : 0, &offset, err);
	if (secondary < 0)
		return secondary;
	if (!primary && !secondary)
		return BAD(err, "neither header copy is intact (checksum, hdr_size, hdr_offset)");
	if (!secondary)
		return 0;
	r = parse_copy(bytes, offset, limits, &second, err);
	if (r < 0)
		return r;
	/* lib/luks2/luks2_disk_metadata.c: the higher seqid counts, and the primary where equal. */
	if (!primary || second.seqid > ret->seqid)
		*ret = second;
	return 0;
}
