/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discoverable Partitions Specification (UAPI.2): type UUIDs by role and architecture. */
#pragma once

#include "generators/policy.h"
#include "init/base/bytes.h"

struct dps_type {
	struct uuid type;
	enum designator designator;
	const char *arch; /* as in the spec's names ("x86-64"); NULL: for all */
	const char *name; /* "root-x86-64-verity-sig" */
};

/* NULL where the type is none of the specification's. */
const struct dps_type *dps_find(const struct uuid *type);
/* The name of this build's architecture in the table. */
const char *dps_native_arch(void);
