/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PBKDF2 (RFC 8018, 5.2) with HMAC-SHA256, for libcryptsetup, whose crypt_pbkdf() is linked so that
 * it comes here first: most of the time that a LUKS2 volume takes is its digest's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* key: of any size up to what RFC 8018 allows; iterations: at least 1. Keeps nothing of the password. */
void pbkdf2_sha256(const void *password, size_t password_size, const void *salt, size_t salt_size,
		   uint32_t iterations, uint8_t *key, size_t key_size);

/* libcryptsetup's crypto_backend.h has the parameters: 0 or a negative errno. */
int __wrap_crypt_pbkdf(const char *kdf, const char *hash, const char *password,
		       size_t password_size, const char *salt, size_t salt_size, char *key,
		       size_t key_size, uint32_t iterations, uint32_t memory, uint32_t parallel);
int __real_crypt_pbkdf(const char *kdf, const char *hash, const char *password,
		       size_t password_size, const char *salt, size_t salt_size, char *key,
		       size_t key_size, uint32_t iterations, uint32_t memory, uint32_t parallel);
