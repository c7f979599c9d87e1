/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of tokens that systemd sealed, once a PCR is another; with logs that tell why, or not. */
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "modules/tpm2_explain.h"
#include "tests/tpm/tpm.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EV_IPL 0xd
#define EV_EFI_ACTION 0x80000007

/* What a parser's child that was taken over writes; 0: it is the real one. */
enum lie { LIE_NONE, LIE_EVENTS, LIE_SIZE, LIE_LOCALITY, LIE_PCR, LIE_TEXT, LIE_END, LIE_MAX_ };

int __real_eventlog_parse(const uint8_t *bytes, size_t size, uint16_t alg, struct eventlog *ret,
			  struct err *err);
int __wrap_eventlog_parse(const uint8_t *bytes, size_t size, uint16_t alg, struct eventlog *ret,
			  struct err *err);
static enum lie lie;

int __wrap_eventlog_parse(const uint8_t *bytes, size_t size, uint16_t alg, struct eventlog *ret,
			  struct err *why)
{
	int r = __real_eventlog_parse(bytes, size, alg, ret, why);

	switch (lie) {
	case LIE_EVENTS:
		ret->n = EVENTLOG_EVENTS_MAX + 1;
		break;
	case LIE_SIZE:
		ret->digest_size = 64;
		break;
	case LIE_LOCALITY:
		ret->locality = 256;
		break;
	case LIE_PCR:
		ret->events[1].pcr = EVENTLOG_PCRS;
		break;
	case LIE_TEXT: /* a console would obey it */
		memcpy(ret->events[1].text, "\x1b[2J", 5);
		break;
	case LIE_END:
		memset(ret->events[1].text, 'x', EVENTLOG_TEXT_MAX);
		break;
	case LIE_NONE:
	case LIE_MAX_:
		break;
	}
	return r;
}

static uint8_t text[4096];
static size_t text_size;
static struct tpm2_explanation all;
static struct err err;

static void put(const void *data, size_t size)
{
	memcpy(text + text_size, data, size);
	text_size += size;
}

static void put_le(size_t size, uint32_t value)
{
	for (size_t i = 0; i < size; i++)
		text[text_size++] = (uint8_t)(value >> 8 * i);
}

/* A log of the sha256 bank alone. */
static void log_start(void)
{
	text_size = 0;
	put_le(4, 0);
	put_le(4, 3);
	memset(text + text_size, 0, 20);
	text_size += 20;
	put_le(4, 33);
	put("Spec ID Event03", 16);
	put("\0\0\0\0\0\2\0\2", 8);
	put_le(4, 1);
	put_le(2, 0xb);
	put_le(2, 32);
	put_le(1, 0);
}

static void log_event(unsigned int pcr, uint32_t type, const void *data, size_t size,
		      const char *told)
{
	uint8_t digest[32];

	EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL);
	put_le(4, pcr);
	put_le(4, type);
	put_le(4, 1);
	put_le(2, 0xb);
	put(digest, 32);
	put_le(4, (uint32_t)strlen(told));
	put(told, strlen(told));
}

/* What tpm_boot() does, but for the phase, which is not the firmware's to log. */
static void log_boot(void)
{
	log_start();
	log_event(7, EV_EFI_ACTION, "secure boot policy", 18, "secure boot policy");
	log_event(11, EV_IPL, ".linux", 7, ".linux");
	log_event(11, EV_IPL, "lintel test kernel\n", 19, ".linux");
}

static void log_and_extend(unsigned int pcr, const char *word)
{
	log_event(pcr, EV_IPL, word, strlen(word), word);
	tpm_extend(pcr, word);
}

static int open_token(const char *name, bool logged, const char *pin)
{
	static char path[] = "/tmp/lintel-eventlog-XXXXXX", signatures[65536];
	struct tpm2_unseal_inputs in = { .signatures = signatures, .pin = pin };
	const struct tpm2_token *token = fixture_token(name);
	uint8_t secret[TPM2_SECRET_MAX];
	size_t size;
	int r, fd;

	memcpy(signatures, fixture("signatures.json", &in.signatures_size), sizeof(signatures));
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0 && fs_write_all(fd, text, text_size) == 0);
	close(fd);
	chmod(path, 0644);
	tpm.event_log = logged ? path : "/nonexistent";
	memset(&err, 0, sizeof(err));
	memset(&all, 0, sizeof(all));
	r = tpm2_unseal(&tpm, token, &in, secret, &size, &err);
	if (r < 0)
		tpm2_explain(&tpm, token, &in, &all, &err);
	unlink(path);
	return r;
}

static void check_text(const char *start, const char *rest)
{
	CHECK(strncmp(err.text, start, strlen(start)) == 0 && strstr(err.text, rest));
	if (strncmp(err.text, start, strlen(start)) != 0 || !strstr(err.text, rest))
		fprintf(stderr, "it says: %s\n", err.text);
}

