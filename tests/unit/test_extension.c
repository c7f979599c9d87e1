/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names, release files and the match of an extension image, and what /.extra becomes as facts. */
#include "generators/sources/extension.h"
#include "generators/sources/sources.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

#define DEBIAN "ID=debian\nVERSION_ID=\"13\"\n"
#define LEVELS DEBIAN "SYSEXT_LEVEL=2\nCONFEXT_LEVEL=5\n"

TEST(extension_names)
{
	static const struct {
		const char *file;
		bool confext;
		const char *name; /* NULL: refused */
	} rows[] = {
		{ "foo.raw", false, "foo" },
		{ "foo.sysext.raw", false, "foo" },
		{ "foo.confext.raw", true, "foo" },
		{ "foo.confext.raw", false, "foo.confext" },
		{ "foo_1.2~rc1+b.sysext.raw", false, "foo_1.2~rc1+b" },
		{ "a.raw", false, "a" },
		{ ".raw", false, NULL },
		{ ".sysext.raw", false, NULL },
		{ ".foo.raw", false, NULL },
		{ "..raw", false, NULL },
		{ "foo", false, NULL },
		{ "foo.RAW", false, NULL },
		{ "foo.raw.img", false, NULL },
		{ "a b.raw", false, NULL },
		{ "a:b.raw", false, NULL },
		{ "a,b.raw", false, NULL },
		{ "a/b.raw", false, NULL },
		{ "../b.raw", false, NULL },
		{ "a\nb.raw", false, NULL },
		{ "caf\xc3\xa9.raw", false, NULL },
		{ "0123456789012345678901234567890123456789012345678901234567890123.raw", false,
		  "0123456789012345678901234567890123456789012345678901234567890123" },
		{ "01234567890123456789012345678901234567890123456789012345678901234.raw", false,
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[EXTENSION_NAME_MAX + 1] = "";

		CHECK_INT(extension_name(rows[i].file, rows[i].confext, name),
			  rows[i].name != NULL);
		CHECK_STR(name, rows[i].name ?: "");
	}
}

TEST(credential_names)
{
	char longest[257];

	memset(longest, 'a', 256);
	longest[256] = '\0';
	CHECK(credential_name_valid("ssh.authorized_keys.root"));
	CHECK(credential_name_valid("..."));
	CHECK(credential_name_valid(longest + 1));
	CHECK(!credential_name_valid(longest));
	CHECK(!credential_name_valid(""));
	CHECK(!credential_name_valid("."));
	CHECK(!credential_name_valid(".."));
	CHECK(!credential_name_valid("a/b"));
	CHECK(!credential_name_valid("a:b"));
	CHECK(!credential_name_valid("a b"));
	CHECK(!credential_name_valid("a\x7f"));
	CHECK(!credential_name_valid("\xc3\xa9"));
}

TEST(release_values)
{
	static const struct {
		const char *text;
		int r;
		const char *value;
	} rows[] = {
		{ "ID=a", 0, "a" },
		{ "ID=a\n", 0, "a" },
		{ "NAME=x\nID=a\nVERSION_ID=1\n", 0, "a" },
		{ "ID=a\nID=b\n", 0, "b" },
		{ "  ID = a b \t\n", 0, "a b" },
		{ "ID=\"a b\"\n", 0, "a b" },
		{ "ID='a \\b'\n", 0, "a \\b" },
		{ "ID=\"a\\\"b\\$\\x\"\n", 0, "a\"b$\\x" },
		{ "ID=a\\ b\n", 0, "a b" },
		{ "ID=\"a\nb\"\n", 0, "a\nb" },
		{ "ID=\"a \"  \n", 0, "a " },
		{ "ID=\n", 0, "" },
		{ "ID=a\r\n", 0, "a" },
		{ "#ID=a\n", -ENOENT, "" },
		{ "; ID=a\nID=b\n", 0, "b" },
		{ "XID=a\nIDX=a\n", -ENOENT, "" },
		{ "ID\n", -ENOENT, "" },
		{ "", -ENOENT, "" },
		{ "NAME='ID=a'\n", -ENOENT, "" },
		{ "NAME=\"\nID=a\n\"\n", -ENOENT, "" },
		{ "ID=\"a\n", -EINVAL, "" },
		{ "ID=a\\", -EINVAL, "" },
		{ "ID=0123456789abcde\n", 0, "0123456789abcde" },
		{ "ID=0123456789abcdef\n", -E2BIG, "" },
		{ "ID=0123456789abcdef\nID=a\n", 0, "a" },
	};
	char value[16];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(release_value(rows[i].text, strlen(rows[i].text), "ID", value,
					sizeof(value)),
			  rows[i].r);
		CHECK_STR(value, rows[i].value);
	}
	CHECK_INT(release_value("ID=a\0", 5, "ID", value, sizeof(value)), -EINVAL);
}

