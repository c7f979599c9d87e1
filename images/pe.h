/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The section table of a UKI (PE/COFF, "PE Format", section headers), read from a hostile file. */
#pragma once

#include "init/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define PE_SECTIONS_MAX 96
#define PE_SECTION_BYTES_MAX (1U << 30)

struct pe_section {
	char name[9];
	uint32_t offset, size; /* in the file, within it */
	uint32_t memory;       /* as loaded: cut, or filled up with zeros */
};

struct pe {
	size_t n_sections;
	struct pe_section sections[PE_SECTIONS_MAX];
};

/* 0, or -EINVAL/-E2BIG with E_UKI; ret is then untouched. */
int pe_parse(const uint8_t *bytes, size_t size, struct pe *ret, struct err *err);

/*
 * The section that systemd-stub takes for the first profile (UAPI.5): the profile's own, which stand
 * behind the first .profile, before those for all profiles. The first of a name counts, and an empty
 * one is none. NULL where there is none.
 */
const struct pe_section *pe_find(const struct pe *pe, const char *name);
