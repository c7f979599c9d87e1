/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways to a volume key. What a token names is tried with that token's secret alone, and what is
 * typed or read from a file never against a token's slot (threats A17, A18).
 */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/tpm2_explain.h"
#include "modules/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TPM_TOKEN "systemd-tpm2"

int unlock_open_slots(struct unlock *u, uint32_t slots, const char *text, size_t size,
		      struct err *err)
{
	struct unlock_secrets *secret = u->secrets;
	int r = -ENOENT;

	for (size_t i = 0; i < u->header.n_keyslots && r < 0; i++) {
		unsigned int slot = u->header.keyslots[i].id;

		if (!(slots >> slot & 1))
			continue;
		secret->key_size = sizeof(secret->key);
		r = crypt_volume_key_get(u->cd, (int)slot, secret->key, &secret->key_size, text,
					 size);
		u->keyslot = slot;
	}
	return r < 0 ? err_set(err, E_UNLOCK, -r, "it opens none of its key slots: %s",
			       strerror(-r))
		     : 0;
}

/* The slots that the token names, and no other: a slot by itself proves nothing (threat A17). */
static int open_sealed(struct unlock *u, const struct tpm2_token *token, struct err *err)
{
	struct unlock_secrets *secret = u->secrets;

	EVP_EncodeBlock((uint8_t *)secret->passphrase, secret->sealed, (int)secret->sealed_size);
	return unlock_open_slots(u, token->keyslots, secret->passphrase, strlen(secret->passphrase),
				 err);
}

static const struct tpm2_token *parse_token(const struct luks2_token *json, struct err *err)
{
	static struct tpm2_token token; /* large */

	return tpm2_token_parse(json->json, json->json_size, &token, err) < 0 ? NULL : &token;
}

static int try_token(struct unlock *u, const struct luks2_token *json,
		     const struct tpm2_unseal_inputs *in, struct err *err)
{
	static struct tpm2_explanation explanation;
	const struct tpm2_token *token = parse_token(json, err);
	int r;

	if (!token)
		return -EINVAL;
	if (token->pin && !in->pin)
		return err_set(err, E_UNSEAL, ENOKEY, "needs a PIN%s",
			       u->ways.ask & ASK_PIN ? ""
						     : ", and nobody may be asked (lintel.ask=)");
	if (!token->pin && in->pin)
		return -ENOKEY; /* the caller has tried it */
	r = tpm2_unseal(&u->tpm, token, in, u->secrets->sealed, &u->secrets->sealed_size, err);
	if (r == 0)
		return open_sealed(u, token, err);
	if (err->code == E_PCR_SIGNATURE || (err->code == E_UNSEAL && r == -EPERM)) {
		tpm2_explain(&u->tpm, token, in, &explanation, err);
		unlock_report_pcrs(u, json->id, &explanation);
	}
	return r;
}

bool unlock_wants_pin(const struct unlock *u)
{
	struct err err;

	for (size_t i = 0; i < u->header.n_tokens; i++) {
		const struct tpm2_token *token = NULL;

		if (strcmp(u->header.tokens[i].type, TPM_TOKEN) == 0)
			token = parse_token(&u->header.tokens[i], &err);
		if (token && token->pin)
			return true;
	}
	return false;
}

/* "token 0: …; token 2: …": of each that was tried, as far as it fits; the code is the last one's. */
static void add_reason(struct err *all, unsigned int id, const struct err *one)
{
	char text[ERR_TEXT_MAX];

	snprintf(text, sizeof(text), "%.150s%stoken %u: %.*s", all->text, all->text[0] ? "; " : "",
		 id, all->text[0] ? 150 : 300, one->text);
	all->code = one->code;
	text_copy(all->text, sizeof(all->text), text);
}

int unlock_try_tokens(struct unlock *u, const char *pin, struct err *err)
{
	const struct tpm2_unseal_inputs *in = unlock_inputs(pin);
	struct err all = { .code = E_TOKEN };
	int r = -ENOENT;

	/* each one: after a key rotation the first may be an old one */
	for (size_t i = 0; i < u->header.n_tokens && r < 0 && !(pin && r == -EBUSY); i++) {
		const struct luks2_token *token = &u->header.tokens[i];
		struct err one = { .code = E_NONE };
		int tried;

		if (strcmp(token->type, TPM_TOKEN) != 0)
			continue;
		tried = try_token(u, token, in, &one);
		if (tried == 0 || one.code != E_NONE)
			r = r == -EACCES && tried < 0 ? r : tried;
		if (tried < 0 && one.code != E_NONE)
			add_reason(&all, token->id, &one);
		u->by = pin ? "pin" : "tpm2";
		u->token = token->id;
	}
	if (r < 0 && !all.text[0])
		return err_set(err, E_TOKEN, ENOENT, "%s has no systemd-tpm2 token", u->path);
	if (r < 0)
		*err = all;
	return r;
}

uint32_t unlock_free_slots(const struct unlock *u)
{
	uint32_t slots = 0;

	for (size_t i = 0; i < u->header.n_keyslots; i++)
		if (u->header.keyslots[i].priority > 0) /* else only for who names it */
			slots |= UINT32_C(1) << u->header.keyslots[i].id;
	for (size_t i = 0; i < u->header.n_tokens; i++)
		slots &= ~u->header.tokens[i].keyslots;
	return slots;
}

/* Of the initrd's own file system: no symlink and no mount leads it elsewhere. */
static int try_file(struct unlock *u, struct err *err)
{
	_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int fd = fs_open_resolved(root, u->ways.key_file + 1, O_RDONLY | O_NONBLOCK,
					  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, E_UNLOCK, ENOENT, "key file %s is not in the initrd",
			       u->ways.key_file);
	if (st.st_size < 1 || st.st_size > UNLOCK_KEY_FILE_MAX)
		return err_set(err, E_UNLOCK, EINVAL, "key file %s is empty or above 4 KiB",
			       u->ways.key_file);
	n = fs_pread(fd, u->secrets->file, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return err_set(err, E_IO, EIO, "key file %s cannot be read", u->ways.key_file);
	u->by = "file";
	n = unlock_open_slots(u, unlock_free_slots(u), u->secrets->file, (size_t)n, err);
	if (n < 0)
		err_wrap(err, "key file %s", u->ways.key_file);
	return (int)n;
}

int unlock_find_key(struct unlock *u, struct err *err)
{
	int r = unlock_try_tokens(u, NULL, err);
	struct err file = { .code = E_NONE };

	if (r < 0 && u->ways.key_file[0]) {
		r = try_file(u, &file);
		if (r < 0)
			err_wrap(err, "%s", file.text);
	}
	return r < 0 && u->ways.ask ? unlock_ask(u, err) : r;
}
