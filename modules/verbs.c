/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one table of verbs. A new verb is a file, a row here, and its name in generators/plan. */
#include "modules/verb.h"
#include "init/base/fs.h"

#include <errno.h>
#include <string.h>

#define KIND(k) (1U << FACT_##k)

static const struct verb_info verbs[] = {
	[VERB_COLDPLUG] = { "coldplug", LANE_ANY, 30000, KIND(SETTLED), coldplug_run },
	[VERB_EFIVARS] = { "efivars", LANE_ANY, 10000, KIND(EFI), efivars_run },
	[VERB_DRIVERS] = { "drivers", LANE_DRIVERS, 60000, 0, drivers_run },
	[VERB_PROBE] = { "probe", LANE_ANY, 60000, KIND(GPT) | KIND(PART) | KIND(SIG), probe_run },
	[VERB_VERITY] = { "verity", LANE_ANY, 60000, 0, verity_run },
	[VERB_MOUNT] = { "mount", LANE_ANY, 60000, 0, mount_run },
	[VERB_MEASURE] = { "measure", LANE_TPM, 60000, 0, measure_run },
	[VERB_HANDOVER] = { "handover", LANE_PID1, 0, 0, handover_run },
};

const struct verb_info *verb_info(enum verb verb)
{
	return &verbs[verb];
}

/* Time and origin are PID 1's to fill in: a child could lie about both. */
int report_fact(const struct report *report, enum fact_kind kind, const char *subject,
		const struct fields *fields)
{
	char line[FACT_LINE_MAX];
	int r = text_format(line, sizeof(line) - 1, "0 - %s %s%s%s", fact_kind_name(kind), subject,
			    fields->text[0] ? " " : "", fields->text);
	size_t len = strlen(line);

	if (r < 0)
		return r;
	line[len] = '\n';
	return fs_write_all(report->fd, line, len + 1);
}

int step_get(const struct step *step, const char *key, char *ret, size_t size, struct err *err)
{
	int r = fields_get(&step->args, key, ret, size);

	if (r < 0)
		return err_set(err, E_INTERNAL, -r, "step %s: argument %s: %s", step->id, key,
			       strerror(-r));
	return 0;
}
