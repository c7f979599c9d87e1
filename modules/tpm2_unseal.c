/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the order of systemd's tpm2_unseal(), src/shared/tpm2-util.c and cryptsetup-tpm2.c. */
#include "modules/tpm2_unseal.h"

#include "init/base/bytes.h"
#include "init/base/text.h"
#include "modules/tpm2_lockout.h"
#include "modules/tpm2_pin.h"
#include "modules/tpm2_policy.h"
#include "modules/tpm2_srk.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <tss2/tss2_mu.h>

#define PCR_CHANGES_MAX 30 /* systemd's RETRY_UNSEAL_MAX */
#define BUSY_MAX 5	   /* beyond the library's five and the kernel's two seconds each */
#define BUSY_WAIT_MS 40

struct unseal {
	struct tpm2 *tpm;
	const struct tpm2_token *token;
	TPM2B_PRIVATE private;
	TPM2B_PUBLIC public;
	TPM2B_ENCRYPTED_SECRET seed; /* of an object that was sealed away from the TPM */
	struct tpm2_bank bank;
	struct tpm2_policy_key key;
	struct tpm2_policy policy;
	ESYS_TR primary; /* the TPM's context owns it */
	ESYS_TR sealed, session;
	struct tpm2_pin pin;
};

static void flush(struct unseal *u, ESYS_TR *handle)
{
	if (*handle != ESYS_TR_NONE)
		Esys_FlushContext(u->tpm->esys, *handle);
	*handle = ESYS_TR_NONE;
}

static int unmarshal_blob(struct unseal *u, struct err *err)
{
	const struct tpm2_token *token = u->token;
	const TPMT_PUBLIC *area = &u->public.publicArea;
	size_t at = 0;

	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(token->blob, token->blob_size, &at, &u->private) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(token->blob, token->blob_size, &at, &u->public) ||
	    (at < token->blob_size && Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(
					      token->blob, token->blob_size, &at, &u->seed)) ||
	    at != token->blob_size)
		return err_set(err, E_TOKEN, EINVAL, "tpm2-blob is malformed");
	/* what could be had with no policy, or by another one, was not sealed by systemd */
	if (area->type != TPM2_ALG_KEYEDHASH || area->objectAttributes & TPMA_OBJECT_USERWITHAUTH ||
	    token->policy_hash_size == 0 || area->authPolicy.size != token->policy_hash_size ||
	    memcmp(area->authPolicy.buffer, token->policy_hash, token->policy_hash_size) != 0)
		return err_set(err, E_TOKEN, EINVAL, "tpm2-blob is not sealed to tpm2-policy-hash");
	return 0;
}

static int choose_bank(struct unseal *u, struct err *err)
{
	/* a token of pcrlock has none of its own */
	if (!(u->token->pcrs | u->token->pubkey_pcrs))
		return 0;
	return tpm2_bank_active(u->tpm, u->token->bank, u->token->pcrs | u->token->pubkey_pcrs,
				&u->bank, err);
}

static int prepare(struct unseal *u, const struct tpm2_unseal_inputs *in, struct err *err)
{
	const struct tpm2_token *token = u->token;
	const uint8_t *pem = token->pubkey_size ? token->pubkey : in->public_key;
	size_t pem_size = token->pubkey_size ? token->pubkey_size : in->public_key_size;
	int r;

	/* each of the two forgets what was before it: systemd makes shards of them */
	if (token->pcrlock && token->pubkey_pcrs)
		return err_set(err, E_TOKEN, ENOTSUP,
			       "sealed to a signed and a pcrlock policy in one");
	if (token->pin && !in->pin)
		return err_set(err, E_UNSEAL, EACCES, "the key needs a PIN");
	if (token->pubkey_pcrs && !pem)
		return err_set(err, E_TOKEN, EINVAL, "a signed policy without its public key");
	r = unmarshal_blob(u, err);
	if (r == 0)
		r = choose_bank(u, err);
	if (r == 0 && token->pubkey_pcrs)
		r = tpm2_policy_key(pem, pem_size, &u->key, err);
	if (r == 0 && token->pin)
		r = tpm2_pin_derive(token, in->pin, in->kdf_memory_kib, &u->pin, err);
	u->policy = (struct tpm2_policy){ .tpm = u->tpm,
					  .session = ESYS_TR_NONE,
					  .bank = &u->bank,
					  .key = &u->key,
					  .ref = token->ref,
					  .pcrs = token->pcrs,
					  .pubkey_pcrs = token->pubkey_pcrs,
					  .pin = token->pin,
					  .token = token->pcrlock ? token : NULL,
					  .locks = in->locks,
					  .signatures = in->signatures,
					  .signatures_size = in->signatures_size };
	return r;
}

