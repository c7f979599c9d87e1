/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2.h"
#include "init/base/fs.h"
#include "modules/tpm2_srk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tss2/tss2_tcti_device.h>

/* Format-one codes carry the number of a handle, parameter or session, TPM 2.0 part 2, 6.6.2. */
#define RC_FMT1_MASK 0x0bfU
#define RC_CODE_MASK 0xffffU

/* By our own table: Tss2_RC_Decode has read out of bounds on a hostile reply (threat A42). */
int tpm2_error(struct err *err, enum err_code code, const char *what, TSS2_RC rc)
{
	static const struct {
		TSS2_RC rc;
		int errnum;
		const char *text;
	} known[] = {
		{ TPM2_RC_PCR_CHANGED, ESTALE, "a PCR changed meanwhile" },
		{ TPM2_RC_RETRY, EAGAIN, "the TPM stays busy" },
		{ TPM2_RC_YIELDED, EAGAIN, "the TPM stays busy" },
		{ TPM2_RC_TESTING, EAGAIN, "the TPM stays in self-test" },
		{ TPM2_RC_LOCKOUT, EBUSY, "the TPM is in lockout" },
		{ TPM2_RC_AUTH_FAIL, EACCES, "the authorization is wrong" },
		{ TPM2_RC_BAD_AUTH, EACCES, "the authorization is wrong" },
		{ TPM2_RC_POLICY_FAIL, EPERM, "the policy does not hold" },
		{ TPM2_RC_FAILURE, EIO, "the TPM is in failure mode" },
		{ TPM2_RC_INITIALIZE, EIO, "the firmware did not start the TPM" },
		{ TPM2_RC_LOCALITY, EIO, "wrong locality" },
		{ TPM2_RC_HANDLE, ENOENT, "the TPM has no such key" },
		{ TPM2_RC_INTEGRITY, EKEYREJECTED, "made by another TPM, or changed" },
		{ TPM2_RC_SIGNATURE, EKEYREJECTED, "the signature is wrong" },
		{ TSS2_TCTI_RC_IO_ERROR, EIO, "the device cannot be read or written" },
	};
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK, base = rc & RC_CODE_MASK;

	/* the kernel's resource manager answers with its own layer; the codes are the TPM's */
	if (layer == 0 || layer == TSS2_RESMGR_TPM_RC_LAYER)
		base = base & TPM2_RC_FMT1 ? base & RC_FMT1_MASK : base;
	else
		base |= layer;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].rc == base)
			return err_set(err, code, known[i].errnum, "%s: %s", what, known[i].text);
	return err_set(err, code, EIO, "%s: %s 0x%x", what,
		       layer ? "malformed answer or no answer, code" : "TPM code", rc);
}

