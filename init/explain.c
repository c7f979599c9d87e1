/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/explain.h"
#include "init/base/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *arg(const struct step *step, const char *key, char ret[FIELDS_MAX])
{
	fields_get(&step->args, key, ret, FIELDS_MAX);
	return ret;
}

static void what_verity(const struct step *step, char *ret, size_t size)
{
	char data[FIELDS_MAX], hash[FIELDS_MAX], name[FIELDS_MAX], sig[FIELDS_MAX];

	arg(step, "sig", sig);
	if (!arg(step, "crypt", data)[0])
		arg(step, "data", data);
	snprintf(ret, size, "%s+%s -> %s, root hash %s%s", data, arg(step, "hash", hash),
		 arg(step, "name", name), sig[0] ? "signed by " : "of the command line", sig);
}

static void what_mount(const struct step *step, char *ret, size_t size)
{
	char what[FIELDS_MAX], where[FIELDS_MAX], fstype[FIELDS_MAX], options[FIELDS_MAX];
	bool verity = fields_are(&step->args, "kind", "verity");

	if (fields_are(&step->args, "kind", "undo")) {
		snprintf(ret, size, "unmount %s", arg(step, "where", where));
		return;
	}
	snprintf(ret, size, "%s -> %s%s%s%s%s%s", arg(step, "what", what),
		 arg(step, "where", where), arg(step, "fstype", fstype)[0] ? " " : "", fstype,
		 verity ? " ro" : "", arg(step, "options", options)[0] ? " " : "", options);
}

static void what_unlock(const struct step *step, char *ret, size_t size)
{
	char part[FIELDS_MAX], name[FIELDS_MAX], key[FIELDS_MAX], ask[FIELDS_MAX];

	arg(step, "key", key);
	arg(step, "ask", ask);
	snprintf(ret, size, "%s: key of %s by tpm2%s%s%s%s", arg(step, "part", part),
		 arg(step, "name", name), key[0] ? ", " : "", key, ask[0] ? ", or asks: " : "",
		 ask);
}

static void what_measure(const struct step *step, char *ret, size_t size)
{
	char pcr[FIELDS_MAX], word[FIELDS_MAX], volume[FIELDS_MAX];

	arg(step, "pcr", pcr);
	if (arg(step, "volume", volume)[0])
		snprintf(ret, size, "pcr%s key of %s", pcr, volume);
	else
		snprintf(ret, size, "pcr%s \"%s\"", pcr, arg(step, "word", word));
}

static void what_extension(const struct step *step, char *ret, size_t size)
{
	char name[FIELDS_MAX], code[FIELDS_MAX], hash[FIELDS_MAX], by[FIELDS_MAX];

	arg(step, "name", name);
	arg(step, "by", by);
	if (arg(step, "code", code)[0])
		snprintf(ret, size, "%s refused: %s", name, code);
	else
		snprintf(ret, size, "%s, root hash %.16s…%s%s", name, arg(step, "roothash", hash),
			 by[0] ? " by " : "", by);
}

