/* Calls each library of the sysroot once: proof that the set links, starts and works. */
#include <blkid/blkid.h>
#include <libcryptsetup.h>
#include <libdevmapper.h>
#include <libkmod.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tcti_device.h>
#include <uuid/uuid.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "smoke: %s\n", #what);                                     \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int crypto_works(void)
{
	static const char *const digests[] = { "SHA1", "SHA256", "SHA384", "SHA512" };
	static const char *const ciphers[] = { "AES-128-CFB", "AES-256-CFB", "AES-256-CTR",
					       "AES-256-CBC", "AES-256-XTS", "AES-256-GCM" };
	static const char *const curves[] = { "P-256", "P-384", "P-521" };
	unsigned char out[64];

	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		MUST(EVP_Q_digest(NULL, digests[i], NULL, "abc", 3, out, NULL) == 1);
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, ciphers[i], NULL);

		MUST(cipher);
		EVP_CIPHER_free(cipher);
	}
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++) {
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[i]);
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

		MUST(key && ctx && EVP_PKEY_derive_init(ctx) == 1);
		EVP_PKEY_CTX_free(ctx);
		EVP_PKEY_free(key);
	}
	MUST(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, "k", 1, (const void *)"abc", 3, out,
		       sizeof(out), NULL));
	MUST(PKCS5_PBKDF2_HMAC("pw", 2, (const void *)"salt", 4, 1000, EVP_sha512(), 64, out) == 1);
	MUST(!PEM_read_bio_PUBKEY(NULL, NULL, NULL, NULL));
	return 0;
}

/* A detached signature by a fresh key, verified the way a root hash is. */
static int signature_works(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	X509 *crt = X509_new();
	BIO *data = BIO_new_mem_buf("roothash", 8);
	X509_NAME *name;
	PKCS7 *p7;

	MUST(key && crt && data);
	name = X509_get_subject_name(crt);
	MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const void *)"smoke", -1, -1,
					0) == 1);
	MUST(X509_set_issuer_name(crt, name) == 1 && X509_set_pubkey(crt, key) == 1);
	MUST(X509_gmtime_adj(X509_getm_notBefore(crt), 0) &&
	     X509_gmtime_adj(X509_getm_notAfter(crt), 60));
	MUST(X509_sign(crt, key, EVP_sha256()) > 0);
	p7 = PKCS7_sign(crt, key, NULL, data, PKCS7_DETACHED | PKCS7_BINARY | PKCS7_NOATTR);
	MUST(p7 && BIO_reset(data) >= 0);
	MUST(PKCS7_verify(p7, NULL, NULL, data, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) == 1);
	BIO_free(data);
	PKCS7_free(p7);
	X509_free(crt);
	EVP_PKEY_free(key);
	return 0;
}

