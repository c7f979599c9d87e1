/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The EFI variables and the initrd's own configuration, of fake machines. */
#include "generators/sources/dps.h"
#include "generators/sources/sources.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

#define FOLDER "sys/firmware/efi/efivars/"
#define LOADER "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define UUID "c0ffee00-1111-4222-8333-444444444444"
#define VOLATILE "\x06\0\0\0"

/* Attributes, then ASCII as UTF-16 with its NUL. */
static size_t utf16(const char *text, uint8_t *ret)
{
	size_t size = 4;

	memcpy(ret, VOLATILE, 4);
	do {
		ret[size++] = (uint8_t)*text;
		ret[size++] = 0;
	} while (*text++);
	return size;
}

/* What a machine with one variable says. */
static void check_variable(const char *name, const void *data, size_t size, const char *want)
{
	struct machine machine;
	struct facts *facts = facts_empty();
	struct err err = { .code = E_NONE };
	char path[128];

	machine_make(&machine);
	snprintf(path, sizeof(path), FOLDER "%s", name);
	machine_file(&machine, path, data, size);
	CHECK_INT(efivars_read(machine.root_fd, facts, &err), 0);
	CHECK_STR(facts_text(facts), want);
	machine_remove(&machine);
}

static void check_text(const char *name, const char *value, const char *want)
{
	uint8_t data[1024];

	check_variable(name, data, utf16(value, data), want);
}

