/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The credentials that bring a pcrlock policy: systemd's tpm2_pcrlock_policy_from_credentials(). */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/tpm2_pcrlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>

static inline void free_cipher(EVP_CIPHER_CTX **context)
{
	EVP_CIPHER_CTX_free(*context);
}

/* AES-256-GCM under the SHA-256 of nothing: a checksum, as anyone can make it. */
static int decrypt(const uint8_t *data, const struct null_credential *parts, uint8_t *ret)
{
	_cleanup_(free_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t key[32], tag[NULL_CREDENTIAL_TAG];
	int n = 0;

	memcpy(tag, parts->tag, sizeof(tag));
	return context && EVP_Digest("", 0, key, NULL, EVP_sha256(), NULL) == 1 &&
			       EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key,
						  parts->iv) == 1 &&
			       EVP_DecryptUpdate(context, NULL, &n, data,
						 (int)parts->header_size) == 1 &&
			       EVP_DecryptUpdate(context, ret, &n, parts->cipher,
						 (int)parts->cipher_size) == 1 &&
			       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, sizeof(tag),
						   tag) == 1 &&
			       EVP_DecryptFinal_ex(context, ret + n, &n) == 1
		       ? 0
		       : -EBADMSG;
}

int tpm2_pcrlock_open(const char *text, size_t size, const char *name, struct pcrlock *ret,
		      struct err *err)
{
	static uint8_t data[PCRLOCK_CREDENTIAL_MAX], plain[PCRLOCK_CREDENTIAL_MAX];
	struct null_credential parts;
	int n = null_credential_decode(text, size, data, sizeof(data)), r;
	long at;

	if (n < 0)
		return err_set(err, E_PCRLOCK, -n, "%.64s is not base64, or too long", name);
	r = null_credential_parse(data, (size_t)n, &parts);
	if (r == -ENOTSUP)
		return err_set(err, E_PCRLOCK, ENOTSUP, "%.64s has another key than the null key",
			       name);
	if (r == 0)
		r = decrypt(data, &parts, plain);
	if (r < 0)
		return err_set(err, E_PCRLOCK, -r, "%.64s is damaged", name);
	at = null_credential_payload(plain, parts.cipher_size, name);
	if (at < 0)
		return err_set(err, E_PCRLOCK, (int)-at, "%.64s is of another name, or malformed",
			       name);
	text_copy(ret->name, sizeof(ret->name), name);
	r = pcrlock_parse((const char *)plain + at, parts.cipher_size - (size_t)at, ret, err);
	if (r < 0)
		err_wrap(err, "%.64s", name);
	return r;
}

static int read_one(int dir_fd, const char *file, const char *name, struct pcrlock *ret,
		    struct err *err)
{
	static char text[PCRLOCK_CREDENTIAL_MAX];
	_close_ int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? -errno : fs_pread(fd, text, sizeof(text), 0);

	if (n < 0)
		return err_set(err, E_PCRLOCK, (int)-n, "%.64s: %s", name, strerror((int)-n));
	if (n == sizeof(text))
		return err_set(err, E_PCRLOCK, E2BIG, "%.64s is too long", name);
	return tpm2_pcrlock_open(text, (size_t)n, name, ret, err);
}

void tpm2_pcrlock_read(const char *folder, struct pcrlocks *ret)
{
	_closedir_ DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char name[PCRLOCK_NAME_MAX];
		struct err err;
		int r;

		if (!pcrlock_credential_name(entry->d_name, name))
			continue;
		if (ret->n == PCRLOCKS_MAX)
			r = err_set(&err, E_PCRLOCK, E2BIG, "there are more than %d", PCRLOCKS_MAX);
		else
			r = read_one(dirfd(dir), entry->d_name, name, &ret->all[ret->n], &err);
		if (r == 0)
			ret->n++;
		else if (!ret->why[0])
			snprintf(ret->why, sizeof(ret->why), "; %.150s", err.text);
	}
}
