/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/facts.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

static int parse_one(const char *line, struct err *err)
{
	struct fact fact;

	*err = (struct err){ .code = E_NONE };
	return fact_parse(line, &fact, err);
}

TEST(facts_lines)
{
	static const char *const lines[] = {
		"0 init settled sources",
		"12 cmdline cmdline quiet trusted=yes",
		"12 cmdline cmdline root value=PARTUUID=x%20y trusted=no",
		"18446744073709551615 x efi y value=",
		"1 config config arch value=x86-64",
		"1 uevent device pci:v0000 modalias=pci:v0000",
		"1 uevent block vda devtype=disk dev=254:0",
		"1 uevent gone vda",
		"1 uevent tpm tpmrm0 dev=252:65536",
		"1 probe gpt vda state=ok",
		"1 probe part vda1 disk=vda",
		"1 probe sig vda4 disk=vda",
		"1 init start d1",
		"1 init result d1 status=done",
		"1 init deadline root",
	};
	struct facts *facts = facts_empty();
	char text[2048] = "# a comment\n\n", line[FACT_LINE_MAX];
	struct err err = { .code = E_NONE };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		strcat(text, lines[i]);
		strcat(text, i + 1 < ARRAY_SIZE(lines) ? "\n" : "");
	}
	CHECK_INT(facts_parse(facts, text, &err), 0);
	CHECK_INT(facts->n, ARRAY_SIZE(lines));
	for (size_t i = 0; i < facts->n; i++) {
		CHECK_INT(fact_format(&facts->list[i], line, sizeof(line)), 0);
		CHECK_STR(line, lines[i]);
		CHECK_INT(fact_format(&facts->list[i], line, strlen(lines[i]) + 1), 0);
		CHECK_INT(fact_format(&facts->list[i], line, strlen(lines[i])), -E2BIG);
	}
	CHECK(facts->list[3].usec == UINT64_MAX);
}

TEST(facts_malformed)
{
	static const char *const rows[] = {
		"",
		"no time in microseconds: ",
		"x init settled sources",
		"no time in microseconds: x init settled sources",
		"-1 init settled sources",
		"no time in microseconds: -1 init settled sources",
		" 1 init settled sources",
		"no time in microseconds:  1 init settled sources",
		"18446744073709551616 init settled sources",
		"no time in microseconds: 18446744073709551616 init settled sources",
		"1",
		"origin, kind or subject missing: 1",
		"1 init",
		"origin, kind or subject missing: 1 init",
		"1 init settled",
		"origin, kind or subject missing: 1 init settled",
		"1 init settled ",
		"origin, kind or subject missing: 1 init settled ",
		"1  init settled sources",
		"origin, kind or subject missing: 1  init settled sources",
		"1 init  settled sources",
		"origin, kind or subject missing: 1 init  settled sources",
		"1 init settled  sources",
		"origin, kind or subject missing: 1 init settled  sources",
		"1 init settle sources",
		"unknown kind settle",
		"1 init Settled sources",
		"unknown kind Settled",
		"1 init settled sources ",
		"malformed field: ",
		"1 init settled sources  a=b",
		"malformed field:  a=b",
		"1 init settled sources a=b ",
		"malformed field: a=b ",
		"1 init settled sources a",
		"malformed field: a",
		"1 init settled sources a=%zz",
		"malformed field: a=%zz",
		"1 init settled s\xc3\xa9",
		"malformed field: ",
		"1 in\tit settled sources",
		"malformed field: ",
		"1 0123456789012345678901234567890 settled sources",
		"",
		"1 01234567890123456789012345678901 settled sources",
		("origin, kind or subject missing: 1 01234567890123456789012345678901 settled "
		 "sources"),
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 2) {
		CHECK_INT(parse_one(rows[i], &err), rows[i + 1][0] ? -EINVAL : 0);
		CHECK_STR(err.text, rows[i + 1]);
		if (rows[i + 1][0])
			CHECK_INT(err.code, E_FACTS);
	}
}

TEST(facts_line_limits)
{
	char line[FACT_LINE_MAX + 64] = "1 init settled ";
	struct facts *facts = facts_empty();
	struct err err;

	memset(line + 15, 'x', 95);
	line[15 + 95] = '\0';
	CHECK_INT(parse_one(line, &err), 0);
	strcat(line, "x");
	CHECK_INT(parse_one(line, &err), -EINVAL);
	/* the longest fields, and one byte more */
	strcpy(line, "1 init settled a b=");
	memset(line + 19, 'x', FIELDS_MAX);
	line[17 + FIELDS_MAX - 1] = '\0';
	CHECK_INT(parse_one(line, &err), 0);
	line[17 + FIELDS_MAX - 1] = 'x';
	line[17 + FIELDS_MAX] = '\0';
	CHECK_INT(parse_one(line, &err), -EINVAL);
	/* comments are as long as lines are */
	memset(line, '#', FACT_LINE_MAX);
	line[FACT_LINE_MAX - 1] = '\0';
	CHECK_INT(facts_parse(facts, line, &err), 0);
	line[FACT_LINE_MAX - 1] = '#';
	line[FACT_LINE_MAX] = '\0';
	CHECK_INT(facts_parse(facts, line, &err), -EINVAL);
	CHECK_STR(err.text, "line 1 is too long");
	CHECK_INT(facts_parse(facts, "1 init gone a\n\n#\n1 init gone a b\n", &err), -EINVAL);
	CHECK_STR(err.text, "line 4: malformed field: b");
	CHECK_INT(facts->n, 1);
}

