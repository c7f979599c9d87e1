/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_digests.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

int tpm2_digests_format(const struct tpm2_digests *digests, char *ret, size_t size)
{
	char hex[2 * TPM2_DIGEST_MAX + 1];
	int r = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < digests->n && r == 0; i++) {
		size_t used = strlen(ret);

		hex_encode(digests->values[i], digests->banks[i].size, hex);
		r = text_format(ret + used, size - used, "%s%s:%s", i ? "," : "",
				digests->banks[i].name, hex);
	}
	return r;
}

int tpm2_digests_parse(const char *text, const struct tpm2_bank *banks, size_t n_banks,
		       struct tpm2_digests *ret, struct err *err)
{
	const char *at = text;

	ret->n = 0;
	for (size_t i = 0; i < n_banks; i++) {
		char hex[2 * TPM2_DIGEST_MAX + 1];
		size_t name = strlen(banks[i].name), len = 2 * (size_t)banks[i].size;

		if (i > 0 && *at++ != ',')
			break;
		if (strncmp(at, banks[i].name, name) != 0 || at[name] != ':')
			break;
		at += name + 1;
		if (strcspn(at, ",") != len)
			break;
		memcpy(hex, at, len);
		hex[len] = '\0';
		if (hex_decode(hex, ret->values[i], banks[i].size) != (int)banks[i].size)
			break;
		ret->banks[i] = banks[i];
		ret->n++;
		at += len;
	}
	if (n_banks == 0 || ret->n != n_banks || *at != '\0')
		return err_set(err, E_MEASURE, EINVAL,
			       "the digests are not those of the banks that are active");
	return 0;
}
