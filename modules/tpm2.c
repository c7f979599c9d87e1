/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <tss2/tss2_tcti_device.h>

/* By our own table: Tss2_RC_Decode has read out of bounds on a hostile reply (threat A42). */
static int tpm_error(struct err *err, const char *what, TSS2_RC rc)
{
	static const struct {
		TSS2_RC rc;
		const char *text;
	} known[] = {
		{ TPM2_RC_FAILURE, "the TPM is in failure mode" },
		{ TPM2_RC_INITIALIZE, "the firmware did not start the TPM" },
		{ TPM2_RC_LOCALITY, "wrong locality" },
		{ TPM2_RC_LOCKOUT, "the TPM is in lockout" },
		{ TPM2_RC_RETRY, "the TPM stays busy" },
		{ TPM2_RC_TESTING, "the TPM stays in self-test" },
		{ TSS2_TCTI_RC_IO_ERROR, "the device cannot be read or written" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].rc == rc)
			return err_set(err, E_MEASURE, EIO, "%s: %s", what, known[i].text);
	return err_set(err, E_MEASURE, EIO, "%s: TPM code 0x%x", what, rc);
}

bool tpm2_present(void)
{
	_closedir_ DIR *dir = opendir("/sys/class/tpm");

	if (access(TPM2_DEVICE, F_OK) == 0)
		return true;
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.')
			return true;
	return false;
}

int tpm2_open(struct tpm2 *tpm, struct err *err)
{
	size_t size = 0;
	TSS2_RC rc;

	memset(tpm, 0, sizeof(*tpm));
	setenv("TSS2_LOG", "all+none", 1); /* what failed is told by its return code */
	rc = Tss2_Tcti_Device_Init(NULL, &size, TPM2_DEVICE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(err, TPM2_DEVICE, rc);
	tpm->tcti = calloc(1, size);
	if (!tpm->tcti)
		return err_set(err, E_MEASURE, ENOMEM, TPM2_DEVICE ": out of memory");
	rc = Tss2_Tcti_Device_Init(tpm->tcti, &size, TPM2_DEVICE);
	if (rc != TSS2_RC_SUCCESS) {
		free(tpm->tcti); /* not initialized: nothing to finalize */
		tpm->tcti = NULL;
		return tpm_error(err, TPM2_DEVICE, rc);
	}
	rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_error(err, TPM2_DEVICE, rc);
}

void tpm2_close(struct tpm2 *tpm)
{
	if (tpm->esys)
		Esys_Finalize(&tpm->esys);
	if (tpm->tcti)
		Tss2_Tcti_Finalize(tpm->tcti);
	free(tpm->tcti);
	tpm->tcti = NULL;
}

/* The digests that lintel can compute: another bank's extend could not be checked. */
static int find_bank(TPMI_ALG_HASH alg, struct tpm2_bank *ret, struct err *err)
{
	static const struct tpm2_bank known[] = {
		{ TPM2_ALG_SHA1, "sha1", 20 },
		{ TPM2_ALG_SHA256, "sha256", 32 },
		{ TPM2_ALG_SHA384, "sha384", 48 },
		{ TPM2_ALG_SHA512, "sha512", 64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].alg != alg)
			continue;
		*ret = known[i];
		return 0;
	}
	return err_set(err, E_MEASURE, ENOTSUP, "a PCR bank of algorithm 0x%x is active", alg);
}

int tpm2_pcr_banks(struct tpm2 *tpm, unsigned int pcr, struct tpm2_bank ret[TPM2_BANKS_MAX],
		   size_t *ret_n, struct err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	size_t n = 0;
	TSS2_RC rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					TPM2_CAP_PCRS, 0, 1, &more, &data);
	int r = 0;

	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(err, "PCR banks", rc);
	for (uint32_t i = 0; i < data->data.assignedPCR.count && r == 0; i++) {
		const TPMS_PCR_SELECTION *bank = &data->data.assignedPCR.pcrSelections[i];

		if (pcr / 8 >= bank->sizeofSelect || !(bank->pcrSelect[pcr / 8] >> pcr % 8 & 1))
			continue;
		if (n == TPM2_BANKS_MAX)
			r = err_set(err, E_LIMIT, E2BIG, "more than %d PCR banks", TPM2_BANKS_MAX);
		else
			r = find_bank(bank->hash, &ret[n++], err);
	}
	Esys_Free(data);
	if (r == 0 && n == 0)
		return err_set(err, E_MEASURE, ENOENT, "no active bank has PCR %u", pcr);
	*ret_n = n;
	return r;
}

int tpm2_pcr_read(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *bank, uint8_t *ret,
		  struct err *err)
{
	TPML_PCR_SELECTION in = { .count = 1 };
	TPML_DIGEST *values = NULL;
	UINT32 counter;
	TSS2_RC rc;
	int r = 0;

	/* one bank at a time: TPMs may answer a longer selection in parts */
	in.pcrSelections[0].hash = bank->alg;
	in.pcrSelections[0].sizeofSelect = 3;
	in.pcrSelections[0].pcrSelect[pcr / 8] = (BYTE)(1 << pcr % 8);
	rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in, &counter, NULL,
			   &values);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(err, "PCR read", rc);
	if (values->count != 1 || values->digests[0].size != bank->size)
		r = err_set(err, E_MEASURE, EPROTO, "PCR %u of %s: malformed", pcr, bank->name);
	else
		memcpy(ret, values->digests[0].buffer, bank->size);
	Esys_Free(values);
	return r;
}

int tpm2_pcr_extend(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *banks,
		    uint8_t digests[][TPM2_DIGEST_MAX], size_t n, struct err *err)
{
	TPML_DIGEST_VALUES values = { .count = (UINT32)n };
	TSS2_RC rc;

	for (size_t i = 0; i < n; i++) {
		values.digests[i].hashAlg = banks[i].alg;
		memcpy(&values.digests[i].digest, digests[i], banks[i].size);
	}
	/* TPM2_RC_RETRY is the library's to handle: the command was not carried out then */
	rc = Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			     ESYS_TR_NONE, &values);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_error(err, "PCR extend", rc);
}
