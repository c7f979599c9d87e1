/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd-stub put into /.extra from the UKI and the ESP, as far as a token may need it. */
#include "init/base/fs.h"
#include "modules/tpm2_pcrlock.h"
#include "modules/unlock.h"

#include <fcntl.h>

#define EXTRA_SIGNATURE "/.extra/tpm2-pcr-signature.json"
#define EXTRA_PUBLIC_KEY "/.extra/tpm2-pcr-public-key.pem"

static struct tpm2_unseal_inputs inputs; /* of this child */

static void read_inputs(void)
{
	static char signatures[PCR_SIGNATURE_JSON_MAX], public_key[TPM2_TOKEN_PEM_MAX];
	static struct pcrlocks locks;
	ssize_t n = fs_read(AT_FDCWD, EXTRA_SIGNATURE, signatures, sizeof(signatures));
	ssize_t n_key = fs_read(AT_FDCWD, EXTRA_PUBLIC_KEY, public_key, sizeof(public_key));

	inputs = (struct tpm2_unseal_inputs){
		.signatures = n > 0 ? signatures : NULL,
		.signatures_size = n > 0 ? (size_t)n : 0,
		.public_key = n_key > 0 ? (const uint8_t *)public_key : NULL,
		.public_key_size = n_key > 0 ? (size_t)n_key : 0,
		.locks = &locks,
	};
	/* systemd-stub(7): of this UKI alone, and of all that boot from the ESP */
	tpm2_pcrlock_read("/.extra/credentials", &locks);
	tpm2_pcrlock_read("/.extra/global_credentials", &locks);
}

const struct tpm2_unseal_inputs *unlock_inputs(const char *pin)
{
	static bool read;

	if (!read)
		read_inputs();
	read = true;
	inputs.pin = pin;
	inputs.kdf_memory_kib = unlock_kdf_memory_kib();
	return &inputs;
}
