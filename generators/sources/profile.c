/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /.extra/profile: the ".profile" section of the UKI's profile that was chosen (UAPI.5, multi-profile
 * UKIs; systemd-stub(7)). It is signed with the UKI and measured into PCR 11; only its ID= counts here.
 */
#include "generators/sources/sources.h"
#include "init/base/fs.h"

#include <errno.h>
#include <string.h>

#define PROFILE_MAX 4096
#define ID_MAX 64

/* As in os-release(5): quotes around the whole value may be left out. */
static int take_id(char *value, char ret[ID_MAX], struct err *err)
{
	size_t len = strlen(value);

	if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]) {
		value[len - 1] = '\0';
		value++;
		len -= 2;
	}
	if (len == 0 || text_copy(ret, ID_MAX, value) < 0 ||
	    strspn(ret, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
		return err_set(err, E_UKI, EINVAL, "/.extra/profile: ID= is not a name");
	return 1;
}

int profile_parse(char *text, char *ret, struct err *err)
{
	int found = 0;

	for (char *line; found >= 0 && (line = strsep(&text, "\n")) != NULL;)
		if (text_starts(line, "ID="))
			found = take_id(line + strlen("ID="), ret, err);
	return found;
}

int profile_read(int root_fd, struct facts *facts, struct err *err)
{
	char text[PROFILE_MAX], id[ID_MAX];
	ssize_t n = fs_read(root_fd, ".extra/profile", text, sizeof(text));
	struct fact fact;
	int r;

	if (n == -ENOENT || n == -ENOTDIR)
		return 0;
	if (n < 0 || memchr(text, '\0', (size_t)n))
		return err_set(err, E_UKI, n < 0 ? (int)-n : EINVAL,
			       "/.extra/profile is not a text of at most %d bytes",
			       PROFILE_MAX - 1);
	r = profile_parse(text, id, err);
	if (r <= 0)
		return r;
	r = fact_init(&fact, FACT_CONFIG, "stub", "profile", err);
	if (r < 0)
		return r;
	fields_add(&fact.fields, "value", id);
	fact.usec = clock_usec();
	return facts_add(facts, &fact, err);
}
