/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The profile of a multi-profile UKI. */
#include "generators/sources/sources.h"
#include "machine.h"
#include "test.h"

#include <errno.h>

TEST(profile_parse)
{
	static const struct {
		const char *text, *id;
		int r;
	} rows[] = {
		{ "ID=recovery\nTITLE=Recovery\n", "recovery", 1 },
		{ "TITLE=\"Recovery mode\"\nID=\"recovery\"", "recovery", 1 },
		{ "ID='factory-reset'\n", "factory-reset", 1 },
		{ "ID=a\nID=recovery\n", "recovery", 1 },
		{ "TITLE=Main\nXID=recovery\n", "", 0 },
		{ "", "", 0 },
		{ "ID=\n", "", -EINVAL },
		{ "ID=\"\"\n", "", -EINVAL },
		{ "ID=Recovery\n", "", -EINVAL },
		{ "ID=reco very\n", "", -EINVAL },
		{ "ID=recovery\r\n", "", -EINVAL },
		{ "ID=\"recovery\n", "", -EINVAL },
		{ "ID=0123456789012345678901234567890123456789012345678901234567890123\n", "",
		  -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[128], id[64] = "";
		struct err err = { .code = E_NONE };

		text_copy(text, sizeof(text), rows[i].text);
		CHECK_INT(profile_parse(text, id, &err), rows[i].r);
		if (rows[i].r > 0)
			CHECK_STR(id, rows[i].id);
		CHECK_INT(err.code, rows[i].r < 0 ? E_UKI : E_NONE);
	}
}

TEST(profile_read)
{
	struct facts *facts;
	struct machine machine;
	struct err err = { .code = E_NONE };
	char large[5000];

	machine_make(&machine);
	CHECK_INT(profile_read(machine.root_fd, facts_empty(), &err), 0);
	machine_line(&machine, ".extra/profile", "ID=recovery\n");
	facts = facts_empty();
	CHECK_INT(profile_read(machine.root_fd, facts, &err), 0);
	CHECK_STR(facts_text(facts), "config profile value=recovery\n");
	memset(large, 'x', sizeof(large));
	machine_file(&machine, ".extra/profile", large, sizeof(large));
	CHECK(profile_read(machine.root_fd, facts_empty(), &err) < 0);
	CHECK_INT(err.code, E_UKI);
	machine_file(&machine, ".extra/profile", "ID=a\0b\n", 7);
	CHECK_INT(profile_read(machine.root_fd, facts_empty(), &err), -EINVAL);
	machine_remove(&machine);
}
