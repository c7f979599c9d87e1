/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a boot that must not go on. In this order: workers stopped, volumes closed and PCRs
 * capped, the reason left for the next boot, and only then the screen. What the TPM or the firmware
 * has to do runs in a child with a deadline, like any step.
 */
#include "init/refuse.h"
#include "generators/rules/rules.h"
#include "generators/sources/loader.h"
#include "init/base/fs.h"
#include "init/base/log.h"
#include "init/base/consoles.h"
#include "init/screen.h"
#include "init/watchdog.h"
#include "modules/handover.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>

#define PAUSE_DEFAULT_S 10
#define MENU_DEFAULT_S 300
#define PAUSE_MAX_S 3600
#define SHELL_IDLE_S 900
#define SHELL_MAX_S 14400
#define REFUSALS_MAX 3 /* in a row that may reboot; the last one powers off */
#define SCREEN_MAX 65536
#define TICK_MS 1000

static struct consoles consoles;

static uint64_t pause_seconds(const struct facts *facts, uint64_t seconds)
{
	const struct fact *fact = facts_last(facts, FACT_CMDLINE, "lintel.pause");
	uint64_t wanted;

	if (fact && fields_get_u64(&fact->fields, "value", &wanted) == 0 && wanted <= PAUSE_MAX_S)
		return wanted;
	return seconds;
}

static struct job *running_job(struct jobs *jobs)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs->list[i].fd >= 0)
			return &jobs->list[i];
	return NULL;
}

/* Runs one step to its end or deadline; its result's fields, and whether it is done. */
static bool run_step(struct boot *boot, const struct step *step, struct fields *ret)
{
	struct err err = { .text = "" };
	int r = job_start(&boot->jobs, step, 1, &err);
	const struct fact *fact;

	for (struct job *job; r >= 0 && (job = running_job(&boot->jobs)) != NULL;) {
		struct pollfd wait = { .fd = job->fd, .events = POLLIN };

		poll(&wait, 1, TICK_MS);
		watchdog_feed();
		if (wait.revents) {
			job_read(job);
			r = job_take(&boot->jobs, job, &boot->late, &err);
		} else if (clock_usec() >= job->deadline_usec) {
			r = job_expire(&boot->jobs, job, &boot->late, &err);
		}
	}
	jobs_stop(&boot->jobs);
	fact = facts_last(&boot->late, FACT_RESULT, step->id);
	ret->text[0] = '\0';
	if (fact)
		*ret = fact->fields;
	else
		fields_add(ret, "text", err.text);
	log_line(5, "%s: %.400s", step->id, ret->text);
	return r >= 0 && fact && fields_are(&fact->fields, "status", "done");
}

static bool cap(struct boot *boot, struct fields *ret)
{
	struct step step = { .id = "cap", .verb = VERB_CAP };
	bool known = boot->plan.tpm_expected || facts_find(&boot->facts, FACT_TPM, "tpmrm0");

	fields_add(&step.args, "required", known ? "yes" : "no");
	return run_step(boot, &step, ret);
}

/* How many boots in a row were refused, this one too; 0: it cannot be counted. */
static uint64_t record(struct boot *boot, const struct err *why, const char *phone,
		       struct fields *ret)
{
	const struct fact *last = facts_last(&boot->facts, FACT_EFI, REFUSAL_VARIABLE);
	struct step step = { .id = "record", .verb = VERB_LOADER };
	uint64_t count = 0;

	fields_add(&step.args, "do", "record");
	fields_add(&step.args, "code", err_name(why->code));
	fields_add(&step.args, "phone", phone);
	if (last && fields_get_u64(&last->fields, "count", &count) == 0)
		fields_addf(&step.args, "count", "%" PRIu64, count);
	if (fields_add(&step.args, "text", why->text) < 0)
		fields_add(&step.args, "text", "(too long)");
	if (!run_step(boot, &step, ret) || fields_get_u64(ret, "count", &count) < 0)
		return 0;
	return count;
}

/* Sets the loader's next entry; says what came of it. */
static bool set_entry(struct boot *boot, const char *which)
{
	struct step step = { .id = "entry", .verb = VERB_LOADER };
	char entry[ENTRY_MAX], line[ENTRY_MAX + 64];
	struct fields result;
	bool done;

	fields_add(&step.args, "do", which);
	done = run_step(boot, &step, &result);
	fields_get(&result, done ? "entry" : "text", entry, sizeof(entry));
	text_format(line, sizeof(line), done ? "The next boot is of %s.\n" : "%s.\n", entry);
	consoles_print(&consoles, line);
	return done;
}

_noreturn_ static void end(int how, const char *doing)
{
	consoles_print(&consoles, doing);
	log_line(2, "%s", doing);
	if (how != RB_AUTOBOOT)
		watchdog_disarm(); /* it would start the machine again */
	sync();
	reboot(how);
	for (;;)
		pause(); /* the firmware refused: PID 1 stays, and does nothing more */
}

/*
 * How many refusals in a row may reboot: where the loader counts an entry's tries down, all of those, so
 * that the last one leads to the older entry by itself.
 */
static uint64_t refusals_max(const struct facts *facts)
{
	char path[FIELDS_MAX];
	unsigned int tries;

	value_get(facts, FACT_EFI, "LoaderBootCountPath", path, sizeof(path));
	tries = loader_tries(path);
	return tries + 1 > REFUSALS_MAX ? tries + 1 : REFUSALS_MAX;
}

