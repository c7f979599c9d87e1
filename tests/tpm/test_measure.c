/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/tpm2_measure.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <sys/stat.h>

#define UUID "c5b4cd8f-3b0d-4b0a-9d4f-0f2f3e1a7b11"

#define VOLUME_HMAC "167d9037a3a769e8ce6cc9495071edbbbaeecd3258714cc440238418fb1f9623"
#define VOLUME_SHA256 "81fa1e24f2d8d6b1c4d448ebb82739c1b5a511328468397d839bdd1c46aab420"
#define VOLUME_SHA1 "bb07d8834fe283f3bbe173a9407f10d76664d93f"

static struct err err;

static const char *log_text(void)
{
	static char text[16384];
	char path[128];

	text_format(path, sizeof(path), "%s/tpm2-measure.log", tpm.log_folder);
	return fs_read(AT_FDCWD, path, text, sizeof(text)) > 0 ? text : "";
}

static void check_pcr(unsigned int pcr, const char *bank, const char *hex)
{
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	char text[2 * TPM2_DIGEST_MAX + 1] = "";
	uint8_t value[TPM2_DIGEST_MAX];
	size_t n = 0;

	CHECK_INT(tpm2_pcr_banks(&tpm, pcr, banks, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		if (strcmp(banks[i].name, bank) == 0 &&
		    tpm2_pcr_read(&tpm, pcr, &banks[i], value, &err) == 0)
			hex_encode(value, banks[i].size, text);
	CHECK_STR(text, hex);
}

/* TPM 2.0 part 3, 22.4: what does not fit is asked for again. */
TEST(measure_banks_in_parts)
{
	uint8_t key[64] = "volume key";
	unsigned int commands = 0;

	for (int part = 0; part < 2; part++) {
		tpm_start("ecc");
		wire.fault = part ? FAULT_PART : FAULT_NONE;
		wire.first = wire.commands = 0;
		wire.last = UINT_MAX;
		CHECK_INT(tpm_measure_volume("root", UUID, key, sizeof(key), &err), 0);
		if (part)
			CHECK_INT(wire.commands, commands + 2 * 3); /* four banks, read twice */
		commands = wire.commands;
		wire.fault = FAULT_NONE;
	}
}

/*
 * By systemd's TEST-70 (cryptsetup-measure): `openssl dgst -mac hmac` over the string, keyed with
 * the volume key; then extended. The values here were computed with Python's hmac and hashlib.
 */
TEST(measure_volume_key)
{
	uint8_t key[64];
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	tpm_start("ecc");
	CHECK_INT(tpm2_pcr_pristine(&tpm, 15, &err), 0);
	CHECK_INT(tpm_measure_volume("root", UUID, key, sizeof(key), &err), 0);
	check_pcr(15, "sha256", VOLUME_SHA256);
	check_pcr(15, "sha1", VOLUME_SHA1);
	CHECK_INT(tpm2_pcr_pristine(&tpm, 15, &err), -EPERM);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK(strstr(err.text, "PCR 15 of sha1 has been extended") != NULL);
	CHECK_INT(tpm2_pcr_banks(&tpm, 15, banks, &n, &err), 0);
	CHECK_INT(n, 4); /* an extend of all: no bank is left as it was */
	CHECK(strncmp(log_text(),
		      "\x1e{\"pcr\":15,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":\"", 50) == 0);
	CHECK(strstr(log_text(), "{\"hashAlg\":\"sha256\",\"digest\":\"" VOLUME_HMAC "\"}") !=
	      NULL);
	CHECK(strstr(log_text(),
		     "\"content\":{\"string\":\"cryptsetup:root:" UUID "\",\"bootId\":\"") != NULL);
	CHECK(strstr(log_text(), ",\"eventType\":\"volume-key\"}}\n") != NULL);
}

TEST(measure_log)
{
	struct tpm2_event event = { .pcr = 11, .string = "a \"b\" \\x3a", .type = "phase" };
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	char path[128];
	size_t n = 0;

	tpm_start("ecc");
	CHECK_INT(tpm2_measure(&tpm, &event, banks, &n, &err), 0);
	CHECK(strstr(log_text(), "{\"string\":\"a \\\"b\\\" \\\\x3a\",") != NULL);
	event.string = "line\nbreak";
	CHECK_INT(tpm2_measure(&tpm, &event, banks, &n, &err), -EINVAL);
	CHECK_INT(err.code, E_INTERNAL);
	event.string = "enter-initrd";
	CHECK_INT(tpm2_measure(&tpm, &event, banks, &n, &err), 0);
	text_format(path, sizeof(path), "%s/tpm2-measure.log", tpm.log_folder);
	chmod(path, 0600 | S_ISVTX); /* an earlier record was not written out */
	CHECK_INT(tpm2_measure(&tpm, &event, banks, &n, &err), -EBADMSG);
	unlink(path);
	symlink("/dev/null", path);
	CHECK(tpm2_measure(&tpm, &event, banks, &n, &err) < 0);
	CHECK_INT(err.code, E_MEASURE);
	unlink(path);
	event.pcr = 11;
	event.key = (const uint8_t *)"";
	CHECK(tpm2_measure(&tpm, &event, banks, &n, &err) < 0); /* an empty key is no key */
}

TEST(measure_words)
{
	char word[TPM2_EVENT_SIZE], longest[TPM2_EVENT_SIZE];

	CHECK_INT(tpm2_volume_word("a:b", UUID, word), 0);
	CHECK_STR(word, "cryptsetup:a\\x3ab:" UUID);
	CHECK_INT(tpm2_volume_word("my\\disk\xc3\xa4\n", UUID, word), 0);
	CHECK_STR(word, "cryptsetup:my\\x5cdisk\\xc3\\xa4\\x0a:" UUID);
	CHECK_INT(tpm2_volume_word("root", NULL, word), 0);
	CHECK_STR(word, "cryptsetup:root:");
	memset(longest, ':', sizeof(longest));
	longest[TPM2_EVENT_SIZE / 4 + 1] = '\0';
	CHECK_INT(tpm2_volume_word(longest, UUID, word), -E2BIG);
}

#define BOTH "sha1:" VOLUME_SHA1 ",sha256:" VOLUME_HMAC

/* Between two children: what does not name just the active banks, whole, is no measurement. */
TEST(measure_digests)
{
	static const char *const bad[] = {
		"",
		"sha1:" VOLUME_SHA1,
		"sha256:" VOLUME_HMAC ",sha1:" VOLUME_SHA1,
		BOTH "0",
		BOTH ",",
		BOTH ",sha384:00",
		"sha1:" VOLUME_SHA1 ";sha256:" VOLUME_HMAC,
		"sha1:zz07d8834fe283f3bbe173a9407f10d76664d93f,sha256:" VOLUME_HMAC,
	};
	static const struct tpm2_bank banks[] = { { TPM2_ALG_SHA1, "sha1", 20 },
						  { TPM2_ALG_SHA256, "sha256", 32 } };
	struct tpm2_digests digests = { .n = 9 };
	char text[TPM2_DIGESTS_TEXT];

	CHECK_INT(tpm2_digests_parse("sha1:" VOLUME_SHA1 ",sha256:" VOLUME_HMAC, banks, 2, &digests,
				     &err),
		  0);
	CHECK_INT(digests.n, 2);
	CHECK_INT(tpm2_digests_format(&digests, text, sizeof(text)), 0);
	CHECK_STR(text, BOTH);
	CHECK_INT(tpm2_digests_format(&digests, text, 60), -E2BIG);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(tpm2_digests_parse(bad[i], banks, 2, &digests, &err), -EINVAL);
		CHECK_INT(err.code, E_MEASURE);
	}
	CHECK_INT(tpm2_digests_parse("", banks, 0, &digests, &err), -EINVAL);
}
