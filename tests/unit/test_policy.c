/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rows of systemd's src/test/test-image-policy.c, and what they leave out. Where they are:
 *
 *	test_policy(), test_policy_string(), test_policy_equiv()	policy_canonical
 *	image_policy_from_string() that fails				policy_malformed
 *	TEST(extend)							policy_implied
 *	TEST(image_policy_intersect)					policy_intersect
 */
#include "generators/policy.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>

#define FLAGS (POLICY_READ_ONLY_ON | POLICY_READ_ONLY_OFF | POLICY_GROWFS_ON | POLICY_GROWFS_OFF)
#define IGNORE (POLICY_UNUSED | POLICY_ABSENT)
#define PLAIN "encrypted+encryptedwithintegrity+unprotected+absent"
#define SYSEXT "verity+signed+encrypted+encryptedwithintegrity+unprotected+absent"

static struct image_policy parse(const char *text)
{
	struct image_policy policy = { .fallback = 0 };
	struct err err = { .code = E_NONE };

	CHECK_INT(policy_parse(text, &policy, &err), 0);
	if (err.code != E_NONE)
		fprintf(stderr, "\"%s\": %s\n", text, err.text);
	return policy;
}

static bool same(const struct image_policy *a, const struct image_policy *b)
{
	return a->fallback == b->fallback && memcmp(a->flags, b->flags, sizeof(a->flags)) == 0;
}

TEST(policy_canonical)
{
	static const char *const rows[] = {
		/* systemd's test_policy_string() */
		"",
		"-",
		"-",
		"-",
		"*",
		"*",
		"~",
		"~",
		"swap=open",
		"swap=open",
		"swap=open:root=signed",
		"root=signed:swap=open",
		"swap=open:root=signed+read-only-on+growfs-off:=absent",
		"root=signed+read-only-on+growfs-off:swap=open:=absent",
		"=-",
		"*",
		"=",
		"*",
		/* systemd's test_policy_equiv() */
		"=absent",
		"~",
		"=open",
		"*",
		"=verity+signed+encrypted+encryptedwithintegrity+unprotected+unused+absent",
		"*",
		"=signed+verity+encrypted+encryptedwithintegrity+unused+unprotected+absent",
		"*",
		"=ignore",
		"-",
		"=absent+unused",
		"-",
		"=unused+absent",
		"-",
		"root=ignore:=ignore",
		"-",
		/* systemd's image_policy_sysext and its like */
		"root=" SYSEXT ":usr=" SYSEXT,
		"root=" SYSEXT ":usr=" SYSEXT,
		"root=signed+absent:usr=signed+absent",
		"root=signed+absent:usr=signed+absent",
		/* its confext, container, host and service */
		"root=" SYSEXT,
		"root=" SYSEXT,
		"root=" SYSEXT ":usr=" SYSEXT ":home=" PLAIN ":srv=" PLAIN
		":esp=unprotected+absent:"
		"xbootldr=unprotected+absent:tmp=" PLAIN ":var=" PLAIN,
		"root=" SYSEXT ":usr=" SYSEXT ":home=" PLAIN ":srv=" PLAIN
		":esp=unprotected+absent:"
		"xbootldr=unprotected+absent:tmp=" PLAIN ":var=" PLAIN,
		"root=" SYSEXT ":usr=" SYSEXT ":swap=" PLAIN,
		"root=" SYSEXT ":usr=" SYSEXT ":swap=" PLAIN,
		"root=" SYSEXT ":usr=" SYSEXT ":tmp=" PLAIN ":var=" PLAIN,
		"root=" SYSEXT ":usr=" SYSEXT ":tmp=" PLAIN ":var=" PLAIN,
		/* the manual's examples */
		"usr=verity+read-only-on:root=encrypted:swap=encrypted",
		"root=encrypted:usr=verity+read-only-on:swap=encrypted",
		"root=encrypted+read-only-off:srv=encrypted+absent:swap=absent",
		"root=encrypted+read-only-off:srv=encrypted+absent:swap=absent",
		"root=unprotected+encrypted:swap=absent+unused:=unprotected+encrypted+absent",
		"root=encrypted+unprotected:swap=ignore:=encrypted+unprotected+absent",
		/* blanks around each part, repeated flags, both of a pair */
		" root = signed + verity :\tusr\t=\tabsent : = unused ",
		"root=verity+signed:usr=absent:=unused",
		"root=signed+signed+signed",
		"root=signed",
		"root=verity+read-only-on+read-only-off+growfs-off+growfs-on",
		"root=verity",
		"root=read-only-on",
		"root=open+read-only-on",
		"root=ignore+growfs-on",
		"root=ignore+growfs-on",
		"root=-:usr=:=absent",
		"root=open:usr=open:=absent",
		/* a level that a role cannot have leaves it with none, and stays so */
		"home=verity+signed",
		"home=verity",
		"root-verity=encrypted",
		"root-verity=verity",
		"esp=signed+unprotected",
		"esp=unprotected",
		/* flags of what must be absent are moot */
		"tmp=absent+read-only-on",
		"tmp=absent",
		"home=open:var=open",
		"home=open:var=open",
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 2) {
		struct image_policy policy = parse(rows[i]), again;

		CHECK_INT(policy_format(&policy, text, sizeof(text)), 0);
		CHECK_STR(text, rows[i + 1]);
		again = parse(text);
		CHECK(same(&policy, &again));
	}
}

