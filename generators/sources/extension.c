/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/extension.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

#define VALUE_MAX 256
#define CREDENTIAL_NAME_MAX 255

bool extension_name(const char *file, bool confext, char ret[EXTENSION_NAME_MAX + 1])
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._+~^@=-";
	const char *suffix = confext ? ".confext" : ".sysext";
	size_t len = strlen(file), tail = strlen(suffix);

	if (len <= 4 || strcmp(file + len - 4, ".raw") != 0)
		return false;
	len -= 4;
	if (len >= tail && strncmp(file + len - tail, suffix, tail) == 0)
		len -= tail;
	if (len == 0 || len > EXTENSION_NAME_MAX || file[0] == '.' || strspn(file, good) < len)
		return false;
	memcpy(ret, file, len);
	ret[len] = '\0';
	return true;
}

bool credential_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > CREDENTIAL_NAME_MAX || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == ':' || *name == '/')
			return false;
	return true;
}

/* A value under way; without room for it, it is read over. */
struct value {
	char *text;
	size_t n, keep, size; /* keep: up to here no blank is trimmed */
};

static void put(struct value *value, char c)
{
	if (value->text && value->n + 1 < value->size)
		value->text[value->n] = c;
	value->n++;
}

/* Reads to the end of the line; quotes count only before the first bare character. */
static int read_value(const char **at, const char *end, struct value *value)
{
	bool bare = false;
	char quote = 0;

	for (; *at < end && (**at == ' ' || **at == '\t'); (*at)++)
		;
	for (; *at < end && (quote || (**at != '\n' && **at != '\r')); (*at)++) {
		char c = **at;

		if (quote && c == quote) {
			quote = 0;
		} else if (!quote && !bare && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == '\\' && quote != '\'') {
			if (++*at == end)
				return -EINVAL;
			if (**at == '\n')
				continue;
			if (quote && !strchr("\"\\`$", **at))
				put(value, c);
			put(value, **at);
			bare |= !quote;
		} else {
			put(value, c);
			bare |= !quote;
			if (!quote && (c == ' ' || c == '\t'))
				continue;
		}
		value->keep = value->n;
	}
	if (quote)
		return -EINVAL;
	if (value->text && value->keep < value->size)
		value->text[value->keep] = '\0';
	return 0;
}

static size_t trimmed(const char *key, size_t len)
{
	while (len > 0 && (key[len - 1] == ' ' || key[len - 1] == '\t'))
		len--;
	return len;
}

int release_value(const char *text, size_t size, const char *key, char *ret, size_t ret_size)
{
	const char *end = text + size;
	int found = -ENOENT;

	ret[0] = '\0';
	if (memchr(text, '\0', size))
		return -EINVAL;
	for (const char *at = text; at < end;) {
		struct value value = { .size = ret_size };
		const char *start = at;
		size_t len;

		if (strchr(" \t\r\n", *at)) {
			at++;
			continue;
		}
		while (at < end && *at != '\n' && (*at != '=' || strchr("#;", *start)))
			at++;
		if (at == end || *at == '\n')
			continue; /* a comment, or no assignment */
		len = trimmed(start, (size_t)(at - start));
		at++;
		if (len == strlen(key) && memcmp(start, key, len) == 0)
			value.text = ret;
		if (read_value(&at, end, &value) < 0) {
			ret[0] = '\0';
			return -EINVAL;
		}
		if (value.text)
			found = value.keep < ret_size ? 0 : -E2BIG;
	}
	if (found == -E2BIG)
		ret[0] = '\0';
	return found;
}

/* Missing is empty; malformed is an error. */
static int get(const struct release *release, const char *key, char ret[VALUE_MAX], struct err *err)
{
	int r = release_value(release->text, release->size, key, ret, VALUE_MAX);

	if (r == 0 || r == -ENOENT)
		return 0;
	return err_set(err, E_EXTENSION, EINVAL, "release file, %s: %s", key,
		       r == -E2BIG ? "too long" : "malformed");
}

/* systemd's WHITESPACE stands between them. */
static bool has_word(const char *list, const char *word)
{
	static const char blanks[] = " \t\n\r";
	size_t len = strlen(word);

	for (const char *at = list; *at;) {
		size_t n = strcspn(at, blanks);

		if (n == len && n > 0 && memcmp(at, word, n) == 0)
			return true;
		at += n;
		at += strspn(at, blanks);
	}
	return false;
}

/* Level against level where both have one, else version against version. */
static int match_version(const struct release *host, const struct release *extension,
			 const char *level, struct err *err)
{
	char host_version[VALUE_MAX], host_level[VALUE_MAX] = "", own[VALUE_MAX] = "";
	int r = get(host, "VERSION_ID", host_version, err);

	if (r == 0)
		r = get(host, level, host_level, err);
	if (r == 0)
		r = get(extension, level, own, err);
	if (r < 0 || (!host_version[0] && !host_level[0]))
		return r; /* a rolling release has neither */
	if (host_level[0] && own[0])
		return strcmp(host_level, own) == 0
			       ? 0
			       : err_set(err, E_EXTENSION, EINVAL, "%s is %.60s, the root's %.60s",
					 level, own, host_level);
	if (!host_version[0])
		return 0;
	r = get(extension, "VERSION_ID", own, err);
	if (r == 0 && strcmp(host_version, own) != 0)
		r = err_set(err, E_EXTENSION, EINVAL, "VERSION_ID is %.60s, the root's %.60s",
			    own[0] ? own : "missing", host_version);
	return r;
}

int extension_in_scope(const struct release *extension, bool confext, const char *scope, bool *ret,
		       struct err *err)
{
	char own[VALUE_MAX];
	int r = get(extension, confext ? "CONFEXT_SCOPE" : "SYSEXT_SCOPE", own, err);

	*ret = r == 0 && has_word(own[0] ? own : "system portable", scope);
	return r;
}

int extension_match(const struct release *host, const struct release *extension, bool confext,
		    const char *scope, const char *arch, struct err *err)
{
	char own[VALUE_MAX], id[VALUE_MAX] = "", like[VALUE_MAX] = "";
	const char *key = confext ? "CONFEXT_SCOPE" : "SYSEXT_SCOPE";
	int r = get(extension, key, own, err);

	/* one that is there and empty is a list of none */
	if (r == 0 && release_value(extension->text, extension->size, key, own, sizeof(own)) < 0)
		text_copy(own, sizeof(own), "system portable");
	if (r == 0 && !has_word(own, scope))
		r = err_set(err, E_EXTENSION, EINVAL, "its scope is %.60s, not %s", own, scope);
	if (r == 0)
		r = get(extension, "ARCHITECTURE", own, err);
	if (r == 0 && own[0] && strcmp(own, "_any") != 0 && strcmp(own, arch) != 0)
		r = err_set(err, E_EXTENSION, EINVAL, "ARCHITECTURE is %.60s, the machine's %s",
			    own, arch);
	if (r == 0)
		r = get(extension, "ID", own, err);
	if (r < 0 || strcmp(own, "_any") == 0)
		return r;
	r = get(host, "ID", id, err);
	if (r == 0)
		r = get(host, "ID_LIKE", like, err);
	if (r == 0 && (!own[0] || (strcmp(own, id) != 0 && !has_word(like, own))))
		r = err_set(err, E_EXTENSION, EINVAL, "ID is %.60s, the root's %.60s",
			    own[0] ? own : "missing", id[0] ? id : "missing");
	return r < 0 ? r
		     : match_version(host, extension, confext ? "CONFEXT_LEVEL" : "SYSEXT_LEVEL",
				     err);
}
