/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/recovery_key.h"

#include <string.h>

/* Letters that lie at one place on all usual keyboards, so that the layout does not matter. */
static const char modhex[] = "cbdefghijklnrtuv";

static char modhex_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	return c && strchr(modhex, c) ? c : '\0';
}

bool recovery_key_normalize(const char *typed, char ret[RECOVERY_KEY_SIZE])
{
	size_t len = strlen(typed);
	bool dashes = len == RECOVERY_KEY_SIZE - 1;
	char *to = ret;

	if (!dashes && len != RECOVERY_KEY_DIGITS)
		return false;
	for (size_t i = 0; i < RECOVERY_KEY_DIGITS; i++) {
		if (i > 0 && i % RECOVERY_KEY_GROUP == 0) {
			if (dashes && *typed++ != '-')
				return false;
			*to++ = '-';
		}
		*to = modhex_digit(*typed++);
		if (!*to++)
			return false;
	}
	*to = '\0';
	return true;
}
