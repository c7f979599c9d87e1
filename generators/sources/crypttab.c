/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc/crypttab of the signed initrd: crypttab(5), one fact a volume. */
#include "generators/crypttab.h"
#include "generators/sources/sources.h"
#include "init/base/fs.h"

#include <errno.h>
#include <string.h>

#define BLANKS " \t\r"

static char *next_field(char **rest)
{
	char *field = *rest + strspn(*rest, BLANKS);
	size_t len = strcspn(field, BLANKS);

	*rest = field + len + (field[len] != '\0');
	field[len] = '\0';
	return field;
}

/* A key of the initrd, or an empty string for "none". */
static int take_key(const char *field, const char **ret, struct err *err)
{
	*ret = "";
	if (!field[0] || strcmp(field, "-") == 0 || strcmp(field, "none") == 0)
		return 0;
	*ret = field;
	return crypt_key_path(field, err);
}

static int add_entry(char *line, struct facts *facts, struct err *err)
{
	const char *name = next_field(&line), *device = next_field(&line), *key;
	const char *key_field = next_field(&line), *options = next_field(&line);
	struct crypt_options parsed;
	struct fact fact;
	int r;

	if (!crypt_name_valid(name) || facts_find(facts, FACT_CRYPTTAB, name))
		return err_set(err, E_CRYPTTAB, EINVAL, "a name is given twice, or is none");
	if (!device[0] || *next_field(&line))
		return err_set(err, E_CRYPTTAB, EINVAL, "%s: not \"NAME DEVICE KEY OPTIONS\"",
			       name);
	crypt_options_default(&parsed);
	r = take_key(key_field, &key, err);
	if (r == 0)
		r = crypt_options_parse(options, &parsed, err);
	if (r == 0)
		r = fact_init(&fact, FACT_CRYPTTAB, "config", name, err);
	if (r < 0)
		return r;
	if (fields_add(&fact.fields, "device", device) < 0 ||
	    (key[0] && fields_add(&fact.fields, "key", key) < 0) ||
	    (options[0] && fields_add(&fact.fields, "options", options) < 0))
		return err_set(err, E_CRYPTTAB, E2BIG, "%s: too long", name);
	fact.usec = clock_usec();
	return facts_add(facts, &fact, err);
}

int crypttab_parse(char *text, struct facts *facts, struct err *err)
{
	unsigned int n = 0, entries = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		int r;

		n++;
		line += strspn(line, BLANKS);
		if (!*line || *line == '#')
			continue;
		if (++entries > CRYPTTAB_LINES_MAX)
			return err_set(err, E_CRYPTTAB, E2BIG, "more than %d volumes",
				       CRYPTTAB_LINES_MAX);
		r = add_entry(line, facts, err);
		if (r < 0) {
			err_wrap(err, "/etc/crypttab, line %u", n);
			return r;
		}
	}
	return 0;
}

int crypttab_read(int root_fd, struct facts *facts, struct err *err)
{
	static char text[CRYPTTAB_TEXT_MAX];
	ssize_t n = fs_read(root_fd, "etc/crypttab", text, sizeof(text));

	if (n == -ENOENT)
		return 0;
	if (n < 0 || strlen(text) != (size_t)n)
		return err_set(err, E_CRYPTTAB, n < 0 ? (int)-n : EINVAL,
			       "/etc/crypttab: is no text of at most 8 KiB");
	return crypttab_parse(text, facts, err);
}
