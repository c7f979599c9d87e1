/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/vpick.h"
#include "generators/sources/sources.h"
#include "init/base/text.h"

#include <string.h>

/* All of systemd's src/basic/architecture.c: what looks like one is never a part of the version. */
static const char *const architectures[] = {
	"alpha",   "arc",     "arc-be",	     "arm",	 "arm64",  "arm64-be", "arm-be",
	"cris",	   "ia64",    "loongarch64", "m68k",	 "mips",   "mips64",   "mips64-le",
	"mips-le", "nios2",   "parisc",	     "parisc64", "ppc",	   "ppc64",    "ppc64-le",
	"ppc-le",  "riscv32", "riscv64",     "s390",	 "s390x",  "sh",       "sh64",
	"sparc",   "sparc64", "tilegx",	     "x86",	 "x86-64",
};

static bool is_architecture(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (strcmp(architectures[i], text) == 0)
			return true;
	return false;
}

/* "+LEFT" or "+LEFT-DONE" at the end is cut off; what is not of that form is the version's. */
static void cut_tries(char *text, struct vpick *pick)
{
	char *plus = strrchr(text, '+'), *dash = plus ? strchr(plus, '-') : NULL;
	uint64_t left, done = 0;

	if (!plus)
		return;
	if (dash)
		*dash = '\0';
	if (text_to_u64(plus + 1, &left) == 0 && (!dash || text_to_u64(dash + 1, &done) == 0)) {
		pick->tries_left = left;
		pick->tries_done = done;
		*plus = '\0';
	} else if (dash) {
		*dash = '-';
	}
}

/* False: for another machine. */
static bool cut_arch(char *text, const char *arch, struct vpick *pick)
{
	char *bar = strrchr(text, '_');

	pick->arch_rank = 2;
	if (!bar || !is_architecture(bar + 1))
		return true;
	if (strcmp(bar + 1, arch) == 0)
		pick->arch_rank = 0;
	else if (strcmp(arch, "x86-64") == 0 && strcmp(bar + 1, "x86") == 0)
		pick->arch_rank = 1;
	else
		return false;
	*bar = '\0';
	return true;
}

static bool parse(const char *file, const char *base, const char *suffix, const char *arch,
		  struct vpick *ret)
{
	size_t len = strlen(file), head = strlen(base), tail = strlen(suffix);

	*ret = (struct vpick){ .tries_left = UINT64_MAX, .tries_done = UINT64_MAX };
	if (len <= head + 1 + tail || strncmp(file, base, head) != 0 || file[head] != '_' ||
	    strcmp(file + len - tail, suffix) != 0 ||
	    text_copy(ret->file, sizeof(ret->file), file) < 0)
		return false;
	text_format(ret->version, sizeof(ret->version), "%.*s", (int)(len - tail - head - 1),
		    file + head + 1);
	cut_tries(ret->version, ret);
	return cut_arch(ret->version, arch, ret) && version_valid(ret->version);
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* >0: a is the better one. An image with no tries left comes behind all that have some. */
static int compare_picks(const struct vpick *a, const struct vpick *b)
{
	int d = (a->tries_left != 0) - (b->tries_left != 0);

	if (d == 0)
		d = version_compare(a->version, b->version);
	if (d == 0)
		d = compare(b->arch_rank, a->arch_rank);
	if (d == 0)
		d = compare(a->tries_left, b->tries_left);
	if (d == 0)
		d = compare(b->tries_done, a->tries_done);
	return d ? d : strcmp(a->file, b->file);
}

bool vpick_offer(struct vpick *best, const char *file, const char *base, const char *suffix,
		 const char *arch)
{
	struct vpick one;

	if (!parse(file, base, suffix, arch, &one) ||
	    (best->file[0] && compare_picks(&one, best) <= 0))
		return false;
	*best = one;
	return true;
}
