/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of extension images when the root is there: those of /.extra that rules/images has
 * verified and mounted, and those that the root keeps, must match it; those that do are merged when
 * all of a class have ended.
 */
#include "generators/rules/rules.h"
#include "generators/stub_file.h"

#include <errno.h>
#include <string.h>

/* What both matches, with the initrd and with the root, are told. */
static const char *const kept[] = { "name", "class", "arch", "roothash", "by" };

static void plan_match(struct plan *plan, const struct image *image)
{
	const struct step *mount;
	char id[FACT_NAME_MAX];
	struct step *step;

	text_format(id, sizeof(id), "mount:%s", image->id);
	mount = plan_find(plan, id);
	step = image_step(plan, VERB_EXTENSION, "ext", image->id, "UAPI.4");
	if (!mount || !step)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (fields_copy(&step->args, &mount->args, kept[i]) == -E2BIG)
			plan_refuse(plan, E_LIMIT, "step %s: arguments too long", step->id);
	step_arg(plan, step, "image", image->fact->subject);
	step_after(plan, step, id);
	step_after_root(plan, step);
}

/* The merge follows when every step of its images has ended. */
static void plan_merge(const struct facts *facts, struct plan *plan, const char *class,
		       const struct images *images)
{
	char loops[IMAGES_MAX * 8] = "", id[FACT_NAME_MAX], disk[32];
	unsigned int matched = 0;
	struct step *step = plan_step(plan, VERB_EXTEND, class, "/.extra: all have ended");

	for (const struct image *image = images->list; image < images->list + images->n; image++) {
		size_t used = strlen(loops);

		if (image_twin(images, image))
			continue; /* the other one's steps have this name, or both were skipped */
		text_format(id, sizeof(id), "ext:%s", image->id);
		matched += facts_step_done(facts, id);
		text_format(id, sizeof(id), "loop:%s", image->id);
		if (facts_step_done(facts, id) && fields_get(&facts_step_result(facts, id)->fields,
							     "node", disk, sizeof(disk)) == 0)
			text_format(loops + used, sizeof(loops) - used, "%s%s", used ? "," : "",
				    disk + strlen("loop"));
	}
	step_arg(plan, step, "class", class);
	text_format(id, sizeof(id), "%u", matched);
	step_arg(plan, step, "n", id);
	step_arg(plan, step, "loops", loops);
	step_after_root(plan, step);
}

/* Both kinds; true where the root's are not all known yet. */
static bool collect_all(const struct facts *facts, struct plan *plan, const char *class,
			struct images *ret)
{
	const struct images *stub = images_of_stub(class);

	memcpy(ret->list, stub->list, stub->n * sizeof(stub->list[0]));
	ret->n = stub->n;
	if (!plan_find(plan, STORED_STEP))
		return false;
	if (facts_step_done(facts, STORED_STEP))
		images_collect(facts, plan, FACT_STORED, class, ret);
	return !facts_step_result(facts, STORED_STEP);
}

static void plan_class(const struct facts *facts, struct plan *plan, const char *class,
		       enum extension_mode mode)
{
	static struct images images; /* large, and no state: filled anew by each call */
	size_t from = plan->n_steps;
	bool more = collect_all(facts, plan, class, &images);

	if (images.n == 0 || mode == EXTENSIONS_OFF || plan->n_refusals > 0)
		return;
	images_plan(facts, plan, &images, FACT_STORED);
	for (const struct image *image = images.list; image < images.list + images.n; image++)
		if (image->fact->kind == FACT_EXTRA && !image_twin(&images, image) &&
		    image_has_scope(facts, image, "system"))
			plan_match(plan, image);
	if (more || steps_pending(facts, plan, from))
		return;
	if (mode == EXTENSIONS_REFUSE && steps_failed(facts, plan, from))
		plan_refuse(plan, E_EXTENSION, "lintel.extensions=refuse, and a %s failed", class);
	else
		plan_merge(facts, plan, class, &images);
}

/* The strictest of all that any line says: lintel.credentials= only narrows, whoever gave it. */
static const char *which_credentials(const struct facts *facts, struct plan *plan)
{
	static const char *const names[] = { "all", "encrypted", "none" };

	return names[word_strictest(facts, plan, "lintel.credentials", names)];
}

/* Where nothing can give one there is no step, and the host looks for itself. */
static void plan_credentials(const struct facts *facts, struct plan *plan)
{
	const char *take = which_credentials(facts, plan);
	char sources[32], source[32], why[64];
	struct step *step;

	for (const struct fact *fact = NULL;
	     (fact = facts_each(facts, FACT_CREDENTIAL, fact)) != NULL;) {
		fields_get(&fact->fields, "source", source, sizeof(source));
		fields_get(&fact->fields, "why", why, sizeof(why));
		plan_note(plan, "credential %.64s of %s is left out: %s", fact->subject, source,
			  why);
	}
	value_get(facts, FACT_CONFIG, "credential-sources", sources, sizeof(sources));
	if (!sources[0] && !facts_find(facts, FACT_EXTRA, "credentials") &&
	    !facts_find(facts, FACT_EXTRA, "global_credentials") &&
	    !facts_find(facts, FACT_CMDLINE, "systemd.set_credential") &&
	    !facts_find(facts, FACT_CMDLINE, "systemd.set_credential_binary"))
		return;
	if (strstr(sources, "fw_cfg")) {
		step = plan_step(plan, VERB_DRIVERS, "fwcfg", "QEMU's fw_cfg");
		step_arg(plan, step, "module", "?qemu_fw_cfg");
	}
	step = plan_step(plan, VERB_CREDENTIALS, "creds:host", "for the host: %s%s",
			 sources[0] ? sources : "/.extra or the command line",
			 sources[0] ? ", /.extra, the command line" : "");
	step_arg(plan, step, "take", take);
	if (strstr(sources, "fw_cfg"))
		step_after(plan, step, "fwcfg");
}

/* The rest of what the stub gave to the host; the initrd, where it lies, is deleted. */
static void plan_stub(const struct facts *facts, struct plan *plan)
{
	for (size_t i = 0; i < STUB_FILES; i++)
		if (facts_find(facts, FACT_EXTRA, stub_files[i].name)) {
			plan_step(plan, VERB_STUB, "stub:host", "for the host: %s of /.extra",
				  stub_files[i].name);
			return;
		}
}

void extensions_decide(const struct facts *facts, struct plan *plan)
{
	enum extension_mode mode;

	if (!plan->root_planned || plan->n_refusals > 0 || plan->initrd_pending ||
	    (plan->tpm_expected && !plan_find(plan, "m1")))
		return;
	mode = extensions_mode(facts, plan);
	if (mode != EXTENSIONS_OFF)
		stored_decide(facts, plan, mode == EXTENSIONS_REFUSE);
	plan_class(facts, plan, "sysext", mode);
	plan_class(facts, plan, "confext", mode);
	plan_credentials(facts, plan);
	plan_stub(facts, plan);
}
