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
