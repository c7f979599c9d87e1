/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/crypttab.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum kind { FLAG, SECONDS, TRIES, ECHO, MEASURE, DEVICE, NOTHING, REFUSED };

#define AT(member) offsetof(struct crypt_options, member)

/* crypttab(5) of systemd 257. NOTHING: true of lintel in any case, or the token's to say. */
static const struct option {
	const char *name;
	enum kind kind;
	size_t at;	 /* of what it sets */
	const char *why; /* it is refused */
} options_known[] = {
	{ "headless", FLAG, AT(headless), NULL },
	{ "discard", FLAG, AT(discard), NULL },
	{ "same-cpu-crypt", FLAG, AT(same_cpu_crypt), NULL },
	{ "submit-from-crypt-cpus", FLAG, AT(submit_from_crypt_cpus), NULL },
	{ "no-read-workqueue", FLAG, AT(no_read_workqueue), NULL },
	{ "no-write-workqueue", FLAG, AT(no_write_workqueue), NULL },
	{ "readonly", FLAG, AT(read_only), NULL },
	{ "read-only", FLAG, AT(read_only), NULL },
	{ "tries", TRIES, AT(tries), NULL },
	{ "timeout", SECONDS, AT(timeout_s), NULL },
	{ "password-echo", ECHO, AT(masked), NULL },
	{ "tpm2-device", DEVICE, 0, NULL },
	{ "tpm2-measure-pcr", MEASURE, 0, NULL },
	{ "tpm2-pcrs", NOTHING, 0, NULL },
	{ "token-timeout", NOTHING, 0, NULL },
	{ "luks", NOTHING, 0, NULL },
	{ "x-initrd.attach", NOTHING, 0, NULL },
	{ "tcrypt", REFUSED, 0, "only LUKS2 is opened" },
	{ "tcrypt-hidden", REFUSED, 0, "only LUKS2 is opened" },
	{ "tcrypt-system", REFUSED, 0, "only LUKS2 is opened" },
	{ "tcrypt-veracrypt", REFUSED, 0, "only LUKS2 is opened" },
	{ "bitlk", REFUSED, 0, "only LUKS2 is opened" },
	{ "plain", REFUSED, 0, "its header could not be checked: there is none" },
	{ "swap", REFUSED, 0, "it makes a new file system" },
	{ "tmp", REFUSED, 0, "it makes a new file system" },
	{ "header", REFUSED, 0, "the header must be the volume's own" },
	{ "cipher", REFUSED, 0, "the header says it, and is held to a profile" },
	{ "hash", REFUSED, 0, "the header says it, and is held to a profile" },
	{ "size", REFUSED, 0, "the header says it, and is held to a profile" },
	{ "offset", REFUSED, 0, "the header says it, and is held to a profile" },
	{ "skip", REFUSED, 0, "the header says it, and is held to a profile" },
	{ "try-empty-password", REFUSED, 0, "an empty passphrase protects nothing" },
	{ "nofail", REFUSED, 0, "the root cannot be done without" },
};

void crypt_options_default(struct crypt_options *ret)
{
	*ret = (struct crypt_options){ .tries = CRYPT_TRIES, .timeout_s = CRYPT_TIMEOUT_S };
}

static int bad(struct err *err, const char *name, const char *why)
{
	char shown[3 * 40 + 1], start[40];

	text_format(start, sizeof(start), "%.39s", name);
	text_encode(start, shown, sizeof(shown));
	return err_set(err, E_CRYPTTAB, EINVAL, "%s: %s", shown, why);
}

