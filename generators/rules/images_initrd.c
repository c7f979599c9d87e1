/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The step that makes the images of the initrd's own scope part of the initrd. */
#include "generators/rules/rules.h"

#include <string.h>

#define INITRD_MAX 8 /* as modules/drivers has indexes for */

/* Those for the initrd, oldest first, each once. */
static size_t for_initrd(const struct facts *facts, struct plan *plan, const char *ret[INITRD_MAX])
{
	const struct images *images = images_of_stub("sysext");
	size_t found = 0;

	for (const struct image *image = images->list; image < images->list + images->n; image++) {
		size_t at = found;

		if (!image_has_scope(facts, image, "initrd") || image_twin(images, image))
			continue;
		if (found == INITRD_MAX) {
			plan_refuse(plan, E_LIMIT, "more than %d images for the initrd",
				    INITRD_MAX);
			return 0;
		}
		for (; at > 0 && version_compare(ret[at - 1], image->name) > 0; at--)
			ret[at] = ret[at - 1];
		ret[at] = image->name;
		found++;
	}
	return found;
}

/*
 * Certificates are trust, not data: an image brings some only where the UKI's own line says so
 * (systemd reads them from nowhere but the initrd or a verified root, systemd#39991).
 */
void images_plan_initrd(const struct facts *facts, struct plan *plan)
{
	const char *names[INITRD_MAX];
	size_t n = for_initrd(facts, plan, names), used = 0;
	char list[INITRD_MAX * 73] = "";
	struct step *step;
	struct word word;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++, used = strlen(list))
		text_format(list + used, sizeof(list) - used, "%s%s", i > 0 ? "," : "", names[i]);
	step = plan_step(plan, VERB_EXTEND_INITRD, "initrd", "SYSEXT_SCOPE=initrd: all have ended");
	step_arg(plan, step, "names", list);
	if (word_get(facts, "lintel.extension_certificates", &word) &&
	    text_to_bool(word.value) == 1)
		step_arg(plan, step, "certificates", "yes");
	plan->initrd_pending = !facts_step_done(facts, "initrd");
}
