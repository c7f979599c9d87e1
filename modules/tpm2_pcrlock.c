/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By systemd's tpm2_policy_super_pcr() and tpm2_policy_authorize_nv(), src/shared/tpm2-util.c: PCRs
 * with one value together, then each of the others as a choice; what comes of it must stand in the NV
 * index. Of the values nothing is believed: wrong ones make a digest that the TPM does not find there.
 */
#include "modules/tpm2_pcrlock.h"

#include "init/base/bytes.h"
#include "init/base/text.h"
#include "modules/tpm2_expect.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define RESOURCE_NV 2 /* IESYSC_NV_RSRC of tpm2-tss */

/* Asked before the TPM is, which would say only that something does not fit: " 7=0123456789abcdef". */
static int check_values(const struct tpm2_policy *policy, const struct pcrlock *lock,
			struct tpm2_bank *bank, struct err *err)
{
	uint8_t value[TPM2_DIGEST_MAX];
	char bad[160] = "", hex[17];
	int r = tpm2_bank_active(policy->tpm, lock->bank, lock->pcrs, bank, err);

	for (unsigned int pcr = 0; pcr < PCRLOCK_PCRS && r == 0; pcr++) {
		size_t used = strlen(bad);

		if (!(lock->pcrs >> pcr & 1))
			continue;
		r = tpm2_pcr_read(policy->tpm, pcr, bank, value, err);
		if (r < 0 || pcrlock_allows(lock, pcr, value))
			continue;
		hex_encode(value, 8, hex);
		if (text_format(bad + used, sizeof(bad) - used, " %u=%s", pcr, hex) < 0)
			bad[used] = '\0'; /* as many as fit */
	}
	if (r < 0 || !bad[0])
		return r;
	return err_set(err, E_UNSEAL, EPERM, "%s allows other values of PCRs (%s), which now are%s",
		       lock->name, lock->bank, bad);
}

/* The first of the volume's that fits: a stale one may lie beside it under another name. */
static const struct pcrlock *choose(const struct tpm2_policy *policy, struct tpm2_bank *bank,
				    int *ret, struct err *err)
{
	const struct pcrlocks *locks = policy->locks;
	size_t n = locks ? locks->n : 0;

	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (!pcrlock_is_of(&locks->all[i], policy->token))
			continue;
		*ret = check_values(policy, &locks->all[i], bank, err);
		if (*ret == 0)
			return &locks->all[i];
		if (*ret != -EPERM)
			return NULL;
	}
	if (*ret == 0)
		*ret = err_set(err, E_PCRLOCK, ENOENT,
			       "no pcrlock policy came for this volume%s%.160s",
			       n ? ": those that did are of others" : "", locks ? locks->why : "");
	return NULL;
}

/* One of the values that the PCR may have: the TPM does what is computed here for each of them. */
static int policy_choice(const struct tpm2_policy *policy, const struct pcrlock *lock,
			 const struct tpm2_bank *bank, unsigned int pcr, struct err *err)
{
	uint8_t values[EXPECT_PCRS][EXPECT_DIGEST_MAX];
	TPML_DIGEST branches = { .count = (UINT32)lock->n_values[pcr] };
	TPM2B_DIGEST before;
	TSS2_RC rc;
	int r = tpm2_policy_digest(policy, &before, err);

	for (size_t i = 0; i < lock->n_values[pcr] && r == 0; i++) {
		branches.digests[i] = before;
		memcpy(values[pcr], lock->values[pcr][i], lock->digest_size);
		if (before.size != EXPECT_POLICY ||
		    expect_policy_pcrs(branches.digests[i].buffer, bank, UINT32_C(1) << pcr,
				       values) < 0)
			r = err_set(err, E_UNSEAL, EIO, "sha256 cannot be computed");
	}
	if (r == 0)
		r = tpm2_policy_pcrs(policy, bank, UINT32_C(1) << pcr, err);
	if (r < 0)
		return r;
	rc = Esys_PolicyOR(policy->tpm->esys, policy->session, ESYS_TR_NONE, ESYS_TR_NONE,
			   ESYS_TR_NONE, &branches);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_error(err, E_UNSEAL, "PCR alternatives", rc);
}

static int policy_values(const struct tpm2_policy *policy, const struct pcrlock *lock,
			 const struct tpm2_bank *bank, struct err *err)
{
	uint32_t single = 0;
	int r = 0;

	for (unsigned int pcr = 0; pcr < PCRLOCK_PCRS; pcr++)
		if (lock->pcrs >> pcr & 1 && lock->n_values[pcr] == 1)
			single |= UINT32_C(1) << pcr;
	if (single)
		r = tpm2_policy_pcrs(policy, bank, single, err);
	for (unsigned int pcr = 0; pcr < PCRLOCK_PCRS && r == 0; pcr++)
		if ((lock->pcrs & ~single) >> pcr & 1)
			r = policy_choice(policy, lock, bank, pcr, err);
	return r;
}

