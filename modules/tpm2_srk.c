/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_srk.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define RESOURCE_KEY 1 /* IESYSC_KEY_RSRC of tpm2-tss */

/* TPM 2.0 part 1, 16: the name is the algorithm and the digest of the public area. */
static bool name_is_of(const TPM2B_NAME *name, const TPM2B_PUBLIC *public)
{
	uint8_t area[sizeof(TPMT_PUBLIC)], expected[2 + 32] = { 0, TPM2_ALG_SHA256 };
	size_t size = 0;

	return public->publicArea.nameAlg == TPM2_ALG_SHA256 && name->size == sizeof(expected) &&
	       Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, area, sizeof(area), &size) ==
		       TSS2_RC_SUCCESS &&
	       EVP_Digest(area, size, expected + 2, NULL, EVP_sha256(), NULL) == 1 &&
	       memcmp(name->name, expected, sizeof(expected)) == 0;
}

/*
 * The session's salt is encrypted to the public area that stands here, so that must be the area
 * which the name is made of; the library takes both as they come.
 */
static int check_serialized(const struct tpm2_token *token, TPM2B_NAME *ret, struct err *err)
{
	TPM2B_PUBLIC public = { .size = 0 };
	TPM2_HANDLE handle = 0;
	UINT32 type = 0;
	size_t at = 0;

	memset(ret, 0, sizeof(*ret));
	if (Tss2_MU_TPM2_HANDLE_Unmarshal(token->srk, token->srk_size, &at, &handle) ||
	    Tss2_MU_TPM2B_NAME_Unmarshal(token->srk, token->srk_size, &at, ret) ||
	    Tss2_MU_UINT32_Unmarshal(token->srk, token->srk_size, &at, &type) ||
	    type != RESOURCE_KEY ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(token->srk, token->srk_size, &at, &public) ||
	    at != token->srk_size || 4U + 2 + ret->size + 4 + 2 + public.size != at)
		return err_set(err, E_TOKEN, EINVAL, "tpm2_srk is no serialized key");
	if (handle >> TPM2_HR_SHIFT != TPM2_HT_PERSISTENT)
		return err_set(err, E_TOKEN, EINVAL, "tpm2_srk 0x%x is no persistent key", handle);
	if (!name_is_of(ret, &public))
		return err_set(err, E_TOKEN, EINVAL, "tpm2_srk's name is not of its key");
	return 0;
}

static int persistent(struct tpm2 *tpm, const struct tpm2_token *token, ESYS_TR *ret,
		      struct err *err)
{
	TPM2B_PUBLIC *public = NULL;
	TPM2B_NAME wanted;
	bool same = false;
	TSS2_RC rc;
	int r = check_serialized(token, &wanted, err);

	if (r < 0)
		return r;
	rc = Esys_TR_Deserialize(tpm->esys, token->srk, token->srk_size, ret);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_TOKEN, "tpm2_srk", rc);
	rc = Esys_ReadPublic(tpm->esys, *ret, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
			     NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		same = name_is_of(&wanted, public);
	Esys_Free(public);
	if (rc == TSS2_RC_SUCCESS && same)
		return 0;
	Esys_TR_Close(tpm->esys, ret);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "SRK", rc);
	return err_set(
		err, E_UNSEAL, EKEYREJECTED,
		"the TPM's key is not the SRK that the token names: another TPM, or cleared");
}

/* By tpm2_get_legacy_template(): any change makes another key. */
static int from_template(struct tpm2 *tpm, const struct tpm2_token *token, ESYS_TR *ret,
			 struct err *err)
{
	static const TPM2B_SENSITIVE_CREATE sensitive;
	static const TPML_PCR_SELECTION pcrs;
	static const TPM2B_DATA outside;
	TPM2B_PUBLIC in = { .size = sizeof(TPMT_PUBLIC) };
	TPMT_PUBLIC *public = &in.publicArea;
	TPMT_SYM_DEF_OBJECT *symmetric = &public->parameters.asymDetail.symmetric;
	TSS2_RC rc;

	public->nameAlg = TPM2_ALG_SHA256;
	public->objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
				   TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				   TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH;
	symmetric->algorithm = TPM2_ALG_AES;
	symmetric->keyBits.aes = 128;
	symmetric->mode.aes = TPM2_ALG_CFB;
	public->parameters.asymDetail.scheme.scheme = TPM2_ALG_NULL;
	if (token->primary == TPM2_PRIMARY_RSA) {
		public->type = TPM2_ALG_RSA;
		public->parameters.rsaDetail.keyBits = 2048;
	} else {
		public->type = TPM2_ALG_ECC;
		public->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
		public->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	}
	rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				ESYS_TR_NONE, &sensitive, &in, &outside, &pcrs, ret, NULL, NULL,
				NULL, NULL);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_error(err, E_UNSEAL, "primary key", rc);
}

void tpm2_primary_forget(struct tpm2 *tpm)
{
	if (tpm->primary.known && tpm->primary.transient)
		Esys_FlushContext(tpm->esys, tpm->primary.handle);
	else if (tpm->primary.known)
		Esys_TR_Close(tpm->esys, &tpm->primary.handle);
	tpm->primary.known = false;
}

static bool is_known(const struct tpm2 *tpm, const struct tpm2_token *token)
{
	return tpm->primary.known && tpm->primary.size == token->srk_size &&
	       memcmp(tpm->primary.srk, token->srk, token->srk_size) == 0 &&
	       (token->srk_size > 0 || tpm->primary.primary == token->primary);
}

int tpm2_primary_key(struct tpm2 *tpm, const struct tpm2_token *token, ESYS_TR *ret,
		     struct err *err)
{
	int r = 0;

	if (!is_known(tpm, token)) {
		tpm2_primary_forget(tpm);
		tpm->primary.transient = token->srk_size == 0;
		tpm->primary.primary = token->primary;
		tpm->primary.size = token->srk_size;
		memcpy(tpm->primary.srk, token->srk, token->srk_size);
		r = (tpm->primary.transient ? from_template
					    : persistent)(tpm, token, &tpm->primary.handle, err);
		tpm->primary.known = r == 0;
	}
	*ret = r == 0 ? tpm->primary.handle : ESYS_TR_NONE;
	return r;
}