TEST(facts_add)
{
	struct facts *facts = facts_empty();
	struct fact fact;
	struct err err;
	char name[FACT_NAME_MAX + 1];

	memset(name, 'x', sizeof(name));
	name[FACT_NAME_MAX] = '\0';
	CHECK_INT(fact_init(&fact, FACT_BLOCK, "uevent", name, &err), -E2BIG);
	CHECK_INT(err.code, E_LIMIT);
	CHECK_INT(fact_init(&fact, FACT_BLOCK, name, "vda", &err), -E2BIG);
	CHECK_INT(fact_init(&fact, FACT_BLOCK, "uevent", name + 1, &err), 0);
	CHECK_INT(facts_add(facts, &fact, &err), 0);
	static const char *const bad[] = { "", "a b", "a\n", "\x7f", "\xc3" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(fact_init(&fact, FACT_BLOCK, "uevent", bad[i], &err), 0);
		CHECK_INT(facts_add(facts, &fact, &err), -EINVAL);
		CHECK_INT(err.code, E_FACTS);
		CHECK_INT(fact_init(&fact, FACT_BLOCK, bad[i], "vda", &err), 0);
		CHECK_INT(facts_add(facts, &fact, &err), -EINVAL);
	}
	CHECK_INT(facts->n, 1);
	fact_init(&fact, FACT_BLOCK, "uevent", "vda", &err);
	while (facts->n < FACTS_MAX)
		CHECK_INT(facts_add(facts, &fact, &err), 0);
	CHECK_INT(facts_add(facts, &fact, &err), -ENOSPC);
	CHECK_INT(err.code, E_LIMIT);
	CHECK_STR(err.text, "more than 20480 facts");
}

/* More names than there are buckets: what shares one is kept apart. */
TEST(facts_find)
{
	struct facts *facts = facts_empty();
	unsigned int found = 0;
	struct err err;

	for (int round = 0; round < 2; round++)
		for (unsigned int i = 0; i < 1500; i++) {
			struct fact fact;
			char name[16];

			snprintf(name, sizeof(name), "sd%u", i);
			fact_init(&fact, i % 2 ? FACT_BLOCK : FACT_GONE, "x", name, &err);
			fact.usec = i + (unsigned int)round * 10000;
			CHECK_INT(facts_add(facts, &fact, &err), 0);
		}
	for (unsigned int i = 0; i < 1500; i++) {
		enum fact_kind kind = i % 2 ? FACT_BLOCK : FACT_GONE;
		const struct fact *first, *second;
		char name[16];

		snprintf(name, sizeof(name), "sd%u", i);
		first = facts_find(facts, kind, name);
		CHECK(first && first->usec == i);
		second = first ? facts_next(facts, first) : NULL;
		CHECK(second && second->usec == i + 10000);
		CHECK(second && !facts_next(facts, second));
		CHECK(facts_last(facts, kind, name) == second);
		CHECK(!facts_find(facts, i % 2 ? FACT_GONE : FACT_BLOCK, name));
	}
	for (const struct fact *fact = NULL;
	     (fact = facts_each(facts, FACT_BLOCK, fact)) != NULL;) {
		CHECK(fact->kind == FACT_BLOCK);
		found++;
	}
	CHECK_INT(found, 1500);
	CHECK(!facts_find(facts, FACT_BLOCK, "sd1500"));
	CHECK(!facts_last(facts, FACT_BLOCK, "sd1500"));
	CHECK(!facts_each(facts, FACT_SIG, NULL));
}

TEST(facts_steps)
{
	struct facts *facts = facts_empty();
	struct err err;

	CHECK_INT(facts_parse(facts,
			      "1 init start a\n1 init start b\n1 init start c\n"
			      "2 init result b status=failed\n2 init result c status=done\n"
			      "2 init result d status=done\n",
			      &err),
		  0);
	CHECK(facts_step_started(facts, "a") && !facts_step_done(facts, "a"));
	CHECK(facts_step_started(facts, "b") && !facts_step_done(facts, "b"));
	CHECK(facts_step_started(facts, "c") && facts_step_done(facts, "c"));
	CHECK(facts_step_started(facts, "d") && facts_step_done(facts, "d"));
	CHECK(!facts_step_started(facts, "e") && !facts_step_result(facts, "e"));
	CHECK(!facts_step_result(facts, "a") && facts_step_result(facts, "b"));
}
