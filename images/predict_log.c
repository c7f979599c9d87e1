/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PCRs that a machine's firmware and stub extend, as its last boot's event log has them. */
#include "images/predict.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define TPM_CLASS "/class/tpm/"

/* Of the firmware, its boot manager and the stub. 10 is IMA's, 16 and up are no boot's. */
#define REPLAYED 0x73ffU
/* The UKI as a program, its initrd and command line: those of the next boot only if it is the same. */
#define UKI_PCRS (1U << 4 | 1U << 9)

/* Whether the log is of a boot of the very UKI that is asked about. */
static int same_uki(const struct predict_bank *bank, const struct eventlog *log, bool *ret)
{
	uint8_t value[EXPECT_DIGEST_MAX];
	int r = expect_replay(&bank->bank, log, 11, log->n, value);

	if (r == 0)
		r = expect_extend_word(&bank->bank, value, "enter-initrd");
	*ret = r == 0 && memcmp(value, bank->values[11], bank->bank.size) == 0;
	return r;
}

static int take_bank(struct prediction *prediction, struct predict_bank *bank,
		     const struct eventlog *log)
{
	uint32_t pcrs = REPLAYED & ~(1U << 11);
	bool same;
	int r = same_uki(bank, log, &same);

	if (!same) {
		pcrs &= ~UKI_PCRS;
		prediction->other_uki = true;
	}
	for (unsigned int pcr = 0; pcr < EXPECT_PCRS && r == 0; pcr++)
		if (pcrs >> pcr & 1)
			r = expect_replay(&bank->bank, log, pcr, log->n, bank->values[pcr]);
	bank->known |= pcrs;
	return r;
}

int predict_eventlog(struct prediction *prediction, uint8_t *bytes, size_t size, struct err *err)
{
	static struct eventlog log;
	size_t found = 0;

	for (size_t i = 0; i < PREDICT_BANKS; i++) {
		struct predict_bank *bank = &prediction->banks[i];
		int r = eventlog_parse(bytes, size, bank->bank.alg, &log, err);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (log.digest_size != bank->bank.size)
			return err_set(err, E_FACTS, EINVAL,
				       "the TPM's event log has %u bytes for a digest of %s",
				       log.digest_size, bank->bank.name);
		if (take_bank(prediction, bank, &log) < 0)
			return err_set(err, E_INTERNAL, EIO, "%s cannot be computed",
				       bank->bank.name);
		found++;
	}
	return found > 0 ? 0 : -EINVAL; /* err is of the last bank that it has not */
}

/* What the TPM holds now. */
struct live {
	uint32_t known[PREDICT_BANKS];
	uint8_t values[PREDICT_BANKS][EXPECT_PCRS][EXPECT_DIGEST_MAX];
};

