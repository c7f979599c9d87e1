/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_Init() and its like have no successor without EVP */
#include "modules/tpm2_measure.h"

#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define RECORD_MAX 4096

struct measurement {
	struct tpm2 *tpm;
	const struct tpm2_event *event;
	char log_file[128];
	struct tpm2_digests digests;
	uint8_t before[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
};

#define DIGEST(function, context, algorithm)                                                       \
	static void function(const void *data, size_t size, uint8_t *ret)                          \
	{                                                                                          \
		context state;                                                                     \
                                                                                                   \
		algorithm##_Init(&state);                                                          \
		algorithm##_Update(&state, data, size);                                            \
		algorithm##_Final(ret, &state);                                                    \
	}

DIGEST(digest_sha1, SHA_CTX, SHA1)
DIGEST(digest_sha256, SHA256_CTX, SHA256)
DIGEST(digest_sha384, SHA512_CTX, SHA384)
DIGEST(digest_sha512, SHA512_CTX, SHA512)

/* Of a word that is no secret, without EVP_Digest(): that first loads all that OpenSSL has. */
static int hash(const struct tpm2_bank *bank, const void *data, size_t size, uint8_t *ret,
		struct err *err)
{
	static const struct {
		const char *bank;
		void (*digest)(const void *data, size_t size, uint8_t *ret);
	} known[] = {
		{ "sha1", digest_sha1 },
		{ "sha256", digest_sha256 },
		{ "sha384", digest_sha384 },
		{ "sha512", digest_sha512 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(bank->name, known[i].bank) == 0) {
			known[i].digest(data, size, ret);
			return 0;
		}
	return err_set(err, E_MEASURE, EIO, "%s cannot be computed", bank->name);
}

/*
 * A secret is never measured as its digest, which goes over an open wire and might be used as a
 * key elsewhere: the secret is the key of an HMAC over the string (systemd's tpm2_extend_bytes()).
 */
static int digest_event(const struct tpm2_event *event, const struct tpm2_bank *bank, uint8_t *ret,
			struct err *err)
{
	const EVP_MD *type = EVP_get_digestbyname(bank->name);
	size_t size = strlen(event->string);

	if (!event->key)
		return hash(bank, event->string, size, ret, err);
	if (!type || event->key_size == 0 || event->key_size > INT32_MAX ||
	    !HMAC(type, event->key, (int)event->key_size, (const uint8_t *)event->string, size, ret,
		  NULL))
		return err_set(err, E_MEASURE, EIO, "HMAC of %s cannot be computed", bank->name);
	return 0;
}

/*
 * Opened and locked before the extend, so that log and PCR keep one order. As in systemd, the
 * sticky bit says that a record is due: one that died in between leaves it, and readers know.
 */
static int open_log(struct measurement *m, int *ret_fd, struct err *err)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW;
	const char *folder = m->tpm->log_folder;
	int r = fs_mkdirs(AT_FDCWD, folder, 0755);
	_close_ int fd = -1;
	struct stat st;

