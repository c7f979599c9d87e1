/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel command line, split as the kernel splits it (lib/cmdline.c, next_arg()), so that both
 * see the same words. Whoever starts the UKI may append to the line; what he appends is marked.
 */
#include "generators/sources/sources.h"
#include "init/base/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CMDLINE_MAX 4096 /* the largest COMMAND_LINE_SIZE of the kernel's that matters */
#define WORDS_MAX 256

/* One word as it stands in the line, quotes and all. */
struct token {
	const char *text;
	size_t len;
};

/* The kernel's isspace(): its table counts the no-break space of Latin-1 in. */
static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0';
}

/* Cuts the next word off; false at the end. A quote that is left open lasts to the end. */
static bool next_token(const char **at, struct token *ret)
{
	bool quoted = false;

	while (blank(**at))
		(*at)++;
	ret->text = *at;
	for (; **at && (quoted || !blank(**at)); (*at)++)
		if (**at == '"')
			quoted = !quoted;
	ret->len = (size_t)(*at - ret->text);
	return ret->len > 0;
}

/*
 * Splits a word at its first '=' that is not its first character. Only quotes around the whole
 * word or the whole value are taken off. ret_value: NULL where there is no '='.
 */
static void split_token(const struct token *token, char *buffer, const char **ret_key,
			const char **ret_value)
{
	bool whole = token->text[0] == '"', quoted_value = false;
	size_t len = token->len - whole;
	char *equals = NULL;

	memcpy(buffer, token->text + whole, len);
	buffer[len] = '\0';
	if (len > 1)
		equals = strchr(buffer + 1, '=');
	if (equals) {
		*equals++ = '\0';
		quoted_value = *equals == '"';
	}
	if (len > 0 && (whole || quoted_value) && buffer[len - 1] == '"')
		buffer[len - 1] = '\0';
	*ret_key = buffer;
	*ret_value = equals && quoted_value && *equals ? equals + 1 : equals;
}

/* How many words of the line are the UKI's own: all of its own words, in order, or none. */
static int count_own(const char *line, const char *own)
{
	struct token theirs, ours;
	int n = 0;

	if (!own)
		return 0;
	for (; next_token(&own, &ours); n++)
		if (!next_token(&line, &theirs) || theirs.len != ours.len ||
		    memcmp(theirs.text, ours.text, ours.len) != 0)
			return 0;
	return n;
}

/* For messages: the start of a word; a hostile one must not speak to the terminal. */
#define SHOWN_MAX 128

static const char *shown(const char *text, char ret[SHOWN_MAX])
{
	char start[40];

	snprintf(start, sizeof(start), "%s", text);
	text_encode(start, ret, SHOWN_MAX);
	return ret;
}

static int check_choice(const char *key, const char *value, struct err *err)
{
	char text[SHOWN_MAX];

	if (value && on_failure_known(value))
		return 0;
	return err_set(err, E_CMDLINE, EINVAL, "%s: " ON_FAILURE_CHOICES ", not \"%s\"", key,
		       shown(value ?: "", text));
}

static int check_seconds(const char *key, const char *value, uint64_t min, struct err *err)
{
	uint64_t seconds;
	char text[SHOWN_MAX];

	if (value && text_to_u64(value, &seconds) == 0 && seconds >= min && seconds <= 3600)
		return 0;
	return err_set(err, E_CMDLINE, EINVAL, "%s: seconds from %u to 3600, not \"%s\"", key,
		       (unsigned int)min, shown(value ?: "", text));
}

