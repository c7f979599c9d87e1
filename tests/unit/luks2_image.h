/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LUKS2 headers made from the trimmed fixtures of tests/fixtures/luks2 (see trim there). */
#pragma once

#include "generators/sources/luks2.h"

#define LUKS2_IMAGE_MAX (2 * 65536)

struct luks2_image {
	size_t size, copy_size;
	uint8_t bytes[LUKS2_IMAGE_MAX];
};

/* One of tests/fixtures/luks2; both copies. */
void luks2_image_load(struct luks2_image *image, const char *name);
/* The JSON of copy 0 or 1, which ends with a NUL. */
char *luks2_image_json(struct luks2_image *image, int copy);
/* Makes the checksum of a copy right again. */
void luks2_image_seal(struct luks2_image *image, int copy);
/* Replaces the first old text in the JSON of both copies, and seals them; it must be there. */
void luks2_image_edit(struct luks2_image *image, const char *old, const char *new);
/* Parses it as what stands at the start of a device of 64 MiB, 1 GiB of memory for keys. */
int luks2_image_parse(const struct luks2_image *image, struct luks2_header *ret, struct err *err);
