/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON area of one copy of a LUKS2 header; luks2.c alone calls it. */
#pragma once

#include "generators/sources/luks2.h"
#include "init/base/field.h"

#define LUKS2_ALIGNMENT 4096

/* Fills in all but what the binary header says; ret->header_size is set. */
int luks2_json_parse(const char *text, size_t size, const struct luks2_limits *limits,
		     struct luks2_header *ret, struct err *err);

/* The "config" object, against the sizes and keyslots that header has. */
int luks2_config_check(const struct field *root, const struct luks2_header *header);
