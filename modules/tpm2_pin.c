/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By systemd's src/shared/tpm2-util.c: tpm2_auth_value_from_pin(), salted since version 253; and since
 * 262 tpm2_argon2id_derive_split() and tpm2_argon2id_hkdf().
 */
#include "modules/tpm2_pin.h"

#include "modules/argon2.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/mman.h>

#define PIN_ROUNDS 10000 /* systemd's PBKDF2_HMAC_SHA256_ITERATIONS */
#define PIN_MAX 1024
#define HKDF_INFO "systemd-tpm2-argon2id-lock\1" /* RFC 5869, 2.3: the first and only block */

/* Of the PIN, and of no one but this function. */
struct derived {
	uint8_t bytes[64], text[64]; /* base64 of 32 bytes: 44 and a NUL */
};

static int derive(const struct tpm2_token *token, const char *pin, struct derived *secret,
		  struct tpm2_pin *ret)
{
	if (!token->argon2_memory_kib)
		return PKCS5_PBKDF2_HMAC(pin, (int)strlen(pin), token->salt, (int)token->salt_size,
					 PIN_ROUNDS, EVP_sha256(), 32, secret->bytes) == 1
			       ? 0
			       : -EIO;
	if (argon2id_hash_raw(token->argon2_passes, token->argon2_memory_kib, token->argon2_lanes,
			      pin, strlen(pin), token->salt, token->salt_size, secret->bytes,
			      sizeof(secret->bytes)) != 0)
		return -ENOMEM;
	memcpy(ret->key, secret->bytes, sizeof(ret->key));
	memmove(secret->bytes, secret->bytes + 32, 32);
	return 0;
}

int tpm2_pin_derive(const struct tpm2_token *token, const char *pin, uint64_t kdf_memory_kib,
		    struct tpm2_pin *ret, struct err *err)
{
	struct derived secret = { .bytes = { 0 } };
	size_t size = strlen(pin);
	const void *data = pin;
	int r = 0;

	if (size == 0 || size > PIN_MAX)
		return err_set(err, E_UNSEAL, EACCES, "the PIN is empty or too long");
	if (token->argon2_memory_kib > kdf_memory_kib)
		return err_set(err, E_TOKEN, ENOMEM,
			       "tpm2_argon2id_memcost is %" PRIu32 " KiB; here it may be %" PRIu64,
			       token->argon2_memory_kib, kdf_memory_kib);
	mlock(&secret, sizeof(secret));
	if (token->salt_size) {
		r = derive(token, pin, &secret, ret);
		size = (size_t)EVP_EncodeBlock(secret.text, secret.bytes, 32);
		data = secret.text;
	}
	if (r == 0 && EVP_Digest(data, size, ret->auth.buffer, NULL, EVP_sha256(), NULL) != 1)
		r = -EIO;
	explicit_bzero(&secret, sizeof(secret));
	/* part 1, "HMAC computation", note 2: trailing zeros do not count */
	for (ret->auth.size = 32; ret->auth.size > 0 && ret->auth.buffer[ret->auth.size - 1] == 0;)
		ret->auth.size--;
	return r < 0 ? err_set(err, E_UNSEAL, -r, "the PIN cannot be derived") : 0;
}

int tpm2_pin_finish(const struct tpm2_token *token, const struct tpm2_pin *pin, uint8_t *secret,
		    size_t *size, struct err *err)
{
	uint8_t pseudorandom[32] = { 0 }, made[32] = { 0 };
	bool ok;

	if (!token->argon2_memory_kib)
		return 0;
	mlock(pseudorandom, sizeof(pseudorandom));
	mlock(made, sizeof(made));
	ok = HMAC(EVP_sha256(), secret, (int)*size, pin->key, sizeof(pin->key), pseudorandom,
		  NULL) &&
	     HMAC(EVP_sha256(), pseudorandom, sizeof(pseudorandom), (const uint8_t *)HKDF_INFO,
		  sizeof(HKDF_INFO) - 1, made, NULL);
	explicit_bzero(secret, *size);
	memcpy(secret, made, sizeof(made));
	*size = sizeof(made);
	explicit_bzero(pseudorandom, sizeof(pseudorandom));
	explicit_bzero(made, sizeof(made));
	return ok ? 0 : err_set(err, E_UNSEAL, EIO, "the secret cannot be derived");
}
