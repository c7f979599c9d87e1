/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text of many small parts for a descriptor: one write for some thousand bytes, no heap. */
#pragma once

#include "attr.h"

#include <stddef.h>

#define OUT_SIZE 16384

struct out {
	int fd; /* the caller's */
	size_t used;
	char text[OUT_SIZE];
};

void out_init(struct out *out, int fd);
/* What is longer than the buffer is cut. */
void out_printf(struct out *out, const char *fmt, ...) _printf_(2, 3);
/* One text, quoted as JSON has it. */
void out_json(struct out *out, const char *text);
/* What is not written yet; an error is the reader's to see. */
void out_flush(struct out *out);
