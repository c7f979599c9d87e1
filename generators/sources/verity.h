/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two formats that stand beside a verity partition's data: the superblock of its hash
 * partition (cryptsetup, "DMVerity" wiki page, "Verity superblock format") and the JSON of its
 * signature partition (DDI, UAPI.3: rootHash, certificateFingerprint, signature).
 */
#pragma once

#include "init/base/bytes.h"
#include "init/base/err.h"

#define VERITY_SUPERBLOCK_SIZE 512
#define VERITY_SALT_MAX 256
#define VERITY_DIGEST_MAX 64
#define VERITY_SIG_JSON_MAX 65536 /* bytes of JSON; the partition is padded with zeros */
#define VERITY_SIG_DER_MAX 16384

struct verity_superblock {
	struct uuid uuid;
	char algorithm[8];			       /* "sha256" or "sha512" */
	unsigned int digest_size;		       /* bytes */
	unsigned int data_block_size, hash_block_size; /* bytes */
	uint64_t data_blocks;
	unsigned int salt_size;
	uint8_t salt[VERITY_SALT_MAX];
};

/*
 * Holds the superblock to lintel's profile: version 1, hash type 1, sha256 or sha512, block sizes
 * of 512 to 4096 (a power of two), data within data_bytes, the hash tree within hash_bytes.
 * -EINVAL with E_VERITY_SUPERBLOCK, naming the field.
 */
int verity_superblock_parse(const uint8_t *bytes, size_t size, uint64_t data_bytes,
			    uint64_t hash_bytes, struct verity_superblock *ret, struct err *err);

struct verity_signature {
	char roothash[2 * VERITY_DIGEST_MAX + 1]; /* 64 or 128 lowercase hex digits */
	char fingerprint[65];			  /* sha256 of the certificate, or empty */
	size_t der_size;			  /* PKCS#7, detached */
	uint8_t der[VERITY_SIG_DER_MAX];
};

/* text need not be NUL-terminated. -EINVAL/-E2BIG with E_SIG_MALFORMED. */
int verity_signature_parse(const char *text, size_t size, struct verity_signature *ret,
			   struct err *err);
