/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choosing the data, verity and signature partitions of one role; a part of rules/root. */
#pragma once

#include "generators/plan.h"
#include "init/base/bytes.h"

struct triple {
	const struct fact *data, *hash, *sig; /* sig: NULL where a trusted word names the hash */
	char disk[32];
	char roothash[129];
	char label[128];
	char type_name[48];
	char why_disk[48], why_trust[128];
	bool trusted_word;
};

/*
 * Whether the role (PART_ROOT or PART_USR) has a set of partitions that the policy accepts; a
 * refusal is in the plan where the role is there but not as it must be.
 */
bool triple_choose(const struct facts *facts, struct plan *plan, enum designator role,
		   const char *arch, struct triple *ret);

/* The same of an extension image's loop device: no word and no weaker level than signed counts. */
bool triple_of_image(const struct facts *facts, struct plan *plan, enum designator role,
		     const char *arch, const char *disk, struct triple *ret);