void explain_what(const struct step *step, char *ret, size_t size)
{
	char a[FIELDS_MAX], b[FIELDS_MAX];

	switch (step->verb) {
	case VERB_COLDPLUG:
		snprintf(ret, size, "every device in /sys");
		return;
	case VERB_EFIVARS:
		snprintf(ret, size, "the boot loader's variables");
		return;
	case VERB_DRIVERS:
		snprintf(ret, size, "%s%s", arg(step, "module", a), arg(step, "modalias", b));
		return;
	case VERB_PROBE:
		snprintf(ret, size, "%s", arg(step, "disk", a));
		return;
	case VERB_VERITY:
		what_verity(step, ret, size);
		return;
	case VERB_UNLOCK:
		what_unlock(step, ret, size);
		return;
	case VERB_ACTIVATE:
		arg(step, "name", b);
		snprintf(ret, size, "%s -> %s", arg(step, "part", a), b);
		if (fields_are(&step->args, "drop", "yes"))
			snprintf(ret, size, "drop the key of %s", b);
		return;
	case VERB_MOUNT:
		what_mount(step, ret, size);
		return;
	case VERB_STORED:
		snprintf(ret, size, "extensions that the root keeps");
		return;
	case VERB_LOOP:
		arg(step, "file", b);
		snprintf(ret, size, "%s%s", b[0] ? "" : "/.extra/",
			 b[0] ? b : arg(step, "image", a));
		return;
	case VERB_EXTENSION:
		what_extension(step, ret, size);
		return;
	case VERB_EXTEND_INITRD:
		snprintf(ret, size, "%s into the initrd%s", arg(step, "names", a),
			 arg(step, "certificates", b)[0] ? ", certificates too" : "");
		return;
	case VERB_EXTEND:
		snprintf(ret, size, "%s %ss over the root", arg(step, "n", a),
			 arg(step, "class", b));
		return;
	case VERB_CREDENTIALS:
		snprintf(ret, size, "%s -> /run/credentials", arg(step, "take", a));
		return;
	case VERB_STUB:
		snprintf(ret, size, "/.extra -> /run/systemd");
		return;
	case VERB_MEASURE:
		what_measure(step, ret, size);
		return;
	case VERB_CAP:
		snprintf(ret, size, "\"recovery\" into pcr11 and pcr15");
		return;
	case VERB_LOADER:
		snprintf(ret, size, "%s", arg(step, "do", a));
		return;
	case VERB_PASSWORD:
	case VERB_SHELL:
		snprintf(ret, size, "at the consoles");
		return;
	case VERB_HANDOVER:
		arg(step, "init", b);
		snprintf(ret, size, "%s %s", arg(step, "root", a), b[0] ? b : "/sbin/init");
		return;
	case VERB_MAX_:
		break;
	}
	ret[0] = '\0';
}

static void format_after(const struct plan *plan, const struct step *step, char *ret, size_t size)
{
	ret[0] = '\0';
	if (step->after_all)
		snprintf(ret, size, "*");
	for (unsigned int i = 0; i < step->n_after; i++) {
		size_t used = strlen(ret);

		snprintf(ret + used, size - used, "%s%s", used ? " " : "",
			 plan->steps[step->after[i]].id);
	}
	if (!ret[0])
		snprintf(ret, size, "-");
}

const char *explain_state(const struct facts *facts, const struct step *step)
{
	if (facts_step_done(facts, step->id))
		return "done";
	if (facts_step_result(facts, step->id))
		return "failed";
	return facts_step_started(facts, step->id) ? "running" : "waiting";
}

static void explain_devices(struct out *out, const struct facts *facts, const struct plan *plan,
			    bool marks)
{
	unsigned int devices = 0, done = 0;
	char modules[320] = "";

	for (const struct step *step = plan->steps; step < plan->steps + plan->n_steps; step++) {
		const struct fact *result = facts_step_result(facts, step->id);
		char loaded[FIELDS_MAX];
		size_t used = strlen(modules);

		if (!step_is_device(step->verb, step->id))
			continue;
		devices++;
		done += result != NULL;
		if (!result || fields_get(&result->fields, "modules", loaded, sizeof(loaded)) < 0 ||
		    !loaded[0])
			continue;
		snprintf(modules + used, sizeof(modules) - used, "%s%s", used ? " " : "", loaded);
	}
	if (devices == 0)
		return;
	if (marks)
		out_printf(out, "%-8s", done == devices ? "done" : "running");
	out_printf(out, "%-10s %-9s %u devices%s%s\n", "devices", "drivers", devices,
		   modules[0] ? ": " : "", modules);
}

void explain_plan(int fd, const struct facts *facts, const struct plan *plan, bool marks)
{
	struct out out;
	char what[FIELDS_MAX], after[128];

	out_init(&out, fd);
	out_printf(&out, "%s%-10s %-9s %-52s %-14s %s\n", marks ? "state   " : "", "id", "step",
		   "what", "after", "because");
	explain_devices(&out, facts, plan, marks);
	for (const struct step *step = plan->steps; step < plan->steps + plan->n_steps; step++) {
		if (step_is_device(step->verb, step->id))
			continue;
		explain_what(step, what, sizeof(what));
		format_after(plan, step, after, sizeof(after));
		if (marks)
			out_printf(&out, "%-8s", explain_state(facts, step));
		out_printf(&out, "%-10s %-9s %-52s %-14s %s\n", step->id, verb_name(step->verb),
			   what, after, step->because);
	}
	for (size_t i = 0; i < plan->n_waits; i++)
		out_printf(&out, "waits for %s, until %" PRIu64 " s\n", plan->waits[i].what,
			   plan->waits[i].deadline_usec / 1000000);
	for (size_t i = 0; i < plan->n_notes; i++)
		out_printf(&out, "note: %s\n", plan->notes[i]);
	for (size_t i = 0; i < plan->n_refusals; i++)
		out_printf(&out, "refused: %s: %s\n", err_name(plan->refusals[i].code),
			   plan->refusals[i].text);
	out_flush(&out);
}

