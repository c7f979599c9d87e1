/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PBKDF2 by OpenSSL's SHA-256 without OpenSSL's HMAC around it. That copies, allocates and finishes
 * three contexts for each iteration, which takes as long as the two blocks that are hashed where the
 * processor has instructions for them, or is itself emulated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Transform() has no successor */
#include "modules/pbkdf2.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define BLOCK SHA256_CBLOCK
#define WORDS (SHA256_DIGEST_LENGTH / 4) /* of a digest */

/* RFC 2104: the states after the key's own block, which all hashes under this key begin with. */
struct hmac {
	SHA256_CTX inner, outer, now;
	uint32_t block[BLOCK / 4]; /* a digest, and the padding of a message of BLOCK and it */
};

static void hmac_key(struct hmac *h, const void *key, size_t size)
{
	uint8_t padded[BLOCK] = { 0 };

	if (size > BLOCK)
		SHA256(key, size, padded);
	else
		memcpy(padded, key, size);
	for (size_t i = 0; i < BLOCK; i++)
		padded[i] ^= 0x36;
	SHA256_Init(&h->inner);
	SHA256_Update(&h->inner, padded, BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		padded[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&h->outer);
	SHA256_Update(&h->outer, padded, BLOCK);
	OPENSSL_cleanse(padded, sizeof(padded));
	memset(h->block, 0, BLOCK);
	h->block[WORDS] = htobe32(0x80000000);
	h->block[BLOCK / 4 - 1] = htobe32((BLOCK + SHA256_DIGEST_LENGTH) * 8);
}

/* Another block under the key: from h->block, which has a digest, to h->now.h. */
static void hash_block(struct hmac *h, const SHA256_CTX *key)
{
	memcpy(h->now.h, key->h, sizeof(h->now.h));
	SHA256_Transform(&h->now, (const uint8_t *)h->block);
}

static void digest_to_block(struct hmac *h)
{
	for (size_t i = 0; i < WORDS; i++)
		h->block[i] = htobe32(h->now.h[i]);
}

void pbkdf2_sha256(const void *password, size_t password_size, const void *salt, size_t salt_size,
		   uint32_t iterations, uint8_t *key, size_t key_size)
{
	uint32_t sum[WORDS];
	struct hmac h;

	hmac_key(&h, password, password_size);
	for (uint32_t number = 1; key_size > 0; number++) {
		size_t part = key_size < sizeof(sum) ? key_size : sizeof(sum);
		uint32_t counter = htobe32(number);

		h.now = h.inner;
		SHA256_Update(&h.now, salt, salt_size);
		SHA256_Update(&h.now, &counter, sizeof(counter));
		SHA256_Final((uint8_t *)h.block, &h.now);
		hash_block(&h, &h.outer);
		digest_to_block(&h);
		memcpy(sum, h.block, sizeof(sum));
		for (uint32_t i = 1; i < iterations; i++) {
			hash_block(&h, &h.inner);
			digest_to_block(&h);
			hash_block(&h, &h.outer);
			digest_to_block(&h);
			for (size_t word = 0; word < WORDS; word++)
				sum[word] ^= h.block[word];
		}
		memcpy(key, sum, part);
		key += part;
		key_size -= part;
	}
	OPENSSL_cleanse(&h, sizeof(h));
	OPENSSL_cleanse(sum, sizeof(sum));
}

#ifdef __x86_64__
extern unsigned int OPENSSL_ia32cap_P[]; /* OPENSSL_ia32cap(3) */

/*
 * QEMU without KVM translates each operation on a vector into a call: OpenSSL's code for AVX2 takes
 * 2.6 times as long as that for any x86-64, which it has for processors that have no AVX2 or SSSE3. Its
 * SHA-NI, where it has that, is as quick as should be.
 */
static void prefer_plain_code(void)
{
	unsigned int leaf, name[3];

	__cpuid(0x40000000, leaf, name[0], name[1], name[2]);
	if (memcmp(name, "TCGTCGTCGTCG", 12) != 0)
		return;
	OPENSSL_ia32cap_P[1] &= ~(1U << 9 | 1U << 28); /* SSSE3, AVX */
	OPENSSL_ia32cap_P[2] &= ~(1U << 5);	       /* AVX2 */
}
#else
static void prefer_plain_code(void)
{
}
#endif

int __wrap_crypt_pbkdf(const char *kdf, const char *hash, const char *password,
		       size_t password_size, const char *salt, size_t salt_size, char *key,
		       size_t key_size, uint32_t iterations, uint32_t memory, uint32_t parallel)
{
	prefer_plain_code();
	if (!kdf || !hash || strcmp(kdf, "pbkdf2") != 0 || strcmp(hash, "sha256") != 0 ||
	    iterations == 0)
		return __real_crypt_pbkdf(kdf, hash, password, password_size, salt, salt_size, key,
					  key_size, iterations, memory, parallel);
	pbkdf2_sha256(password, password_size, salt, salt_size, iterations, (uint8_t *)key,
		      key_size);
	return 0;
}