/* sysfs has a folder for each bank that is in use, and a line of upper-case hex digits for each PCR. */
static bool read_pcr(const char *device, const struct tpm2_bank *bank, unsigned int pcr,
		     uint8_t ret[EXPECT_DIGEST_MAX])
{
	char path[PATH_MAX], text[2 * EXPECT_DIGEST_MAX + 2];

	if (text_format(path, sizeof(path), "%s/pcr-%s/%u", device, bank->name, pcr) < 0 ||
	    fs_read_line(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	for (char *at = text; *at; at++)
		if (*at >= 'A' && *at <= 'F')
			*at = (char)(*at - 'A' + 'a');
	return hex_decode(text, ret, EXPECT_DIGEST_MAX) == (int)bank->size;
}

static bool read_live(const struct prediction *prediction, const char *device, struct live *ret)
{
	bool found = false;

	for (size_t i = 0; i < PREDICT_BANKS; i++)
		for (unsigned int pcr = 0; pcr < EXPECT_PCRS; pcr++)
			if (read_pcr(device, &prediction->banks[i].bank, pcr,
				     ret->values[i][pcr])) {
				ret->known[i] |= 1U << pcr;
				found = true;
			}
	return found;
}

/* Without a log: whether the phases since "enter-initrd" lead from this UKI's PCR 11 to the live one. */
static bool is_booted(const struct predict_bank *bank, const uint8_t *live)
{
	uint8_t value[EXPECT_DIGEST_MAX];

	memcpy(value, bank->values[11], sizeof(value));
	for (size_t i = 1; memcmp(value, live, bank->bank.size) != 0; i++)
		if (i == EXPECT_PHASES ||
		    expect_extend_word(&bank->bank, value, expect_phases[i]) < 0)
			return false;
	return true;
}

static void take_live(struct prediction *prediction, size_t index, const struct live *live)
{
	struct predict_bank *bank = &prediction->banks[index];
	uint32_t pcrs = REPLAYED & ~(1U << 11) & live->known[index];

	if (!(live->known[index] >> 11 & 1) || !is_booted(bank, live->values[index][11])) {
		pcrs &= ~UKI_PCRS;
		prediction->other_uki |= live->known[index] != 0;
	}
	for (unsigned int pcr = 0; pcr < EXPECT_PCRS; pcr++)
		if (pcrs >> pcr & 1)
			memcpy(bank->values[pcr], live->values[index][pcr], bank->bank.size);
	bank->known |= pcrs;
}

/* A log that does not lead to what the TPM holds explains nothing, or something extended it since. */
static void hold_to_live(struct predict_bank *bank, uint32_t known,
			 const uint8_t values[EXPECT_PCRS][EXPECT_DIGEST_MAX])
{
	for (unsigned int pcr = 0; pcr < EXPECT_PCRS; pcr++)
		if ((REPLAYED & ~(1U << 11) & bank->known & known) >> pcr & 1 &&
		    memcmp(bank->values[pcr], values[pcr], bank->bank.size) != 0)
			bank->disagree |= 1U << pcr;
	bank->known &= ~bank->disagree;
}

/* Beside /sys/class/tpm/NAME: what the kernel keeps of the firmware's log. Its size, 0 or -errno. */
static ssize_t read_log(const char *device, uint8_t *ret, size_t size, struct err *err)
{
	const char *name = strrchr(device, '/');
	size_t at = name ? (size_t)(name - device) + 1 : 0, class = strlen(TPM_CLASS);
	char path[PATH_MAX];
	ssize_t n;

	if (at < class || memcmp(device + at - class, TPM_CLASS, class) != 0 || !name[1] ||
	    text_format(path, sizeof(path), "%.*s/kernel/security/%s/binary_bios_measurements",
			(int)(at - class), device, name + 1) < 0)
		return err_set(err, E_IO, EINVAL, "%s is not as /sys/class/tpm/tpm0", device);
	n = fs_read(AT_FDCWD, path, ret, size);
	if (n < 0 && n != -ENOENT)
		return err_set(err, E_IO, (int)-n, "%s: %s", path, strerror((int)-n));
	return n < 0 ? 0 : n;
}

int predict_host(struct prediction *prediction, const char *device, struct err *err)
{
	static uint8_t bytes[EVENTLOG_BYTES_MAX];
	static struct live live;
	ssize_t n;
	int r;

	memset(&live, 0, sizeof(live));
	if (!read_live(prediction, device, &live))
		return err_set(err, E_IO, ENODEV, "%s: no TPM whose PCRs can be read", device);
	n = read_log(device, bytes, sizeof(bytes), err);
	if (n < 0)
		return (int)n;
	r = n > 0 ? predict_eventlog(prediction, bytes, (size_t)n, err) : 0;
	for (size_t i = 0; r == 0 && i < PREDICT_BANKS; i++) {
		struct predict_bank *bank = &prediction->banks[i];

		if (bank->known & REPLAYED & ~(1U << 11))
			hold_to_live(bank, live.known[i], live.values[i]);
		else
			take_live(prediction, i, &live);
	}
	return r;
}

/* As systemd's tools name a TPM, or its folder in sysfs. */
static void device_folder(const char *name, char *ret, size_t size)
{
	static const char *const nodes[] = { "/dev/tpmrm", "/dev/tpm" };
	uint64_t number;

	text_copy(ret, size, strcmp(name, "auto") == 0 ? "/sys/class/tpm/tpm0" : name);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		if (strncmp(name, nodes[i], strlen(nodes[i])) == 0 &&
		    text_to_u64(name + strlen(nodes[i]), &number) == 0)
			text_format(ret, size, "/sys/class/tpm/tpm%" PRIu64, number);
}

bool predict_host_folder(const struct predict_files *files, bool is_device, char *ret, size_t size)
{
	if (!files->device && (files->eventlog || files->pcrs || !is_device))
		return false;
	device_folder(files->device ? files->device : "auto", ret, size);
	return true;
}
