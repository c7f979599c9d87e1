/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs that OVMF and systemd-stub wrote, and the PCRs that they led to (tests/fixtures/eventlog/make). */
#include "images/predict.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>

#define FOLDER "tests/fixtures/eventlog/"

static const struct tpm2_bank banks[] = { { 0x4, "sha1", 20 },
					  { 0xb, "sha256", 32 },
					  { 0xc, "sha384", 48 } };
static uint8_t bytes[65536];
static size_t size;
static struct eventlog eventlog;
static struct err err;

static void load(const char *name)
{
	char path[80];
	ssize_t n;

	text_format(path, sizeof(path), FOLDER "%s.log", name);
	n = fs_read(AT_FDCWD, path, bytes, sizeof(bytes));
	CHECK(n > 0);
	size = n > 0 ? (size_t)n : 0;
}

/* The value that the kernel gave in that boot, as "PCR:BANK=HEX". */
static bool recorded(const char *name, unsigned int pcr, const char *bank, char ret[129])
{
	static char text[16384];
	char path[80], key[24];
	const char *at;

	text_format(path, sizeof(path), FOLDER "%s.pcrs", name);
	CHECK(fs_read(AT_FDCWD, path, text, sizeof(text)) > 0);
	text_format(key, sizeof(key), "\n%u:%s=", pcr, bank);
	at = strncmp(text, key + 1, strlen(key) - 1) == 0 ? text - 1 : strstr(text, key);
	if (!at)
		return false;
	at += strlen(key);
	memcpy(ret, at, strcspn(at, "\n"));
	ret[strcspn(at, "\n")] = '\0';
	return true;
}

static unsigned int check_replay(const char *name, const struct tpm2_bank *bank)
{
	char is[2 * EXPECT_DIGEST_MAX + 1], was[2 * EXPECT_DIGEST_MAX + 1];
	uint8_t value[EXPECT_DIGEST_MAX];
	unsigned int n = 0;

	for (unsigned int pcr = 0; pcr < 16; pcr++) {
		/* of 10 the kernel's IMA has a log of its own */
		if (pcr == 10 || !recorded(name, pcr, bank->name, was))
			continue;
		CHECK_INT(expect_replay(bank, &eventlog, pcr, eventlog.n, value), 0);
		hex_encode(value, bank->size, is);
		CHECK_STR(is, was);
		n++;
	}
	return n;
}

TEST(eventlog_replay_gives_the_recorded_pcrs)
{
	load("clean");
	for (size_t i = 0; i < ARRAY_SIZE(banks); i++) {
		CHECK_INT(eventlog_parse(bytes, size, banks[i].alg, &eventlog, &err), 0);
		CHECK_INT(check_replay("clean", &banks[i]), 15);
	}
	CHECK_INT(eventlog_parse(bytes, size, 0xd, &eventlog, &err), -ENOENT);
	load("words");
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), 0);
	CHECK_INT(check_replay("words", &banks[1]), 15);
}

static const char *last_of(unsigned int pcr)
{
	const char *text = "";

	for (uint32_t i = 0; i < eventlog.n; i++)
		if (eventlog.events[i].pcr == pcr)
			text = eventlog.events[i].text;
	return text;
}

TEST(eventlog_names_events)
{
	load("words");
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), 0);
	CHECK_STR(last_of(12), "EV_IPL \"lintel.pause=1 appended.word\"");
	CHECK_STR(last_of(11), "EV_IPL \".sbat\"");
	CHECK_STR(last_of(9), "EV_EVENT_TAG \"Linux initrd\"");
	CHECK_STR(last_of(7), "EV_EFI_VARIABLE_AUTHORITY \"db\"");
	CHECK_STR(last_of(6), "EV_SEPARATOR");
	CHECK_STR(last_of(13), "");
	load("clean");
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), 0);
	CHECK_STR(last_of(12), "");
}

/* Cut anywhere but behind an event, it is malformed; and whatever its bytes, it is bounded. */
TEST(eventlog_cut_or_changed)
{
	unsigned int whole = 0;

	load("words");
	for (size_t n = 0; n < size; n++)
		if (eventlog_parse(bytes, n, 0xb, &eventlog, &err) == 0)
			whole++;
		else
			CHECK_INT(err.code, E_FACTS);
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), 0);
	CHECK_INT(whole, eventlog.n); /* one end an event, but for the last: also behind the head */
	for (size_t i = 0; i < 65; i++) {
		uint8_t was = bytes[i];

		bytes[i] = 0xff;
		if (eventlog_parse(bytes, size, 0xb, &eventlog, &err) < 0)
			CHECK_INT(err.code, E_FACTS);
		bytes[i] = was;
	}
	bytes[32] = 'X'; /* TPM 1.2's form has no such head */
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), -EINVAL);
}

