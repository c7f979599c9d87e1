/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A UKI's section table: each section that is found lies within the file and can be read. */
#include "images/pe.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pe pe = { .n_sections = 4711 };
	struct err err = { .code = E_NONE };
	uint8_t *copy =
		malloc(size ? size : 1); /* ends with the input, so that a read beyond is seen */
	int r;

	memcpy(copy, data, size);
	r = pe_parse(copy, size, &pe, &err);
	if (r < 0) {
		must((r == -EINVAL || r == -E2BIG) && err.code == E_UKI && err.text[0]);
		must(pe.n_sections == 4711);
		free(copy);
		return 0;
	}
	must(pe.n_sections <= PE_SECTIONS_MAX);
	for (size_t i = 0; i < pe.n_sections; i++) {
		const struct pe_section *section = &pe.sections[i];
		const struct pe_section *found = pe_find(&pe, section->name);

		must(section->memory <= PE_SECTION_BYTES_MAX);
		must(!found || (found->memory > 0 && strcmp(found->name, section->name) == 0));
		if (section->size > 0)
			sum ^= copy[section->offset] ^ copy[section->offset + section->size - 1];
	}
	free(copy);
	return 0;
}
