/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[FACT_CMDLINE] = "cmdline",   [FACT_EFI] = "efi",	[FACT_CONFIG] = "config",
	[FACT_DEVICE] = "device",     [FACT_BLOCK] = "block",	[FACT_GONE] = "gone",
	[FACT_SETTLED] = "settled",   [FACT_TPM] = "tpm",	[FACT_GPT] = "gpt",
	[FACT_PART] = "part",	      [FACT_SIG] = "sig",	[FACT_EXTRA] = "extra",
	[FACT_START] = "start",	      [FACT_RESULT] = "result", [FACT_DEADLINE] = "deadline",
	[FACT_CRYPTTAB] = "crypttab", [FACT_STORED] = "stored", [FACT_CREDENTIAL] = "credential",
	[FACT_PCR] = "pcr",
};

const char *fact_kind_name(enum fact_kind kind)
{
	return kind_names[kind];
}

/* Fields that rules ask for by value. A key stands once for a kind, and has a link of its own. */
static const struct {
	enum fact_kind kind;
	enum fact_link link;
	const char *key;
} indexed[] = {
	{ FACT_BLOCK, LINK_FIELD, "devtype" }, { FACT_GPT, LINK_FIELD, "state" },
	{ FACT_PART, LINK_FIELD, "uuid" },     { FACT_PART, LINK_FIELD_2, "disk" },
	{ FACT_PART, LINK_FIELD_3, "name" },   { FACT_SIG, LINK_FIELD, "disk" },
	{ FACT_RESULT, LINK_FIELD, "status" }, { FACT_CONFIG, LINK_FIELD, "value" },
};

static unsigned int bucket_of(enum fact_kind kind, const char *text)
{
	return text_hash(kind, text) % FACTS_BUCKETS;
}

static bool name_valid(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~')
			return false;
	return true;
}

int fact_init(struct fact *fact, enum fact_kind kind, const char *origin, const char *subject,
	      struct err *err)
{
	memset(fact, 0, offsetof(struct fact, fields) + 1);
	fact->kind = kind;
	if (text_copy(fact->origin, sizeof(fact->origin), origin) < 0 ||
	    text_copy(fact->subject, sizeof(fact->subject), subject) < 0)
		return err_set(err, E_LIMIT, E2BIG, "%s fact: name longer than %d",
			       kind_names[kind], FACT_NAME_MAX - 1);
	return 0;
}

static void link_last(struct facts *facts, enum fact_link link, unsigned int bucket)
{
	uint16_t *tail = &facts->tail[link][bucket];

	if (*tail)
		facts->list[*tail - 1].next[link] = (uint16_t)facts->n;
	else
		facts->head[link][bucket] = (uint16_t)facts->n;
	*tail = (uint16_t)facts->n;
}

void facts_clear(struct facts *facts)
{
	facts->n = 0;
	memset(facts->head, 0, sizeof(facts->head));
	memset(facts->tail, 0, sizeof(facts->tail));
}

int facts_add(struct facts *facts, const struct fact *fact, struct err *err)
{
	char value[FIELDS_MAX];
	struct fact *copy;

	if (facts->n >= FACTS_MAX)
		return err_set(err, E_LIMIT, ENOSPC, "more than %d facts", FACTS_MAX);
	if (!name_valid(fact->origin) || !name_valid(fact->subject))
		return err_set(err, E_FACTS, EINVAL, "%s fact without a proper name",
			       kind_names[fact->kind]);
	copy = &facts->list[facts->n++];
	memcpy(copy, fact, offsetof(struct fact, fields));
	memcpy(copy->fields.text, fact->fields.text, strlen(fact->fields.text) + 1);
	memset(copy->next, 0, sizeof(copy->next));
	link_last(facts, LINK_KIND, fact->kind);
	link_last(facts, LINK_SUBJECT, bucket_of(fact->kind, fact->subject));
	for (size_t i = 0; i < ARRAY_SIZE(indexed); i++)
		if (indexed[i].kind == fact->kind &&
		    fields_get(&fact->fields, indexed[i].key, value, sizeof(value)) == 0)
			link_last(facts, indexed[i].link, bucket_of(fact->kind, value));
	return 0;
}

static const struct fact *fact_at(const struct facts *facts, uint16_t at)
{
	return at ? &facts->list[at - 1] : NULL;
}

static const struct fact *chain_find(const struct facts *facts, uint16_t at, enum fact_kind kind,
				     const char *subject)
{
	const struct fact *fact = fact_at(facts, at);

	for (; fact; fact = fact_at(facts, fact->next[LINK_SUBJECT]))
		if (fact->kind == kind && strcmp(fact->subject, subject) == 0)
			break;
	return fact;
}

