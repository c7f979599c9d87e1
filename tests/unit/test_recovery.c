/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a refusal shows and leaves behind. */
#include "generators/rules/rules.h"
#include "generators/sources/loader.h"
#include "init/base/consoles.h"
#include "init/screen.h"
#include "machine.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct err err;
static struct plan plan;

static struct facts *facts_of(const char *text)
{
	struct facts *facts = facts_empty();

	CHECK_INT(facts_parse(facts, text, &err), 0);
	return facts;
}

static const char *screen_text(struct facts *facts, const char *why)
{
	static char text[65536];
	const struct err refusal = { .code = E_SIG_UNTRUSTED };
	struct err shown = refusal;
	int fd = memfd_create("screen", 0);
	ssize_t n;

	text_copy(shown.text, sizeof(shown.text), why);
	decide(facts, &plan);
	screen_write(fd, &(struct screen){ facts, &plan, &shown, "ABC-DEFGH", "pcr11-sha256=00",
					   "EFI variable" });
	n = pread(fd, text, sizeof(text) - 1, 0);
	CHECK(n > 0);
	text[n > 0 ? n : 0] = '\0';
	consoles_clean(text, strlen(text));
	close(fd);
	return text;
}

TEST(screen_shows_all)
{
	static const char *const parts[] = {
		"LINTEL-E-SIG-UNTRUSTED   code ABC-DEFGH\n",
		"  why:   by another key\n",
		"  do:    sign the image",
		"kernel log; EFI variable\n",
		"pcr11-sha256=00",
		"waiting coldplug",
		"cmdline quiet",
	};
	const char *text =
		screen_text(facts_of("1 cmdline cmdline quiet trusted=yes\n"), "by another key");

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		CHECK(strstr(text, parts[i]));
}

/* Hostile texts do not speak to the terminal, and a credential's word stays out of sight. */
TEST(screen_gives_nothing_away)
{
	const char *text = screen_text(
		facts_of("1 cmdline cmdline systemd.set_credential value=a:hunter2 trusted=no\n"),
		"label \033[2J\x9b"
		"0m\r\a\177");

	CHECK(strstr(text, "label ?[2J?0m???"));
	CHECK(!strpbrk(text, "\033\r\a\177\x9b"));
	CHECK(!strstr(text, "hunter2"));
}

TEST(screen_shows_the_last_facts_only)
{
	char lines[40 * 48] = "";
	const char *text;

	for (int i = 0; i < 40; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			 "%d cmdline cmdline word%02d trusted=yes\n", i, i);
	text = screen_text(facts_of(lines), "x");
	CHECK(!strstr(text, "word19") && strstr(text, "word20") && strstr(text, "word39"));
}