/* lintel's own words are all known: a misspelt one must not pass for one that is not given. */
static int check_own_word(const char *key, const char *value, struct err *err)
{
	/* the report is of a test image; the rules of the last ones say themselves what they take */
	static const char *const plain[] = {
		"lintel.report",
		"lintel.verity",
		"lintel.extensions",
		"lintel.ask",
		"lintel.shell",
		"lintel.minimum_version",
		"lintel.stored_extensions",
		"lintel.extension_certificates",
		"lintel.credentials",
#ifdef LINTEL_DEBUG
		"lintel.break",
		"lintel.debug",
#endif
	};
	char text[SHOWN_MAX];

	if (text_starts(key, "rd."))
		key += strlen("rd.");
	if (!text_starts(key, "lintel."))
		return 0;
	if (strcmp(key, "lintel.on_failure") == 0)
		return check_choice(key, value, err);
	if (strcmp(key, "lintel.timeout") == 0)
		return check_seconds(key, value, 1, err);
	if (strcmp(key, "lintel.pause") == 0)
		return check_seconds(key, value, 0, err);
	if (strcmp(key, "lintel.minimum_version") == 0 && (!value || !version_valid(value)))
		return err_set(err, E_CMDLINE, EINVAL, "%s: not a version: \"%s\"", key,
			       shown(value ?: "", text));
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcmp(key, plain[i]) == 0)
			return 0;
	return err_set(err, E_CMDLINE, EINVAL, "unknown word %s", shown(key, text));
}

/* Appends one fact; the key goes in encoded, as a fact's subject is printable. */
static int add_fact(struct facts *facts, const char *key, const char *value, bool trusted,
		    struct err *err)
{
	char subject[FACT_NAME_MAX], text[SHOWN_MAX];
	struct fact fact;
	int r;

	if (text_encode(key, subject, sizeof(subject)) < 0)
		return err_set(err, E_CMDLINE, E2BIG, "%s… is longer than %d bytes",
			       shown(key, text), FACT_NAME_MAX - 1);
	r = fact_init(&fact, FACT_CMDLINE, "cmdline", subject, err);
	if (r < 0)
		return r;
	if ((value && fields_add(&fact.fields, "value", value) < 0) ||
	    fields_add(&fact.fields, "trusted", trusted ? "yes" : "no") < 0)
		return err_set(err, E_CMDLINE, E2BIG, "%s: value too long", subject);
	fact.usec = clock_usec();
	return facts_add(facts, &fact, err);
}

static int add_token(struct facts *facts, const struct token *token, bool trusted, bool *dashes,
		     struct err *err)
{
	char buffer[CMDLINE_MAX + 1], joined[CMDLINE_MAX + 1];
	const char *key, *value;
	int r;

	split_token(token, buffer, &key, &value);
	if (*dashes) {
		/* for init, as it was written but for the quotes */
		text_format(joined, sizeof(joined), "%s%s%s", key, value ? "=" : "", value ?: "");
		return add_fact(facts, "--", joined, trusted, err);
	}
	*dashes = strcmp(key, "--") == 0 && !value;
	if (*dashes)
		return 0;
	if (!*key)
		return err_set(err, E_CMDLINE, EINVAL, "an empty word");
	for (char *p = buffer; *p; p++)
		if (*p == '-')
			*p = '_';
	r = check_own_word(key, value, err);
	return r < 0 ? r : add_fact(facts, key, value, trusted, err);
}

int cmdline_parse(const char *text, const char *own, struct facts *facts, struct err *err)
{
	bool dashes = false;
	struct token token;
	int n_own, n = 0;

	if (strlen(text) > CMDLINE_MAX)
		return err_set(err, E_CMDLINE, E2BIG, "longer than %d bytes", CMDLINE_MAX);
	n_own = count_own(text, own);
	for (; next_token(&text, &token); n++) {
		int r;

		if (n >= WORDS_MAX)
			return err_set(err, E_CMDLINE, E2BIG, "more than %d words", WORDS_MAX);
		r = add_token(facts, &token, n < n_own, &dashes, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int cmdline_read(int root_fd, struct facts *facts, struct err *err)
{
	char line[CMDLINE_MAX + 2], own[CMDLINE_MAX + 2];
	ssize_t n = fs_read_line(root_fd, "proc/cmdline", line, sizeof(line));
	int r;

	if (n < 0)
		return err_set(err, E_CMDLINE, (int)-n, "/proc/cmdline: %s", strerror((int)-n));
	n = fs_read_line(root_fd, "etc/lintel/cmdline", own, sizeof(own));
	if (n < 0 && n != -ENOENT)
		return err_set(err, E_CMDLINE, (int)-n, "/etc/lintel/cmdline: %s",
			       strerror((int)-n));
	r = cmdline_parse(line, n < 0 ? NULL : own, facts, err);
	if (r < 0)
		err_wrap(err, "kernel command line");
	return r;
}