static int tpm_error(struct err *err, const char *what, TSS2_RC rc)
{
	return tpm2_error(err, E_MEASURE, what, rc);
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

int tpm2_start(struct tpm2 *tpm, TSS2_TCTI_CONTEXT *tcti, struct err *err)
{
	TSS2_RC rc;

	*tpm = (struct tpm2){ .tcti = tcti,
			      .log_folder = TPM2_LOG_FOLDER,
			      .event_log = TPM2_EVENT_LOG };
	setenv("TSS2_LOG", "all+none", 1); /* what failed is told by its return code */
	rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_error(err, "TPM", rc);
}

static int no_device(struct err *err, TSS2_RC rc)
{
	char version[8];

	if (fs_read_line(AT_FDCWD, "/sys/class/tpm/tpm0/tpm_version_major", version,
			 sizeof(version)) > 0 &&
	    strcmp(version, "2") != 0)
		return err_set(err, E_MEASURE, ENOTSUP, "the TPM is of version %s, not 2.0",
			       version);
	return tpm_error(err, TPM2_DEVICE, rc);
}

int tpm2_open(struct tpm2 *tpm, struct err *err)
{
	TSS2_TCTI_CONTEXT *tcti;
	size_t size = 0;
	TSS2_RC rc;

	memset(tpm, 0, sizeof(*tpm));
	setenv("TSS2_LOG", "all+none", 1);
	rc = Tss2_Tcti_Device_Init(NULL, &size, TPM2_DEVICE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(err, TPM2_DEVICE, rc);
	tcti = calloc(1, size);
	if (!tcti)
		return err_set(err, E_MEASURE, ENOMEM, TPM2_DEVICE ": out of memory");
	rc = Tss2_Tcti_Device_Init(tcti, &size, TPM2_DEVICE);
	if (rc != TSS2_RC_SUCCESS) {
		free(tcti); /* not initialized: nothing to finalize */
		return no_device(err, rc);
	}
	return tpm2_start(tpm, tcti, err);
}

void tpm2_close(struct tpm2 *tpm)
{
	if (tpm->esys) {
		tpm2_primary_forget(tpm);
		Esys_Finalize(&tpm->esys);
	}
	if (tpm->tcti)
		Tss2_Tcti_Finalize(tpm->tcti);
	free(tpm->tcti);
	tpm->tcti = NULL;
}

/* The digests that lintel can compute: another bank's extend could not be checked. */
static int find_bank(TPMI_ALG_HASH alg, struct tpm2_bank *ret, struct err *err)
{
	for (size_t i = 0; i < TPM2_KNOWN_BANKS; i++) {
		if (tpm2_known_banks[i].alg != alg)
			continue;
		*ret = tpm2_known_banks[i];
		return 0;
	}
	return err_set(err, E_MEASURE, ENOTSUP, "a PCR bank of algorithm 0x%x is active", alg);
}

static int get_assigned(struct tpm2 *tpm, TPMS_CAPABILITY_DATA **ret, struct err *err)
{
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					TPM2_CAP_PCRS, 0, 1, &more, ret);

	return rc == TSS2_RC_SUCCESS ? 0 : tpm_error(err, "PCR banks", rc);
}

static uint32_t selected(const TPMS_PCR_SELECTION *bank)
{
	uint32_t mask = 0;

	for (uint8_t i = 0; i < bank->sizeofSelect && i < 3; i++)
		mask |= (uint32_t)bank->pcrSelect[i] << 8 * i;
	return mask;
}

int tpm2_pcr_banks(struct tpm2 *tpm, unsigned int pcr, struct tpm2_bank ret[TPM2_BANKS_MAX],
		   size_t *ret_n, struct err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	size_t n = 0;
	int r = get_assigned(tpm, &data, err);

	for (uint32_t i = 0; r == 0 && i < data->data.assignedPCR.count; i++) {
		const TPMS_PCR_SELECTION *bank = &data->data.assignedPCR.pcrSelections[i];

		if (!(selected(bank) >> pcr & 1))
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

int tpm2_bank_active(struct tpm2 *tpm, const char *name, uint32_t pcrs, struct tpm2_bank *ret,
		     struct err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	const struct tpm2_bank *bank = tpm2_bank_named(name);
	uint32_t missing = pcrs;
	int r;

	if (pcrs >> (TPM2_PCR_MAX + 1))
		return err_set(err, E_TOKEN, EINVAL, "a PCR above %d", TPM2_PCR_MAX);
	if (!bank)
		return err_set(err, E_TOKEN, ENOTSUP, "sealed to an unknown bank");
	if (bank == &tpm2_known_banks[0])
		return err_set(err, E_TOKEN, ENOTSUP,
			       "sealed to the sha1 bank, which is forgeable");
	r = get_assigned(tpm, &data, err);
	for (uint32_t i = 0; r == 0 && i < data->data.assignedPCR.count; i++)
		if (data->data.assignedPCR.pcrSelections[i].hash == bank->alg)
			missing &= ~selected(&data->data.assignedPCR.pcrSelections[i]);
	Esys_Free(data);
	if (r == 0 && missing)
		return err_set(err, E_UNSEAL, ENOENT, "PCR %d has no active bank %s",
			       __builtin_ctz(missing), bank->name);
	*ret = *bank;
	return r;
}

/* One command: of the banks' first ones, those that the TPM says it answers for. */
static int read_some(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *banks, size_t n,
		     uint8_t ret[][TPM2_DIGEST_MAX], struct err *err)
{
	TPML_PCR_SELECTION in = { .count = (UINT32)n }, *out = NULL;
	TPML_DIGEST *values = NULL;
	UINT32 counter, i;
	bool malformed;
	TSS2_RC rc;

	for (i = 0; i < n; i++) {
		in.pcrSelections[i].hash = banks[i].alg;
		in.pcrSelections[i].sizeofSelect = 3;
		in.pcrSelections[i].pcrSelect[pcr / 8] = (BYTE)(1 << pcr % 8);
	}
	rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in, &counter, &out,
			   &values);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(err, "PCR read", rc);
	for (i = 0; i < values->count && i < n; i++) {
		if (i >= out->count || out->pcrSelections[i].hash != banks[i].alg ||
		    selected(&out->pcrSelections[i]) != 1U << pcr ||
		    values->digests[i].size != banks[i].size)
			break;
		memcpy(ret[i], values->digests[i].buffer, banks[i].size);
	}
	malformed = i == 0 || i < values->count;
	Esys_Free(values);
	Esys_Free(out);
	if (malformed)
		return err_set(err, E_MEASURE, EPROTO, "PCR %u of %s: malformed", pcr,
			       banks[i < n ? i : 0].name);
	return (int)i;
}

int tpm2_pcr_read_banks(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *banks, size_t n,
			uint8_t ret[][TPM2_DIGEST_MAX], struct err *err)
{
	int some;

	for (size_t i = 0; i < n; i += (size_t)some) {
		some = read_some(tpm, pcr, banks + i, n - i, ret + i, err);
		if (some < 0)
			return some;
	}
	return 0;
}

int tpm2_pcr_read(struct tpm2 *tpm, unsigned int pcr, const struct tpm2_bank *bank, uint8_t *ret,
		  struct err *err)
{
	uint8_t value[1][TPM2_DIGEST_MAX];
	int r = tpm2_pcr_read_banks(tpm, pcr, bank, 1, value, err);

	if (r == 0)
		memcpy(ret, value[0], bank->size);
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

int tpm2_pcr_pristine(struct tpm2 *tpm, unsigned int pcr, struct err *err)
{
	static const uint8_t zero[TPM2_DIGEST_MAX];
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	uint8_t values[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
	size_t n = 0;
	int r = tpm2_pcr_banks(tpm, pcr, banks, &n, err);

	if (r == 0)
		r = tpm2_pcr_read_banks(tpm, pcr, banks, n, values, err);
	for (size_t i = 0; i < n && r == 0; i++)
		if (memcmp(values[i], zero, banks[i].size) != 0)
			r = err_set(err, E_UNSEAL, EPERM,
				    "PCR %u of %s has been extended: a volume was unlocked before",
				    pcr, banks[i].name);
	return r;
}