	if (r == 0)
		r = text_format(m->log_file, sizeof(m->log_file), "%s/tpm2-measure.log", folder);
	if (r < 0)
		return err_set(err, E_MEASURE, -r, "%s: %s", folder, strerror(-r));
	fd = open(m->log_file, flags, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
		return err_set(err, E_MEASURE, errno, "%s: %s", m->log_file, strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & S_ISVTX))
		return err_set(err, E_MEASURE, EBADMSG, "%s lacks an earlier record", m->log_file);
	if (fchmod(fd, 0600 | S_ISVTX) < 0)
		return err_set(err, E_MEASURE, errno, "%s: %s", m->log_file, strerror(errno));
	*ret_fd = take_fd(&fd);
	return 0;
}

static int append(char record[RECORD_MAX], const char *text)
{
	size_t used = strlen(record);

	return text_copy(record + used, RECORD_MAX - used, text);
}

static int append_json(char record[RECORD_MAX], const char *text)
{
	char one[3] = "";
	int r = 0;

	for (; *text && r == 0; text++) {
		if (*text < ' ' || *text > '~')
			return -EINVAL;
		text_format(one, sizeof(one), *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
		r = append(record, one);
	}
	return r;
}

/* systemd's id128 form: the kernel's text without its dashes. */
static void read_boot_id(char ret[33])
{
	char text[UUID_TEXT_SIZE + 1];
	struct uuid uuid;

	memset(&uuid, 0, sizeof(uuid));
	if (fs_read_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) > 0)
		uuid_parse(text, &uuid);
	hex_encode(uuid.b, sizeof(uuid.b), ret);
}

/* systemd's src/shared/tpm2-util.c: one JSON text sequence (RFC 7464), fields in its order. */
static int format_record(const struct measurement *m, char record[RECORD_MAX])
{
	char hex[2 * TPM2_DIGEST_MAX + 1], boot_id[33], part[400];
	int r;

	text_format(record, RECORD_MAX, "\x1e{\"pcr\":%u,\"digests\":[", m->event->pcr);
	for (size_t i = 0; i < m->digests.n; i++) {
		hex_encode(m->digests.values[i], m->digests.banks[i].size, hex);
		text_format(part, sizeof(part), "%s{\"hashAlg\":\"%s\",\"digest\":\"%s\"}",
			    i ? "," : "", m->digests.banks[i].name, hex);
		r = append(record, part);
		if (r < 0)
			return r;
	}
	r = append(record, "],\"content_type\":\"systemd\",\"content\":{\"string\":\"");
	if (r == 0)
		r = append_json(record, m->event->string);
	read_boot_id(boot_id);
	text_format(part, sizeof(part),
		    "\",\"bootId\":\"%s\",\"timestamp\":%" PRIu64 ",\"eventType\":\"%s\"}}\n",
		    boot_id, clock_usec(), m->event->type);
	return r == 0 ? append(record, part) : r;
}

static int write_log(const struct measurement *m, int fd, const char *record, struct err *err)
{
	int r = fs_write_all(fd, record, strlen(record));

	if (r == 0 && fchmod(fd, 0600) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_MEASURE, -r, "%s: %s", m->log_file, strerror(-r)) : 0;
}

int tpm2_event_digests(struct tpm2 *tpm, const struct tpm2_event *event, struct tpm2_digests *ret,
		       struct err *err)
{
	int r = tpm2_pcr_banks(tpm, event->pcr, ret->banks, &ret->n, err);

	if (r == 0 && event->digests) /* as computed by another child; for just these banks */
		return tpm2_digests_parse(event->digests, ret->banks, ret->n, ret, err);
	for (size_t i = 0; i < ret->n && r == 0; i++)
		r = digest_event(event, &ret->banks[i], ret->values[i], err);
	return r;
}

static int prepare(struct measurement *m, char record[RECORD_MAX], struct err *err)
{
	struct tpm2_digests *digests = &m->digests;
	int r = tpm2_event_digests(m->tpm, m->event, digests, err);

	if (r == 0)
		r = tpm2_pcr_read_banks(m->tpm, m->event->pcr, digests->banks, digests->n,
					m->before, err);
	/* made before the extend: nothing but the write itself may fail after it */
	if (r == 0 && format_record(m, record) < 0)
		r = err_set(err, E_INTERNAL, EINVAL, "event is no line of text or too long");
	return r;
}

/* TPM 2.0 part 1, "Extend of a PCR": new = H(old || digest). */
static int check_bank(struct measurement *m, size_t i, const uint8_t *actual, struct err *err)
{
	uint8_t joined[2 * TPM2_DIGEST_MAX], expected[TPM2_DIGEST_MAX];
	const struct tpm2_bank *bank = &m->digests.banks[i];
	int r;

	memcpy(joined, m->before[i], bank->size);
	memcpy(joined + bank->size, m->digests.values[i], bank->size);
	r = hash(bank, joined, 2 * (size_t)bank->size, expected, err);
	if (r == 0 && memcmp(expected, actual, bank->size) != 0)
		return err_set(err, E_MEASURE, EIO, "PCR %u of %s does not show the extend",
			       m->event->pcr, bank->name);
	return r;
}

int tpm2_measure(struct tpm2 *tpm, const struct tpm2_event *event,
		 struct tpm2_bank ret[TPM2_BANKS_MAX], size_t *ret_n, struct err *err)
{
	struct measurement m = { .tpm = tpm, .event = event };
	uint8_t after[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
	char record[RECORD_MAX];
	_close_ int log_fd = -1;
	int r = prepare(&m, record, err);

	if (r == 0)
		r = open_log(&m, &log_fd, err);
	if (r == 0)
		r = tpm2_pcr_extend(tpm, event->pcr, m.digests.banks, m.digests.values, m.digests.n,
				    err);
	if (r == 0)
		r = tpm2_pcr_read_banks(tpm, event->pcr, m.digests.banks, m.digests.n, after, err);
	for (size_t i = 0; i < m.digests.n && r == 0; i++)
		r = check_bank(&m, i, after[i], err);
	if (r == 0)
		r = write_log(&m, log_fd, record, err);
	if (r < 0)
		return r;
	memcpy(ret, m.digests.banks, sizeof(m.digests.banks));
	*ret_n = m.digests.n;
	return 0;
}
