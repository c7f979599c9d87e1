/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The extension images of /.extra up to their mounts: each is a disk like the root's, with loop
 * device, table, signed triple, verity, mount, by the same rules and verbs. Then those of the
 * initrd's own scope become part of the initrd, and only then the root is looked for: its driver,
 * firmware or certificate may be in one. What fails is skipped by name. All comes after
 * "enter-initrd" is measured, for it is code from outside the UKI.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES "/run/lintel/ext/"

enum extension_mode extensions_mode(const struct facts *facts, struct plan *plan)
{
	static const char *const names[] = { "merge", "refuse", "off" };

	return (enum extension_mode)word_strictest(facts, plan, "lintel.extensions", names);
}

static int compare(const void *a, const void *b)
{
	const struct image *one = a, *other = b;
	int cmp = strcmp(one->fact->subject, other->fact->subject);

	return cmp ? cmp : (one->fact > other->fact) - (one->fact < other->fact);
}

void images_collect(const struct facts *facts, struct plan *plan, enum fact_kind kind,
		    const char *class, struct images *images)
{
	for (const struct fact *fact = NULL; (fact = facts_each(facts, kind, fact)) != NULL;) {
		struct image *image = &images->list[images->n];

		if (!fields_are(&fact->fields, "class", class))
			continue;
		if (images->n == IMAGES_MAX) {
			plan_refuse(plan, E_LIMIT, "more than %d %s images", IMAGES_MAX, class);
			break;
		}
		image->fact = fact;
		image->class = class;
		fields_get(&fact->fields, "name", image->name, sizeof(image->name));
		text_format(image->id, sizeof(image->id), "%s-%s", class, image->name);
		image->hash = text_hash(0, image->name);
		images->n++;
	}
	qsort(images->list, images->n, sizeof(images->list[0]), compare);
}

/* Asked for at several places of one decision: before the first, images_decide() collects them anew. */
static struct images of_stub[2];

const struct images *images_of_stub(const char *class)
{
	return &of_stub[strcmp(class, "confext") == 0];
}

static void collect_stub(const struct facts *facts, struct plan *plan)
{
	static const char *const classes[] = { "sysext", "confext" };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		of_stub[i].n = 0;
		images_collect(facts, plan, FACT_EXTRA, classes[i], &of_stub[i]);
	}
}

struct step *image_step(struct plan *plan, enum verb verb, const char *prefix, const char *id,
			const char *because)
{
	char name[FACT_NAME_MAX];

	text_format(name, sizeof(name), "%s:%s", prefix, id);
	return plan_step(plan, verb, name, "%s", because);
}

/* Nothing is planned behind a step that failed: it would wait for ever, and the boot with it. */
static bool failed(const struct facts *facts, const struct step *step)
{
	return !step || (facts_step_result(facts, step->id) && !facts_step_done(facts, step->id));
}

void image_after(struct plan *plan, struct step *step, const char *prefix, const char *id)
{
	char name[FACT_NAME_MAX];

	text_format(name, sizeof(name), "%s:%s", prefix, id);
	step_after(plan, step, name);
}

/* A step that fails with what is known already: so each refusal ends as a result, with its code. */
static void plan_skip(struct plan *plan, const char *id, const char *because, enum err_code code,
		      const char *text)
{
	struct step *step = image_step(plan, VERB_EXTENSION, "ext", id, because);

	step_arg(plan, step, "name", id);
	step_arg(plan, step, "code", err_name(code));
	step_arg(plan, step, "text", text);
}

/* The signed triple on its loop device, root before usr; what is wrong becomes the image's own. */
static bool find_triple(const struct facts *facts, struct plan *plan, const char *disk,
			struct triple *ret, const char **ret_below, struct err *err)
{
	const struct fact *gpt = facts_last(facts, FACT_GPT, disk);
	char arch[24], code[40];
	bool found;

	err->code = E_GPT;
	if (gpt && !fields_are(&gpt->fields, "state", "ok")) {
		if (fields_get(&gpt->fields, "code", code, sizeof(code)) == 0)
			err->code = err_from_name(code);
		if (fields_get(&gpt->fields, "text", err->text, sizeof(err->text)) < 0)
			text_copy(err->text, sizeof(err->text), "no partition table");
		return false;
	}
	value_get(facts, FACT_CONFIG, "arch", arch, sizeof(arch));
	*ret_below = "";
	found = triple_of_image(facts, plan, PART_ROOT, arch, disk, ret);
	if (!found && plan->n_refusals == 0) {
		*ret_below = "/usr";
		found = triple_of_image(facts, plan, PART_USR, arch, disk, ret);
	}
	if (plan->n_refusals > 0)
		*err = plan->refusals[0];
	else if (!found)
		err_set(err, E_EXTENSION, ENOENT, "no root-%s or usr-%s partition", arch, arch);
	plan->n_refusals = 0; /* there were none before: see images_decide() */
	return found && err->code == E_GPT;
}

