/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an intruder in the recovery shell would try: to unseal the key of a LUKS2 partition. First as
 * lintel itself does it, which before the cap gives the secret; then by asking the TPM whatever the
 * signatures say.
 */
#include "generators/sources/luks2.h"
#include "init/base/fs.h"
#include "modules/tpm2_unseal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define SRK_HANDLE 0x81000001

static uint8_t header_bytes[LUKS2_HEADER_MAX];
static char signatures[PCR_SIGNATURE_JSON_MAX];
static struct luks2_header header;
static struct tpm2_token token;

static int find_token(const char *path, struct err *err)
{
	const struct luks2_limits limits = { UINT64_MAX, UINT64_MAX };
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0 || fs_pread(fd, header_bytes, sizeof(header_bytes), 0) != sizeof(header_bytes))
		return err_set(err, E_IO, EIO, "%s cannot be read", path);
	close(fd);
	r = luks2_header_parse(header_bytes, sizeof(header_bytes), &limits, &header, err);
	for (size_t i = 0; r == 0 && i < header.n_tokens; i++)
		if (strcmp(header.tokens[i].type, "systemd-tpm2") == 0)
			return tpm2_token_parse(header.tokens[i].json, header.tokens[i].json_size,
						&token, err);
	return r < 0 ? r : err_set(err, E_TOKEN, ENOENT, "no token");
}

static int unseal_properly(struct tpm2 *tpm, struct err *err)
{
	ssize_t n = fs_read(AT_FDCWD, "/.extra/tpm2-pcr-signature.json", signatures,
			    sizeof(signatures));
	const struct tpm2_unseal_inputs in = { .signatures = n > 0 ? signatures : NULL,
					       .signatures_size = n > 0 ? (size_t)n : 0 };
	uint8_t secret[TPM2_SECRET_MAX];
	size_t size;

	return tpm2_unseal(tpm, &token, &in, secret, &size, err);
}

/* The TPM's own answer to Unseal in a session that holds PCR 11's policy as it is now. */
static TSS2_RC unseal_anyway(struct tpm2 *tpm)
{
	const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	const TPML_PCR_SELECTION pcr11 = {
		1, { { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = { 0, 8, 0 } } }
	};
	TPM2B_PRIVATE private = { .size = 0 };
	TPM2B_PUBLIC public = { .size = 0 };
	ESYS_TR srk, object, session;
	TPM2B_SENSITIVE_DATA *secret;
	size_t offset = 0;
	TSS2_RC rc =
		Tss2_MU_TPM2B_PRIVATE_Unmarshal(token.blob, token.blob_size, &offset, &private);

	if (!rc)
		rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(token.blob, token.blob_size, &offset, &public);
	if (!rc)
		rc = Esys_TR_FromTPMPublic(tpm->esys, SRK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, &srk);
	if (!rc)
		rc = Esys_Load(tpm->esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       &private, &public, &object);
	if (!rc)
		rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none,
					   TPM2_ALG_SHA256, &session);
	if (!rc)
		rc = Esys_PolicyPCR(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    NULL, &pcr11);
	if (rc) {
		printf("unseal-anyway: not as far as Unseal\n");
		return rc;
	}
	return Esys_Unseal(tpm->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &secret);
}

int main(int argc, char **argv)
{
	struct err err = { .code = E_NONE };
	struct tpm2 tpm;
	int r = argc == 2 ? find_token(argv[1], &err) : -EINVAL;

	if (r == 0)
		r = tpm2_open(&tpm, &err);
	if (r < 0) {
		printf("unseal: cannot try: %s\n", err.text);
		return 2;
	}
	r = unseal_properly(&tpm, &err);
	printf("unseal: %s: %s\n", r == 0 ? "THE SECRET" : "refused", r == 0 ? "" : err.text);
	printf("unseal-anyway: rc 0x%x\n", unseal_anyway(&tpm));
	tpm2_close(&tpm);
	return r == 0;
}
