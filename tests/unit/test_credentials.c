/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials in plain text: SMBIOS strings, words, values, and which may go on to the host. */
#include "generators/sources/credentials.h"
#include "generators/sources/sources.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

#define PLAIN "io.systemd.credential:"
#define BINARY "io.systemd.credential.binary:"

TEST(credential_strings)
{
	static const struct {
		const char *text;
		int r;
		const char *name, *data;
	} rows[] = {
		{ PLAIN "system.hostname=host", 0, "system.hostname", "host" },
		{ PLAIN "a=", 0, "a", "" },
		{ PLAIN "a=b=c", 0, "a", "b=c" },
		{ PLAIN "a= b\n", 0, "a", " b\n" },
		{ BINARY "a=aGVsbG8=", 0, "a", "hello" },
		{ BINARY "a=", 0, "a", "" },
		{ PLAIN "=x", -EINVAL, "", NULL },
		{ PLAIN "a", -EINVAL, "a", NULL },
		{ PLAIN "", -EINVAL, "", NULL },
		{ PLAIN "../a=x", -EINVAL, "../a", NULL },
		{ PLAIN "a/b=x", -EINVAL, "a/b", NULL },
		{ PLAIN "..=x", -EINVAL, "..", NULL },
		{ PLAIN "a b=x", -EINVAL, "a%20b", NULL },
		{ PLAIN "a:b=x", -EINVAL, "a:b", NULL },
		{ "io.systemd.credential", -ENOENT, NULL, NULL },
		{ "io.systemd.stub.kernel-cmdline-extra=x", -ENOENT, NULL, NULL },
		{ "", -ENOENT, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credential one = { .name = "?" };
		char data[64] = "";

		CHECK_INT(credential_of_string(rows[i].text, strlen(rows[i].text), &one),
			  rows[i].r);
		if (rows[i].name)
			CHECK_STR(one.name, rows[i].name);
		if (!rows[i].data)
			continue;
		CHECK_INT(credential_data(&one, (uint8_t *)data, sizeof(data) - 1),
			  (long)strlen(rows[i].data));
		CHECK_STR(data, rows[i].data);
	}
}

TEST(credential_limits)
{
	char text[400] = PLAIN;
	struct credential one;
	uint8_t data[8];

	memset(text + strlen(PLAIN), 'a', 255);
	strcpy(text + strlen(PLAIN) + 255, "=123456789");
	CHECK_INT(credential_of_string(text, strlen(text), &one), 0);
	CHECK_INT(strlen(one.name), 255);
	CHECK_INT(credential_data(&one, data, sizeof(data)), -E2BIG);
	strcpy(text + strlen(PLAIN) + 255, "a=1");
	CHECK_INT(credential_of_string(text, strlen(text), &one), -EINVAL);
	CHECK_INT(strlen(one.name), 64); /* cut, for the message */
	CHECK_INT(credential_of_string(BINARY "a=%", strlen(BINARY "a=%"), &one), 0);
	CHECK_INT(credential_data(&one, data, sizeof(data)), -EINVAL);
	CHECK_INT(credential_of_word("a:b:c", 5, false, &one), 0);
	CHECK_STR(one.name, "a");
	CHECK_INT(one.size, 3);
	CHECK_INT(credential_of_word("a=b", 3, false, &one), -EINVAL);
}

/* What opens volumes, is run, or logs in without a question, and what may pass. */
TEST(credential_plain_names)
{
	static const char *const refused[] = {
		"cryptsetup.passphrase",
		"cryptsetup.tpm2-pin",
		"systemd.extra-unit.a.service",
		"systemd.unit-dropin.ssh.service",
		"tmpfiles.extra",
		"udev.rules.a",
		"sysctl.extra",
		"fstab.extra",
		"agetty.autologin",
		"login.noauth",
		"import.pull",
		"userdb.user.a",
	};
	static const char *const allowed[] = {
		"system.hostname",   "ssh.authorized_keys.root",
		"system.machine_id", "vmm.notify_socket",
		"network.dns",	     "systemdx",
		"my.cryptsetup.x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		CHECK(!credential_plain_allowed(refused[i]));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		CHECK(credential_plain_allowed(allowed[i]));
}

static int join(const char *text, size_t size, void *data)
{
	char *all = data;

	strncat(all, text, size);
	strcat(all, "|");
	return strcmp(text, "stop") == 0 ? -EPERM : 0;
}

static int strings_of(const char *table, size_t size, char ret[128])
{
	ret[0] = '\0';
	return smbios_oem_strings((const uint8_t *)table, size, join, ret);
}

#define BIOS "\0\6\0\0\1\2vendor\0version\0\0"
#define OEM "\13\5\1\0\2one\0two\0\0"
#define END "\177\4\2\0\0\0"

TEST(smbios_strings)
{
	char all[128];

	CHECK_INT(strings_of(BIOS OEM END, sizeof(BIOS OEM END) - 1, all), 0);
	CHECK_STR(all, "one|two|");
	CHECK_INT(strings_of(OEM "\13\5\1\0\0\0\0" OEM, sizeof(OEM "\13\5\1\0\0\0\0" OEM) - 1, all),
		  0); /* one without strings, and no end */
	CHECK_STR(all, "one|two|one|two|");
	CHECK_INT(strings_of(END OEM, sizeof(END OEM) - 1, all), 0);
	CHECK_STR(all, "");
	CHECK_INT(strings_of("\13\5\1\0\1stop\0x\0\0", 13, all), -EPERM);
	/* malformed: what came before it was told */
	CHECK_INT(strings_of(OEM "\13\3\0\0\0\0", sizeof(OEM "\13\3\0\0\0\0") - 1, all), -EINVAL);
	CHECK_STR(all, "one|two|");
	CHECK_INT(strings_of("\13\60\0\0\0\0", 6, all), -EINVAL);   /* longer than the table */
	CHECK_INT(strings_of("\13\5\1\0\1open", 9, all), -EINVAL);  /* a string without end */
	CHECK_INT(strings_of("\13\5\1\0\1one\0", 9, all), -EINVAL); /* strings without end */
	CHECK_INT(strings_of("", 0, all), 0);
}

TEST(credential_sources)
{
	static const char acpi[] = "sys/bus/acpi/devices/QEMU0002:00/hid";
	struct facts *facts = facts_empty();
	struct machine machine;
	struct err err;

	machine_make(&machine);
	CHECK_INT(config_read(machine.root_fd, facts, &err), 0);
	CHECK(!facts_find(facts, FACT_CONFIG, "credential-sources"));
	machine_line(&machine, "sys/firmware/dmi/tables/DMI", "x");
	facts_clear(facts);
	CHECK_INT(config_read(machine.root_fd, facts, &err), 0);
	CHECK(strstr(facts_text(facts), "credential-sources value=SMBIOS\n") != NULL);
	machine_line(&machine, "sys/firmware/dmi/entries/0-0/raw", "x"); /* type 11 is not there */
	machine_line(&machine, acpi, "QEMU0002");
	facts_clear(facts);
	CHECK_INT(config_read(machine.root_fd, facts, &err), 0);
	CHECK(strstr(facts_text(facts), "credential-sources value=fw_cfg\n") != NULL);
	machine_line(&machine, "sys/firmware/dmi/entries/11-0/raw", "x");
	facts_clear(facts);
	CHECK_INT(config_read(machine.root_fd, facts, &err), 0);
	CHECK(strstr(facts_text(facts), "credential-sources value=SMBIOS,fw_cfg\n") != NULL);
	machine_remove(&machine);
}