static int import_object(struct unseal *u, struct err *err)
{
	static const TPMT_SYM_DEF_OBJECT none = { .algorithm = TPM2_ALG_NULL };
	TPM2B_PRIVATE *imported = NULL;
	TSS2_RC rc =
		Esys_Import(u->tpm->esys, u->primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			    NULL, &u->public, &u->private, &u->seed, &none, &imported);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "sealed object", rc);
	u->private = *imported;
	u->seed.size = 0;
	Esys_Free(imported);
	return 0;
}

static int load_object(struct unseal *u, struct err *err)
{
	TSS2_RC rc;
	int r = u->seed.size ? import_object(u, err) : 0;

	if (r < 0)
		return r;
	rc = Esys_Load(u->tpm->esys, u->primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		       &u->private, &u->public, &u->sealed);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_SetAuth(u->tpm->esys, u->sealed, &u->pin.auth);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_error(err, E_UNSEAL, "sealed object", rc);
}

/*
 * The salt is encrypted to the SRK, so who listens on the wire has no session key; bound to the
 * object's PIN, where there is one, so who answers in the TPM's place has none either (threat A32). The TPM
 * checks the PIN where the session is first used, and counts a wrong one.
 */
static int start_sessions(struct unseal *u, struct err *err)
{
	static const TPMT_SYM_DEF symmetric = { .algorithm = TPM2_ALG_AES,
						.keyBits.aes = 128,
						.mode.aes = TPM2_ALG_CFB };
	TPMA_SESSION attributes =
		TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
	ESYS_CONTEXT *esys = u->tpm->esys;
	TSS2_RC rc = Esys_StartAuthSession(esys, u->primary, u->sealed, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &symmetric,
					   TPM2_ALG_SHA256, &u->session);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_SetAttributes(esys, u->session, attributes, 0xff);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "encrypted session", rc);
	/* without a PIN it proves nothing by a key of its own, and each salt costs the TPM a key agreement */
	rc = Esys_StartAuthSession(esys, u->token->pin ? u->primary : ESYS_TR_NONE, ESYS_TR_NONE,
				   u->session, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY,
				   &symmetric, TPM2_ALG_SHA256, &u->policy.session);
	return rc == TSS2_RC_SUCCESS
		       ? 0
		       : tpm2_error(err, E_UNSEAL, u->token->pin ? "PIN" : "policy session", rc);
}

/* " 7=0123456789abcdef": what each literal PCR is now; the token has but one digest over all. */
static void list_pcrs(const struct unseal *u, char *ret, size_t size)
{
	uint8_t value[TPM2_DIGEST_MAX];
	char hex[17];
	struct err err;

	for (unsigned int pcr = 0; pcr <= TPM2_PCR_MAX; pcr++) {
		size_t used = strlen(ret);

		if (!(u->token->pcrs >> pcr & 1))
			continue;
		hex[0] = '\0';
		if (tpm2_pcr_read(u->tpm, pcr, &u->bank, value, &err) == 0)
			hex_encode(value, 8, hex);
		if (text_format(ret + used, size - used, " %u=%s", pcr, hex) < 0)
			return;
	}
}

/* -EDOM: the TPM was not asked, as the answer is known. The text's room is for the PCRs. */
static int check_policy(const struct unseal *u, const TPM2B_DIGEST *actual, struct err *err)
{
	const struct tpm2_token *token = u->token;
	char pcrs[160] = "", is[17], wanted[17];

	if (actual->size == token->policy_hash_size &&
	    memcmp(actual->buffer, token->policy_hash, actual->size) == 0)
		return 0;
	list_pcrs(u, pcrs, sizeof(pcrs));
	hex_encode(actual->buffer, actual->size < 8 ? actual->size : 8, is);
	hex_encode(token->policy_hash, 8, wanted);
	if (!pcrs[0])
		return err_set(err, E_UNSEAL, EDOM,
			       "the policy is not the sealed one: expected %s, is %s", wanted, is);
	return err_set(err, E_UNSEAL, EDOM,
		       "sealed to other values of PCRs (%s), which now are%s; policy %s, not %s",
		       u->bank.name, pcrs, is, wanted);
}

static int take_secret(TPM2B_SENSITIVE_DATA *data, uint8_t ret[TPM2_SECRET_MAX], size_t *ret_size,
		       struct err *err)
{
	bool fits = data->size > 0 && data->size <= TPM2_SECRET_MAX;

	if (fits) {
		memcpy(ret, data->buffer, data->size);
		*ret_size = data->size;
	}
	explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	return fits ? 0 : err_set(err, E_UNSEAL, EPROTO, "the secret is empty or too long");
}

