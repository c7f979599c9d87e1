/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffered text: nothing is lost, doubled or out of order, whatever the lengths. */
#include "init/base/out.h"
#include "init/base/fs.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static char got[4 * OUT_SIZE], wanted[4 * OUT_SIZE];
static struct out out;

static void begin(void)
{
	out_init(&out, memfd_create("out", MFD_CLOEXEC));
	wanted[0] = '\0';
}

static void end(void)
{
	ssize_t n;

	out_flush(&out);
	n = fs_pread(out.fd, got, sizeof(got) - 1, 0);
	CHECK(n >= 0);
	got[n < 0 ? 0 : n] = '\0';
	close(out.fd);
}

TEST(out_many_lines)
{
	size_t used = 0;

	begin();
	for (unsigned int i = 0; i < 3000; i++) {
		out_printf(&out, "%u: %.*s\n", i, (int)(i % 17), "0123456789abcdef");
		used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "%u: %.*s\n", i,
					 (int)(i % 17), "0123456789abcdef");
	}
	CHECK(used > 2 * (size_t)OUT_SIZE); /* it was full on the way */
	end();
	CHECK_STR(got, wanted);
}

/* One that fits to the last byte, one that does not, and one that no buffer holds. */
TEST(out_lengths)
{
	static char text[2 * OUT_SIZE];

	for (size_t len = OUT_SIZE - 3; len < OUT_SIZE + 3; len++) {
		size_t kept = len < OUT_SIZE ? len : OUT_SIZE - 1;

		memset(text, 'x', len);
		text[len] = '\0';
		begin();
		out_printf(&out, "a");
		out_printf(&out, "%s", text);
		out_printf(&out, "z");
		end();
		CHECK_INT(strlen(got), kept + 2);
		CHECK(got[0] == 'a' && got[1] == 'x' && got[kept] == 'x' && got[kept + 1] == 'z');
	}
}

TEST(out_json)
{
	begin();
	out_json(&out, "a \"b\" \\ \n\x01 \xc3\xa9");
	end();
	CHECK_STR(got, "\"a \\\"b\\\" \\\\ \\u000a\\u0001 \xc3\xa9\"");
}