const struct fact *facts_find(const struct facts *facts, enum fact_kind kind, const char *subject)
{
	return chain_find(facts, facts->head[LINK_SUBJECT][bucket_of(kind, subject)], kind,
			  subject);
}

const struct fact *facts_next(const struct facts *facts, const struct fact *fact)
{
	return chain_find(facts, fact->next[LINK_SUBJECT], fact->kind, fact->subject);
}

const struct fact *facts_last(const struct facts *facts, enum fact_kind kind, const char *subject)
{
	const struct fact *last = NULL, *fact = facts_find(facts, kind, subject);

	for (; fact; fact = facts_next(facts, fact))
		last = fact;
	return last;
}

const struct fact *facts_each(const struct facts *facts, enum fact_kind kind,
			      const struct fact *after)
{
	return fact_at(facts, after ? after->next[LINK_KIND] : facts->head[LINK_KIND][kind]);
}

const struct fact *facts_with(const struct facts *facts, enum fact_kind kind, const char *key,
			      const char *value, const struct fact *after)
{
	const struct fact *fact;
	size_t i = 0;

	while (indexed[i].kind != kind || strcmp(indexed[i].key, key) != 0)
		i++;
	fact = fact_at(facts, after ? after->next[indexed[i].link]
				    : facts->head[indexed[i].link][bucket_of(kind, value)]);
	while (fact && (fact->kind != kind || !fields_are(&fact->fields, key, value)))
		fact = fact_at(facts, fact->next[indexed[i].link]);
	return fact;
}

bool facts_step_started(const struct facts *facts, const char *id)
{
	return facts_find(facts, FACT_START, id) || facts_find(facts, FACT_RESULT, id);
}

const struct fact *facts_step_result(const struct facts *facts, const char *id)
{
	return facts_find(facts, FACT_RESULT, id);
}

bool facts_step_done(const struct facts *facts, const char *id)
{
	const struct fact *result = facts_step_result(facts, id);

	return result && fields_are(&result->fields, "status", "done");
}

int fact_format(const struct fact *fact, char *ret, size_t size)
{
	return text_format(ret, size, "%" PRIu64 " %s %s %s%s%s", fact->usec, fact->origin,
			   kind_names[fact->kind], fact->subject, fact->fields.text[0] ? " " : "",
			   fact->fields.text);
}

/* Cuts the next word off; 0, or -EINVAL where it is missing or too long. */
static int next_word(const char **line, char *ret, size_t size)
{
	size_t len = strcspn(*line, " ");

	if (len == 0 || len >= size)
		return -EINVAL;
	memcpy(ret, *line, len);
	ret[len] = '\0';
	*line += len;
	*line += **line == ' ';
	return 0;
}

int fact_parse(const char *line, struct fact *ret, struct err *err)
{
	char word[24], kind[24];
	const char *at = line;
	unsigned int k;

	memset(ret, 0, offsetof(struct fact, fields) + 1);
	if (next_word(&at, word, sizeof(word)) < 0 || text_to_u64(word, &ret->usec) < 0)
		return err_set(err, E_FACTS, EINVAL, "no time in microseconds: %.60s", line);
	if (next_word(&at, ret->origin, sizeof(ret->origin)) < 0 ||
	    next_word(&at, kind, sizeof(kind)) < 0 ||
	    next_word(&at, ret->subject, sizeof(ret->subject)) < 0)
		return err_set(err, E_FACTS, EINVAL, "origin, kind or subject missing: %.60s",
			       line);
	for (k = 0; k < FACT_KIND_MAX_; k++)
		if (strcmp(kind_names[k], kind) == 0)
			break;
	if (k == FACT_KIND_MAX_)
		return err_set(err, E_FACTS, EINVAL, "unknown kind %s", kind);
	ret->kind = (enum fact_kind)k;
	if (!name_valid(ret->origin) || !name_valid(ret->subject) || !fields_valid(at) ||
	    (*at == '\0' && at[-1] == ' '))
		return err_set(err, E_FACTS, EINVAL, "malformed field: %.60s", at);
	memcpy(ret->fields.text, at, strlen(at) + 1);
	return 0;
}

int facts_parse(struct facts *facts, const char *text, struct err *err)
{
	for (unsigned int number = 1; *text; number++) {
		size_t len = strcspn(text, "\n");
		char line[FACT_LINE_MAX];
		struct fact fact;
		int r;

		if (len >= sizeof(line))
			return err_set(err, E_FACTS, EINVAL, "line %u is too long", number);
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + (text[len] == '\n');
		if (line[0] == '\0' || line[0] == '#')
			continue;
		r = fact_parse(line, &fact, err);
		if (r == 0)
			r = facts_add(facts, &fact, err);
		if (r < 0) {
			err_wrap(err, "line %u", number);
			return r;
		}
	}
	return 0;
}
