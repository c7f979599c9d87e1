/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/rules/rules.h"

#include <string.h>

/*
 * The one table of rules. Its order is the order of precedence: a rule may read what an earlier
 * one wrote into the plan, and `after_all` steps follow all that stand above them.
 */
static void (*const rules[])(const struct facts *facts, struct plan *plan) = {
	sources_decide,	   /* coldplug, EFI variables */
	failure_decide,	   /* a needed step that failed is a refusal */
	cmdline_decide,	   /* words that may not come from outside the UKI */
	policy_decide,	   /* the image policy in force */
	measure_decide,	   /* enter-initrd */
	drivers_decide,	   /* modules for devices, and those that the plan needs */
	recovery_decide,   /* where it was asked for, the table ends here */
	images_decide,	   /* /.extra: verify and mount images, extend the initrd */
	bootdisk_decide,   /* probe disks, find the one that was booted from */
	root_decide,	   /* root and usr: choose, verify, mount */
	extensions_decide, /* /.extra: match images with the root, merge them; credentials */
	handover_decide,   /* leave-initrd, switch root */
	deadline_decide,   /* what is waited for, and for how long */
};

/* What one rule refuses is told in one order, whatever arrived first: the first is what is shown. */
static void sort_refusals(struct plan *plan, size_t from)
{
	for (size_t i = from; i < plan->n_refusals; i++)
		for (size_t k = i; k > from; k--) {
			struct err *a = &plan->refusals[k - 1], *b = &plan->refusals[k], swap = *b;

			if (strcmp(a->text, b->text) <= 0)
				break;
			*b = *a;
			*a = swap;
		}
}

void decide(const struct facts *facts, struct plan *plan)
{
	plan_reset(plan);
	for (size_t i = 0; i < ARRAY_SIZE(rules) && !plan->recovery; i++) {
		size_t before = plan->n_refusals;

		rules[i](facts, plan);
		sort_refusals(plan, before);
	}
}