/* What a match is told of an image. */
static void describe(const struct facts *facts, struct plan *plan, struct step *step,
		     const struct image *image, const struct triple *triple)
{
	char arch[24];

	value_get(facts, FACT_CONFIG, "arch", arch, sizeof(arch));
	step_arg(plan, step, "name", image->name);
	step_arg(plan, step, "class", image->class);
	step_arg(plan, step, "arch", arch);
	step_arg(plan, step, "roothash", triple->roothash);
}

/* What the image says of itself, and whether it is for this initrd: asked once it is mounted. */
static void ask_scope(const struct facts *facts, struct plan *plan, struct step *step,
		      const struct image *image, const struct triple *triple)
{
	char id[FACT_NAME_MAX], text[FIELDS_MAX];

	step_arg(plan, step, "scope", "initrd");
	describe(facts, plan, step, image, triple);
	text_format(id, sizeof(id), "verity:%s", image->id);
	if (facts_step_done(facts, id) &&
	    fields_get(&facts_step_result(facts, id)->fields, "by", text, sizeof(text)) == 0)
		step_arg(plan, step, "by", text); /* known before this step can start */
}

/* From the loop device to the mount: the steps of a root. */
static bool plan_mount(const struct facts *facts, struct plan *plan, const struct image *image,
		       const char *disk, const struct triple *triple, const char *below)
{
	bool confext = strcmp(image->class, "confext") == 0;
	char where[128], driver[FS_STEP_MAX];
	struct step *step;

	step = image_step(plan, VERB_VERITY, "verity", image->id, triple->why_trust);
	step_arg(plan, step, "name", image->id);
	step_arg(plan, step, "data", triple->data->subject);
	step_arg(plan, step, "hash", triple->hash->subject);
	step_arg(plan, step, "sig", triple->sig->subject);
	step_arg(plan, step, "roothash", triple->roothash);
	step_arg(plan, step, "trust", "signed");
	/* which follows, and nothing falls back to another */
	step_arg(plan, step, "first", "mount");
	image_after(plan, step, "probe", disk);
	step_after_verity(plan, step);
	if (failed(facts, step))
		return false;

	text_format(where, sizeof(where), IMAGES "%s%s", image->id, below);
	step = image_step(plan, VERB_MOUNT, "mount", image->id, "signed");
	step_arg(plan, step, "kind", "verity");
	step_arg(plan, step, "what", image->id);
	step_arg(plan, step, "where", where);
	step_arg(plan, step, "options", confext ? "nosuid,noexec" : "nosuid");
	if (image->fact->kind == FACT_EXTRA)
		ask_scope(facts, plan, step, image, triple);
	image_after(plan, step, "verity", image->id);
	if (plan_filesystem(plan, triple->data, driver))
		step_after(plan, step, driver);
	return !failed(facts, step);
}

/* file=: where the root keeps it; an image of the stub has none. */
static bool copy_file(struct plan *plan, struct step *step, const struct image *image)
{
	char file[FIELDS_MAX];

	if (image->fact->kind != FACT_STORED ||
	    fields_get(&image->fact->fields, "file", file, sizeof(file)) < 0)
		return false;
	step_arg(plan, step, "file", file);
	return true;
}

/* Whether it is for the root; of the stub's that is planned when all have said for whom they are. */
static void plan_stored(const struct facts *facts, struct plan *plan, const struct image *image,
			const struct triple *triple)
{
	char id[FACT_NAME_MAX];
	struct step *step;

	text_format(id, sizeof(id), "mount:%s", image->id);
	step = image_step(plan, VERB_EXTENSION, "ext", image->id, "UAPI.4");
	describe(facts, plan, step, image, triple);
	copy_file(plan, step, image);
	step_after(plan, step, id);
	step_after_root(plan, step);
}

static void plan_one(const struct facts *facts, struct plan *plan, const struct image *image)
{
	static struct triple triple; /* large, and no state: filled anew by each call */
	char id[FACT_NAME_MAX], disk[32], dev[24];
	const char *below;
	struct step *step;
	struct err err;

	step = image_step(plan, VERB_LOOP, "loop", image->id, image->fact->subject);
	if (copy_file(plan, step, image))
		step_after_root(plan, step);
	else
		step_arg(plan, step, "image", image->fact->subject);
	step_after(plan, step, "extmod");
	if (plan_find(plan, "m1"))
		step_after(plan, step, "m1");
	text_format(id, sizeof(id), "loop:%s", image->id);
	if (!facts_step_done(facts, id) ||
	    fields_get(&facts_step_result(facts, id)->fields, "node", disk, sizeof(disk)) < 0)
		return;
	fields_get(&facts_step_result(facts, id)->fields, "dev", dev, sizeof(dev));
	step = image_step(plan, VERB_PROBE, "probe", disk, image->fact->subject);
	step_arg(plan, step, "disk", disk);
	step_arg(plan, step, "dev", dev);
	step_after(plan, step, id);
	text_format(id, sizeof(id), "probe:%s", disk);
	if (!facts_step_done(facts, id))
		return;
	if (find_triple(facts, plan, disk, &triple, &below, &err) &&
	    extension_policy_check(facts, image->class, below[0] ? PART_USR : PART_ROOT, &err) ==
		    0) {
		if (plan_mount(facts, plan, image, disk, &triple, below) &&
		    image->fact->kind == FACT_STORED)
			plan_stored(facts, plan, image, &triple);
	} else {
		plan_skip(plan, image->id, image->fact->subject, err.code, err.text);
	}
}