/* The commands that unlocking takes, without a TPM: each one refuses a null context. */
static bool tpm_links(void)
{
	ESYS_TR tr = ESYS_TR_NONE, n = ESYS_TR_NONE;
	TPM2B_DIGEST *digest = NULL;
	TPMT_SYM_DEF sym = { .algorithm = TPM2_ALG_NULL };
	TPM2B_PUBLIC public = { .publicArea = {
		.type = TPM2_ALG_RSA, .nameAlg = TPM2_ALG_SHA256,
		.parameters.rsaDetail = {
			.symmetric.algorithm = TPM2_ALG_NULL, .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048,
		},
	} };
	uint8_t out[sizeof(public)];
	size_t used = 0;

	return Esys_Initialize(NULL, NULL, NULL) &&
	       Esys_StartAuthSession(NULL, n, n, n, n, n, NULL, TPM2_SE_POLICY, &sym,
				     TPM2_ALG_SHA256, &tr) &&
	       Esys_TRSess_SetAttributes(NULL, n, 0, 0) &&
	       Esys_TR_FromTPMPublic(NULL, 0, n, n, n, &tr) && Esys_TR_SetAuth(NULL, n, NULL) &&
	       Esys_CreatePrimary(NULL, n, n, n, n, NULL, NULL, NULL, NULL, &tr, NULL, NULL, NULL,
				  NULL) &&
	       Esys_LoadExternal(NULL, n, n, n, NULL, NULL, n, &tr) &&
	       Esys_VerifySignature(NULL, n, n, n, n, NULL, NULL, NULL) &&
	       Esys_PolicyPCR(NULL, n, n, n, n, NULL, NULL) &&
	       Esys_PolicyAuthValue(NULL, n, n, n, n) &&
	       Esys_PolicyAuthorize(NULL, n, n, n, n, NULL, NULL, NULL, NULL) &&
	       Esys_PolicyGetDigest(NULL, n, n, n, n, &digest) &&
	       Esys_PolicyAuthorizeNV(NULL, n, n, n, n, n, n) &&
	       Esys_Load(NULL, n, n, n, n, NULL, NULL, &tr) &&
	       Esys_Unseal(NULL, n, n, n, n, NULL) && Esys_PCR_Extend(NULL, n, n, n, n, NULL) &&
	       Esys_PCR_Read(NULL, n, n, n, NULL, NULL, NULL, NULL) &&
	       Esys_GetCapability(NULL, n, n, n, 0, 0, 0, NULL, NULL) &&
	       Esys_FlushContext(NULL, n) &&
	       !Tss2_MU_TPM2B_PUBLIC_Marshal(&public, out, sizeof(out), &used);
}

/* A LUKS2 volume in a file: Argon2id, AES-XTS keyslot without the kernel's help, JSON. */
static int luks_works(const char *file)
{
	static const struct crypt_pbkdf_type kdf = {
		.type = CRYPT_KDF_ARGON2ID,
		.hash = "sha256",
		.iterations = 4,
		.max_memory_kb = 32768,
		.parallel_threads = 2,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
	struct crypt_params_luks2 params = { .sector_size = 512, .pbkdf = &kdf };
	struct crypt_device *cd = NULL;

	crypt_token_external_disable();
	MUST(crypt_init(&cd, file) == 0);
	MUST(crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, 64, &params) == 0);
	MUST(crypt_keyslot_add_by_volume_key(cd, 0, NULL, 0, "pass", 4) == 0);
	crypt_free(cd);
	MUST(crypt_init(&cd, file) == 0 && crypt_load(cd, CRYPT_LUKS2, NULL) == 0);
	MUST(crypt_activate_by_passphrase(cd, NULL, 0, "pass", 4, 0) == 0);
	MUST(crypt_activate_by_passphrase(cd, NULL, 0, "nope", 4, 0) < 0);
	crypt_free(cd);
	return 0;
}

static int blkid_works(const char *file, const char *want)
{
	blkid_probe probe = blkid_new_probe_from_filename(file);
	const char *type = NULL;

	MUST(probe);
	blkid_probe_enable_superblocks(probe, 1);
	MUST(blkid_do_safeprobe(probe) == 0);
	MUST(blkid_probe_lookup_value(probe, "TYPE", &type, NULL) == 0 && !strcmp(type, want));
	blkid_free_probe(probe);
	return 0;
}

int main(int argc, char **argv)
{
	const char *no_config = NULL;
	struct kmod_ctx *kmod = kmod_new("/lib/modules/none", &no_config);
	struct json_object *json = json_tokener_parse("{\"a\": [1]}");
	char version[64];
	size_t size = 0;
	uuid_t uuid;

	if (argc < 2)
		return 2;
	MUST(kmod && json_object_is_type(json, json_type_object));
	MUST(uuid_parse("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", uuid) == 0);
	MUST(dm_get_library_version(version, sizeof(version)));
	MUST(Tss2_Tcti_Device_Init(NULL, &size, "/dev/none") == TSS2_RC_SUCCESS && size);
	MUST(tpm_links());
	MUST(!crypto_works() && !signature_works());
	MUST(!luks_works(argv[1]) && !blkid_works(argv[1], "crypto_LUKS"));
	kmod_unref(kmod);
	json_object_put(json);
	return 0;
}
