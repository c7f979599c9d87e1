/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's command. `plan` and `codes` are built in, with the very rules of /init; the verbs
 * that make images are programs beside it (LINTEL_LIBEXEC, the source tree, or /usr/lib/lintel).
 */
#include "images/plan.h"
#include "images/sysext.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int codes_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("| code | what it means | what to do |\n|---|---|---|");
	for (unsigned int code = E_NONE + 1; code < E_MAX_; code++)
		printf("| `%s` | %s | %s |\n", err_name((enum err_code)code),
		       err_meaning((enum err_code)code), err_advice((enum err_code)code));
	return 0;
}

static const struct verb_entry {
	const char *name, *help;
	int (*run)(int argc, char **argv); /* NULL: the program lintel-NAME */
} verbs[] = {
	{ "plan", "print what /init would do, from facts or a disk image", plan_main },
	{ "initrd", "make the initrd: a reproducible cpio with /init and drivers", NULL },
	{ "uki", "wrap kernel, initrd and command line into a signed UKI (ukify)", NULL },
	{ "disk", "make a disk with ESP and signed-verity or LUKS2 partitions (systemd-repart)",
	  NULL },
	{ "sysext", "say whether /init would merge an extension image, and if not, why",
	  sysext_main },
	{ "timeline", "show the steps of a boot over time, as text or a picture", NULL },
	{ "codes", "list the error codes", codes_main },
};

static int usage(FILE *out, int status)
{
	fprintf(out,
		"Usage: lintel VERB [OPTION…]\n\nThe initrd of verified, immutable Linux.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out, "\n`lintel VERB --help` tells more.\n");
	return status;
}

/* Tries one folder; returns only where the program is not there. */
static void try_exec(const char *folder, const char *below, const char *verb, char **argv)
{
	char path[4096];

	if (text_format(path, sizeof(path), "%s%slintel-%s", folder, below, verb) == 0)
		execv(path, argv);
}

static int run_program(const char *verb, char **argv)
{
	const char *libexec = getenv("LINTEL_LIBEXEC");
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n < 0 ? 0 : n] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	if (libexec)
		try_exec(libexec, "/", verb, argv);
	try_exec(self, "/../images/", verb, argv);
	try_exec(self, "/../lib/lintel/", verb, argv);
	fprintf(stderr, "lintel: lintel-%s was not found: %s\n", verb, strerror(errno));
	return 3;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, 2);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return usage(stdout, 0);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		return verbs[i].run ? verbs[i].run(argc - 1, argv + 1)
				    : run_program(verbs[i].name, argv + 1);
	}
	fprintf(stderr, "lintel: no verb '%s'\n", argv[1]);
	return usage(stderr, 2);
}
