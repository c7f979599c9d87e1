/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By systemd's src/shared/tpm2-util.c and TPM 2.0 part 3, section 23. */
#include "modules/tpm2_policy.h"

#include "init/base/bytes.h"
#include "modules/tpm2_pcrlock.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static inline void free_esys(void *ptr)
{
	Esys_Free(*(void **)ptr);
}

static inline void free_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* A number of the key without leading zeros, as systemd writes it: its size is part of the name. */
static int key_number(const EVP_PKEY *key, const char *param, BYTE *ret, size_t max,
		      UINT16 *ret_size)
{
	BIGNUM *number = NULL;
	int r = -EINVAL;

	if (EVP_PKEY_get_bn_param(key, param, &number) == 1 && BN_num_bytes(number) > 0 &&
	    (size_t)BN_num_bytes(number) <= max) {
		*ret_size = (UINT16)BN_bn2bin(number, ret);
		r = 0;
	}
	BN_free(number);
	return r;
}

static int rsa_public(const EVP_PKEY *key, TPMT_PUBLIC *public)
{
	TPM2B_PUBLIC_KEY_RSA *n = &public->unique.rsa;
	UINT32 exponent = 0;
	UINT16 size = 0;
	BYTE e[4];

	if (key_number(key, OSSL_PKEY_PARAM_RSA_N, n->buffer, sizeof(n->buffer), &n->size) < 0 ||
	    key_number(key, OSSL_PKEY_PARAM_RSA_E, e, sizeof(e), &size) < 0)
		return -EINVAL;
	public->type = TPM2_ALG_RSA;
	public->parameters.rsaDetail.keyBits = (UINT16)(n->size * 8);
	for (UINT16 i = 0; i < size; i++)
		exponent = exponent << 8 | e[i];
	public->parameters.rsaDetail.exponent = exponent;
	return 0;
}

static int ecc_public(const EVP_PKEY *key, TPMT_PUBLIC *public)
{
	static const struct {
		const char *name;
		TPM2_ECC_CURVE curve;
	} curves[] = {
		{ "prime256v1", TPM2_ECC_NIST_P256 },
		{ "secp384r1", TPM2_ECC_NIST_P384 },
		{ "secp521r1", TPM2_ECC_NIST_P521 },
	};
	TPMS_ECC_POINT *point = &public->unique.ecc;
	char group[32] = "";

	public->type = TPM2_ALG_ECC;
	public->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (strcmp(group, curves[i].name) == 0)
	public->parameters.eccDetail.curveID = curves[i].curve;
	if (public->parameters.eccDetail.curveID == 0 ||
	    key_number(key, OSSL_PKEY_PARAM_EC_PUB_X, point->x.buffer, sizeof(point->x.buffer),
		       &point->x.size) < 0)
		return -EINVAL;
	return key_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, point->y.buffer, sizeof(point->y.buffer),
			  &point->y.size);
}

int tpm2_policy_key(const uint8_t *pem, size_t size, struct tpm2_policy_key *ret, struct err *err)
{
	_cleanup_(free_pkey) EVP_PKEY *key = NULL;
	BIO *bio = BIO_new_mem_buf(pem, (int)size);
	TPMT_PUBLIC *public = &ret->public.publicArea;
	unsigned char *der = NULL;
	int n, r = -EINVAL;

	memset(ret, 0, sizeof(*ret));
	ret->public.size = sizeof(*public);
	public->nameAlg = TPM2_ALG_SHA256;
	public->objectAttributes =
		TPMA_OBJECT_DECRYPT | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
	public->parameters.asymDetail.symmetric.algorithm = TPM2_ALG_NULL;
	public->parameters.asymDetail.scheme.scheme = TPM2_ALG_NULL;
	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		r = rsa_public(key, public);
	else if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
		r = ecc_public(key, public);
	n = r == 0 ? i2d_PublicKey(key, &der) : -1;
	if (n <= 0 || EVP_Digest(der, (size_t)n, ret->fingerprint, NULL, EVP_sha256(), NULL) != 1)
		r = -EINVAL;
	OPENSSL_free(der);
	return r == 0 ? 0 : err_set(err, E_TOKEN, EINVAL, "the PCR public key is no RSA or EC key");
}

