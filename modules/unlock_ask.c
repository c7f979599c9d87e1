/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A person's key: a PIN goes to the TPM and to nothing else, a passphrase to key slots and never to
 * the TPM, which would count it (threat A18). Tries and time are bounded, and a lockout ends the PIN.
 */
#include "generators/recovery_key.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/tpm2_lockout.h"
#include "modules/unlock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECOVERY_TOKEN "systemd-recovery"

struct asking {
	struct unlock *u;
	struct consoles consoles;
	uint64_t end_usec;
};

static void say(const struct asking *asking, const char *what, const char *text)
{
	char line[ERR_TEXT_MAX + 80];

	snprintf(line, sizeof(line), "%s%s\n", what, text);
	consoles_clean(line, strlen(line));
	consoles_print(&asking->consoles, line);
}

static int read_typed(const struct asking *asking, const char *what, uint64_t number,
		      struct err *err)
{
	struct unlock *u = asking->u;
	char question[256];
	const struct prompt prompt = { .consoles = &asking->consoles,
				       .question = question,
				       .echo = u->ways.masked ? PROMPT_MASKED : PROMPT_SILENT,
				       .end_usec = asking->end_usec };
	int r;

	text_format(question, sizeof(question),
		    "%s of the encrypted disk %s (%s), try %" PRIu64 " of %" PRIu64 ": ", what,
		    u->path, u->name, number, u->ways.tries);
	r = prompt_read(&prompt, &u->secrets->lines, u->secrets->typed);
	if (r == -ETIMEDOUT)
		return err_set(err, E_KEY_NONE, ETIMEDOUT, "%s: no answer within %" PRIu64 " s",
			       what, u->ways.timeout_s);
	return r < 0 ? err_set(err, E_KEY_NONE, -r, "no console can be read") : 0;
}

/* -EACCES alone is a wrong PIN: all else another PIN would not mend, and a lockout least of all. */
static int ask_pin(const struct asking *asking, struct err *err)
{
	struct unlock *u = asking->u;
	int r = tpm2_lockout_check(&u->tpm, err);

	for (uint64_t n = 1; n <= u->ways.tries && (n == 1 ? r == 0 : r == -EACCES); n++) {
		r = read_typed(asking, "PIN", n, err);
		if (r < 0)
			return r;
		r = unlock_try_tokens(u, u->secrets->typed, err);
		explicit_bzero(u->secrets->typed, sizeof(u->secrets->typed));
		if (r < 0)
			say(asking,
			    r == -EACCES ? "Wrong PIN: " : "The PIN is of no use: ", err->text);
	}
	if (r == -EACCES)
		err_set(err, E_KEY_WRONG, EACCES, "%" PRIu64 " wrong PINs", u->ways.tries);
	return r;
}

static uint32_t recovery_slots(const struct unlock *u)
{
	uint32_t slots = 0;

	for (size_t i = 0; i < u->header.n_tokens; i++)
		if (strcmp(u->header.tokens[i].type, RECOVERY_TOKEN) == 0)
			slots |= u->header.tokens[i].keyslots;
	return slots;
}

static int try_typed(struct unlock *u, uint32_t recovery, uint32_t free, struct err *err)
{
	char *key = u->secrets->passphrase;
	int r = -EPERM;

	if (recovery && recovery_key_normalize(u->secrets->typed, key)) {
		u->by = "recovery";
		r = unlock_open_slots(u, recovery, key, strlen(key), err);
	}
	if (r < 0 && free) {
		u->by = "passphrase";
		r = unlock_open_slots(u, free, u->secrets->typed, strlen(u->secrets->typed), err);
	}
	explicit_bzero(key, sizeof(u->secrets->passphrase));
	explicit_bzero(u->secrets->typed, sizeof(u->secrets->typed));
	return r;
}

static int ask_passphrase(const struct asking *asking, struct err *err)
{
	struct unlock *u = asking->u;
	uint32_t recovery = u->ways.ask & ASK_RECOVERY ? recovery_slots(u) : 0;
	uint32_t free = u->ways.ask & ASK_PASSPHRASE ? unlock_free_slots(u) : 0;
	const char *what = !recovery ? "Passphrase"
			   : free    ? "Passphrase or recovery key"
				     : "Recovery key";
	int r = -EPERM;

	if (!recovery && !free)
		return -ENOENT; /* err says what the TPM said */
	for (uint64_t n = 1; n <= u->ways.tries && r < 0; n++) {
		r = read_typed(asking, what, n, err);
		if (r < 0)
			return r;
		r = try_typed(u, recovery, free, err);
		if (r < 0)
			say(asking, "Wrong: it opens no key slot.", "");
	}
	return r < 0 ? err_set(err, E_KEY_WRONG, EPERM, "%s: %" PRIu64 " wrong ones", what,
			       u->ways.tries)
		     : 0;
}

int unlock_ask(struct unlock *u, struct err *err)
{
	struct asking asking = { .u = u };
	struct err first = *err;
	int r = -ENOENT;

	prompt_begin(&asking.consoles);
	asking.end_usec = clock_usec() + u->ways.timeout_s * 1000000;
	say(&asking, "\nThe TPM did not open the disk: ", first.text);
	if ((u->ways.ask & ASK_PIN) && unlock_wants_pin(u)) {
		r = ask_pin(&asking, err);
		if (r == -EBUSY)
			say(&asking, "The TPM takes no PIN now: ", err->text);
	}
	if (r < 0 && err->code != E_KEY_NONE && (u->ways.ask & (ASK_PASSPHRASE | ASK_RECOVERY)))
		r = ask_passphrase(&asking, err);
	prompt_end(&asking.consoles);
	return r;
}
