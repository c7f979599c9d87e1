/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extension images that a root keeps in its own folders, and the choice in a versioned one. */
#include "generators/sources/stored.h"
#include "generators/sources/vpick.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* The better of two, whichever comes first; "-": neither fits. */
TEST(vpick_chooses)
{
	static const struct {
		const char *a, *b, *best;
	} rows[] = {
		{ "foo_1.raw", "foo_2.raw", "foo_2.raw" },
		{ "foo_9.raw", "foo_10.raw", "foo_10.raw" },
		{ "foo_1~rc1.raw", "foo_1.raw", "foo_1.raw" },
		{ "foo_1.raw", "foo_1_x86-64.raw", "foo_1_x86-64.raw" },
		{ "foo_1_x86.raw", "foo_1_x86-64.raw", "foo_1_x86-64.raw" },
		{ "foo_1_x86.raw", "foo_1.raw", "foo_1_x86.raw" },
		{ "foo_2_x86.raw", "foo_1_x86-64.raw", "foo_2_x86.raw" },
		{ "foo_2_arm64.raw", "foo_1.raw", "foo_1.raw" },
		{ "foo_2+0.raw", "foo_1.raw", "foo_1.raw" },
		{ "foo_2+0-3.raw", "foo_1+1-2.raw", "foo_1+1-2.raw" },
		{ "foo_2+0-3.raw", "foo_1+0.raw", "foo_2+0-3.raw" },
		{ "foo_2+1.raw", "foo_1+3.raw", "foo_2+1.raw" },
		{ "foo_1+1.raw", "foo_1+3.raw", "foo_1+3.raw" },
		{ "foo_1+3.raw", "foo_1.raw", "foo_1.raw" },
		{ "foo_1+3-2.raw", "foo_1+3-1.raw", "foo_1+3-1.raw" },
		{ "foo_1_x86-64+3-2.raw", "foo_1_x86-64+2.raw", "foo_1_x86-64+3-2.raw" },
		{ "foo_1+rc.raw", "foo_1.raw", "foo_1+rc.raw" }, /* semver's build metadata */
		{ "foo_1+2-x.raw", "-", "foo_1+2-x.raw" },
		{ "foo_1.img", "foo_.raw", "-" },
		{ "foo.raw", "bar_1.raw", "-" },
		{ "foo-1.raw", "foox_1.raw", "-" },
		{ "foo_1 2.raw", "foo_1,2.raw", "-" },
		{ "foo__x86-64.raw", "foo_+3.raw", "-" },
		{ "foo_1_x.raw", "foo_1_2.raw", "-" }, /* no version has a '_' */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int turn = 0; turn < 2; turn++) {
			struct vpick best = { .file = "" };

			vpick_offer(&best, turn ? rows[i].b : rows[i].a, "foo", ".raw", "x86-64");
			vpick_offer(&best, turn ? rows[i].a : rows[i].b, "foo", ".raw", "x86-64");
			CHECK_STR(best.file[0] ? best.file : "-", rows[i].best);
		}
	}
}

static int add(void *data, enum fact_kind kind, const char *subject, const struct fields *fields)
{
	struct err err;
	struct fact fact;
	int r = fact_init(&fact, kind, "test", subject, &err);

	fact.fields = *fields;
	return r < 0 ? r : facts_add(data, &fact, &err);
}

static void make_link(const struct machine *machine, const char *target, const char *path)
{
	CHECK_INT(symlinkat(target, machine->root_fd, path), 0);
}

