/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crypttab(5) of the signed initrd, its options, and who may be asked. */
#include "generators/crypttab.h"
#include "generators/sources/sources.h"
#include "machine.h"
#include "test.h"

#include <errno.h>

static struct err err;

static int parse(const char *text)
{
	static char copy[CRYPTTAB_TEXT_MAX];

	snprintf(copy, sizeof(copy), "%s", text);
	return crypttab_parse(copy, facts_empty(), &err);
}

TEST(crypttab_lines)
{
	static char copy[] = "# comment\n\n  root\tUUID=1 none luks,tpm2-device=auto,headless=1\n"
			     "data /dev/sda3 /etc/data.key discard\nswap PARTLABEL=swap\n"
			     "last LABEL=x - -";
	struct facts *facts = facts_empty();

	CHECK_INT(crypttab_parse(copy, facts, &err), 0);
	CHECK_STR(facts_text(facts),
		  "crypttab root device=UUID=1 options=luks,tpm2-device=auto,headless=1\n"
		  "crypttab data device=/dev/sda3 key=/etc/data.key options=discard\n"
		  "crypttab swap device=PARTLABEL=swap\n"
		  "crypttab last device=LABEL=x options=-\n");
}

TEST(crypttab_refused)
{
	static const char *const lines[] = {
		"root",
		"root UUID=1 none luks more",
		"root UUID=1\nroot UUID=2",
		"../root UUID=1",
		"control UUID=1",
		"root UUID=1 /key:LABEL=x",
		"root UUID=1 key",
		"root UUID=1 /etc/../run/key",
		"root UUID=1 /run/key",
		"root UUID=1 /.extra/key",
		"root UUID=1 /dev/urandom",
		"root UUID=1 none headles",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		CHECK_INT(parse(lines[i]), -EINVAL);
		CHECK_INT(err.code, E_CRYPTTAB);
		CHECK(strstr(err.text, "/etc/crypttab, line ") == err.text);
	}
}

TEST(crypttab_is_bounded)
{
	char text[CRYPTTAB_TEXT_MAX + 8] = "";
	struct machine machine;

	for (int i = 0; i <= CRYPTTAB_LINES_MAX; i++)
		snprintf(text + strlen(text), 32, "v%d UUID=%d\n", i, i);
	CHECK_INT(parse(text), -E2BIG);
	machine_make(&machine);
	CHECK_INT(crypttab_read(machine.root_fd, facts_empty(), &err), 0);
	memset(text, '#', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	machine_line(&machine, "etc/crypttab", text);
	CHECK(crypttab_read(machine.root_fd, facts_empty(), &err) < 0);
	CHECK_INT(err.code, E_CRYPTTAB);
	machine_line(&machine, "etc/crypttab", "root UUID=1");
	CHECK_INT(crypttab_read(machine.root_fd, facts_empty(), &err), 0);
	machine_remove(&machine);
}

TEST(crypt_options_taken)
{
	struct crypt_options o;

	crypt_options_default(&o);
	CHECK(o.tries == 3 && o.timeout_s == 300 && !o.headless && !o.masked);
	CHECK_INT(crypt_options_parse(
			  "luks,,tpm2-device=auto,tpm2-pcrs=7,tpm2-measure-pcr=yes,tries=10,"
			  "timeout=2min,password-echo=masked,headless,discard=no,read-only",
			  &o, &err),
		  0);
	CHECK(o.headless && o.masked && o.read_only && !o.discard);
	CHECK(o.tries == 10 && o.timeout_s == 120);
	CHECK_INT(crypt_options_parse("headless=false,timeout=1h,password-echo=no", &o, &err), 0);
	CHECK(!o.headless && !o.masked && o.timeout_s == 3600);
	/* for ever is an hour here */
	CHECK_INT(crypt_options_parse("timeout=0", &o, &err), 0);
	CHECK_INT(o.timeout_s, CRYPT_TIMEOUT_MAX_S);
}

TEST(crypt_options_refused)
{
	static const char *const texts[] = {
		"tcrypt",
		"plain",
		"header=/x",
		"cipher=aes",
		"tpm2-measure-pcr=no",
		"tpm2-measure-pcr=7",
		"try-empty-password",
		"try-empty-password=no",
		"nofail",
		"password-echo=yes",
		"password-echo",
		"tpm2-device=/dev/tpm1",
		"tries=0",
		"tries=11",
		"tries=",
		"timeout=2h",
		"timeout=1week",
		"timeout=-1",
		"timeout=99999999999999999999",
		"headless=maybe",
		"Headless",
		"discard,keyfile-size=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct crypt_options o, before;
		char name[24] = "";

		crypt_options_default(&o);
		before = o;
		CHECK_INT(crypt_options_parse(texts[i], &o, &err), -EINVAL);
		CHECK_INT(err.code, E_CRYPTTAB);
		CHECK(memcmp(&o, &before, sizeof(o)) == 0);
		/* by its name */
		sscanf(strncmp(texts[i], "discard,", 8) == 0 ? texts[i] + 8 : texts[i], "%20[^=]",
		       name);
		CHECK(strstr(err.text, name) == err.text);
	}
}

TEST(ask_choices)
{
	unsigned int ask = 9;

	CHECK(ask_parse("no", &ask) == 0 && ask == 0);
	CHECK(ask_parse("pin", &ask) == 0 && ask == ASK_PIN);
	CHECK(ask_parse("recovery,passphrase", &ask) == 0 &&
	      ask == (ASK_RECOVERY | ASK_PASSPHRASE));
	CHECK(ask_parse("", &ask) < 0 && ask == 0);
	CHECK(ask_parse("pin,", &ask) < 0 && ask == 0);
	CHECK(ask_parse("yes", &ask) < 0 && ask == 0);
	CHECK(ask_parse("pin,no", &ask) < 0 && ask == 0);
}
