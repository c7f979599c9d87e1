/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd's users write about an encrypted volume: crypttab(5) and its options, which stand in
 * rd.luks.options=, too. Only from the UKI itself. What would weaken the volume is refused by name,
 * and so is what lintel does not know: a misspelt "headless" must not pass for one that is not there.
 */
#pragma once

#include "generators/facts.h"

#define CRYPT_NAME_MAX 48
#define CRYPT_KEY_MAX 128
#define CRYPT_OPTIONS_MAX 256
#define CRYPT_DEVICE_MAX 128
#define CRYPTTAB_TEXT_MAX 8192
#define CRYPTTAB_LINES_MAX 32
#define CRYPT_TRIES 3
#define CRYPT_TRIES_MAX 10
#define CRYPT_TIMEOUT_S 300 /* for all questions of one volume */
#define CRYPT_TIMEOUT_MAX_S 3600

struct crypt_options {
	bool headless, masked, read_only;
	/* dm-crypt's optional parameters (dm-crypt.rst) */
	bool discard, same_cpu_crypt, submit_from_crypt_cpus, no_read_workqueue, no_write_workqueue;
	uint64_t tries, timeout_s;
};

void crypt_options_default(struct crypt_options *ret);
/* Comma-separated; changes what the text names. 0, or -errno with E_CRYPTTAB. */
int crypt_options_parse(const char *text, struct crypt_options *options, struct err *err);
/* Whether it may be the name of a mapping. */
bool crypt_name_valid(const char *name);
/* An absolute path of the initrd itself, and of no place that others fill. */
int crypt_key_path(const char *path, struct err *err);

/* What may be asked for at the console: lintel.ask= and /etc/lintel/ask. */
#define ASK_PIN 1U
#define ASK_PASSPHRASE 2U
#define ASK_RECOVERY 4U
#define ASK_CHOICES "pin, passphrase, recovery or no"
#define ASK_TEXT_SIZE 32
int ask_parse(const char *text, unsigned int *ret);
/* The list as ask_parse() takes it; empty for 0. */
void ask_format(unsigned int ask, char ret[ASK_TEXT_SIZE]);