static const struct tpm2_pcr_note *note(unsigned int pcr)
{
	static const struct tpm2_pcr_note none;

	for (size_t i = 0; i < all.n; i++)
		if (all.notes[i].pcr == pcr)
			return &all.notes[i];
	return &none;
}

TEST(explain_event_too_many)
{
	char before[65];
	uint8_t value[32];
	const struct tpm2_bank bank = { TPM2_ALG_SHA256, "sha256", 32 };

	tpm_start("ecc");
	tpm_boot();
	log_boot();
	CHECK_INT(open_token("literal", true, NULL), 0);
	tpm2_pcr_read(&tpm, 7, &bank, value, &err);
	hex_encode(value, 32, before);
	log_and_extend(7, "debugger on");
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	CHECK_INT(err.code, E_UNSEAL);
	check_text("PCR 7 (sha256) differs: expected ", ", by EV_IPL \"debugger on\"");
	CHECK_INT(all.n, 2);
	CHECK_STR(note(7)->expected, before);
	CHECK_STR(note(7)->event, "EV_IPL \"debugger on\"");
	CHECK(!note(7)->unexplained && !note(11)->unexplained);
	CHECK_STR(note(11)->expected, "");
	CHECK_STR(note(11)->event, "EV_IPL \".linux\"");
	log_and_extend(7, "and more");
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	check_text("PCR 7 (sha256) differs: ", ", by EV_IPL \"debugger on\" and 1 more");
	/* without the log nothing is known, and nothing is claimed */
	CHECK_INT(open_token("literal", false, NULL), -EPERM);
	check_text("sealed to other values of PCRs (sha256), which now are 7=", " 11=");
	CHECK_INT(all.n, 2);
	CHECK_STR(note(7)->expected, "");
}

TEST(explain_policies_of_several_parts)
{
	static const char *const tokens[] = { "pin", "legacy", "legacy-pin", "offline" };

	tpm_start("ecc");
	tpm_boot();
	log_boot();
	log_and_extend(7, "debugger on");
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		bool pin = strstr(tokens[i], "pin");

		CHECK_INT(open_token(tokens[i], true, pin ? PIN : NULL), -EPERM);
		check_text("PCR 7 (sha256) differs: ", ", by EV_IPL \"debugger on\"");
		CHECK(note(7)->expected[0]);
	}
}

TEST(explain_phases)
{
	tpm_start("ecc");
	tpm_boot();
	log_boot();
	tpm_extend(11, "leave-initrd");
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	check_text("PCR 11 (sha256) differs: ", ", by leave-initrd");
	CHECK(!note(11)->unexplained);
	tpm_extend(11, "sysinit");
	/* the fixture's UKI signs this phase, too */
	CHECK_INT(open_token("signed", true, NULL), 0);
	tpm_extend(11, "ready");
	CHECK_INT(open_token("signed", true, NULL), -ENOENT);
	CHECK_INT(err.code, E_PCR_SIGNATURE);
	check_text("PCR 11 (sha256) differs: ", "");
	CHECK(note(11)->expected[0]);
	/* sealed in a phase that is not there yet */
	tpm_restart();
	log_boot();
	tpm_extend(7, "secure boot policy");
	tpm_extend(11, ".linux");
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	CHECK(note(11)->unexplained);
}

TEST(explain_two_at_once)
{
	tpm_start("ecc");
	tpm_boot();
	log_boot();
	log_and_extend(7, "debugger on");
	tpm_extend(11, "leave-initrd");
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	check_text("PCR 7 (sha256) differs: ", "; PCR 11 (sha256) differs: ");
	CHECK(note(7)->expected[0] && note(11)->expected[0]);
}

/* A log that leads elsewhere, or that is cut, explains nothing and does no harm. */
TEST(explain_with_a_false_log)
{
	tpm_start("ecc");
	tpm_boot();
	log_boot();
	log_event(7, EV_IPL, "never", 5, "never");
	tpm_extend(7, "debugger on");
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	CHECK(note(7)->unexplained);
	log_boot();
	text_size--;
	CHECK_INT(open_token("literal", true, NULL), -EPERM);
	check_text("sealed to other values of PCRs (sha256), which now are 7=", "");
	CHECK_STR(note(7)->event, "");
}

/* The one who reads the log's bytes is believed no more than they are. */
TEST(explain_with_a_false_parser)
{
	tpm_start("ecc");
	tpm_boot();
	log_boot();
	log_and_extend(7, "debugger on");
	for (lie = LIE_NONE; lie < LIE_MAX_; lie++) {
		unsigned int before = test_failures;

		CHECK_INT(open_token("literal", true, NULL), -EPERM);
		check_text(lie ? "sealed to other values of PCRs (sha256), which now are 7="
			       : "PCR 7 (sha256) differs: ",
			   "");
		CHECK_INT(note(7)->event[0] != '\0', !lie);
		if (test_failures > before)
			fprintf(stderr, "lie %d\n", lie);
	}
	lie = LIE_NONE;
}
