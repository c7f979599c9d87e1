/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/sources.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

static int parse(const char *text, const char *own, struct err *err)
{
	*err = (struct err){ .code = E_NONE };
	return cmdline_parse(text, own, facts_empty(), err);
}

/* What a line without an own one says, without "cmdline " and " trusted=no". */
static void check_words(const char *line, const char *want)
{
	struct facts *facts = facts_empty();
	char text[4096] = "", value[512], *at = text;
	struct err err = { .code = E_NONE };

	CHECK_INT(cmdline_parse(line, NULL, facts, &err), 0);
	CHECK_STR(err.text, "");
	for (size_t i = 0; i < facts->n; i++) {
		const struct fact *fact = &facts->list[i];
		int r = fields_get(&fact->fields, "value", value, sizeof(value));

		CHECK(fact->kind == FACT_CMDLINE);
		CHECK(fields_are(&fact->fields, "trusted", "no"));
		at += sprintf(at, "%s[%s]%s%s", i ? " " : "", fact->subject, r == 0 ? "=" : "",
			      r == 0 ? value : "");
	}
	CHECK_STR(text, want);
}

/* As next_arg() of the kernel splits them. */
TEST(cmdline_split)
{
	static const char *const rows[] = {
		"",
		"",
		" \t\n",
		"",
		"quiet",
		"[quiet]",
		"a b=c  d=\te=f=g",
		"[a] [b]=c [d]= [e]=f=g",
		"root=\"PARTLABEL=my root\" ro",
		"[root]=PARTLABEL=my root [ro]",
		"\"root=PARTLABEL=my root\" ro",
		"[root]=PARTLABEL=my root [ro]",
		"\"my word\" x",
		"[my%20word] [x]",
		/* quotes inside of a word keep blanks, and stay */
		"a=b\" c\"d e",
		"[a]=b\" c\"d [e]",
		"a\"=b c\" d",
		"[a\"]=b c\" [d]",
		"a=\"b\"c d",
		"[a]=b\"c [d]",
		"a=\"b c",
		"[a]=b c",
		"a=\"",
		"[a]=",
		"a=\"\" b",
		"[a]= [b]",
		"\"a=\"",
		"[a]=",
		"\"a=\"b c\" d",
		"[a]=b [c\"%20d]",
		"\"a b",
		"[a%20b]",
		/* an '=' in front is part of the key */
		"=a",
		"[=a]",
		"=a=b",
		"[=a]=b",
		"= x",
		"[=] [x]",
		/* the kernel's other blanks, the last one of Latin-1 */
		"a\vb\fc\rd\xa0"
		"e",
		"[a] [b] [c] [d] [e]",
		"a=\xc3\xa9%",
		"[a]=\xc3\xa9%",
		/* '-' and '_' are one, in keys only */
		"systemd.image-policy=root=verity:usr-verity=absent",
		"[systemd.image_policy]=root=verity:usr-verity=absent",
		"rd.systemd.debug-shell=1 rd.systemd.debug_shell",
		"[rd.systemd.debug_shell]=1 [rd.systemd.debug_shell]",
		/* what comes after "--" is init's */
		"a=b -- --unit=x \"c d\" e=\"f g\" -- h",
		"[a]=b [--]=--unit=x [--]=c d [--]=e=f g "
		"[--]=-- [--]=h",
		"-- lintel.unknown",
		"[--]=lintel.unknown",
		"a \"--\" b",
		"[a] [--]=b",
		"--=a --b b",
		"[__]=a [__b] [b]",
		"a --",
		"[a]",
		"-- \"\"",
		"[--]=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 2)
		check_words(rows[i], rows[i + 1]);
}

TEST(cmdline_trust)
{
	static const struct {
		const char *line, *own, *want;
	} rows[] = {
		{ "a b=c", "a b=c", "yes yes" },
		{ "a b=c d", "a b=c", "yes yes no" },
		{ "a b=c\td", "  a\n b=c \n", "yes yes no" },
		{ "a b=c", NULL, "no no" },
		{ "a b=c", "", "no no" },
		{ "a b=c", " \n", "no no" },
		/* one of the own words is missing, changed or displaced */
		{ "a", "a b=c", "no" },
		{ "a b=d", "a b=c", "no no" },
		{ "a b=cc", "a b=c", "no no" },
		{ "a b", "a b=c", "no no" },
		{ "b=c a", "a b=c", "no no" },
		{ "x a b=c", "a b=c", "no no no" },
		{ "a x b=c", "a b=c", "no no no" },
		{ "a b=c", "a b=c -- x", "no no" },
		/* neither quotes nor '_' for '-' may hide a difference */
		{ "a \"b=c\"", "a b=c", "no no" },
		{ "a-b", "a_b", "no" },
		{ "a b=\"c d e\" f", "a b=\"c d\" e", "no no no" },
		/* an own quote that is left open takes in what follows, and so is another word */
		{ "a b=\"c d", "a b=\"c", "no no" },
		{ "a b=\"c", "a b=\"c", "yes yes" },
		/* an own "--" and what follows it are the UKI's too, what is appended is not */
		{ "a -- b c", "a -- b", "yes yes no" },
		{ "a -- b", "a", "yes no" },
		{ "a b -- c", "a b --", "yes yes no" },
		{ "a=1 a=2", "a=1", "yes no" },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct facts *facts = facts_empty();
		struct err err;

		CHECK_INT(cmdline_parse(rows[i].line, rows[i].own, facts, &err), 0);
		text[0] = '\0';
		for (size_t k = 0; k < facts->n; k++) {
			char word[8];

			CHECK_INT(fields_get(&facts->list[k].fields, "trusted", word, 8), 0);
			sprintf(text + strlen(text), "%s%s", k ? " " : "", word);
		}
		if (strcmp(text, rows[i].want) != 0)
			fprintf(stderr, "\"%s\" with \"%s\":\n", rows[i].line, rows[i].own ?: "");
		CHECK_STR(text, rows[i].want);
	}
}

TEST(cmdline_own_words)
{
	static const char *const good[] = {
		"lintel.on_failure=poweroff",
		"lintel.on_failure=reboot",
		"lintel.on-failure=halt",
		"rd.lintel.on_failure=halt",
		"lintel.timeout=1",
		"lintel.timeout=3600",
		"rd.lintel.timeout=60",
		"lintel.pause=0",
		"lintel.pause=3600",
		"lintel.report",
		"lintel.verity=1",
		"lintel",
		"lintelx.foo",
		"rd.lintel",
		"-- lintel.foo",
		"xlintel.foo",
	};
	static const char *const bad[] = {
		"lintel.on_failure",
		"lintel.on_failure: poweroff, reboot, halt, recover or fallback, not \"\"",
		"lintel.on_failure=",
		"lintel.on_failure: poweroff, reboot, halt, recover or fallback, not \"\"",
		"lintel.on_failure=shell",
		"lintel.on_failure: poweroff, reboot, halt, recover or fallback, not \"shell\"",
		"rd.lintel.on_failure=x",
		"lintel.on_failure: poweroff, reboot, halt, recover or fallback, not \"x\"",
		"lintel.on_failure=\"\033[2J\"",
		"lintel.on_failure: poweroff, reboot, halt, recover or fallback, not \"%1B[2J\"",
		"lintel.timeout=0",
		"lintel.timeout: seconds from 1 to 3600, not \"0\"",
		"lintel.timeout=3601",
		"lintel.timeout: seconds from 1 to 3600, not \"3601\"",
		"lintel.timeout",
		"lintel.timeout: seconds from 1 to 3600, not \"\"",
		"lintel.timeout=-1",
		"lintel.timeout: seconds from 1 to 3600, not \"-1\"",
		"lintel.timeout=99999999999999999999",
		"lintel.timeout: seconds from 1 to 3600, not \"99999999999999999999\"",
		"lintel.pause=3601",
		"lintel.pause: seconds from 0 to 3600, not \"3601\"",
		"lintel.foo",
		"unknown word lintel.foo",
		"lintel.=1",
		"unknown word lintel.",
		"lintel.debug",
		"unknown word lintel.debug",
		"lintel.break=root",
		"unknown word lintel.break",
		"rd.lintel.foo=1",
		"unknown word lintel.foo",
		"lintel.fo\033o",
		"unknown word lintel.fo%1Bo",
		"lintel.0123456789012345678901234567890123456789",
		"unknown word lintel.01234567890123456789012345678901",
		"\"\"",
		"an empty word",
		"\"",
		"an empty word",
		"quiet \"\" x",
		"an empty word",
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK_INT(parse(good[i], NULL, &err), 0);
		CHECK_STR(err.text, "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i += 2) {
		CHECK_INT(parse(bad[i], bad[i], &err), -EINVAL);
		CHECK_INT(err.code, E_CMDLINE);
		CHECK_STR(err.text, bad[i + 1]);
	}
}

/* A line of n letters, or of n words. */
static const char *letters(const char *start, size_t n)
{
	static char line[8192];

	strcpy(line, start);
	memset(line + strlen(start), 'x', n);
	line[strlen(start) + n] = '\0';
	return line;
}

static const char *words(size_t n)
{
	static char line[8192];

	line[0] = '\0';
	for (size_t i = 0; i < n; i++)
		strcat(line, i ? " w" : "w");
	return line;
}

TEST(cmdline_limits)
{
	struct err err;

	CHECK_INT(parse(letters("", 95), NULL, &err), 0);
	CHECK_INT(parse(letters("", 96), NULL, &err), -E2BIG);
	CHECK_STR(err.text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is longer than 95 bytes");
	/* blanks count as three: the limit is on what the fact holds */
	CHECK_INT(parse("\"a                                b\"", NULL, &err), -E2BIG);
	CHECK_INT(parse(letters("a=", 622), NULL, &err), 0);
	CHECK_INT(parse(letters("a=", 623), NULL, &err), -E2BIG);
	CHECK_INT(err.code, E_CMDLINE);
	CHECK_STR(err.text, "a: value too long");
	CHECK_INT(parse(letters("a=", 700), NULL, &err), -E2BIG);
	CHECK_INT(parse(letters("-- ", 700), NULL, &err), -E2BIG);
	CHECK_STR(err.text, "--: value too long");
	CHECK_INT(parse(words(256), words(256), &err), 0);
	CHECK_INT(parse(words(257), NULL, &err), -E2BIG);
	CHECK_STR(err.text, "more than 256 words");
	CHECK_INT(parse(letters("", 4097), NULL, &err), -E2BIG);
	CHECK_STR(err.text, "longer than 4096 bytes");
	CHECK_INT(parse(letters("", 4096), NULL, &err), -E2BIG);
	CHECK_STR(err.text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is longer than 95 bytes");
}

TEST(cmdline_read)
{
	struct machine machine;
	struct facts *facts = facts_empty();
	struct err err = { .code = E_NONE };

	machine_make(&machine);
	CHECK_INT(cmdline_read(machine.root_fd, facts, &err), -ENOENT);
	CHECK_STR(err.text, "/proc/cmdline: No such file or directory");

	machine_line(&machine, "proc/cmdline", "quiet root=/dev/vda2\n");
	CHECK_INT(cmdline_read(machine.root_fd, facts, &err), 0);
	CHECK_STR(facts_text(facts), "cmdline quiet trusted=no\n"
				     "cmdline root value=/dev/vda2 trusted=no\n");
	CHECK_STR(facts->list[0].origin, "cmdline");
	CHECK(facts->list[0].usec > 0);

	machine_line(&machine, "etc/lintel/cmdline", "quiet\n");
	CHECK_INT(cmdline_read(machine.root_fd, facts_empty(), &err), 0);
	CHECK_STR(facts_text(facts), "cmdline quiet trusted=yes\n"
				     "cmdline root value=/dev/vda2 trusted=no\n");

	machine_line(&machine, "etc/lintel/cmdline", "quiet ro\n");
	CHECK_INT(cmdline_read(machine.root_fd, facts_empty(), &err), 0);
	CHECK_STR(facts_text(facts), "cmdline quiet trusted=no\n"
				     "cmdline root value=/dev/vda2 trusted=no\n");

	machine_line(&machine, "proc/cmdline", "lintel.foo\n");
	CHECK_INT(cmdline_read(machine.root_fd, facts_empty(), &err), -EINVAL);
	CHECK_INT(err.code, E_CMDLINE);
	CHECK_STR(err.text, "kernel command line: unknown word lintel.foo");

	machine_file(&machine, "proc/cmdline", "a\0b", 3);
	CHECK_INT(cmdline_read(machine.root_fd, facts_empty(), &err), -EINVAL);
	machine_line(&machine, "proc/cmdline", letters("", 4098));
	CHECK_INT(cmdline_read(machine.root_fd, facts_empty(), &err), -E2BIG);

	machine_line(&machine, "proc/cmdline", "quiet\n");
	machine_line(&machine, "etc/lintel/cmdline", letters("", 4098));
	CHECK_INT(cmdline_read(machine.root_fd, facts_empty(), &err), -E2BIG);
	CHECK_STR(err.text, "/etc/lintel/cmdline: Argument list too long");
	machine_remove(&machine);
}

TEST(cmdline_full)
{
	static const struct fact other = { .kind = FACT_GPT, .origin = "x", .subject = "vda" };
	struct facts *facts = facts_empty();
	struct err err;

	while (facts_add(facts, &other, &err) == 0)
		;
	CHECK_INT(facts->n, FACTS_MAX);
	CHECK_INT(cmdline_parse("quiet", NULL, facts, &err), -ENOSPC);
	CHECK_INT(err.code, E_LIMIT);
}
