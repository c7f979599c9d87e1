/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/screen.h"
#include "init/explain.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_FACTS 20

/* Not what every boot has, and no word that may carry a secret (systemd.set_credential=). */
static bool relevant(const struct fact *fact)
{
	if (fact->kind == FACT_DEVICE || fact->kind == FACT_START)
		return false;
	if (fact->kind == FACT_CMDLINE && strstr(fact->subject, "credential"))
		return false;
	return !fields_are(&fact->fields, "loaded", "0");
}

static void write_facts(int fd, const struct facts *facts)
{
	char line[FACT_LINE_MAX];
	size_t first = facts->n, n = 0;

	while (first > 0 && n < SHOWN_FACTS)
		n += relevant(&facts->list[--first]);
	for (size_t i = first; i < facts->n; i++)
		if (relevant(&facts->list[i]) &&
		    fact_format(&facts->list[i], line, sizeof(line)) == 0)
			dprintf(fd, "  %.240s\n", line);
}

void screen_write(int fd, const struct screen *screen)
{
	const struct err *why = screen->why;

	dprintf(fd, "\nThe plan, as far as it came:\n");
	explain_plan(fd, screen->facts, screen->plan, true);
	dprintf(fd, "\nThe last facts:\n");
	write_facts(fd, screen->facts);
	dprintf(fd,
		"\n%s   code %s\n  what:  %s\n  why:   %s\n  do:    %s\n  log:   kernel log; %s\n"
		"  TPM:   %s\n\nThe boot was refused; no code of the new root was run.\n\n",
		err_name(why->code), screen->phone, err_meaning(why->code), why->text,
		err_advice(why->code), screen->next_boot, screen->capped);
}

void screen_clean(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			text[i] = '?';
}

static bool choose(const char *name, bool own, enum action *ret)
{
	static const struct {
		const char *name;
		bool own_only;
	} actions[] = {
		[ACTION_POWEROFF] = { "poweroff", false }, [ACTION_REBOOT] = { "reboot", false },
		[ACTION_HALT] = { "halt", false },	   [ACTION_RECOVER] = { "recover", true },
		[ACTION_FALLBACK] = { "fallback", true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, name) != 0 || (actions[i].own_only && !own))
			continue;
		*ret = (enum action)i;
		return true;
	}
	return false;
}

enum action action_choose(const struct facts *facts)
{
	static const struct {
		enum fact_kind kind;
		const char *subject;
	} places[] = {
		{ FACT_CMDLINE, "rd.lintel.on_failure" },
		{ FACT_CMDLINE, "lintel.on_failure" },
		{ FACT_CONFIG, "on-failure" },
	};
	enum action action = ACTION_POWEROFF;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct fact *fact = facts_last(facts, places[i].kind, places[i].subject);
		char name[16] = "";

		if (!fact)
			continue;
		fields_get(&fact->fields, "value", name, sizeof(name));
		if (choose(name,
			   fact->kind == FACT_CONFIG || fields_are(&fact->fields, "trusted", "yes"),
			   &action))
			break;
	}
	return action;
}
