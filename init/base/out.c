/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/out.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <stdarg.h>

void out_init(struct out *out, int fd)
{
	out->fd = fd;
	out->used = 0;
}

void out_flush(struct out *out)
{
	fs_write_all(out->fd, out->text, out->used);
	out->used = 0;
}

void out_printf(struct out *out, const char *fmt, ...)
{
	for (;;) {
		size_t used = out->used, left = OUT_SIZE - used;
		va_list ap;
		int n;

		va_start(ap, fmt);
		n = text_vformat(out->text + used, left, fmt, ap);
		va_end(ap);
		if (n < 0)
			return;
		if ((size_t)n < left || used == 0) {
			out->used += (size_t)n < left ? (size_t)n : left - 1;
			return;
		}
		out_flush(out);
	}
}

void out_json(struct out *out, const char *text)
{
	out_printf(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			out_printf(out, "\\%c", c);
		else if (c < 32)
			out_printf(out, "\\u%04x", c);
		else
			out_printf(out, "%c", c);
	}
	out_printf(out, "\"");
}