bool steps_pending(const struct facts *facts, const struct plan *plan, size_t from)
{
	for (size_t i = from; i < plan->n_steps; i++)
		if (!facts_step_result(facts, plan->steps[i].id))
			return true;
	return false;
}

bool steps_failed(const struct facts *facts, const struct plan *plan, size_t from)
{
	for (size_t i = from; i < plan->n_steps; i++)
		if (!facts_step_done(facts, plan->steps[i].id))
			return true;
	return false;
}

/* What comes first where names are the same: the stub's, its global ones, the root's folders. */
static uint64_t rank(const struct image *image)
{
	uint64_t folder = 0;

	if (image->fact->kind == FACT_EXTRA)
		return text_starts(image->fact->subject, "global_");
	fields_get_u64(&image->fact->fields, "folder", &folder);
	return 2 + folder;
}

const struct image *image_twin(const struct images *images, const struct image *of)
{
	const struct image *twin = NULL;

	for (const struct image *one = images->list; one < images->list + images->n; one++)
		if (one->hash == of->hash && one != of && one->name[0] &&
		    strcmp(one->name, of->name) == 0 && rank(one) <= rank(of) &&
		    (!twin || rank(one) == rank(of)))
			twin = one;
	return twin;
}

void images_plan(const struct facts *facts, struct plan *plan, const struct images *images,
		 enum fact_kind kind)
{
	const char *where = kind == FACT_EXTRA ? "/.extra" : STORED_STEP;
	struct step *step;
	char text[80];

	for (const struct image *image = images->list; image < images->list + images->n; image++) {
		const struct image *twin;

		if (image->fact->kind != kind)
			continue;
		twin = image_twin(images, image);
		if (!plan_find(plan, "extmod")) {
			step = plan_step(plan, VERB_DRIVERS, "extmod", "%s has images", where);
			step_arg(plan, step, "module", "loop overlay");
		}
		if (fields_get(&image->fact->fields, "refused", text, sizeof(text)) == 0)
			plan_skip(plan, image->fact->subject, where, E_EXTENSION, text);
		else if (twin && rank(twin) == rank(image))
			plan_skip(plan, image->fact->subject, twin->fact->subject, E_EXTENSION,
				  "two images have this name");
		else if (twin)
			plan_note(plan, "%s: %s comes before it", image->fact->subject,
				  twin->fact->subject);
		else
			plan_one(facts, plan, image);
	}
}

static void plan_class(const struct facts *facts, struct plan *plan, const char *class,
		       enum extension_mode mode)
{
	const struct images *images = images_of_stub(class);

	if (images->n > 0 && mode == EXTENSIONS_OFF)
		plan_note(plan, "lintel.extensions=off: %zu %s images are left alone", images->n,
			  class);
	else
		images_plan(facts, plan, images, FACT_EXTRA);
}

bool image_has_scope(const struct facts *facts, const struct image *image, const char *scope)
{
	char id[FACT_NAME_MAX];

	text_format(id, sizeof(id), "mount:%s", image->id);
	return facts_step_done(facts, id) &&
	       fields_are(&facts_step_result(facts, id)->fields, scope, "yes");
}

void images_decide(const struct facts *facts, struct plan *plan)
{
	enum extension_mode mode = extensions_mode(facts, plan);
	size_t from = plan->n_steps;
	bool some;

	collect_stub(facts, plan);
	some = mode != EXTENSIONS_OFF && of_stub[0].n + of_stub[1].n > 0;
	if (plan->n_refusals > 0 || !sources_settled(facts))
		return; /* with a refusal find_triple() could not tell an image's own */
	plan->initrd_pending = some;
	if (plan->tpm_expected && !plan_find(plan, "m1"))
		return;
	plan_class(facts, plan, "sysext", mode);
	plan_class(facts, plan, "confext", mode);
	if (!some || steps_pending(facts, plan, from))
		return;
	plan->initrd_pending = false;
	if (mode == EXTENSIONS_REFUSE && steps_failed(facts, plan, from))
		plan_refuse(plan, E_EXTENSION, "lintel.extensions=refuse, and an image failed");
	else
		images_plan_initrd(facts, plan);
}