TEST(efivars_all)
{
	static const struct {
		const char *name, *value;
	} texts[] = {
		{ FOLDER "LoaderDevicePartUUID" LOADER, "C0FFEE00-1111-4222-8333-44444444444A" },
		{ FOLDER "StubDevicePartUUID" LOADER, "c0ffee00-1111-4222-8333-44444444444b" },
		{ FOLDER "StubPcrKernelImage" LOADER, "11" },
		{ FOLDER "StubInfo" LOADER, "systemd-stub 257.9" },
		{ FOLDER "LoaderInfo" LOADER, "not read" },
		{ FOLDER "LoaderDevicePartUUID" GLOBAL, "not read" },
	};
	struct machine machine;
	struct facts *facts = facts_empty();
	struct err err = { .code = E_NONE };
	uint8_t data[128];

	machine_make(&machine);
	CHECK_INT(efivars_read(machine.root_fd, facts, &err), 0);
	CHECK_INT(facts->n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		machine_file(&machine, texts[i].name, data, utf16(texts[i].value, data));
	machine_file(&machine, FOLDER "SecureBoot" GLOBAL, VOLATILE "\1", 5);
	machine_file(&machine, FOLDER "SetupMode" GLOBAL, VOLATILE "\0", 5);
	CHECK_INT(efivars_read(machine.root_fd, facts, &err), 0);
	CHECK_STR(facts_text(facts),
		  "efi LoaderDevicePartUUID value=c0ffee00-1111-4222-8333-44444444444a\n"
		  "efi StubDevicePartUUID value=c0ffee00-1111-4222-8333-44444444444b\n"
		  "efi StubPcrKernelImage value=11\n"
		  "efi StubInfo value=systemd-stub%20257.9\n"
		  "efi SecureBoot value=1\n"
		  "efi SetupMode value=0\n");
	CHECK_STR(facts->list[0].origin, "efivars");
	CHECK(facts->list[0].usec > 0);
	machine_remove(&machine);
}

TEST(efivars_malformed_text)
{
	static const char *const uuids[] = {
		"",
		"c0ffee00-1111-4222-8333-44444444444",
		UUID "4",
		"{" UUID "}",
		" " UUID,
		UUID " ",
		"c0ffee00-1111-4222-8333-44444444444g",
		"c0ffee00x1111-4222-8333-444444444444",
		"00000000-0000-0000-0000-000000000000",
	};
	static const char *const numbers[] = { "", "x", "-1", "1 ", " 1", "99999999999999999999" };
	char text[126], want[256];

	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++) {
		check_text("LoaderDevicePartUUID" LOADER, uuids[i],
			   "efi LoaderDevicePartUUID malformed=yes\n");
		check_text("StubDevicePartUUID" LOADER, uuids[i],
			   "efi StubDevicePartUUID malformed=yes\n");
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		check_text("StubPcrKernelImage" LOADER, numbers[i],
			   "efi StubPcrKernelImage malformed=yes\n");
	check_text("StubInfo" LOADER, "a\033[2J", "efi StubInfo malformed=yes\n");
	check_text("StubInfo" LOADER, "a\177", "efi StubInfo malformed=yes\n");
	check_text("StubInfo" LOADER, "", "efi StubInfo malformed=yes\n");
	/* 124 letters, their NUL and the attributes are 254 bytes; a file may have 255 */
	memset(text, 'x', sizeof(text));
	text[124] = '\0';
	snprintf(want, sizeof(want), "efi StubInfo value=%s\n", text);
	check_text("StubInfo" LOADER, text, want);
	text[124] = 'x';
	text[125] = '\0';
	check_text("StubInfo" LOADER, text, "efi StubInfo malformed=yes\n");
}

TEST(efivars_malformed_bytes)
{
	static const struct {
		const char *name, *data;
		size_t size;
	} rows[] = {
		{ "SecureBoot", "", 0 },
		{ "SecureBoot", VOLATILE, 3 },
		{ "SecureBoot", VOLATILE, 4 },
		{ "SecureBoot", VOLATILE "\2", 5 },
		{ "SecureBoot", VOLATILE "\1\1", 6 },
		{ "SecureBoot", VOLATILE "\1\0", 6 },
		{ "SecureBoot", "\x07\0\0\0\1", 5 }, /* persistent: not the firmware's own */
		{ "StubInfo", VOLATILE "a\0", 6 },   /* no NUL at the end */
		{ "StubInfo", VOLATILE "a\0\0", 7 },
		{ "StubInfo", VOLATILE "a\0b\0c", 9 },
		{ "StubInfo", VOLATILE "a\0\0\0b\0\0\0", 12 },
		{ "StubInfo", VOLATILE "a\0\0\0b\0", 10 },
		{ "StubInfo", VOLATILE "a\1\0\0", 8 },
		{ "StubInfo", VOLATILE "a\0\0\1", 8 },
		{ "StubInfo", VOLATILE "\0\0", 6 },
		{ "StubInfo", VOLATILE "a", 5 },
		{ "StubInfo", "\x07\0\0\0a\0\0\0", 8 },
	};
	char name[64], want[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(name, sizeof(name), "%s%s", rows[i].name,
			 rows[i].name[1] == 'e' ? GLOBAL : LOADER);
		snprintf(want, sizeof(want), "efi %s malformed=yes\n", rows[i].name);
		check_variable(name, rows[i].data, rows[i].size, want);
	}
	check_variable("StubInfo" LOADER, VOLATILE "a\0\0\0", 8, "efi StubInfo value=a\n");
	check_variable("SecureBoot" GLOBAL, "\x26\0\0\0\1", 5, "efi SecureBoot value=1\n");
}

/* What stands there but cannot be read counts as malformed, not as unset. */
TEST(efivars_unreadable)
{
	struct machine machine;
	struct facts *facts = facts_empty();
	struct err err = { .code = E_NONE };

	machine_make(&machine);
	machine_file(&machine, FOLDER "SecureBoot" GLOBAL "/x", "", 0);
	CHECK_INT(efivars_read(machine.root_fd, facts, &err), 0);
	CHECK_STR(facts_text(facts), "efi SecureBoot malformed=yes\n");
	machine_remove(&machine);
}

#define HASH_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HASH_B "8f3a1c0b5d2e4f60718293a4b5c6d7e80f1e2d3c4b5a69788796a5b4c3d2e1f0"

TEST(config_read)
{
	struct machine machine;
	struct facts *facts;
	struct err err = { .code = E_NONE };
	char want[640];

	machine_make(&machine);
	facts = facts_empty();
	CHECK_INT(config_read(machine.root_fd, facts, &err), 0);
	snprintf(want, sizeof(want), "config arch value=%s\n", dps_native_arch());
	CHECK_STR(facts_text(facts), want);

	machine_line(&machine, "etc/lintel/image-policy", "usr=signed : =absent\n");
	machine_line(&machine, "etc/lintel/on-failure", "reboot\n");
	machine_line(&machine, "etc/lintel/revoked", HASH_A "\n" HASH_B HASH_A "\n");
	machine_line(&machine, "sys/firmware/efi/x", "");
	facts = facts_empty();
	CHECK_INT(config_read(machine.root_fd, facts, &err), 0);
	snprintf(want, sizeof(want),
		 "config arch value=%s\n"
		 "config firmware value=efi\n"
		 "config image-policy value=usr=signed%%20:%%20=absent\n"
		 "config revoked value=" HASH_A "\n"
		 "config revoked value=" HASH_B HASH_A "\n"
		 "config on-failure value=reboot\n",
		 dps_native_arch());
	CHECK_STR(facts_text(facts), want);
	CHECK_STR(facts->list[0].origin, "config");
	machine_remove(&machine);
}

/* As many as there may be, of the longer kind; then one more, and one in too many bytes. */
TEST(config_revoked_limit)
{
	static const size_t lines[] = { REVOKED_MAX, REVOKED_MAX + 1, 2 * REVOKED_MAX + 1 };
	static char text[(2 * REVOKED_MAX + 1) * 129 + 1];

	for (size_t i = 0; i < ARRAY_SIZE(lines) * 2; i++) {
		const char *line = i % 2 ? HASH_A "\n" : HASH_A HASH_B "\n";
		size_t n = lines[i / 2], len = strlen(line);
		struct machine machine;
		struct facts *facts = facts_empty();
		struct err err = { .code = E_NONE };

		for (size_t k = 0; k < n; k++)
			memcpy(text + k * len, line, len + 1);
		machine_make(&machine);
		machine_file(&machine, "etc/lintel/revoked", text, n * len);
		CHECK_INT(config_read(machine.root_fd, facts, &err), n == REVOKED_MAX ? 0 : -E2BIG);
		CHECK_INT(err.code, n == REVOKED_MAX ? E_NONE : E_LIMIT);
		CHECK_STR(n == REVOKED_MAX ? "" : err.text,
			  n == REVOKED_MAX ? "" : "/etc/lintel/revoked: more than 256 root hashes");
		if (n == REVOKED_MAX)
			CHECK_INT(facts->n, 1 + REVOKED_MAX);
		machine_remove(&machine);
	}
}

TEST(config_malformed)
{
	static const struct {
		const char *path, *text, *message;
		enum err_code code;
		int error;
	} rows[] = {
		{ "etc/lintel/image-policy", "root=grbl\n",
		  "/etc/lintel/image-policy: unknown flag \"grbl\"", E_POLICY_SYNTAX, -EINVAL },
		{ "etc/lintel/image-policy", "root=signed\nusr=signed\n",
		  "/etc/lintel/image-policy: not a line of ASCII", E_POLICY_SYNTAX, -EINVAL },
		{ "etc/lintel/image-policy", "\n", "/etc/lintel/image-policy is empty",
		  E_POLICY_SYNTAX, -EINVAL },
		{ "etc/lintel/image-policy", "", "/etc/lintel/image-policy is empty",
		  E_POLICY_SYNTAX, -EINVAL },
		{ "etc/lintel/image-policy/x", "", "/etc/lintel/image-policy: Is a directory",
		  E_POLICY_SYNTAX, -EISDIR },
		{ "etc/lintel/on-failure", "shell\n",
		  "/etc/lintel/on-failure: poweroff, reboot, halt, recover or fallback", E_CMDLINE,
		  -EINVAL },
		{ "etc/lintel/on-failure", "\n", "/etc/lintel/on-failure is empty", E_CMDLINE,
		  -EINVAL },
		{ "etc/lintel/on-failure", "poweroff and more\n",
		  "/etc/lintel/on-failure: Argument list too long", E_CMDLINE, -E2BIG },
		{ "etc/lintel/revoked", "", "/etc/lintel/revoked: not lines of root hashes",
		  E_CMDLINE, -EINVAL },
		{ "etc/lintel/revoked", "\n", "/etc/lintel/revoked: : not a root hash", E_CMDLINE,
		  -EINVAL },
		{ "etc/lintel/revoked", HASH_A "\n" HASH_A "0\n",
		  "/etc/lintel/revoked: 00112233445566778899aabbccddeeff00112233: not a root hash",
		  E_CMDLINE, -EINVAL },
		{ "etc/lintel/revoked", HASH_A "\n\n" HASH_A,
		  "/etc/lintel/revoked: : not a root hash", E_CMDLINE, -EINVAL },
		{ "etc/lintel/revoked/x", "", "/etc/lintel/revoked: Is a directory", E_CMDLINE,
		  -EISDIR },
		{ "etc/lintel/shell-password", "secret\n",
		  "/etc/lintel/shell-password: not an argon2id hash of version 19", E_CMDLINE,
		  -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine machine;
		struct err err = { .code = E_NONE };

		machine_make(&machine);
		machine_line(&machine, rows[i].path, rows[i].text);
		CHECK_INT(config_read(machine.root_fd, facts_empty(), &err), rows[i].error);
		CHECK_INT(err.code, rows[i].code);
		CHECK_STR(err.text, rows[i].message);
		machine_remove(&machine);
	}
}