/* A log of one event after another event, for what no boot here brings. */
static size_t craft(const char *startup, unsigned int pcr, const char *data, size_t data_size)
{
	static const uint8_t head[] = { 'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ', 'E', 'v', 'e',
					'n', 't', '0', '3', 0,	 0,   0,   0,	0,   0,	  2,
					0,   2,	  1,   0,   0,	 0,   0xb, 0,	32,  0,	  0 };
	uint8_t *at = bytes;

	memset(bytes, 0, 1024);
	bytes[4] = 3;
	bytes[28] = sizeof(head);
	memcpy(bytes + 32, head, sizeof(head));
	at += 32 + sizeof(head);
	for (int i = 0; i < 2; i++) {
		size_t n = i == 0 ? 17 : data_size;

		if (i == 0 && !startup)
			continue;
		at[0] = i == 0 ? 0 : (uint8_t)pcr;
		at[4] = i == 0 ? 3 : 0xd;
		at[8] = 1;
		at[12] = 0xb;
		memset(at + 14, i == 0 ? 0 : 0x55, 32);
		at[46] = (uint8_t)n;
		memcpy(at + 50, i == 0 ? startup : data, n);
		at += 50 + n;
	}
	return (size_t)(at - bytes);
}

TEST(eventlog_startup_and_text)
{
	uint8_t value[EXPECT_DIGEST_MAX], other[EXPECT_DIGEST_MAX];

	size = craft("StartupLocality\0\3", 0, "a\"b\n\x1b[2J\xff", 10);
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), 0);
	CHECK_INT(eventlog.n, 1);
	CHECK_INT(eventlog.locality, 3);
	CHECK_STR(eventlog.events[0].text, "EV_IPL \"a'b..[2J.\"");
	CHECK_INT(expect_replay(&banks[1], &eventlog, 0, 0, value), 0);
	CHECK_INT(value[31], 3);
	CHECK_INT(expect_replay(&banks[1], &eventlog, 0, 1, value), 0);
	size = craft(NULL, 0, "x", 1);
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), 0);
	CHECK_INT(expect_replay(&banks[1], &eventlog, 0, 1, other), 0);
	CHECK(memcmp(value, other, 32) != 0);
	size = craft(NULL, 24, "x", 1);
	CHECK_INT(eventlog_parse(bytes, size, 0xb, &eventlog, &err), -EINVAL);
}

/* What systemd-repart sealed to the values of "clean", judged by the log of a boot. */
static enum verdict judge(const char *name, const char *log, bool same_uki)
{
	static struct prediction prediction;
	static char json[TPM2_TOKEN_JSON_MAX];
	char path[80];
	ssize_t n;

	load(log);
	memset(&prediction, 0, sizeof(prediction));
	for (size_t i = 0; i < ARRAY_SIZE(banks); i++) {
		struct predict_bank *bank = &prediction.banks[i];

		bank->bank = banks[i];
		bank->known = 1U << 11 | 1U << 15;
		if (!same_uki || eventlog_parse(bytes, size, banks[i].alg, &eventlog, &err) < 0)
			continue;
		expect_replay(&bank->bank, &eventlog, 11, eventlog.n, bank->values[11]);
		expect_extend_word(&bank->bank, bank->values[11], "enter-initrd");
	}
	prediction.banks[3].bank = (struct tpm2_bank){ 0xd, "sha512", 64 };
	CHECK_INT(predict_eventlog(&prediction, bytes, size, &err), 0);
	text_format(path, sizeof(path), FOLDER "%s.json", name);
	n = fs_read(AT_FDCWD, path, json, sizeof(json));
	CHECK(n > 0);
	memset(&err, 0, sizeof(err));
	return predict_token(&prediction, json, (size_t)n, &err);
}

TEST(eventlog_predicts_literal_pcrs)
{
	CHECK_INT(judge("sealed-firmware", "clean", false), VERDICT_YES);
	CHECK_INT(judge("sealed-firmware", "words", false), VERDICT_NO);
	CHECK_INT(err.code, E_UNSEAL);
	CHECK_INT(judge("sealed-uki", "clean", true), VERDICT_YES);
	CHECK_INT(judge("sealed-uki", "clean", false), VERDICT_UNKNOWN);
	CHECK_STR(err.text,
		  "PCR 4 of sha256 is not known: the boot that is known is of another UKI");
}
