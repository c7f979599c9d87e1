/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recovery shell's password hash, and who may have the shell. */
#include "generators/phc.h"
#include "test.h"

#include <errno.h>

#define TAIL "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

TEST(phc_parse)
{
	struct phc phc;
	struct err err;

	CHECK_INT(phc_parse("$argon2id$v=19$m=65536,t=2,p=1" TAIL, &phc, &err), 0);
	CHECK(phc.memory_kib == 65536 && phc.passes == 2 && phc.lanes == 1);
	CHECK(phc.salt_size == 8 && memcmp(phc.salt, "somesalt", 8) == 0);
	CHECK(phc.hash_size == 32 && phc.hash[0] == 0x09 && phc.hash[31] == 0xf7);
}

TEST(phc_refused)
{
	static const char *const rows[] = {
		"",
		"password",
		"$argon2i$v=19$m=65536,t=2,p=1" TAIL,
		"$argon2id$v=16$m=65536,t=2,p=1" TAIL,
		"$argon2id$m=65536,t=2,p=1" TAIL,
		"$argon2id$v=19$m=8191,t=2,p=1" TAIL,
		"$argon2id$v=19$m=524289,t=2,p=1" TAIL,
		"$argon2id$v=19$m=99999999999,t=2,p=1" TAIL,
		"$argon2id$v=19$m=065536,t=2,p=1" TAIL,
		"$argon2id$v=19$m=65536,t=0,p=1" TAIL,
		"$argon2id$v=19$m=65536,t=33,p=1" TAIL,
		"$argon2id$v=19$m=65536,t=2,p=0" TAIL,
		"$argon2id$v=19$m=65536,t=2,p=17" TAIL,
		"$argon2id$v=19$m=65536,p=1,t=2" TAIL,
		"$argon2id$v=19$m=65536,t=2,p=1",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbA$"
		"CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ=$"
		"CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1" TAIL "=",
		"$argon2id$v=19$m=65536,t=2,p=1" TAIL "$",
		"$argon2id$v=19$m=65536,t=2,p=1" TAIL TAIL TAIL,
	};
	struct phc phc;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { .code = E_NONE };

		if (phc_parse(rows[i], &phc, &err) != -EINVAL || err.code != E_CMDLINE)
			fprintf(stderr, "taken: %s\n", rows[i]);
		CHECK_INT(err.code, E_CMDLINE);
	}
}