/* One number with one of systemd.time(7)'s usual units; 0 is "for ever", which is the most here. */
static int parse_seconds(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {
		{ "", 1 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 }
	};
	size_t digits = strspn(text, "0123456789");
	char number[12];
	uint64_t n;

	if (digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (text_to_u64(number, &n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		if (n > CRYPT_TIMEOUT_MAX_S / units[i].seconds)
			return -ERANGE;
		*ret = n ? n * units[i].seconds : CRYPT_TIMEOUT_MAX_S;
		return 0;
	}
	return -EINVAL;
}

static int set_number(const struct option *option, const char *value, uint64_t *ret,
		      struct err *err)
{
	if (option->kind == SECONDS)
		return parse_seconds(value, ret) < 0
			       ? bad(err, option->name, "is no time of at most one hour")
			       : 0;
	if (text_to_u64(value, ret) < 0 || *ret < 1 || *ret > CRYPT_TRIES_MAX)
		return bad(err, option->name, "is no number from 1 to 10");
	return 0;
}

static int set_flag(const struct option *option, const char *value, bool *ret, struct err *err)
{
	int on = option->kind == ECHO && strcmp(value, "masked") == 0 ? 1
		 : !*value && option->kind == FLAG		      ? 1
								      : text_to_bool(value);

	if (on < 0)
		return bad(err, option->name, "is no boolean");
	if (on && option->kind == ECHO && strcmp(value, "masked") != 0)
		return bad(err, option->name, "yes would show the secret; masked or no");
	*ret = on;
	return 0;
}

static int set_option(const struct option *option, const char *value, struct crypt_options *ret,
		      struct err *err)
{
	void *at = (char *)ret + option->at;

	switch (option->kind) {
	case FLAG:
	case ECHO:
		return set_flag(option, value, at, err);
	case SECONDS:
	case TRIES:
		return set_number(option, value, at, err);
	case DEVICE:
		return strcmp(value, "auto") == 0
			       ? 0
			       : bad(err, option->name, "auto alone: the TPM that booted");
	case MEASURE:
		return strcmp(value, "15") == 0 || text_to_bool(value) == 1
			       ? 0
			       : bad(err, option->name, "the key goes into PCR 15, always");
	case REFUSED:
		return bad(err, option->name, option->why);
	case NOTHING:
		break;
	}
	return 0;
}

static int parse_option(char *word, struct crypt_options *ret, struct err *err)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(options_known); i++)
		if (strcmp(options_known[i].name, word) == 0)
			return set_option(&options_known[i], value ?: "", ret, err);
	return bad(err, word, "is no option that is known");
}

int crypt_options_parse(const char *text, struct crypt_options *options, struct err *err)
{
	char copy[CRYPT_OPTIONS_MAX], *rest = copy, *word;
	struct crypt_options parsed = *options;

	if (text_copy(copy, sizeof(copy), text) < 0)
		return bad(err, text, "is too long");
	while ((word = strsep(&rest, ",")) != NULL) {
		/* "-" is how a crypttab says that there are none */
		int r = word[0] && strcmp(word, "-") != 0 ? parse_option(word, &parsed, err) : 0;

		if (r < 0)
			return r;
	}
	*options = parsed;
	return 0;
}

bool crypt_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < CRYPT_NAME_MAX && name[0] != '.' && strcmp(name, "control") != 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       len;
}

int crypt_key_path(const char *path, struct err *err)
{
	static const char *const foreign[] = { "/.extra", "/dev", "/proc", "/run", "/sys", "/tmp" };

	if (strchr(path, ':'))
		return bad(err, path, "a key file on another device is not read");
	if (path[0] != '/' || strstr(path, "/.") || strstr(path, "//") ||
	    strlen(path) >= CRYPT_KEY_MAX)
		return bad(err, path, "a key file is an absolute path of the initrd");
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (text_starts(path, foreign[i]))
			return bad(err, path, "a key file is one of the signed initrd");
	return 0;
}

static const char *const ask_words[] = { "pin", "passphrase", "recovery" };

void ask_format(unsigned int ask, char ret[ASK_TEXT_SIZE])
{
	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(ask_words); i++)
		if (ask >> i & 1)
			text_format(ret + strlen(ret), ASK_TEXT_SIZE - strlen(ret), "%s%s",
				    ret[0] ? "," : "", ask_words[i]);
}

int ask_parse(const char *text, unsigned int *ret)
{
	char copy[64], *rest = copy, *word;
	unsigned int ask = 0;

	*ret = 0;
	if (strcmp(text, "no") == 0)
		return 0;
	if (text_copy(copy, sizeof(copy), text) < 0)
		return -EINVAL;
	while ((word = strsep(&rest, ",")) != NULL) {
		size_t i = 0;

		while (i < ARRAY_SIZE(ask_words) && strcmp(word, ask_words[i]) != 0)
			i++;
		if (i == ARRAY_SIZE(ask_words))
			return -EINVAL;
		ask |= 1U << i;
	}
	*ret = ask;
	return 0;
}
