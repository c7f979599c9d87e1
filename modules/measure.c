/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extends a word into one PCR of every active bank, as systemd-pcrextend does: the digest of the
 * word without a NUL. The PCR is read back in each bank; an extend that cannot be seen is a
 * failure (threats A04, A05). The event goes to systemd's userspace log for systemd-pcrlock.
 */
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/tpm2.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOG_FOLDER "/run/log/systemd"
#define LOG_FILE LOG_FOLDER "/tpm2-measure.log"
#define RECORD_MAX 4096
#define WORD_MAX 64

struct measurement {
	struct tpm2 tpm;
	unsigned int pcr;
	char word[WORD_MAX];
	int log_fd;
	size_t n_banks;
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	uint8_t before[TPM2_BANKS_MAX][TPM2_DIGEST_MAX], digests[TPM2_BANKS_MAX][TPM2_DIGEST_MAX];
};

static int hash(const struct tpm2_bank *bank, const void *data, size_t size, uint8_t *ret,
		struct err *err)
{
	const EVP_MD *type = EVP_get_digestbyname(bank->name);

	if (!type || EVP_Digest(data, size, ret, NULL, type, NULL) != 1)
		return err_set(err, E_MEASURE, EIO, "%s cannot be computed", bank->name);
	return 0;
}

/*
 * Opened and locked before the extend, so that log and PCR keep one order. As in systemd, the
 * sticky bit says that a record is due: one that died in between leaves it, and readers know.
 */
static int open_log(struct measurement *m, struct err *err)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW;
	int r = fs_mkdirs(AT_FDCWD, LOG_FOLDER, 0755);
	struct stat st;

	if (r < 0)
		return err_set(err, E_MEASURE, -r, LOG_FOLDER ": %s", strerror(-r));
	m->log_fd = open(LOG_FILE, flags, 0600);
	if (m->log_fd < 0 || flock(m->log_fd, LOCK_EX) < 0 || fstat(m->log_fd, &st) < 0)
		return err_set(err, E_MEASURE, errno, LOG_FILE ": %s", strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & S_ISVTX))
		return err_set(err, E_MEASURE, ESTALE, LOG_FILE " lacks an earlier record");
	if (fchmod(m->log_fd, 0600 | S_ISVTX) < 0)
		return err_set(err, E_MEASURE, errno, LOG_FILE ": %s", strerror(errno));
	return 0;
}

static int append(char record[RECORD_MAX], const char *text)
{
	size_t used = strlen(record);

	return text_copy(record + used, RECORD_MAX - used, text);
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

	text_format(record, RECORD_MAX, "\x1e{\"pcr\":%u,\"digests\":[", m->pcr);
	for (size_t i = 0; i < m->n_banks; i++) {
		hex_encode(m->digests[i], m->banks[i].size, hex);
		text_format(part, sizeof(part), "%s{\"hashAlg\":\"%s\",\"digest\":\"%s\"}",
			    i ? "," : "", m->banks[i].name, hex);
		r = append(record, part);
		if (r < 0)
			return r;
	}
	read_boot_id(boot_id);
	text_format(part, sizeof(part),
		    "],\"content_type\":\"systemd\",\"content\":{\"string\":\"%s\","
		    "\"bootId\":\"%s\",\"timestamp\":%" PRIu64 ",\"eventType\":\"phase\"}}\n",
		    m->word, boot_id, clock_usec());
	return append(record, part);
}

static int write_log(const struct measurement *m, struct err *err)
{
	char record[RECORD_MAX];
	int r = format_record(m, record);

	if (r == 0)
		r = fs_write_all(m->log_fd, record, strlen(record));
	if (r == 0 && fchmod(m->log_fd, 0600) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_MEASURE, -r, LOG_FILE ": %s", strerror(-r)) : 0;
}

static int prepare(struct measurement *m, struct err *err)
{
	int r = tpm2_open(&m->tpm, err);

	if (r == 0)
		r = tpm2_pcr_banks(&m->tpm, m->pcr, m->banks, &m->n_banks, err);
	for (size_t i = 0; i < m->n_banks && r == 0; i++) {
		r = hash(&m->banks[i], m->word, strlen(m->word), m->digests[i], err);
		if (r == 0)
			r = tpm2_pcr_read(&m->tpm, m->pcr, &m->banks[i], m->before[i], err);
	}
	return r;
}

/* TPM 2.0 part 1, "Extend of a PCR": new = H(old || digest). */
static int check_bank(struct measurement *m, size_t i, struct err *err)
{
	uint8_t joined[2 * TPM2_DIGEST_MAX], expected[TPM2_DIGEST_MAX], actual[TPM2_DIGEST_MAX];
	const struct tpm2_bank *bank = &m->banks[i];
	int r = tpm2_pcr_read(&m->tpm, m->pcr, bank, actual, err);

	if (r < 0)
		return r;
	memcpy(joined, m->before[i], bank->size);
	memcpy(joined + bank->size, m->digests[i], bank->size);
	r = hash(bank, joined, 2 * (size_t)bank->size, expected, err);
	if (r == 0 && memcmp(expected, actual, bank->size) != 0)
		return err_set(err, E_MEASURE, EIO, "PCR %u of %s does not show the extend", m->pcr,
			       bank->name);
	return r;
}

static int measure(struct measurement *m, struct err *err)
{
	int r = prepare(m, err);

	if (r == 0)
		r = open_log(m, err);
	if (r == 0)
		r = tpm2_pcr_extend(&m->tpm, m->pcr, m->banks, m->digests, m->n_banks, err);
	for (size_t i = 0; i < m->n_banks && r == 0; i++)
		r = check_bank(m, i, err);
	return r < 0 ? r : write_log(m, err);
}

static int read_arguments(const struct step *step, struct measurement *m, struct err *err)
{
	uint64_t pcr = 0;
	int r = step_get(step, "word", m->word, sizeof(m->word), err);

	if (r < 0)
		return r;
	/* it goes into the log's JSON as it is */
	if (!m->word[0] || m->word[strspn(m->word, "abcdefghijklmnopqrstuvwxyz-")] != '\0')
		return err_set(err, E_INTERNAL, EINVAL, "word=%s", m->word);
	if (fields_get_u64(&step->args, "pcr", &pcr) < 0 || pcr > TPM2_PCR_MAX)
		return err_set(err, E_INTERNAL, EINVAL, "pcr= is missing or no PCR");
	m->pcr = (unsigned int)pcr;
	return 0;
}

int measure_run(const struct step *step, const struct report *report, struct fields *result,
		struct err *err)
{
	struct measurement m = { .log_fd = -1 };
	char banks[RECORD_MAX] = "";
	int r = read_arguments(step, &m, err);

	(void)report;
	if (r < 0)
		return r;
	if (!tpm2_present()) {
		if (!fields_are(&step->args, "required", "yes"))
			return fields_add(result, "skipped", "no-tpm");
		return err_set(err, E_MEASURE, ENODEV, "there is no TPM to measure into");
	}
	r = measure(&m, err);
	tpm2_close(&m.tpm);
	close_fd(&m.log_fd);
	for (size_t i = 0; i < m.n_banks && r == 0; i++) {
		append(banks, i ? "," : "");
		append(banks, m.banks[i].name);
	}
	return r < 0 ? r : fields_add(result, "banks", banks);
}
