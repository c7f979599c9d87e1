/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A release file of any bytes is matched or refused with a text; a name that is taken is plain; of
 * two files of a versioned folder the same is chosen whichever is offered first.
 */
#include "generators/sources/release.h"
#include "generators/sources/vpick.h"
#include "tests/fuzz/fuzz.h"

/* Two names, up to a newline and behind it. */
static void check_vpick(char *names)
{
	char *end = strchr(names, '\n'), *two = end ? end + 1 : names;
	struct vpick a = { .file = "" }, b = { .file = "" };

	if (end)
		*end = '\0';
	vpick_offer(&a, names, "foo", ".raw", "x86-64");
	vpick_offer(&a, two, "foo", ".raw", "x86-64");
	vpick_offer(&b, two, "foo", ".raw", "x86-64");
	vpick_offer(&b, names, "foo", ".raw", "x86-64");
	must(strcmp(a.file, b.file) == 0 && strcmp(a.version, b.version) == 0);
	if (a.file[0])
		must(strncmp(a.file, "foo_", 4) == 0 && a.version[0] &&
		     !strpbrk(a.file, "/ \n%:,\\"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char host_text[] = "ID=debian\nID_LIKE='a b'\nVERSION_ID=13\nSYSEXT_LEVEL=1\n"
					"CONFEXT_LEVEL=2\n";
	const struct release host = { host_text, sizeof(host_text) - 1 };
	char file[300], name[EXTENSION_NAME_MAX + 1], value[32];
	struct err err = { .code = E_NONE };
	struct release own;
	int r;

	/* on the heap and without a NUL: a read behind the end shows */
	own.size = size;
	own.text = memcpy(malloc(size + !size), data, size);
	r = extension_match(&host, &own, size & 1, "system", "x86-64", &err);
	must(r == 0 || (err.code == E_EXTENSION && err.text[0]));
	release_describe(&own, value, sizeof(value));
	must(memchr(value, '\0', sizeof(value)) != NULL);
	r = release_value(own.text, own.size, "ID", value, sizeof(value));
	must(memchr(value, '\0', sizeof(value)) && (r == 0 || !value[0]));
	/* the same file on both sides fits, unless it has no ID or says itself that it does not */
	if (extension_match(&own, &own, true, "system", "x86-64", &err) < 0)
		must(err.text[0]);
	if (size < sizeof(file)) {
		memcpy(file, data, size);
		file[size] = '\0';
		if (extension_name(file, false, name))
			must(name[0] && name[0] != '.' && !strpbrk(name, "/:,\\ %\n") &&
			     strncmp(name, file, strlen(name)) == 0);
		if (credential_name_valid(file))
			must(!strpbrk(file, "/: \n"));
		check_vpick(file);
	}
	free((void *)(uintptr_t)own.text);
	return 0;
}