static TPML_PCR_SELECTION select_pcrs(const struct tpm2_bank *bank, uint32_t pcrs)
{
	TPML_PCR_SELECTION ret = { .count = 1 };

	ret.pcrSelections[0].hash = bank->alg;
	ret.pcrSelections[0].sizeofSelect = 3;
	for (unsigned int i = 0; i < 3; i++)
		ret.pcrSelections[0].pcrSelect[i] = (BYTE)(pcrs >> 8 * i);
	return ret;
}

int tpm2_policy_pcrs(const struct tpm2_policy *policy, const struct tpm2_bank *bank, uint32_t pcrs,
		     struct err *err)
{
	TPML_PCR_SELECTION selection = select_pcrs(bank, pcrs);
	TSS2_RC rc = Esys_PolicyPCR(policy->tpm->esys, policy->session, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, NULL, &selection);

	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_error(err, E_UNSEAL, "PCR policy", rc);
}

int tpm2_policy_digest(const struct tpm2_policy *policy, TPM2B_DIGEST *ret, struct err *err)
{
	_cleanup_(free_esys) TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc = Esys_PolicyGetDigest(policy->tpm->esys, policy->session, ESYS_TR_NONE,
					  ESYS_TR_NONE, ESYS_TR_NONE, &digest);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "policy digest", rc);
	*ret = *digest;
	return 0;
}

/* The UKI's signature over just this policy. */
static int find_signature(const struct tpm2_policy *policy, const TPM2B_DIGEST *approved,
			  struct pcr_signature *ret, struct err *err)
{
	const struct pcr_wanted wanted = { .bank = policy->bank->name,
					   .ref = policy->ref,
					   .pcrs = policy->pubkey_pcrs,
					   .fingerprint = policy->key->fingerprint,
					   .policy = approved->buffer,
					   .policy_size = approved->size };
	char digest[2 * sizeof(approved->buffer) + 1];
	int r;

	if (!policy->signatures)
		return err_set(err, E_PCR_SIGNATURE, ENOENT, "the UKI brought no PCR signatures");
	r = pcr_signature_find(policy->signatures, policy->signatures_size, &wanted, ret, err);
	if (r != -ENOENT)
		return r;
	hex_encode(approved->buffer, approved->size, digest);
	return err_set(
		err, E_PCR_SIGNATURE, ENOENT,
		"no signature by the disk's key for what is now in PCRs 0x%x of %s (policy %s)",
		policy->pubkey_pcrs, policy->bank->name, digest);
}

static int tpm_signature(const struct tpm2_policy_key *key, const struct pcr_signature *found,
			 TPMT_SIGNATURE *ret)
{
	TPMS_SIGNATURE_ECC *ecdsa = &ret->signature.ecdsa;
	TPM2B_PUBLIC_KEY_RSA *rsa = &ret->signature.rsassa.sig;
	const uint8_t *der = found->signature;
	ECDSA_SIG *pair;
	int r = -EINVAL;

	memset(ret, 0, sizeof(*ret));
	if (key->public.publicArea.type == TPM2_ALG_RSA) {
		ret->sigAlg = TPM2_ALG_RSASSA;
		ret->signature.rsassa.hash = TPM2_ALG_SHA256;
		rsa->size = (UINT16)found->signature_size;
		if (found->signature_size > sizeof(rsa->buffer))
			return -EINVAL;
		memcpy(rsa->buffer, found->signature, found->signature_size);
		return 0;
	}
	ret->sigAlg = TPM2_ALG_ECDSA;
	ecdsa->hash = TPM2_ALG_SHA256;
	pair = d2i_ECDSA_SIG(NULL, &der, (long)found->signature_size);
	if (pair && BN_num_bytes(ECDSA_SIG_get0_r(pair)) <= (int)sizeof(ecdsa->signatureR.buffer) &&
	    BN_num_bytes(ECDSA_SIG_get0_s(pair)) <= (int)sizeof(ecdsa->signatureS.buffer)) {
		ecdsa->signatureR.size =
			(UINT16)BN_bn2bin(ECDSA_SIG_get0_r(pair), ecdsa->signatureR.buffer);
		ecdsa->signatureS.size =
			(UINT16)BN_bn2bin(ECDSA_SIG_get0_s(pair), ecdsa->signatureS.buffer);
		r = 0;
	}
	ECDSA_SIG_free(pair);
	return r;
}