/* With its answer the TPM forgets both sessions, and the library is told so. */
static int unseal_object(struct unseal *u, uint8_t ret[TPM2_SECRET_MAX], size_t *ret_size,
			 struct err *err)
{
	ESYS_CONTEXT *esys = u->tpm->esys;
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc = Esys_TRSess_SetAttributes(esys, u->session, 0, TPMA_SESSION_CONTINUESESSION);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_SetAttributes(esys, u->policy.session, 0,
					       TPMA_SESSION_CONTINUESESSION);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Unseal(esys, u->sealed, u->policy.session, u->session, ESYS_TR_NONE,
				 &data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_error(err, E_UNSEAL, "unseal", rc);
	Esys_TR_Close(esys, &u->session);
	Esys_TR_Close(esys, &u->policy.session);
	u->session = u->policy.session = ESYS_TR_NONE;
	return take_secret(data, ret, ret_size, err);
}

/*
 * The kernel's resource manager saves and loads all that is in the TPM around each command, so what is
 * not needed yet is not there yet: the object comes last, but where its PIN binds the sessions.
 */
static int attempt(struct unseal *u, uint8_t ret[TPM2_SECRET_MAX], size_t *ret_size,
		   struct err *err)
{
	TPM2B_DIGEST digest = { .size = 0 };
	int r = 0;

	if (u->primary == ESYS_TR_NONE)
		r = tpm2_primary_key(u->tpm, u->token, &u->primary, err);
	if (r == 0 && u->token->pin)
		r = load_object(u, err);
	if (r == 0)
		r = start_sessions(u, err);
	if (r == 0)
		r = tpm2_policy_build(&u->policy, &digest, err);
	if (r == 0)
		r = check_policy(u, &digest, err);
	if (r == 0 && !u->token->pin)
		r = load_object(u, err);
	return r == 0 ? unseal_object(u, ret, ret_size, err) : r;
}

/* The library keeps the PIN's authValue with the object, and the last answer in its buffer. */
static void clean_attempt(struct unseal *u)
{
	static const TPM2B_AUTH none;
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;

	if (u->sealed != ESYS_TR_NONE)
		Esys_TR_SetAuth(u->tpm->esys, u->sealed, &none);
	flush(u, &u->policy.session);
	flush(u, &u->session);
	flush(u, &u->sealed);
	Esys_GetCapability(u->tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			   TPM2_CAP_TPM_PROPERTIES, TPM2_PT_FIXED, 40, &more, &data);
	Esys_Free(data);
}

/* systemd bug 30546: up to version 254 the default exponent was sealed as 0, TPM 2.0's short form. */
static bool other_exponent(struct unseal *u)
{
	TPMT_PUBLIC *area = &u->key.public.publicArea;

	if (!u->token->pubkey_pcrs || area->type != TPM2_ALG_RSA ||
	    area->parameters.rsaDetail.exponent != 65537)
		return false;
	area->parameters.rsaDetail.exponent = 0;
	return true;
}

static int unseal(struct unseal *u, uint8_t ret[TPM2_SECRET_MAX], size_t *ret_size, struct err *err)
{
	const struct timespec wait = { .tv_nsec = BUSY_WAIT_MS * 1000000L };
	unsigned int changes = 0, busy = 0;

	for (;;) {
		int r = attempt(u, ret, ret_size, err);

		clean_attempt(u);
		if (r == -EDOM && other_exponent(u))
			continue;
		if (r == -ESTALE && changes++ < PCR_CHANGES_MAX)
			continue;
		if (r == -EAGAIN && busy++ < BUSY_MAX) {
			nanosleep(&wait, NULL);
			continue;
		}
		return r == -EDOM ? -EPERM : r;
	}
}

int tpm2_unseal(struct tpm2 *tpm, const struct tpm2_token *token,
		const struct tpm2_unseal_inputs *in, uint8_t ret_secret[TPM2_SECRET_MAX],
		size_t *ret_size, struct err *err)
{
	struct unseal u = { .tpm = tpm,
			    .token = token,
			    .primary = ESYS_TR_NONE,
			    .sealed = ESYS_TR_NONE,
			    .session = ESYS_TR_NONE };
	size_t size = 0;
	int r = 0;

	if (mlock(&u, sizeof(u)) < 0)
		r = err_set(err, E_UNSEAL, errno, "memory cannot be locked");
	if (r == 0)
		r = prepare(&u, in, err);
	if (r == 0)
		r = unseal(&u, ret_secret, &size, err);
	if (r == 0)
		r = tpm2_pin_finish(token, &u.pin, ret_secret, &size, err);
	if (r < 0 &&
	    r != -EPERM) /* it may be the key's fault: the next token's is looked up anew */
		tpm2_primary_forget(tpm);
	explicit_bzero(&u, sizeof(u));
	if (r == -EBUSY)
		tpm2_lockout_tell(tpm, err);
	if (r == 0) {
		*ret_size = size;
		return 0;
	}
	explicit_bzero(ret_secret, TPM2_SECRET_MAX);
	if (err->code == E_MEASURE)
		err->code = E_UNSEAL; /* the helpers' own code */
	return r;
}