TEST(policy_malformed)
{
	static const struct {
		const char *text, *message;
		int error;
	} rows[] = {
		/* systemd's */
		{ "pfft", "\"pfft\" has no '='", -EINVAL },
		{ "\303\266\303\244\303\274\303\237", "not a line of ASCII", -EINVAL },
		{ ":", "\"\" has no '='", -EINVAL },
		{ "a=", "unknown partition \"a\"", -EINVAL },
		{ "=a", "unknown flag \"a\"", -EINVAL },
		{ "==", "unknown flag \"=\"", -EINVAL },
		{ "root=verity:root=encrypted", "two entries for root", -EEXIST },
		{ "root=grbl", "unknown flag \"grbl\"", -EINVAL },
		{ "wowza=grbl", "unknown partition \"wowza\"", -EINVAL },
		/* more */
		{ " ", "\"\" has no '='", -EINVAL },
		{ " *", "\"*\" has no '='", -EINVAL },
		{ "root=signed:", "\"\" has no '='", -EINVAL },
		{ ":root=signed", "\"\" has no '='", -EINVAL },
		{ "root=signed::usr=signed", "\"\" has no '='", -EINVAL },
		{ "root=signed+", "unknown flag \"\"", -EINVAL },
		{ "root=+signed", "unknown flag \"\"", -EINVAL },
		{ "root=-+signed", "unknown flag \"-\"", -EINVAL },
		{ "root=*", "unknown flag \"*\"", -EINVAL },
		{ "root=signed,verity", "unknown flag \"signed,verity\"", -EINVAL },
		{ "root=Signed", "unknown flag \"Signed\"", -EINVAL },
		{ "root=signe", "unknown flag \"signe\"", -EINVAL },
		{ "root=signedd", "unknown flag \"signedd\"", -EINVAL },
		{ "roo=signed", "unknown partition \"roo\"", -EINVAL },
		{ "=open:=open", "two default entries", -EEXIST },
		{ "=:usr=signed:=absent", "two default entries", -EEXIST },
		{ "root=verity\n", "not a line of ASCII", -EINVAL },
		{ "root=verity\033[2J", "not a line of ASCII", -EINVAL },
		/* systemd has these; lintel cannot hold a partition to them, so it takes none */
		{ "root=ext4+squashfs+verity", "unknown flag \"ext4\"", -EINVAL },
		{ "=vfat+erofs", "unknown flag \"vfat\"", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_policy policy = { .fallback = 4711 };
		struct err err = { .code = E_NONE };

		CHECK_INT(policy_parse(rows[i].text, &policy, &err), rows[i].error);
		CHECK_INT(err.code, E_POLICY_SYNTAX);
		CHECK_STR(err.text, rows[i].message);
		CHECK_INT(policy.fallback, 4711);
	}
}

TEST(policy_long)
{
	struct image_policy policy;
	char text[2049] = "root=signed:=";
	struct err err;

	memset(text + strlen(text), ' ', sizeof(text) - strlen(text) - 1);
	CHECK_INT(policy_parse(text, &policy, &err), -E2BIG);
	CHECK_INT(err.code, E_POLICY_SYNTAX);
	text[2047] = '\0';
	CHECK_INT(policy_parse(text, &policy, &err), 0);
}

/* Hash and signature partitions that no entry names follow their data partition. */
TEST(policy_implied)
{
	static const struct {
		const char *text;
		enum designator part;
		unsigned int flags;
	} rows[] = {
		{ "root=signed", PART_ROOT, POLICY_SIGNED | FLAGS },
		{ "root=signed", PART_ROOT_VERITY, POLICY_UNPROTECTED | FLAGS },
		{ "root=signed", PART_ROOT_VERITY_SIG, POLICY_UNPROTECTED | FLAGS },
		{ "root=signed", PART_USR, IGNORE | FLAGS },
		{ "root=signed", PART_USR_VERITY, IGNORE | FLAGS },
		{ "root=signed", PART_HOME, IGNORE | FLAGS },
		{ "root=verity", PART_ROOT_VERITY, POLICY_UNPROTECTED | FLAGS },
		{ "root=verity", PART_ROOT_VERITY_SIG, IGNORE | FLAGS },
		{ "root=verity:=absent", PART_ROOT_VERITY_SIG, POLICY_ABSENT },
		{ "root=encrypted:=absent", PART_ROOT_VERITY, POLICY_ABSENT },
		{ "usr=signed+absent", PART_USR_VERITY,
		  POLICY_UNPROTECTED | POLICY_ABSENT | FLAGS },
		{ "usr=signed+unused", PART_USR_VERITY_SIG,
		  POLICY_UNPROTECTED | POLICY_UNUSED | FLAGS },
		{ "usr=signed+read-only-on", PART_USR_VERITY,
		  POLICY_UNPROTECTED | (FLAGS & ~POLICY_READ_ONLY_OFF) },
		{ "usr=signed:usr-verity=absent", PART_USR_VERITY, POLICY_ABSENT },
		{ "=signed", PART_ROOT, POLICY_SIGNED | FLAGS },
		{ "=signed", PART_ROOT_VERITY, FLAGS },
		{ "=signed", PART_HOME, FLAGS },
		/* systemd's TEST(extend): what is left open is allowed */
		{ "root=", PART_ROOT, POLICY_PROTECTIONS | FLAGS },
		{ "root=open+read-only-on+read-only-off+growfs-on+growfs-off", PART_ROOT,
		  POLICY_PROTECTIONS | FLAGS },
		{ "root=unprotected", PART_ROOT, POLICY_UNPROTECTED | FLAGS },
		{ "root=unprotected+read-only-on", PART_ROOT,
		  POLICY_UNPROTECTED | (FLAGS & ~POLICY_READ_ONLY_OFF) },
		{ "root=unprotected+read-only-on+growfs-off", PART_ROOT,
		  POLICY_UNPROTECTED | POLICY_READ_ONLY_ON | POLICY_GROWFS_OFF },
		{ "root=growfs-on", PART_ROOT, POLICY_PROTECTIONS | (FLAGS & ~POLICY_GROWFS_OFF) },
		{ "*", PART_ROOT, POLICY_PROTECTIONS | FLAGS },
		{ "*", PART_ROOT_VERITY, POLICY_UNPROTECTED | IGNORE | FLAGS },
		{ "*", PART_VAR, (POLICY_PROTECTIONS & ~(POLICY_VERITY | POLICY_SIGNED)) | FLAGS },
		{ "~", PART_ROOT, POLICY_ABSENT },
		{ "home=encryptedwithintegrity", PART_HOME,
		  POLICY_ENCRYPTED_WITH_INTEGRITY | FLAGS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_policy policy = parse(rows[i].text);

		if (policy.flags[rows[i].part] != rows[i].flags)
			fprintf(stderr, "%s of \"%s\":\n", designator_name(rows[i].part),
				rows[i].text);
		CHECK_INT(policy.flags[rows[i].part], rows[i].flags);
	}
}

TEST(policy_default)
{
	struct image_policy policy, parsed = parse("root=signed+absent:usr=signed+absent");
	char text[64];

	policy_default(&policy);
	CHECK(same(&policy, &parsed));
	CHECK_INT(policy.flags[PART_ROOT], POLICY_SIGNED | POLICY_ABSENT | FLAGS);
	CHECK_INT(policy.flags[PART_USR], POLICY_SIGNED | POLICY_ABSENT | FLAGS);
	CHECK_INT(policy.flags[PART_HOME], IGNORE | FLAGS);
	CHECK_INT(policy_format(&policy, text, sizeof(text)), 0);
	CHECK_STR(text, "root=signed+absent:usr=signed+absent");
}

/* What both allow; NULL: nothing is left. */
TEST(policy_intersect)
{
	static const char *const rows[][3] = {
		/* systemd's */
		{ "", "", "" },
		{ "-", "-", "-" },
		{ "*", "*", "*" },
		{ "~", "~", "~" },
		{ "root=verity+signed", "root=signed+verity", "root=verity+signed" },
		{ "root=verity+signed", "root=signed", "root=signed" },
		{ "root=verity+signed", "root=verity", "root=verity" },
		{ "root=open", "root=verity", "root=verity" },
		{ "root=open", "=verity+ignore", "root=verity+ignore:=ignore" },
		/* more */
		{ "root=signed", "root=encrypted", NULL },
		{ "root=signed", "root=absent", NULL },
		{ "root=signed", "-", NULL },
		{ "root=signed+absent", "-", "root=absent" },
		{ "=open", "=absent", "~" },
		{ "=unused", "=absent", NULL },
		{ "root=signed+read-only-on", "root=signed+read-only-off", NULL },
		{ "root=signed+growfs-on", "root=signed+growfs-off", NULL },
		{ "root=signed+read-only-on", "root=open", "root=signed+read-only-on" },
		{ "root=absent", "root=absent", "root=absent" },
		{ "root=absent", "root=absent+signed+read-only-on", "root=absent" },
		{ "root=absent+read-only-on", "root=absent+read-only-off", "root=absent" },
		{ "=verity", "=verity", "=verity" },
		{ "root=signed+absent:usr=signed+absent", "usr=open",
		  "root=absent:usr=signed+absent" },
		{ "root=signed+absent:usr=signed+absent", "*",
		  "root=signed+absent:usr=signed+absent" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int swap = 0; swap < 2; swap++) {
			struct image_policy a = parse(rows[i][swap]), b = parse(rows[i][!swap]);
			struct image_policy want = parse(rows[i][2] ?: rows[i][swap]);
			bool possible = policy_intersect(&a, &b, &a);

			if (possible != (rows[i][2] != NULL) || !same(&a, &want))
				fprintf(stderr, "\"%s\" and \"%s\":\n", rows[i][0], rows[i][1]);
			CHECK_INT(possible, rows[i][2] != NULL);
			CHECK(same(&a, &want));
		}
}

TEST(policy_format_bounds)
{
	static const char text[] = "root=signed+absent:usr=verity+read-only-on:=unused";
	struct image_policy policy = parse(text);

	for (size_t size = 1; size <= sizeof(text) + 1; size++) {
		char *ret = malloc(size);
		int r = policy_format(&policy, ret, size);

		CHECK_INT(r, size < sizeof(text) ? -E2BIG : 0);
		CHECK_STR(ret, size < sizeof(text) ? "" : text);
		free(ret);
	}
}
