/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_lockout.h"

#include <errno.h>

/* In the order of the properties, from TPM2_PT_LOCKOUT_COUNTER on. */
enum { COUNTER, LIMIT, INTERVAL_S, RECOVERY_S, VALUES };

static void read_values(struct tpm2 *tpm, uint32_t ret[VALUES])
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;

	if (Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			       TPM2_CAP_TPM_PROPERTIES, TPM2_PT_LOCKOUT_COUNTER, VALUES, &more,
			       &data) == TSS2_RC_SUCCESS)
		for (uint32_t i = 0; i < data->data.tpmProperties.count; i++) {
			const TPMS_TAGGED_PROPERTY *p = &data->data.tpmProperties.tpmProperty[i];
			uint32_t n = p->property - TPM2_PT_LOCKOUT_COUNTER;

			if (n < VALUES)
				ret[n] = p->value;
		}
	Esys_Free(data);
}

static int tell(const uint32_t values[VALUES], struct err *err)
{
	if (values[LIMIT] == 0)
		return err_set(err, E_LOCKOUT, EBUSY, "the TPM does not say for how long");
	if (values[INTERVAL_S] == 0)
		return err_set(err, E_LOCKOUT, EBUSY,
			       "%u of %u failures counted; only the TPM's owner can reset that",
			       values[COUNTER], values[LIMIT]);
	return err_set(
		err, E_LOCKOUT, EBUSY,
		"%u of %u failures counted; the next try is free within %u s of running time",
		values[COUNTER], values[LIMIT], values[INTERVAL_S]);
}

int tpm2_lockout_tell(struct tpm2 *tpm, struct err *err)
{
	uint32_t values[VALUES] = { 0 };

	read_values(tpm, values);
	return tell(values, err);
}

int tpm2_lockout_check(struct tpm2 *tpm, struct err *err)
{
	uint32_t values[VALUES] = { 0 };

	read_values(tpm, values);
	return values[LIMIT] > 0 && values[COUNTER] >= values[LIMIT] ? tell(values, err) : 0;
}