/* With the key loaded: verified by the TPM, whose ticket then stands for the signature. */
static int authorize(const struct tpm2_policy *policy, ESYS_TR key, const TPM2B_DIGEST *approved,
		     const TPMT_SIGNATURE *signature, struct err *err)
{
	_cleanup_(free_esys) TPMT_TK_VERIFIED *ticket = NULL;
	_cleanup_(free_esys) TPM2B_NAME *name = NULL;
	TPM2B_DIGEST digest = { .size = 32 };
	TPM2B_NONCE policy_ref = { .size = 0 };
	uint8_t text[sizeof(approved->buffer) + EXPECT_POLICY];
	int n = expect_policy_ref(policy->ref, policy_ref.buffer);
	TSS2_RC rc;

	/* TPM 2.0 part 3, "TPM2_PolicyAuthorize": aHash = H(approvedPolicy || policyRef) */
	if (n > 0)
		policy_ref.size = (UINT16)n;
	memcpy(text, approved->buffer, approved->size);
	memcpy(text + approved->size, policy_ref.buffer, policy_ref.size);
	if (n < 0 || EVP_Digest(text, approved->size + (size_t)policy_ref.size, digest.buffer, NULL,
				EVP_sha256(), NULL) != 1)
		return err_set(err, E_UNSEAL, EIO, "sha256 cannot be computed");
	rc = Esys_TR_GetName(policy->tpm->esys, key, &name);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "PCR public key", rc);
	rc = Esys_VerifySignature(policy->tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  &digest, signature, &ticket);
	if (rc != TSS2_RC_SUCCESS) {
		int r = tpm2_error(err, E_UNSEAL, "PCR signature", rc);

		if (r == -EKEYREJECTED)
			err->code = E_PCR_SIGNATURE;
		return r;
	}
	rc = Esys_PolicyAuthorize(policy->tpm->esys, policy->session, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, approved, &policy_ref, name, ticket);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_error(err, E_UNSEAL, "signed PCR policy", rc);
}

static int policy_authorize(const struct tpm2_policy *policy, struct err *err)
{
	struct pcr_signature found = { .policy_size = 0 };
	TPM2B_DIGEST approved = { .size = 0 };
	TPMT_SIGNATURE signature;
	ESYS_TR key = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = tpm2_policy_pcrs(policy, policy->bank, policy->pubkey_pcrs, err);

	if (r == 0)
		r = tpm2_policy_digest(policy, &approved, err);
	if (r == 0)
		r = find_signature(policy, &approved, &found, err);
	if (r < 0)
		return r;
	if (tpm_signature(policy->key, &found, &signature) < 0)
		return err_set(err, E_PCR_SIGNATURE, EINVAL, "the PCR signature is malformed");
	rc = Esys_LoadExternal(policy->tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
			       &policy->key->public, ESYS_TR_RH_OWNER, &key);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "PCR public key", rc);
	r = authorize(policy, key, &approved, &signature, err);
	Esys_FlushContext(policy->tpm->esys, key);
	return r;
}

int tpm2_policy_build(const struct tpm2_policy *policy, TPM2B_DIGEST *ret, struct err *err)
{
	int r = 0;

	if (policy->pubkey_pcrs)
		r = policy_authorize(policy, err);
	if (r == 0 && policy->token)
		r = tpm2_policy_pcrlock(policy, err);
	if (r == 0 && policy->pcrs)
		r = tpm2_policy_pcrs(policy, policy->bank, policy->pcrs, err);
	if (r == 0 && policy->pin) {
		TSS2_RC rc = Esys_PolicyAuthValue(policy->tpm->esys, policy->session, ESYS_TR_NONE,
						  ESYS_TR_NONE, ESYS_TR_NONE);

		if (rc != TSS2_RC_SUCCESS)
			r = tpm2_error(err, E_UNSEAL, "PIN policy", rc);
	}
	return r == 0 ? tpm2_policy_digest(policy, ret, err) : r;
}
