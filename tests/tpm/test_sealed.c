/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What no systemd at hand seals any more: sealed here, in its form. */
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#include "modules/tpm2_policy.h"
#include "modules/tpm2_srk.h"

#include <tss2/tss2_mu.h>

#define SECRET "thirty-two bytes of one secret.."

static struct err err;
static char signatures[65536];
static size_t signatures_size;

static int policy_digest(const struct tpm2_token *token, UINT32 exponent, TPM2B_DIGEST *ret)
{
	static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	struct tpm2_bank bank = { TPM2_ALG_SHA256, "sha256", 32 };
	struct tpm2_policy_key key;
	struct tpm2_policy policy = { .tpm = &tpm,
				      .ref = "",
				      .bank = &bank,
				      .key = &key,
				      .pcrs = token->pcrs,
				      .pubkey_pcrs = token->pubkey_pcrs,
				      .signatures = signatures,
				      .signatures_size = signatures_size };
	int r = tpm2_policy_key(token->pubkey, token->pubkey_size, &key, &err);

	if (r < 0)
		return r;
	key.public.publicArea.parameters.rsaDetail.exponent = exponent;
	Esys_StartAuthSession(tpm.esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
			      &policy.session);
	r = tpm2_policy_build(&policy, ret, &err);
	Esys_FlushContext(tpm.esys, policy.session);
	return r;
}

/* Fills in blob and policy hash. */
static void seal(struct tpm2_token *token, UINT32 exponent)
{
	static const TPML_PCR_SELECTION pcrs;
	static const TPM2B_DATA outside;
	TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	TPM2B_PUBLIC in = { .size = 0 }, *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	ESYS_TR primary;

	in.publicArea.type = TPM2_ALG_KEYEDHASH;
	in.publicArea.nameAlg = TPM2_ALG_SHA256;
	in.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
	in.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
	sensitive.sensitive.data.size = sizeof(SECRET) - 1;
	memcpy(sensitive.sensitive.data.buffer, SECRET, sizeof(SECRET) - 1);
	CHECK_INT(policy_digest(token, exponent, &in.publicArea.authPolicy), 0);
	token->policy_hash_size = in.publicArea.authPolicy.size;
	memcpy(token->policy_hash, in.publicArea.authPolicy.buffer, token->policy_hash_size);
	CHECK_INT(tpm2_primary_key(&tpm, token, &primary, &err), 0);
	CHECK(tpm.primary.transient);
	CHECK_INT(Esys_Create(tpm.esys, primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			      &sensitive, &in, &outside, &pcrs, &private, &public, NULL, NULL,
			      NULL),
		  0);
	tpm2_primary_forget(&tpm);
	token->blob_size = 0;
	Tss2_MU_TPM2B_PRIVATE_Marshal(private, token->blob, sizeof(token->blob), &token->blob_size);
	Tss2_MU_TPM2B_PUBLIC_Marshal(public, token->blob, sizeof(token->blob), &token->blob_size);
	Esys_Free(private);
	Esys_Free(public);
}

static void check_opens(enum tpm2_primary primary, UINT32 exponent)
{
	struct tpm2_token token = *fixture_token("legacy");
	struct tpm2_unseal_inputs in = { .signatures = signatures };
	uint8_t secret[TPM2_SECRET_MAX];
	size_t size = 0;

	token.primary = primary;
	memcpy(signatures, fixture("signatures.json", &signatures_size), sizeof(signatures));
	in.signatures_size = signatures_size;
	seal(&token, exponent);
	CHECK_INT(tpm2_unseal(&tpm, &token, &in, secret, &size, &err), 0);
	CHECK(size == sizeof(SECRET) - 1 && memcmp(secret, SECRET, size) == 0);
	token.primary = primary == TPM2_PRIMARY_RSA ? TPM2_PRIMARY_ECC : TPM2_PRIMARY_RSA;
	CHECK(tpm2_unseal(&tpm, &token, &in, secret, &size, &err) < 0);
	CHECK_INT(err.code, E_UNSEAL);
}

TEST(sealed_under_templates)
{
	tpm_start(NULL);
	tpm_boot();
	check_opens(TPM2_PRIMARY_ECC, 65537);
	check_opens(TPM2_PRIMARY_RSA, 65537);
	check_opens(TPM2_PRIMARY_ECC, 0); /* systemd's bug 30546 */
}
