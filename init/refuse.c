/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/refuse.h"
#include "init/base/fs.h"
#include "init/base/log.h"
#include "init/explain.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>

#define PAUSE_DEFAULT_S 10
#define PAUSE_MAX_S 3600

static const struct action {
	const char *name, *doing;
	int how;
} actions[] = {
	{ "poweroff", "powering off", RB_POWER_OFF },
	{ "reboot", "rebooting", RB_AUTOBOOT },
	{ "halt", "halting", RB_HALT_SYSTEM },
};

/* The value of a word, or an empty string; the facts may be all that there is. */
static void word(const struct facts *facts, const char *key, char *ret, size_t size)
{
	const struct fact *fact = facts_last(facts, FACT_CMDLINE, key);

	ret[0] = '\0';
	if (fact)
		fields_get(&fact->fields, "value", ret, size);
}

static const struct action *choose_action(const struct facts *facts)
{
	char name[16];

	word(facts, "lintel.on_failure", name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return &actions[0];
}

static uint64_t pause_seconds(const struct facts *facts)
{
	uint64_t seconds = PAUSE_DEFAULT_S;
	char value[16];

	word(facts, "lintel.pause", value, sizeof(value));
	if (value[0] && (text_to_u64(value, &seconds) < 0 || seconds > PAUSE_MAX_S))
		seconds = PAUSE_DEFAULT_S;
	return seconds;
}

static void show(const struct boot *boot, const struct err *why)
{
	dprintf(STDOUT_FILENO,
		"\n%s\n  what:  %s\n  why:   %s\n  do:    %s\n\n"
		"The boot was refused; no code of the new root was run.\n\n",
		err_name(why->code), why->text, err_meaning(why->code), err_advice(why->code));
	explain_plan(STDOUT_FILENO, &boot->facts, &boot->plan, true);
	dprintf(STDOUT_FILENO, "\n");
}

void refuse(struct boot *boot, const struct err *why)
{
	const struct action *action = choose_action(&boot->facts);
	uint64_t seconds = pause_seconds(&boot->facts);
	uint64_t end = clock_usec() + seconds * 1000000;

	jobs_stop(&boot->jobs);
	boot_record(boot);
	log_line(2, "%s: %s (%s)", err_name(why->code), why->text, err_advice(why->code));
	show(boot, why);
	dprintf(STDOUT_FILENO, "%s: %s in %llu s\n", err_name(why->code), action->doing,
		(unsigned long long)seconds);
	for (uint64_t now; (now = clock_usec()) < end;)
		poll(NULL, 0, (int)((end - now) / 1000) + 1);
	sync();
	reboot(action->how);
	for (;;)
		pause(); /* the firmware refused: PID 1 stays, and does nothing more */
}