static void json_member(struct out *out, const char *key, const char *value)
{
	out_printf(out, ", \"%s\": ", key);
	out_json(out, value);
}

static void json_step(struct out *out, const struct facts *facts, const struct plan *plan,
		      const struct step *step)
{
	char what[FIELDS_MAX];

	out_printf(out, "    { \"id\": ");
	out_json(out, step->id);
	json_member(out, "verb", verb_name(step->verb));
	explain_what(step, what, sizeof(what));
	json_member(out, "what", what);
	out_printf(out, ", \"after\": [");
	if (step->after_all)
		out_printf(out, " \"*\"%s", step->n_after ? "," : " ");
	for (unsigned int i = 0; i < step->n_after; i++) {
		out_printf(out, "%s ", i ? "," : "");
		out_json(out, plan->steps[step->after[i]].id);
	}
	out_printf(out, " ]");
	json_member(out, "because", step->because);
	json_member(out, "args", step->args.text);
	json_member(out, "state", explain_state(facts, step));
	out_printf(out, " }");
}

void explain_json(int fd, const struct facts *facts, const struct plan *plan)
{
	struct out out;

	out_init(&out, fd);
	out_printf(&out, "{\n  \"steps\": [\n");
	for (size_t i = 0; i < plan->n_steps; i++) {
		json_step(&out, facts, plan, &plan->steps[i]);
		out_printf(&out, "%s\n", i + 1 < plan->n_steps ? "," : "");
	}
	out_printf(&out, "  ],\n  \"notes\": [");
	for (size_t i = 0; i < plan->n_notes; i++) {
		out_printf(&out, "%s ", i ? "," : "");
		out_json(&out, plan->notes[i]);
	}
	out_printf(&out, " ],\n  \"waits\": [");
	for (size_t i = 0; i < plan->n_waits; i++) {
		out_printf(&out, "%s ", i ? "," : "");
		out_json(&out, plan->waits[i].what);
	}
	out_printf(&out, " ],\n  \"refusals\": [");
	for (size_t i = 0; i < plan->n_refusals; i++) {
		out_printf(&out, "%s { \"code\": \"%s\"", i ? "," : "",
			   err_name(plan->refusals[i].code));
		json_member(&out, "text", plan->refusals[i].text);
		out_printf(&out, " }");
	}
	out_printf(&out, " ]\n}\n");
	out_flush(&out);
}

void explain_facts(int fd, const struct facts *facts)
{
	char line[FACT_LINE_MAX];
	struct out out;

	out_init(&out, fd);
	for (size_t i = 0; i < facts->n; i++)
		if (fact_format(&facts->list[i], line, sizeof(line)) == 0)
			out_printf(&out, "%s\n", line);
	out_flush(&out);
}

void explain_timeline(int fd, const struct facts *facts, const struct plan *plan)
{
	struct out out;
	uint64_t origin = facts->n > 0 ? facts->list[0].usec : 0;
	char what[FIELDS_MAX];

	out_init(&out, fd);
	out_printf(&out, "%9s %9s  %s\n", "start ms", "took ms", "step");
	for (const struct fact *start = NULL;
	     (start = facts_each(facts, FACT_START, start)) != NULL;) {
		const struct fact *result = facts_step_result(facts, start->subject);
		const struct step *step = plan_find(plan, start->subject);
		uint64_t begin = start->usec - origin;
		uint64_t took = result ? result->usec - start->usec : 0;

		what[0] = '\0';
		if (step)
			explain_what(step, what, sizeof(what));
		out_printf(&out, "%5" PRIu64 ".%03" PRIu64 " %5" PRIu64 ".%03" PRIu64 "  %s %s\n",
			   begin / 1000, begin % 1000, took / 1000, took % 1000, start->subject,
			   what);
	}
	out_flush(&out);
}