/* Never in a loop for ever: a refusal that cannot be counted, or the last that may, is the end. */
_noreturn_ static void restart(const struct boot *boot, uint64_t count)
{
	if (count == 0)
		end(RB_POWER_OFF, "Boots cannot be counted: powering off instead of rebooting.\n");
	if (count >= refusals_max(&boot->facts))
		end(RB_POWER_OFF, "Too many refused boots in a row: powering off.\n");
	end(RB_AUTOBOOT, "Rebooting.\n");
}

/* Waits for a key that is offered; 0 when the time is over. */
static char wait_key(uint64_t seconds, const char *keys)
{
	uint64_t stop = clock_usec() + seconds * 1000000;

	for (uint64_t now; (now = clock_usec()) < stop;) {
		uint64_t left = (stop - now) / 1000 + 1;
		char key = consoles_key(&consoles, left < TICK_MS ? (int)left : TICK_MS);

		watchdog_feed();
		if (key && strchr(keys, key))
			return key;
	}
	return 0;
}

static struct step person_step(const char *id, enum verb verb, uint64_t seconds, uint16_t patience)
{
	struct step step = { .verb = verb, .patience_s = patience };

	text_copy(step.id, sizeof(step.id), id);
	fields_addf(&step.args, "seconds", "%" PRIu64, seconds);
	return step;
}

/*
 * Password and shell, each in a child of its own. The shell was a person's doing and is left by one, or
 * by its deadlines: so it may reboot without being counted.
 */
_noreturn_ static void run_shell(struct boot *boot, uint64_t seconds)
{
	struct step step = person_step("password", VERB_PASSWORD, seconds, (uint16_t)seconds);
	struct fields result;
	char how[32];

	if (!run_step(boot, &step, &result))
		end(RB_POWER_OFF, "The shell stays closed: powering off.\n");
	step = person_step("shell", VERB_SHELL, SHELL_IDLE_S, SHELL_MAX_S);
	fields_add(&step.args, "capped", "yes");
	run_step(boot, &step, &result);
	consoles_open(&consoles); /* busybox's end may have hung them up */
	fields_get(&result, "how", how, sizeof(how));
	if (strcmp(how, "poweroff") == 0)
		end(RB_POWER_OFF, "Powering off.\n");
	if (strcmp(how, "boot-other") == 0)
		set_entry(boot, "other");
	end(RB_AUTOBOOT, "Rebooting.\n");
}

_noreturn_ static void menu(struct boot *boot, uint64_t seconds, uint64_t count)
{
	bool shell = shell_allowed(&boot->facts);

	consoles_raw(&consoles);
	consoles_print(&consoles, "[r] try again   [o] start another version   [p] power off");
	consoles_print(&consoles, shell ? "   [s] shell\n" : "\nThere is no shell here.\n");
	for (;;) {
		switch (wait_key(seconds, shell ? "rops" : "rop")) {
		case 'r':
			restart(boot, count);
		case 'o':
			if (set_entry(boot, "other"))
				restart(boot, count);
			break;
		case 's':
			run_shell(boot, seconds);
		default:
			end(RB_POWER_OFF, "Powering off.\n");
		}
	}
}

_noreturn_ static void act(struct boot *boot, uint64_t count)
{
	enum action action = action_choose(&boot->facts);
	uint64_t seconds = pause_seconds(&boot->facts, PAUSE_DEFAULT_S);
	char line[80];

	if (action == ACTION_RECOVER)
		menu(boot, pause_seconds(&boot->facts, MENU_DEFAULT_S), count);
	text_format(line, sizeof(line), "Acting on this in %" PRIu64 " s.\n", seconds);
	consoles_print(&consoles, line);
	wait_key(seconds, "");
	if (action == ACTION_HALT)
		end(RB_HALT_SYSTEM, "Halting.\n");
	if (action == ACTION_POWEROFF)
		end(RB_POWER_OFF, "Powering off.\n");
	if (action == ACTION_FALLBACK)
		set_entry(boot, "older");
	restart(boot, count);
}

static void show(const struct screen *screen)
{
	static char text[SCREEN_MAX];
	_close_ int fd = memfd_create("screen", MFD_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	screen_write(fd, screen);
	n = fs_pread(fd, text, sizeof(text), 0);
	if (n <= 0)
		return;
	consoles_clean(text, (size_t)n);
	consoles_write(&consoles, text, (size_t)n);
}

void refuse(struct boot *boot, const struct err *why)
{
	struct fields capped, recorded;
	char phone[PHONE_SIZE], line[ERR_TEXT_MAX + 128];
	uint64_t count;
	bool safe;

	handover_sysrq_off();
	jobs_stop(&boot->jobs);
	boot_record(boot);
	refusal_phone(err_name(why->code), why->text, phone);
	log_line(2, "%s: %s (%s) code %s", err_name(why->code), why->text, err_advice(why->code),
		 phone);
	safe = cap(boot, &capped);
	count = why->code == E_RECOVERY ? 1 : record(boot, why, phone, &recorded);
	consoles_open(&consoles);
	if (!safe) {
		text_format(line, sizeof(line), "\n%s, and the TPM cannot be capped: %.200s\n",
			    err_name(why->code), capped.text);
		consoles_clean(line, strlen(line));
		consoles_print(&consoles, line);
		end(RB_POWER_OFF, "Powering off at once.\n");
	}
	text_format(line, sizeof(line),
		    why->code == E_RECOVERY ? "not counted"
		    : count ? "EFI variable " REFUSAL_VARIABLE " (%" PRIu64 " in a row)"
			    : "no EFI variable",
		    count);
	show(&(struct screen){ &boot->facts, &boot->plan, why, phone, capped.text, line });
	act(boot, count);
}
