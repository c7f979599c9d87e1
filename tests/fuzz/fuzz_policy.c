/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The canonical text of a policy means the same as the text, and is its own canonical text. */
#include "generators/policy.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 4096

static bool same(const struct image_policy *a, const struct image_policy *b)
{
	return a->fallback == b->fallback && memcmp(a->flags, b->flags, sizeof(a->flags)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_policy policy, again, both;
	char text[TEXT_MAX], canonical[TEXT_MAX], twice[TEXT_MAX];
	struct err err = { .code = E_NONE };

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (policy_parse(text, &policy, &err) < 0) {
		must(err.code == E_POLICY_SYNTAX && err.text[0]);
		return 0;
	}
	must(policy_format(&policy, canonical, sizeof(canonical)) == 0);
	must(policy_parse(canonical, &again, &err) == 0);
	must(same(&policy, &again));
	must(policy_format(&again, twice, sizeof(twice)) == 0);
	must(strcmp(canonical, twice) == 0);
	/* nothing is more than itself; nothing gains by another policy */
	if (policy_intersect(&policy, &again, &both))
		must(same(&policy, &both));
	policy_default(&again);
	if (policy_intersect(&policy, &again, &both))
		for (int i = PART_ROOT; i <= PART_USR; i++)
			must(!(both.flags[i] & ~(policy.flags[i] & again.flags[i])));
	return 0;
}