/* TPM 2.0 part 1, 16: the name is the algorithm and the digest of the public area. */
static bool name_is_of(const TPM2B_NAME *name, const TPMS_NV_PUBLIC *public)
{
	uint8_t area[sizeof(*public)], expected[2 + 32] = { 0, TPM2_ALG_SHA256 };
	size_t size = 0;

	return public->nameAlg == TPM2_ALG_SHA256 && name->size == sizeof(expected) &&
	       Tss2_MU_TPMS_NV_PUBLIC_Marshal(public, area, sizeof(area), &size) ==
		       TSS2_RC_SUCCESS &&
	       EVP_Digest(area, size, expected + 2, NULL, EVP_sha256(), NULL) == 1 &&
	       memcmp(name->name, expected, sizeof(expected)) == 0;
}

/* The token has the index as a serialized handle: number, name, kind, public area. */
static int parse_index(const struct tpm2_token *token, TPM2_HANDLE *ret, TPM2B_NAME *ret_name,
		       struct err *err)
{
	TPM2B_NV_PUBLIC public = { .size = 0 };
	UINT32 type = 0;
	size_t at = 0;

	memset(ret_name, 0, sizeof(*ret_name));
	if (Tss2_MU_TPM2_HANDLE_Unmarshal(token->nv, token->nv_size, &at, ret) ||
	    Tss2_MU_TPM2B_NAME_Unmarshal(token->nv, token->nv_size, &at, ret_name) ||
	    Tss2_MU_UINT32_Unmarshal(token->nv, token->nv_size, &at, &type) ||
	    type != RESOURCE_NV ||
	    Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal(token->nv, token->nv_size, &at, &public) ||
	    at != token->nv_size || *ret >> TPM2_HR_SHIFT != TPM2_HT_NV_INDEX ||
	    public.nvPublic.nvIndex != *ret || !name_is_of(ret_name, &public.nvPublic))
		return err_set(err, E_TOKEN, EINVAL, "tpm2_pcrlock_nv is no serialized NV index");
	return 0;
}

/* By number, from the TPM; by name, against the token: it is in the policy, with all attributes. */
static int load_index(const struct tpm2_policy *policy, ESYS_TR *ret, TPM2_HANDLE *ret_number,
		      struct err *err)
{
	TPM2B_NAME wanted, *name = NULL;
	bool same;
	TSS2_RC rc;
	int r = parse_index(policy->token, ret_number, &wanted, err);

	if (r < 0)
		return r;
	rc = Esys_TR_FromTPMPublic(policy->tpm->esys, *ret_number, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, ret);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_GetName(policy->tpm->esys, *ret, &name);
	if (rc != TSS2_RC_SUCCESS) {
		r = tpm2_error(err, E_UNSEAL, "pcrlock's NV index", rc);
		if (r == -ENOENT)
			err_set(err, E_UNSEAL, ENOENT,
				"the TPM has no NV index 0x%x: another TPM, or cleared",
				*ret_number);
		return r;
	}
	same = name->size == wanted.size && memcmp(name->name, wanted.name, wanted.size) == 0;
	Esys_Free(name);
	return same ? 0
		    : err_set(err, E_UNSEAL, EKEYREJECTED,
			      "the TPM's NV index 0x%x is not the one that the token names",
			      *ret_number);
}

static int index_error(const struct pcrlock *lock, TPM2_HANDLE number, TSS2_RC rc, struct err *err)
{
	int r = tpm2_error(err, E_UNSEAL, "pcrlock's NV index", rc);

	/* the kernel's resource manager may stand in the code's layer, the TPM's session in its bits */
	if ((rc & (TPM2_RC_FMT1 | 0x3f)) == TPM2_RC_VALUE)
		return err_set(err, E_UNSEAL, EPERM, "%s is not what NV index 0x%x approves",
			       lock->name, number);
	if (r == -EACCES) /* not of the PIN: nobody must be asked for it again */
		return err_set(err, E_UNSEAL, EPERM,
			       "NV index 0x%x: the TPM's owner has a password", number);
	return r;
}

static int authorize_index(const struct tpm2_policy *policy, const struct pcrlock *lock,
			   struct err *err)
{
	ESYS_TR index = ESYS_TR_NONE;
	TPM2_HANDLE number = 0;
	int r = load_index(policy, &index, &number, err);

	if (r == 0) {
		TSS2_RC rc = Esys_PolicyAuthorizeNV(policy->tpm->esys, ESYS_TR_RH_OWNER, index,
						    policy->session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
						    ESYS_TR_NONE);

		if (rc != TSS2_RC_SUCCESS)
			r = index_error(lock, number, rc, err);
	}
	if (index != ESYS_TR_NONE)
		Esys_TR_Close(policy->tpm->esys, &index);
	return r;
}

int tpm2_policy_pcrlock(const struct tpm2_policy *policy, struct err *err)
{
	struct tpm2_bank bank;
	int r;
	const struct pcrlock *lock = choose(policy, &bank, &r, err);

	if (!lock)
		return r;
	r = policy_values(policy, lock, &bank, err);
	return r == 0 ? authorize_index(policy, lock, err) : r;
}