TEST(action_choose)
{
	static const struct {
		const char *facts;
		enum action action;
	} rows[] = {
		{ "", ACTION_POWEROFF },
		{ "1 c cmdline lintel.on_failure value=reboot trusted=no\n", ACTION_REBOOT },
		{ "1 c cmdline lintel.on_failure value=halt trusted=no\n", ACTION_HALT },
		{ "1 c cmdline lintel.on_failure value=recover trusted=yes\n", ACTION_RECOVER },
		{ "1 c cmdline rd.lintel.on_failure value=fallback trusted=yes\n",
		  ACTION_FALLBACK },
		{ "1 c cmdline lintel.on_failure value=recover trusted=no\n", ACTION_POWEROFF },
		{ "1 c cmdline lintel.on_failure value=fallback trusted=no\n", ACTION_POWEROFF },
		{ "1 c config on-failure value=fallback\n", ACTION_FALLBACK },
		{ "1 c config on-failure value=reboot\n1 stub config profile value=recovery\n",
		  ACTION_RECOVER },
		{ "1 c config on-failure value=reboot\n"
		  "1 c cmdline lintel.on_failure value=recover trusted=no\n",
		  ACTION_REBOOT },
		{ "1 c config on-failure value=reboot\n"
		  "1 c cmdline lintel.on_failure value=poweroff trusted=yes\n",
		  ACTION_POWEROFF },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(action_choose(facts_of(rows[i].facts)), rows[i].action);
}

/* What leads to an older version: the disk's own fault in the root or /usr, under whatever number. */
TEST(fallback_takes)
{
	static const struct {
		const char *step, *code;
		bool takes;
	} rows[] = {
		{ "root", "LINTEL-E-SIG-UNTRUSTED", true },
		{ "usr", "LINTEL-E-SIG-MALFORMED", true },
		{ "root-2", "LINTEL-E-SIG-MISMATCH", true },
		{ "usr-3", "LINTEL-E-VERITY-SUPERBLOCK", true },
		{ "mnt-root", "LINTEL-E-VERITY-CORRUPT", true },
		{ "mnt-usr-12", "LINTEL-E-IO", true },
		{ "root", "LINTEL-E-TIMEOUT", false },
		{ "root", "LINTEL-E-DM-TABLE", false },
		{ "dm", "LINTEL-E-IO", false },
		{ "open-root", "LINTEL-E-IO", false },
		{ "open-usr", "LINTEL-E-IO", false },
		{ "root-", "LINTEL-E-IO", false },
		{ "root-crypt", "LINTEL-E-IO", false },
		{ "usr-crypt-2", "LINTEL-E-IO", false },
		{ "rootfs", "LINTEL-E-IO", false },
		{ "mnt-usr2", "LINTEL-E-IO", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct facts *facts;
		char text[200];

		snprintf(text, sizeof(text),
			 "1 c config on-failure value=fallback\n1 i result %s status=failed "
			 "code=%s\n",
			 rows[i].step, rows[i].code);
		facts = facts_of(text);
		CHECK_INT(fallback_takes(facts, facts_step_result(facts, rows[i].step)),
			  rows[i].takes);
	}
}

/* A shell needs a password in the signed initrd, and the UKI's own line or profile. */
TEST(shell_allowed)
{
	static const struct {
		const char *facts;
		bool allowed;
	} rows[] = {
		{ "", false },
		{ "1 c config shell value=argon2id\n", false },
		{ "1 c config shell value=argon2id\n1 c cmdline lintel.shell trusted=no\n", false },
		{ "1 c config shell value=argon2id\n1 c cmdline lintel.shell trusted=yes\n", true },
		{ "1 c config shell value=argon2id\n1 stub config profile value=recovery\n", true },
		{ "1 c config shell value=argon2id\n1 stub config profile value=other\n", false },
		{ "1 c config shell value=argon2id\n1 stub config profile value=recover\n", false },
		{ "1 c cmdline lintel.shell trusted=yes\n", false },
		{ "1 stub config profile value=recovery\n", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(shell_allowed(facts_of(rows[i].facts)), rows[i].allowed);
}

TEST(version_allowed)
{
	static const struct {
		const char *facts, *label;
		bool allowed;
	} rows[] = {
		{ "", "os_1", true },
		{ "1 c config minimum-version value=2\n", "os_1", false },
		{ "1 c config minimum-version value=2\n", "os_2", true },
		{ "1 c config minimum-version value=2\n", "os_10", true },
		{ "1 c config minimum-version value=2\n", "os", false },
		{ "1 c cmdline lintel.minimum_version value=3 trusted=yes\n", "os_2", false },
		{ "1 c cmdline lintel.minimum_version value=3 trusted=yes\n", "os_3", true },
		{ "1 c config minimum-version value=2\n"
		  "1 c cmdline lintel.minimum_version value=3 trusted=yes\n",
		  "os_2", false },
		{ "1 c config minimum-version value=3\n"
		  "1 c cmdline lintel.minimum_version value=2 trusted=yes\n",
		  "os_2", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(version_allowed(facts_of(rows[i].facts), rows[i].label), rows[i].allowed);
}

TEST(loader_tries)
{
	static const struct {
		const char *path;
		unsigned int tries;
	} rows[] = {
		{ "\\EFI\\Linux\\os_2+1-1.efi", 2 },
		{ "\\EFI\\Linux\\os_2+0-3.efi", 3 },
		{ "os+3.efi", 3 },
		{ "os+2-0.efi", 2 },
		{ "a+9-9+1-1.efi", 2 },
		{ "os+0-900.efi", LOADER_TRIES_MAX },
		{ "os.efi", 0 },
		{ "", 0 },
		{ "os+.efi", 0 },
		{ "os+1-.efi", 0 },
		{ "os+1-1", 0 },
		{ "os+1x.efi", 0 },
		{ "os+4294967297.efi", 0 },
		{ "os+1-1.conf", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(loader_tries(rows[i].path), rows[i].tries);
}

static int choose(const char *names, const char *current, bool older, char ret[ENTRY_MAX])
{
	uint8_t data[1024] = { 0 };
	size_t n = 0;

	for (; names[n]; n++) /* '|' stands for the NUL behind each name */
		data[2 * n] = names[n] == '|' ? 0 : (uint8_t)names[n];
	text_copy(ret, ENTRY_MAX, "");
	return loader_choose(data, 2 * n, current, older, ret);
}

TEST(loader_choose)
{
	static const struct {
		const char *names, *current;
		bool older;
		int r;
		const char *entry;
	} rows[] = {
		{ "os_3.efi|os_2.efi|os_1.efi|auto-reboot-to-firmware-setup|", "os_3.efi", true, 0,
		  "os_2.efi" },
		{ "os_1.efi|os_10.efi|os_9.efi|", "os_10.efi", true, 0, "os_9.efi" },
		{ "os_2.efi|os_1.efi|", "os_1.efi", true, -ENOENT, "" },
		{ "os_2.efi|os_1.efi|", "os_1.efi", false, 0, "os_2.efi" },
		{ "os_1.efi|auto-windows|", "os_1.efi", false, -ENOENT, "" },
		{ "", "os_1.efi", false, -ENOENT, "" },
		{ "os_1.efi", "os_2.efi", false, -EINVAL, "" },
		{ "os_1.efi||", "os_2.efi", false, -EINVAL, "" },
		{ "os\033[2J.efi|", "os_2.efi", false, -EINVAL, "" },
	};
	char entry[ENTRY_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(choose(rows[i].names, rows[i].current, rows[i].older, entry), rows[i].r);
		CHECK_STR(entry, rows[i].entry);
	}
}

TEST(refusal_round_trip)
{
	uint8_t data[REFUSAL_SIZE_MAX];
	char long_text[ERR_TEXT_MAX], text[ERR_TEXT_MAX], phone[PHONE_SIZE];
	struct fields fields;
	uint64_t count = 0;
	size_t n;

	refusal_phone("LINTEL-E-GPT", "vda", phone);
	n = refusal_format(3, "LINTEL-E-GPT", phone, "vda \033[2J", data);
	CHECK_INT(refusal_parse(data, n, &fields, &count), 0);
	CHECK_INT(count, 3);
	CHECK(fields_are(&fields, "phone", phone));
	CHECK(!strchr(fields.text, '\033'));
	memset(long_text, ' ', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	n = refusal_format(REFUSAL_COUNT_MAX, "LINTEL-E-BOOTDISK-AMBIGUOUS", phone, long_text,
			   data);
	CHECK(n > 0 && n <= REFUSAL_SIZE_MAX);
	CHECK_INT(refusal_parse(data, n, &fields, &count), 0);
	CHECK_INT(fields_get(&fields, "text", text, sizeof(text)), 0);
	CHECK(strlen(text) > 30);
}

TEST(refusal_malformed)
{
	static const struct {
		const char *attributes, *text;
	} rows[] = {
		{ "\6\0\0", "count=1 phone=ABC-DEFGH code=LINTEL-E-GPT" },
		{ "\7\0\0", "" },
		{ "\7\0\0", "count=0 phone=ABC-DEFGH code=LINTEL-E-GPT" },
		{ "\7\0\0", "count=1000001 phone=ABC-DEFGH code=LINTEL-E-GPT" },
		{ "\7\0\0", "count=1 phone=ABC-DEFGHI code=LINTEL-E-GPT" },
		{ "\7\0\0", "count=1 phone=ABC-DEFGH code=LINTEL-E-OTHER" },
		{ "\7\0\0", "count=1 phone=ABC-DEFGH" },
		{ "\7\0\0", "count=1 phone=ABC-DEFGH code=LINTEL-E-GPT text=\033[2J" },
		{ "\7\0\0", "count=1 phone=ABC-DEFGH code=LINTEL-E-GPT text=a\nb" },
	};
	struct fields fields;
	uint64_t count;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t data[REFUSAL_SIZE_MAX];

		memcpy(data, rows[i].attributes, EFI_ATTRIBUTES_SIZE);
		memcpy(data + EFI_ATTRIBUTES_SIZE, rows[i].text, strlen(rows[i].text));
		CHECK_INT(refusal_parse(data, EFI_ATTRIBUTES_SIZE + strlen(rows[i].text), &fields,
					&count),
			  -EINVAL);
	}
}

/* Three letters name the code: no two codes may share them. */
TEST(phone_codes_differ)
{
	char a[PHONE_SIZE], b[PHONE_SIZE];

	for (unsigned int i = 0; i < E_MAX_; i++) {
		for (unsigned int j = 0; j < i; j++) {
			refusal_phone(err_name((enum err_code)i), "x", a);
			refusal_phone(err_name((enum err_code)j), "x", b);
			CHECK(strncmp(a, b, 3) != 0);
			CHECK_STR(a + 3, b + 3);
		}
	}
	refusal_phone("LINTEL-E-GPT", "vda", a);
	refusal_phone("LINTEL-E-GPT", "vdb", b);
	CHECK(strncmp(a, b, 3) == 0 && strcmp(a, b) != 0);
}

/* The next boot knows; a good one clears, after all else and before the hand-over. */
TEST(refusal_is_noted_and_cleared)
{
	struct facts *facts = facts_of("1 e efi LintelLastRefusal count=2 phone=ABC-DEFGH "
				       "code=LINTEL-E-GPT text=x%1B[2J\n");

	decide(facts, &plan);
	CHECK(plan.n_notes == 1);
	CHECK_STR(plan.notes[0], "an earlier boot was refused: count=2 phone=ABC-DEFGH "
				 "code=LINTEL-E-GPT text=x%1B[2J");
	CHECK(!plan_find(&plan, "loader:clear"));
}