TEST(stored_images)
{
	struct machine machine;
	struct facts *facts = facts_empty();
	const struct disk_sink sink = { add, facts };
	struct err err = { .code = E_NONE };

	machine_make(&machine);
	CHECK_INT(stored_read(machine.root_fd, &sink, &err), 0);
	CHECK_INT(facts->n, 0);
	machine_line(&machine, "usr/share/images/a.raw", "x");
	machine_line(&machine, "etc/extensions/.hidden.raw", "x");
	machine_line(&machine, "etc/extensions/readme", "x");
	make_link(&machine, "/usr/share/images/a.raw", "etc/extensions/one.raw");
	machine_line(&machine, "var/lib/extensions/two.raw.v/two_1.raw", "x");
	machine_line(&machine, "var/lib/extensions/two.raw.v/two_2_arm64.raw", "x");
	machine_line(&machine, "var/lib/extensions/two.raw.v/three_3.raw", "x");
	machine_line(&machine, "usr/local/lib/confexts/c.confext.raw.v/c_1.confext.raw", "x");
	CHECK_INT(stored_read(machine.root_fd, &sink, &err), 0);
	CHECK_STR(facts_text(facts),
		  "stored /etc/extensions/one.raw class=sysext folder=0 name=one "
		  "file=/etc/extensions/one.raw\n"
		  "stored /var/lib/extensions/two.raw.v class=sysext folder=1 name=two "
		  "file=/var/lib/extensions/two.raw.v/two_1.raw\n"
		  "stored /usr/local/lib/confexts/c.confext.raw.v class=confext folder=3 name=c "
		  "file=/usr/local/lib/confexts/c.confext.raw.v/c_1.confext.raw\n");
	machine_remove(&machine);
}

/* Each is named, and none of them is opened. */
TEST(stored_refused)
{
	static const struct {
		const char *path, *link, *fact;
	} rows[] = {
		{ "etc/extensions/a b.raw", NULL,
		  "/etc/extensions/a%20b.raw class=sysext folder=0 "
		  "refused=not%20an%20image's%20name" },
		{ "etc/extensions/tree/usr/x", NULL,
		  "/etc/extensions/tree class=sysext folder=0 "
		  "refused=a%20folder%20has%20no%20signature" },
		{ "etc/extensions/tree.raw/x", NULL,
		  "/etc/extensions/tree.raw class=sysext folder=0 refused=not%20a%20file" },
		{ "etc/extensions/no.raw.v/no.raw", NULL,
		  "/etc/extensions/no.raw.v class=sysext folder=0 "
		  "refused=no%20version%20for%20this%20machine%20in%20it" },
		{ "etc/extensions/out.raw", "../../../../etc/hostname",
		  "/etc/extensions/out.raw class=sysext folder=0 refused=not%20a%20file" },
		{ "etc/extensions/proc.raw", "/proc/self/exe",
		  "/etc/extensions/proc.raw class=sysext folder=0 refused=not%20a%20file" },
		{ "usr/lib/confexts/01234567890123456789012345678901234567890123456789"
		  "0123456789012345.raw",
		  NULL,
		  "/usr/lib/confexts/01234567890123456789012345678901234567890123456789"
		  "0123456789012345.raw class=confext folder=4 refused=not%20an%20image's%20name" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct facts *facts = facts_empty();
		const struct disk_sink sink = { add, facts };
		struct err err = { .code = E_NONE };
		struct machine machine;
		char want[400];

		machine_make(&machine);
		machine_line(&machine, rows[i].link ? "etc/extensions/.x" : rows[i].path, "x");
		if (rows[i].link)
			make_link(&machine, rows[i].link, rows[i].path);
		CHECK_INT(stored_read(machine.root_fd, &sink, &err), 0);
		snprintf(want, sizeof(want), "stored %s\n", rows[i].fact);
		CHECK_STR(facts_text(facts), want);
		machine_remove(&machine);
	}
}

TEST(stored_limit)
{
	struct facts *facts = facts_empty();
	const struct disk_sink sink = { add, facts };
	struct err err = { .code = E_NONE };
	struct machine machine;
	char path[64];

	machine_make(&machine);
	for (int i = 0; i < 65; i++) {
		if (i == 64)
			CHECK_INT(stored_read(machine.root_fd, &sink, &err), 0);
		snprintf(path, sizeof(path), "%s/extensions/i%d.raw", i % 2 ? "etc" : "var/lib", i);
		machine_line(&machine, path, "x");
	}
	CHECK_INT(facts->n, 64);
	CHECK_INT(stored_read(machine.root_fd, &sink, &err), -E2BIG);
	CHECK_INT(err.code, E_LIMIT);
	machine_remove(&machine);
}
