/*
 * The floor's way to a LUKS2 volume: the sealed key is compiled in, one session serves for policy,
 * salt and the encrypted answer, and the one key slot is opened. It measures nothing, does not look
 * whether header or device are what they should be, and wipes nothing.
 */
#include <libcryptsetup.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tcti_device.h>

#include "floor-config.h"
#include "floor.h"

#define TPM "/dev/tpmrm0"
#define SRK 0x81000001

static const uint8_t blob[] = { FLOOR_BLOB }; /* TPM2B_PRIVATE, TPM2B_PUBLIC: systemd's token */

/* As /init has it: images/sysroot/without.c. */
OSSL_LIB_CTX *__wrap_OSSL_LIB_CTX_new(void);
OSSL_LIB_CTX *__wrap_OSSL_LIB_CTX_new(void)
{
	return OSSL_LIB_CTX_get0_global_default();
}

static void tpm(TSS2_RC rc, const char *what)
{
	check(rc == TSS2_RC_SUCCESS ? 0 : -1, what);
}

static ESYS_CONTEXT *connect_tpm(void)
{
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	size_t size;

	setenv("TSS2_LOG", "all+none", 1);
	wait_for(TPM);
	tpm(Tss2_Tcti_Device_Init(NULL, &size, TPM), TPM);
	tcti = calloc(1, size);
	tpm(Tss2_Tcti_Device_Init(tcti, &size, TPM), TPM);
	tpm(Esys_Initialize(&esys, tcti, NULL), "ESAPI");
	return esys;
}

/* The secret's size; it is in base64 what opens the key slot. */
static TPM2B_SENSITIVE_DATA *unseal(ESYS_CONTEXT *esys)
{
	const TPMT_SYM_DEF aes = { TPM2_ALG_AES, { .aes = 128 }, { .aes = TPM2_ALG_CFB } };
	const TPML_PCR_SELECTION pcrs = { 1, { { TPM2_ALG_SHA256, 3, { 0, 1 << (14 - 8), 0 } } } };
	TPM2B_PRIVATE private = { 0 };
	TPM2B_PUBLIC public = { 0 };
	TPM2B_SENSITIVE_DATA *secret;
	ESYS_TR srk, key, session;
	size_t at = 0;

	tpm(Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob, sizeof(blob), &at, &private), "private");
	tpm(Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob, sizeof(blob), &at, &public), "public");
	tpm(Esys_TR_FromTPMPublic(esys, SRK, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &srk),
	    "SRK");
	tpm(Esys_Load(esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private, &public,
		      &key),
	    "load");
	tpm(Esys_StartAuthSession(esys, srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  NULL, TPM2_SE_POLICY, &aes, TPM2_ALG_SHA256, &session),
	    "session");
	tpm(Esys_TRSess_SetAttributes(esys, session, TPMA_SESSION_ENCRYPT, TPMA_SESSION_ENCRYPT),
	    "session");
	tpm(Esys_PolicyPCR(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &pcrs),
	    "policy");
	tpm(Esys_Unseal(esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &secret), "unseal");
	return secret;
}

void open_luks(struct request *request)
{
	char passphrase[256], key[64];
	size_t key_size = sizeof(key);
	struct crypt_device *cd;
	TPM2B_SENSITIVE_DATA *secret = unseal(connect_tpm());
	char *at = request->parameters;

	EVP_EncodeBlock((uint8_t *)passphrase, secret->buffer, secret->size);
	check(crypt_init(&cd, FLOOR_LUKS), FLOOR_LUKS);
	crypt_metadata_locking(NULL, 0);
	crypt_token_external_disable();
	check(crypt_load(cd, CRYPT_LUKS2, NULL), "LUKS2 header");
	check(crypt_volume_key_get(cd, 0, key, &key_size, passphrase, strlen(passphrase)),
	      "key slot");
	at += sprintf(at, FLOOR_CIPHER " ");
	for (size_t i = 0; i < key_size; i++)
		at += sprintf(at, "%02x", (uint8_t)key[i]);
	sprintf(at, " " FLOOR_CRYPT_END);
}
