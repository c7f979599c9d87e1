/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/phc.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

#define PADDED_MAX (PHC_BYTES_MAX * 4 / 3 + 5)

/* Cuts "NAME=NUMBER" off, with what ends it. */
static int take_number(const char **at, const char *name, char end, uint32_t min, uint32_t max,
		       uint32_t *ret)
{
	char digits[11] = "";
	size_t len;
	uint64_t value;

	if (!text_starts(*at, name))
		return -EINVAL;
	*at += strlen(name);
	len = strspn(*at, "0123456789");
	if (len == 0 || len >= sizeof(digits) || (*at)[len] != end || (**at == '0' && len > 1))
		return -EINVAL;
	memcpy(digits, *at, len);
	*at += len + 1;
	if (text_to_u64(digits, &value) < 0 || value < min || value > max)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

/* RFC 4648's base64, here without its padding. */
static int take_bytes(const char *text, size_t len, size_t min, uint8_t ret[PHC_BYTES_MAX],
		      size_t *ret_size)
{
	char padded[PADDED_MAX];
	int n;

	if (len + 4 > sizeof(padded) || memchr(text, '=', len))
		return -EINVAL;
	memcpy(padded, text, len);
	while (len % 4 != 0)
		padded[len++] = '=';
	n = base64_decode(padded, len, ret, PHC_BYTES_MAX);
	if (n < 0 || (size_t)n < min)
		return -EINVAL;
	*ret_size = (size_t)n;
	return 0;
}

int phc_parse(const char *text, struct phc *ret, struct err *err)
{
	struct phc phc = { .memory_kib = 0 };
	const char *at = text, *end;
	uint32_t version;

	if (take_number(&at, "$argon2id$v=", '$', 19, 19, &version) < 0)
		return err_set(err, E_CMDLINE, EINVAL, "not an argon2id hash of version 19");
	if (take_number(&at, "m=", ',', PHC_MEMORY_MIN_KIB, PHC_MEMORY_MAX_KIB, &phc.memory_kib) <
	    0)
		return err_set(err, E_CMDLINE, EINVAL, "m= (memory) is not from %d to %d KiB",
			       PHC_MEMORY_MIN_KIB, PHC_MEMORY_MAX_KIB);
	if (take_number(&at, "t=", ',', 1, PHC_PASSES_MAX, &phc.passes) < 0 ||
	    take_number(&at, "p=", '$', 1, PHC_LANES_MAX, &phc.lanes) < 0)
		return err_set(err, E_CMDLINE, EINVAL, "t= or p= is not from 1 to %d or %d",
			       PHC_PASSES_MAX, PHC_LANES_MAX);
	end = strchr(at, '$');
	if (!end ||
	    take_bytes(at, (size_t)(end - at), PHC_SALT_MIN, phc.salt, &phc.salt_size) < 0 ||
	    take_bytes(end + 1, strlen(end + 1), PHC_HASH_MIN, phc.hash, &phc.hash_size) < 0)
		return err_set(err, E_CMDLINE, EINVAL, "salt or hash is malformed");
	*ret = phc;
	return 0;
}
