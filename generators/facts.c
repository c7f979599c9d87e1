/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[FACT_CMDLINE] = "cmdline", [FACT_EFI] = "efi",	      [FACT_CONFIG] = "config",
	[FACT_DEVICE] = "device",   [FACT_BLOCK] = "block",   [FACT_GONE] = "gone",
	[FACT_SETTLED] = "settled", [FACT_TPM] = "tpm",	      [FACT_GPT] = "gpt",
	[FACT_PART] = "part",	    [FACT_SIG] = "sig",	      [FACT_EXTRA] = "extra",
	[FACT_START] = "start",	    [FACT_RESULT] = "result", [FACT_DEADLINE] = "deadline",
};

const char *fact_kind_name(enum fact_kind kind)
{
	return kind_names[kind];
}

/* FNV-1a over kind and subject. */
static unsigned int bucket_of(enum fact_kind kind, const char *subject)
{
	uint32_t hash = 2166136261U ^ (uint32_t)kind;

	for (; *subject; subject++)
		hash = (hash ^ (unsigned char)*subject) * 16777619U;
	return hash % FACTS_BUCKETS;
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

int facts_add(struct facts *facts, const struct fact *fact, struct err *err)
{
	unsigned int bucket = bucket_of(fact->kind, fact->subject);
	struct fact *copy;

	if (facts->n >= FACTS_MAX)
		return err_set(err, E_LIMIT, ENOSPC, "more than %d facts", FACTS_MAX);
	if (!name_valid(fact->origin) || !name_valid(fact->subject))
		return err_set(err, E_FACTS, EINVAL, "%s fact without a proper name",
			       kind_names[fact->kind]);
	copy = &facts->list[facts->n++];
	memcpy(copy, fact, offsetof(struct fact, fields));
	memcpy(copy->fields.text, fact->fields.text, strlen(fact->fields.text) + 1);
	copy->next = 0;
	if (facts->tail[bucket])
		facts->list[facts->tail[bucket] - 1].next = (uint16_t)facts->n;
	else
		facts->head[bucket] = (uint16_t)facts->n;
	facts->tail[bucket] = (uint16_t)facts->n;
	return 0;
}

static const struct fact *chain_find(const struct facts *facts, uint16_t at, enum fact_kind kind,
				     const char *subject)
{
	for (; at; at = facts->list[at - 1].next) {
		const struct fact *fact = &facts->list[at - 1];

		if (fact->kind == kind && strcmp(fact->subject, subject) == 0)
			return fact;
	}
	return NULL;
}

const struct fact *facts_find(const struct facts *facts, enum fact_kind kind, const char *subject)
{
	return chain_find(facts, facts->head[bucket_of(kind, subject)], kind, subject);
}

const struct fact *facts_next(const struct facts *facts, const struct fact *fact)
{
	return chain_find(facts, fact->next, fact->kind, fact->subject);
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
	const struct fact *end = facts->list + facts->n;

	for (const struct fact *fact = after ? after + 1 : facts->list; fact < end; fact++)
		if (fact->kind == kind)
			return fact;
	return NULL;
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
