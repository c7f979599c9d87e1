/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predictions from what a running host has in sysfs; made of the boot that tests/fixtures/eventlog has recorded. */
#include "images/predict.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "tests/unit/test.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#define FOLDER "tests/fixtures/eventlog/"
#define LOG "kernel/security/tpm0/binary_bios_measurements"

static char root[32], device[64];
static struct prediction prediction;
static struct err err;

static void put_file(const char *name, const void *data, size_t size)
{
	char path[160];

	text_format(path, sizeof(path), "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	unlink(path);
	CHECK_INT(fs_create(AT_FDCWD, path, data, size, 0600), 0);
}

/* As the kernel prints it. */
static void put_pcr(const char *bank, unsigned int pcr, const char *hex)
{
	char name[64], line[2 * EXPECT_DIGEST_MAX + 2];
	size_t n = strlen(hex);

	text_format(name, sizeof(name), "class/tpm/tpm0/pcr-%s/%u", bank, pcr);
	for (size_t i = 0; i < n; i++)
		line[i] = (char)toupper(hex[i]);
	line[n] = '\n';
	put_file(name, line, n + 1);
}

/* A host that was booted as "clean", and the prediction of the UKI that it was booted from. */
static void host_start(bool log)
{
	static char text[65536], bytes[EVENTLOG_BYTES_MAX];
	ssize_t n = fs_read(AT_FDCWD, FOLDER "clean.log", bytes, sizeof(bytes));
	char *rest = text, *line;

	CHECK(n > 0 && fs_read(AT_FDCWD, FOLDER "clean.pcrs", text, sizeof(text)) > 0);
	text_copy(root, sizeof(root), "/tmp/lintel-sys-XXXXXX");
	CHECK(mkdtemp(root) != NULL);
	text_format(device, sizeof(device), "%s/class/tpm/tpm0", root);
	if (log)
		put_file(LOG, bytes, (size_t)n);
	memset(&prediction, 0, sizeof(prediction));
	memset(&err, 0, sizeof(err));
	prediction.banks[0].bank = (struct tpm2_bank){ 0x4, "sha1", 20 };
	prediction.banks[1].bank = (struct tpm2_bank){ 0xb, "sha256", 32 };
	prediction.banks[2].bank = (struct tpm2_bank){ 0xc, "sha384", 48 };
	prediction.banks[3].bank = (struct tpm2_bank){ 0xd, "sha512", 64 };
	for (size_t i = 0; i < PREDICT_BANKS; i++)
		prediction.banks[i].known = 1U << 11 | 1U << 15;
	while ((line = strsep(&rest, "\n")) != NULL) {
		unsigned int pcr;
		char bank[8], hex[2 * EXPECT_DIGEST_MAX + 1];

		if (sscanf(line, "%u:%7[^=]=%128s", &pcr, bank, hex) != 3)
			continue;
		put_pcr(bank, pcr, hex);
		for (size_t i = 0; i < PREDICT_BANKS && pcr == 11; i++)
			if (strcmp(prediction.banks[i].bank.name, bank) == 0)
				hex_decode(hex, prediction.banks[i].values[11], EXPECT_DIGEST_MAX);
	}
	for (size_t i = 0; i < PREDICT_BANKS; i++)
		expect_extend_word(&prediction.banks[i].bank, prediction.banks[i].values[11],
				   "enter-initrd");
}

/* PCR 11 of sha256 as after so many phases. */
static void host_in_phase(size_t phases)
{
	const struct predict_bank *bank = &prediction.banks[1];
	uint8_t value[EXPECT_DIGEST_MAX];
	char hex[65];

	memcpy(value, bank->values[11], sizeof(value));
	for (size_t i = 1; i < phases; i++)
		expect_extend_word(&bank->bank, value, expect_phases[i]);
	hex_encode(value, 32, hex);
	put_pcr("sha256", 11, hex);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int host_end(void)
{
	int r = predict_host(&prediction, device, &err);

	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return r;
}

static enum verdict judge(const char *name)
{
	static char json[TPM2_TOKEN_JSON_MAX];
	char path[80];
	ssize_t n;

	text_format(path, sizeof(path), FOLDER "%s.json", name);
	n = fs_read(AT_FDCWD, path, json, sizeof(json));
	CHECK(n > 0);
	memset(&err, 0, sizeof(err));
	return n > 0 ? predict_token(&prediction, json, (size_t)n, &err) : VERDICT_UNKNOWN;
}

TEST(predict_host_by_its_log)
{
	host_start(true);
	host_in_phase(4);
	CHECK_INT(host_end(), 0);
	CHECK_INT(judge("sealed-firmware"), VERDICT_YES);
	CHECK_INT(judge("sealed-uki"), VERDICT_YES);
	/* the same host, and another UKI */
	host_start(true);
	prediction.banks[1].values[11][0] ^= 1;
	CHECK_INT(host_end(), 0);
	CHECK_INT(judge("sealed-firmware"), VERDICT_YES);
	CHECK_INT(judge("sealed-uki"), VERDICT_UNKNOWN);
	CHECK_STR(err.text,
		  "PCR 4 of sha256 is not known: the boot that is known is of another UKI");
}

TEST(predict_host_log_disagrees)
{
	char line[80] = "7:sha256=", other[65];

	host_start(true);
	hex_encode(prediction.banks[1].values[11], 32, other);
	put_pcr("sha256", 7, other);
	CHECK_INT(host_end(), 0);
	CHECK_INT(judge("sealed-firmware"), VERDICT_UNKNOWN);
	CHECK_STR(err.text, "PCR 7 of sha256 is not known: the event log leads to another value");
	/* a value that is given takes the place of what is not known */
	hex_encode(prediction.banks[1].values[7], 32, line + strlen(line));
	CHECK_INT(predict_pcrs(&prediction, (uint8_t *)line, strlen(line), &err), 0);
	CHECK_INT(judge("sealed-firmware"), VERDICT_YES);
}

TEST(predict_host_without_a_log)
{
	host_start(false);
	host_in_phase(4);
	CHECK_INT(host_end(), 0);
	CHECK_INT(judge("sealed-firmware"), VERDICT_YES);
	CHECK_INT(judge("sealed-uki"), VERDICT_YES);
	/* before any phase it is no boot of this UKI by lintel; 4 and 9 may be another's */
	host_start(false);
	CHECK_INT(host_end(), 0);
	CHECK_INT(judge("sealed-firmware"), VERDICT_YES);
	CHECK_INT(judge("sealed-uki"), VERDICT_UNKNOWN);
	CHECK_STR(err.text,
		  "PCR 4 of sha256 is not known: the boot that is known is of another UKI");
}

TEST(predict_host_unreadable)
{
	host_start(true);
	text_format(device, sizeof(device), "%s/class/tpm/tpm1", root);
	CHECK_INT(host_end(), -ENODEV);
	CHECK_INT(err.code, E_IO);
	host_start(false);
	put_file(LOG "/folder", "", 0);
	CHECK_INT(host_end(), -EISDIR);
	CHECK_INT(err.code, E_IO);
	host_start(true);
	put_file(LOG, "no log", 6);
	CHECK_INT(host_end(), -EINVAL);
	CHECK_INT(err.code, E_FACTS);
	/* where there is no telling which log is its own */
	host_start(true);
	text_format(device, sizeof(device), "%s/class/tpm/tpm0/", root);
	CHECK_INT(host_end(), -EINVAL);
	CHECK_INT(err.code, E_IO);
}

/* A disk of this machine is judged by this machine's TPM, unless other PCRs or another TPM are given. */
TEST(predict_host_by_default)
{
	static const struct {
		struct predict_files files;
		bool is_device;
		const char *folder; /* NULL: no TPM is asked */
	} rows[] = {
		{ { .disk = "/dev/vda" }, true, "/sys/class/tpm/tpm0" },
		{ { .disk = "disk.img" }, false, NULL },
		{ { .disk = "/dev/vda", .pcrs = "pcrs" }, true, NULL },
		{ { .disk = "/dev/vda", .eventlog = "log" }, true, NULL },
		{ { .disk = "disk.img", .device = "auto" }, false, "/sys/class/tpm/tpm0" },
		{ { .disk = "/dev/vda", .device = "/dev/tpmrm1", .pcrs = "pcrs" },
		  true,
		  "/sys/class/tpm/tpm1" },
		{ { .disk = "/dev/vda", .device = "/dev/tpm2" }, true, "/sys/class/tpm/tpm2" },
		{ { .disk = "/dev/vda", .device = "/tmp/tpm" }, true, "/tmp/tpm" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char folder[64] = "";
		bool any = predict_host_folder(&rows[i].files, rows[i].is_device, folder,
					       sizeof(folder));

		CHECK(any == (rows[i].folder != NULL));
		CHECK_STR(folder, any ? rows[i].folder : "");
	}
}
