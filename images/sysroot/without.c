/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What /init never asks its libraries for, and which they have no switch to be built without: their tables
 * name it, so it would be linked. An object that defines those names comes before the archives, and
 * the archives' own members stay out. libcrypto is left with an algorithm that has no functions, which
 * it skips; libcryptsetup with a volume of that kind that cannot be opened: lintel opens LUKS2 by name.
 * At the end two of its calls do less than the libraries' own.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>

#define NO_ALGORITHM(name)                                                                         \
	extern const struct no_functions name[1];                                                  \
	const struct no_functions name[1]
#define NO_CALL(name, result)                                                                      \
	int name(void);                                                                            \
	int name(void)                                                                             \
	{                                                                                          \
		return result;                                                                     \
	}

#define NO_CIPHER(name)                                                                            \
	void *name(void);                                                                          \
	void *name(void)                                                                           \
	{                                                                                          \
		return 0;                                                                          \
	}

/* OSSL_DISPATCH, openssl/core.h: the entry that ends a table */
struct no_functions {
	int number;
	void (*function)(void);
};

/* TLS: records that are encrypted and signed in one go, the groups that it may agree on, its keys */
NO_ALGORITHM(ossl_aes128cbc_hmac_sha1_functions);
NO_ALGORITHM(ossl_aes128cbc_hmac_sha256_functions);
NO_ALGORITHM(ossl_aes256cbc_hmac_sha1_functions);
NO_ALGORITHM(ossl_aes256cbc_hmac_sha256_functions);
NO_CALL(ossl_cipher_capable_aes_cbc_hmac_sha1, 0)
NO_CALL(ossl_cipher_capable_aes_cbc_hmac_sha256, 0)
NO_CIPHER(EVP_aes_128_cbc_hmac_sha1)
NO_CIPHER(EVP_aes_128_cbc_hmac_sha256)
NO_CIPHER(EVP_aes_256_cbc_hmac_sha1)
NO_CIPHER(EVP_aes_256_cbc_hmac_sha256)
NO_CALL(ossl_prov_get_capabilities, 0)
NO_ALGORITHM(ossl_kdf_hkdf_functions);
NO_ALGORITHM(ossl_kdf_tls1_3_kdf_functions);
NO_ALGORITHM(ossl_kdf_tls1_prf_functions);

/* other keys made of keys: LUKS knows PBKDF2 and Argon2, and tpm2-tss has the TPM's own */
NO_ALGORITHM(ossl_kdf_sskdf_functions);
NO_ALGORITHM(ossl_kdf_x963_kdf_functions);
NO_ALGORITHM(ossl_kdf_x942_kdf_functions);
NO_ALGORITHM(ossl_kdf_kbkdf_functions);
NO_ALGORITHM(ossl_kdf_krb5kdf_functions);
NO_ALGORITHM(ossl_kdf_sshkdf_functions);
NO_ALGORITHM(ossl_kdf_pkcs12_functions);
NO_ALGORITHM(ossl_kdf_hmac_drbg_functions);

/* key encapsulation and wrapping, KMAC, generators of random numbers that nobody asked for */
NO_ALGORITHM(ossl_ec_asym_kem_functions);
NO_CALL(ossl_ec_dhkem_derive_private, 0)
NO_ALGORITHM(ossl_rsa_asym_kem_functions);
NO_ALGORITHM(ossl_kmac128_functions);
NO_ALGORITHM(ossl_kmac256_functions);
NO_ALGORITHM(ossl_aes128wrap_functions);
NO_ALGORITHM(ossl_aes128wrapinv_functions);
NO_ALGORITHM(ossl_aes128wrappad_functions);
NO_ALGORITHM(ossl_aes128wrappadinv_functions);
NO_ALGORITHM(ossl_aes192wrap_functions);
NO_ALGORITHM(ossl_aes192wrapinv_functions);
NO_ALGORITHM(ossl_aes192wrappad_functions);
NO_ALGORITHM(ossl_aes192wrappadinv_functions);
NO_ALGORITHM(ossl_aes256wrap_functions);
NO_ALGORITHM(ossl_aes256wrapinv_functions);
NO_ALGORITHM(ossl_aes256wrappad_functions);
NO_ALGORITHM(ossl_aes256wrappadinv_functions);
NO_ALGORITHM(ossl_test_rng_functions);
NO_ALGORITHM(ossl_drbg_hash_functions);

/* volumes of TrueCrypt, BitLocker and FileVault */
NO_CALL(TCRYPT_activate, -ENOTSUP)
NO_CALL(TCRYPT_deactivate, -ENOTSUP)
NO_CALL(TCRYPT_dump, -ENOTSUP)
NO_CALL(TCRYPT_get_data_offset, 0)
NO_CALL(TCRYPT_get_iv_offset, 0)
NO_CALL(TCRYPT_get_volume_key, -ENOTSUP)
NO_CALL(TCRYPT_init_by_name, -ENOTSUP)
NO_CALL(TCRYPT_read_phdr, -ENOTSUP)
NO_CALL(BITLK_activate_by_passphrase, -ENOTSUP)
NO_CALL(BITLK_activate_by_volume_key, -ENOTSUP)
NO_CALL(BITLK_bitlk_fvek_free, 0)
NO_CALL(BITLK_bitlk_metadata_free, 0)
NO_CALL(BITLK_bitlk_vmk_free, 0)
NO_CALL(BITLK_dump, -ENOTSUP)
NO_CALL(BITLK_get_volume_key, -ENOTSUP)
NO_CALL(BITLK_read_sb, -ENOTSUP)
NO_CALL(FVAULT2_activate_by_passphrase, -ENOTSUP)
NO_CALL(FVAULT2_activate_by_volume_key, -ENOTSUP)
NO_CALL(FVAULT2_dump, -ENOTSUP)
NO_CALL(FVAULT2_get_volume_key, -ENOTSUP)
NO_CALL(FVAULT2_read_metadata, -ENOTSUP)

/*
 * A library context of its own for each digest, random number and key: tpm2-tss keeps clear of providers that
 * a system's configuration may have loaded into the one that all share. Here nothing is configured and there
 * is one provider, whose names each new context learns anew (34 times for one sealed key, most of what it
 * took beside the TPM). OSSL_LIB_CTX_free(3) leaves the shared one alone.
 */
OSSL_LIB_CTX *__wrap_OSSL_LIB_CTX_new(void);
OSSL_LIB_CTX *__wrap_OSSL_LIB_CTX_new(void)
{
	return OSSL_LIB_CTX_get0_global_default();
}

/* musl's open() asks for O_CLOEXEC once more by fcntl(2), for kernels before 2.6.23; its openat() does not. */
int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return openat(AT_FDCWD, path, flags, mode);
}