TEST(extension_matches)
{
	static const struct {
		const char *host, *own;
		bool confext, fits;
	} rows[] = {
		{ DEBIAN, DEBIAN, false, true },
		{ DEBIAN, "ID=debian\nVERSION_ID=12\n", false, false },
		{ DEBIAN, "ID=debian\n", false, false },
		{ DEBIAN, "VERSION_ID=13\n", false, false },
		{ DEBIAN, "", false, false },
		{ DEBIAN, "ID=fedora\nVERSION_ID=13\n", false, false },
		{ DEBIAN, "ID=_any\n", false, true },
		{ DEBIAN, "ID=_any\nARCHITECTURE=arm64\n", false, false },
		{ DEBIAN, DEBIAN "ARCHITECTURE=x86-64\n", false, true },
		{ DEBIAN, DEBIAN "ARCHITECTURE=_any\n", false, true },
		{ DEBIAN, DEBIAN "ARCHITECTURE=\n", false, true },
		{ "ID=ubuntu\nID_LIKE=\"x debian\"\nVERSION_ID=13\n", DEBIAN, false, true },
		{ "ID=ubuntu\nID_LIKE=debianx\nVERSION_ID=13\n", DEBIAN, false, false },
		{ "ID=arch\n", "ID=arch\n", false, true },
		{ "ID=arch\n", "ID=arch\nVERSION_ID=5\nSYSEXT_LEVEL=1\n", false, true },
		{ LEVELS, "ID=debian\nSYSEXT_LEVEL=2\n", false, true },
		{ LEVELS, "ID=debian\nSYSEXT_LEVEL=3\nVERSION_ID=13\n", false, false },
		{ LEVELS, "ID=debian\nVERSION_ID=13\n", false, true },
		{ LEVELS, "ID=debian\nCONFEXT_LEVEL=5\n", true, true },
		{ LEVELS, "ID=debian\nSYSEXT_LEVEL=2\n", true, false },
		{ DEBIAN, "ID=debian\nSYSEXT_LEVEL=2\nVERSION_ID=13\n", false, true },
		{ "ID=a\nSYSEXT_LEVEL=1\n", "ID=a\n", false, true },
		{ DEBIAN, DEBIAN "SYSEXT_SCOPE=system\n", false, true },
		{ DEBIAN, DEBIAN "SYSEXT_SCOPE=\"initrd system\"\n", false, true },
		{ DEBIAN, DEBIAN "SYSEXT_SCOPE=initrd\n", false, false },
		{ DEBIAN, DEBIAN "SYSEXT_SCOPE=systemd\n", false, false },
		{ DEBIAN, DEBIAN "CONFEXT_SCOPE=initrd\n", false, true },
		{ DEBIAN, DEBIAN "CONFEXT_SCOPE=portable\n", true, false },
		{ "ID=\n", "ID=\n", false, false },
		/* systemd's rows: it is the root's ID_LIKE that counts, _any asks for no version, and an
		 * empty level is none */
		{ DEBIAN, "ID=x\nID_LIKE=debian\nVERSION_ID=13\n", false, false },
		{ "ID=ubuntu\nID_LIKE=\"debian _any\"\nVERSION_ID=1\n", "ID=debian\n", false,
		  false },
		{ LEVELS, "ID=_any\nSYSEXT_LEVEL=9\nVERSION_ID=9\n", false, true },
		{ DEBIAN, "ID=_any\nSYSEXT_SCOPE=initrd\n", false, false },
		{ LEVELS, "ID=debian\nSYSEXT_LEVEL=\nVERSION_ID=13\n", false, true },
		{ LEVELS, "ID=debian\nSYSEXT_LEVEL=\n", false, false },
		{ "ID=a\nSYSEXT_LEVEL=1\n", "ID=a\nSYSEXT_LEVEL=2\n", false, false },
		{ "ID=a\nVERSION_ID=1\n", "ID=a\nVERSION_ID=1.0\n", false, false },
		{ DEBIAN, DEBIAN "ARCHITECTURE=x86\n", false, false },
		{ DEBIAN, DEBIAN "SYSEXT_SCOPE=\n", false, false },
		{ DEBIAN, DEBIAN "SYSEXT_SCOPE=\"initrd\nsystem\"\n", false, true },
		{ DEBIAN, "ID=Debian\nVERSION_ID=13\n", false, false },
		{ DEBIAN, "ID=\"debian\nVERSION_ID=13\n", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct release host = { rows[i].host, strlen(rows[i].host) };
		const struct release own = { rows[i].own, strlen(rows[i].own) };
		struct err err = { .code = E_NONE };
		int r = extension_match(&host, &own, rows[i].confext, "system", "x86-64", &err);

		CHECK_INT(r, rows[i].fits ? 0 : -EINVAL);
		CHECK_INT(err.code, rows[i].fits ? E_NONE : E_EXTENSION);
		if ((r == 0) != rows[i].fits)
			fprintf(stderr, "  row %zu: %s\n", i, err.text);
	}
}

TEST(extra_facts)
{
	struct machine machine;
	struct facts *facts = facts_empty();
	struct err err = { .code = E_NONE };

	machine_make(&machine);
	CHECK_INT(extra_read(machine.root_fd, facts, &err), 0);
	CHECK_INT(facts->n, 0);
	machine_line(&machine, ".extra/tpm2-pcr-signature.json", "{}");
	machine_line(&machine, ".extra/sysext/foo.sysext.raw", "123");
	machine_line(&machine, ".extra/global_sysext/a b.raw", "1");
	machine_line(&machine, ".extra/confext/bar.confext.raw/x", "a folder, not an image");
	machine_line(&machine, ".extra/credentials/a.cred", "1");
	machine_line(&machine, ".extra/credentials/b.cred", "1");
	CHECK_INT(extra_read(machine.root_fd, facts, &err), 0);
	CHECK_STR(facts_text(facts),
		  "extra tpm2-pcr-signature.json size=2\n"
		  "extra sysext/foo.sysext.raw class=sysext name=foo size=3\n"
		  "extra global_sysext/a%20b.raw class=sysext refused=not%20an%20image's%20name\n"
		  "extra confext/bar.confext.raw class=confext refused=not%20a%20file\n"
		  "extra credentials n=2\n");
	machine_remove(&machine);
}

TEST(extra_limit)
{
	struct machine machine;
	struct facts *facts = facts_empty();
	struct err err = { .code = E_NONE };
	char path[64];

	machine_make(&machine);
	for (int i = 0; i < 65; i++) {
		if (i == 64)
			CHECK_INT(extra_read(machine.root_fd, facts, &err), 0);
		snprintf(path, sizeof(path), ".extra/%s/i%d.raw", i % 2 ? "sysext" : "confext", i);
		machine_line(&machine, path, "x");
	}
	CHECK_INT(extra_read(machine.root_fd, facts, &err), -E2BIG);
	CHECK_INT(err.code, E_LIMIT);
	machine_remove(&machine);
}
