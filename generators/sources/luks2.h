/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The LUKS2 header (cryptsetup's "LUKS2 On-Disk Format Specification" 1.1), held to a profile
 * before any TPM command or key derivation: LUKS2 authenticates nothing of its own metadata, so what
 * is not on the list below is refused (threats A10 to A17). Works on a copy in memory.
 */
#pragma once

#include "init/base/bytes.h"
#include "init/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUKS2_HEADER_MAX (2 * 4194304) /* both copies at their largest */
#define LUKS2_KEYSLOTS_MAX 32
#define LUKS2_TOKENS_MAX 32
#define LUKS2_VERSION_MAGIC "LUKS\xba\xbe"

enum luks2_kdf { LUKS2_PBKDF2, LUKS2_ARGON2I, LUKS2_ARGON2ID };

struct luks2_keyslot {
	unsigned int id, key_size; /* bytes of the volume key */
	enum luks2_kdf kdf;
	uint64_t iterations;		 /* pbkdf2 */
	uint64_t time, memory_kib, cpus; /* argon2 */
	uint64_t area_offset, area_size; /* bytes */
	int priority;			 /* 0 ignore, 1 normal, 2 preferred */
};

struct luks2_token {
	unsigned int id;
	char type[40];	   /* "systemd-tpm2", … */
	uint32_t keyslots; /* mask */
	const char *json;  /* inside the copy of the header */
	size_t json_size;
};

struct luks2_header {
	struct uuid uuid;
	char label[48];
	uint64_t seqid, header_size; /* of one copy, JSON area included */
	bool secondary;		     /* the primary was bad and the secondary is used */
	uint64_t payload_offset;     /* bytes */
	unsigned int sector_size, key_size;
	char cipher[32]; /* "aes-xts-plain64" */
	size_t n_keyslots, n_tokens;
	struct luks2_keyslot keyslots[LUKS2_KEYSLOTS_MAX];
	struct luks2_token tokens[LUKS2_TOKENS_MAX];
};

struct luks2_limits {
	uint64_t device_bytes;
	uint64_t kdf_memory_kib; /* the most that a key derivation may take */
};

/*
 * bytes: the start of the device, at least as much as both copies of the header take (a short read
 * is an error). 0; -ENOENT where this is no LUKS2 device at all; or -EINVAL/-E2BIG/-ENOTSUP with
 * E_LUKS_HEADER (malformed, checksum) or E_LUKS_PROFILE (well-formed and outside the profile), and
 * the field that is wrong in the text. ret points into bytes.
 */
int luks2_header_parse(const uint8_t *bytes, size_t size, const struct luks2_limits *limits,
		       struct luks2_header *ret, struct err *err);
