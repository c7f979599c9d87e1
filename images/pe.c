/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "images/pe.h"
#include "init/base/bytes.h"

#include <errno.h>
#include <string.h>

#define COFF_SIZE 24 /* with the signature before it */
#define SECTION_HEADER_SIZE 40

static int parse_section(const uint8_t *header, size_t size, struct pe_section *ret,
			 struct err *err)
{
	memcpy(ret->name, header, 8);
	ret->name[8] = '\0';
	ret->memory = le32(header + 8);
	ret->size = le32(header + 16);
	ret->offset = le32(header + 20);
	if (ret->size > size || ret->offset > size - ret->size)
		return err_set(err, E_UKI, EINVAL, "a section lies outside of the file");
	if (ret->memory > PE_SECTION_BYTES_MAX)
		return err_set(err, E_UKI, E2BIG, "a section is larger than 1 GiB");
	return 0;
}

int pe_parse(const uint8_t *bytes, size_t size, struct pe *ret, struct err *err)
{
	struct pe pe = { .n_sections = 0 };
	size_t coff, table;

	if (size < 64 || memcmp(bytes, "MZ", 2) != 0)
		return err_set(err, E_UKI, EINVAL, "no PE file");
	coff = le32(bytes + 60);
	if (coff > size || size - coff < COFF_SIZE || memcmp(bytes + coff, "PE\0", 4) != 0)
		return err_set(err, E_UKI, EINVAL, "no PE file");
	pe.n_sections = le16(bytes + coff + 6);
	table = coff + COFF_SIZE + le16(bytes + coff + 20);
	if (pe.n_sections > PE_SECTIONS_MAX)
		return err_set(err, E_UKI, E2BIG, "more than %d sections", PE_SECTIONS_MAX);
	if (table > size || (size - table) / SECTION_HEADER_SIZE < pe.n_sections)
		return err_set(err, E_UKI, EINVAL, "the section table is cut off");
	for (size_t i = 0; i < pe.n_sections; i++) {
		int r = parse_section(bytes + table + i * SECTION_HEADER_SIZE, size,
				      &pe.sections[i], err);

		if (r < 0)
			return r;
	}
	*ret = pe;
	return 0;
}

/* The first of that name in a range. */
static const struct pe_section *find_in(const struct pe *pe, size_t from, size_t to,
					const char *name)
{
	for (size_t i = from; i < to; i++)
		if (strcmp(pe->sections[i].name, name) == 0 && pe->sections[i].memory > 0)
			return &pe->sections[i];
	return NULL;
}

static size_t profile_start(const struct pe *pe, size_t from)
{
	while (from < pe->n_sections && strcmp(pe->sections[from].name, ".profile") != 0)
		from++;
	return from;
}

const struct pe_section *pe_find(const struct pe *pe, const char *name)
{
	size_t first = profile_start(pe, 0);
	size_t second = first < pe->n_sections ? profile_start(pe, first + 1) : first;
	const struct pe_section *found = find_in(pe, first, second, name);

	return found ? found : find_in(pe, 0, first, name);
}
