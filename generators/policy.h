/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Image policies: systemd.image-policy(7). For each partition role (designator) a set of
 * protections that are acceptable. lintel holds a role to the one strongest of the levels that
 * the policy allows and the role can have; there is no silent "or weaker". Of root and usr: signed,
 * before verity, before encrypted; "encrypted" beside one of the first two allows a volume below it,
 * and takes the place of neither.
 */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>

enum designator {
	PART_ROOT,
	PART_USR,
	PART_HOME,
	PART_SRV,
	PART_ESP,
	PART_XBOOTLDR,
	PART_SWAP,
	PART_ROOT_VERITY,
	PART_ROOT_VERITY_SIG,
	PART_USR_VERITY,
	PART_USR_VERITY_SIG,
	PART_TMP,
	PART_VAR,
	PART_DESIGNATOR_MAX_,
};

enum policy_flags {
	POLICY_VERITY = 1 << 0,
	POLICY_SIGNED = 1 << 1,
	POLICY_ENCRYPTED = 1 << 2,
	POLICY_UNPROTECTED = 1 << 3,
	POLICY_UNUSED = 1 << 4,
	POLICY_ABSENT = 1 << 5,
	POLICY_ENCRYPTED_WITH_INTEGRITY = 1 << 6,
	POLICY_PROTECTIONS = 0x7f,
	POLICY_READ_ONLY_ON = 1 << 7,
	POLICY_READ_ONLY_OFF = 1 << 8,
	POLICY_GROWFS_ON = 1 << 9,
	POLICY_GROWFS_OFF = 1 << 10,
};

struct image_policy {
	unsigned int flags[PART_DESIGNATOR_MAX_]; /* every role has its entry after parsing */
	unsigned int fallback;			  /* of the roles that the text does not name */
	unsigned int listed;			  /* bits 1 << designator: those that it names */
};

const char *designator_name(enum designator designator);

/* The default of lintel: root and usr signed or absent, all else unused or absent. */
void policy_default(struct image_policy *ret);

/*
 * Parses "root=verity+signed:usr=…:=…" ("*", "-", "~" and the empty string too, as systemd
 * does). 0, or -EINVAL/-EEXIST/-E2BIG with E_POLICY_SYNTAX.
 */
int policy_parse(const char *text, struct image_policy *ret, struct err *err);

/* Narrows: what both allow. Returns false where a role is left with nothing. */
bool policy_intersect(const struct image_policy *a, const struct image_policy *b,
		      struct image_policy *ret);

/* Canonical text; -E2BIG where it does not fit. */
int policy_format(const struct image_policy *policy, char *ret, size_t size);
