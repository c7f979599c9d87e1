/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one table of verbs. A new verb is a file, a row here, and its name in generators/plan. */
#include "modules/verb.h"
#include "init/base/fs.h"

#include <errno.h>
#include <string.h>

#define KIND(k) (1U << FACT_##k)

static const struct verb_info verbs[] = {
	[VERB_COLDPLUG] = { "coldplug", LANE_ANY, 60000, KIND(SETTLED), 0, ALONE, coldplug_run,
			    NULL },
	[VERB_EFIVARS] = { "efivars", LANE_ANY, 60000, KIND(EFI), MAY_MOUNT | MAY_MODULES, ALONE,
			   efivars_run, NULL },
	[VERB_DRIVERS] = { "drivers", LANE_DRIVERS, 60000, 0, MAY_MODULES, TOGETHER, NULL,
			   drivers_run_batch },
	[VERB_PROBE] = { "probe", LANE_ANY, 60000, KIND(GPT) | KIND(PART) | KIND(SIG), 0, IMAGES,
			 NULL, probe_run_batch },
	[VERB_VERITY] = { "verity", LANE_ANY, 60000, 0, MAY_KEYS, IMAGES, verity_run, NULL },
	[VERB_UNLOCK] = { "unlock", LANE_TPM, 120000, KIND(PCR), MAY_KEYS, ALONE, unlock_run,
			  NULL },
	[VERB_ACTIVATE] = { "activate", LANE_ANY, 60000, 0, MAY_KEYS, ALONE, activate_run, NULL },
	[VERB_MOUNT] = { "mount", LANE_ANY, 60000, 0, MAY_MOUNT | MAY_MODULES, IMAGES, mount_run,
			 NULL },
	[VERB_STORED] = { "stored", LANE_ANY, 60000, KIND(STORED), 0, ALONE, stored_run, NULL },
	[VERB_LOOP] = { "loop", LANE_ANY, 60000, 0, 0, IMAGES, NULL, loop_run_batch },
	[VERB_EXTENSION] = { "extension", LANE_ANY, 60000, 0, 0, IMAGES, extension_run, NULL },
	[VERB_EXTEND_INITRD] = { "extend-initrd", LANE_ANY, 60000, 0, MAY_MOUNT, ALONE,
				 extend_initrd_run, NULL },
	[VERB_EXTEND] = { "extend", LANE_ANY, 60000, 0, MAY_MOUNT, ALONE, extend_run, NULL },
	[VERB_CREDENTIALS] = { "credentials", LANE_ANY, 60000, KIND(CREDENTIAL), MAY_MOUNT, ALONE,
			       credentials_run, NULL },
	[VERB_STUB] = { "stub", LANE_ANY, 60000, 0, 0, ALONE, stub_run, NULL },
	[VERB_MEASURE] = { "measure", LANE_TPM, 60000, 0, 0, ALONE, measure_run, NULL },
	[VERB_CAP] = { "cap", LANE_TPM, 30000, 0, MAY_MOUNT | MAY_MODULES | MAY_KEYS, ALONE,
		       cap_run, NULL },
	[VERB_LOADER] = { "loader", LANE_ANY, 10000, 0, MAY_MOUNT | MAY_MODULES, ALONE, loader_run,
			  NULL },
	[VERB_PASSWORD] = { "password", LANE_ANY, 60000, 0, 0, ALONE, password_run, NULL },
	[VERB_SHELL] = { "shell", LANE_ANY, 60000, 0, MAY_ANYTHING, ALONE, shell_run, NULL },
	[VERB_HANDOVER] = { "handover", LANE_PID1, 0, 0, 0, ALONE, handover_run, NULL },
};

const struct verb_info *verb_info(enum verb verb)
{
	return &verbs[verb];
}

static char held[4 * FACT_LINE_MAX]; /* lines that PID 1 has not been sent yet */
static size_t n_held;

static int send_held(const struct report *report)
{
	int r = fs_write_all(report->fd, held, n_held);

	n_held = 0;
	return r;
}

/* Time and origin are PID 1's to fill in: a child could lie about both. */
int report_fact_later(const struct report *report, enum fact_kind kind, const char *subject,
		      const struct fields *fields)
{
	char *line = held + n_held;
	int r = text_format(line, FACT_LINE_MAX - 1, "0 - %s %s%s%s", fact_kind_name(kind), subject,
			    fields->text[0] ? " " : "", fields->text);
	size_t len = strlen(line);

	if (r < 0)
		return r;
	line[len] = '\n';
	n_held += len + 1;
	return n_held + FACT_LINE_MAX > sizeof(held) ? send_held(report) : 0;
}

int report_fact(const struct report *report, enum fact_kind kind, const char *subject,
		const struct fields *fields)
{
	int r = report_fact_later(report, kind, subject, fields);

	return r < 0 ? r : send_held(report);
}

int report_result(const struct report *report, const char *id, int r, const struct fields *result,
		  const struct err *err)
{
	struct fields status = { .text = "" };

	fields_add(&status, "status", r < 0 ? "failed" : "done");
	if (r < 0) {
		fields_add(&status, "code", err_name(err->code == E_NONE ? E_INTERNAL : err->code));
		fields_add(&status, "text", err->text);
	} else if (strlen(status.text) + strlen(result->text) + 2 < FIELDS_MAX && result->text[0]) {
		strcat(status.text, " ");
		strcat(status.text, result->text);
	}
	return report_fact(report, FACT_RESULT, id, &status);
}

int step_get(const struct step *step, const char *key, char *ret, size_t size, struct err *err)
{
	int r = fields_get(&step->args, key, ret, size);

	if (r < 0)
		return err_set(err, E_INTERNAL, -r, "step %s: argument %s: %s", step->id, key,
			       strerror(-r));
	return 0;
}
