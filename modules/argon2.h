/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reference argon2 that libcryptsetup.a carries (lib/crypto_backend/argon2) without a header that
 * is installed: its one function that is called here. 0: the hash is made.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int argon2id_hash_raw(uint32_t passes, uint32_t memory_kib, uint32_t lanes, const void *password,
		      size_t password_size, const void *salt, size_t salt_size, void *hash,
		      size_t hash_size);
