/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which LUKS2 volumes of the boot disk are opened; a part of rules/unlock. */
#pragma once

#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

#define LUKS_MAX 8 /* the step that measures the first waits for all keys: STEP_AFTER_MAX */

struct luks {
	const struct fact *part;
	const struct sealed *sealed; /* NULL: it is neither the root's nor /usr's */
	struct volume volume;
	char why[80];
};

/*
 * Those of root and /usr; then, in fixed order, what the image policy wants encrypted by its DPS type
 * and what words or crypttab name. Their number; 0 where there is none, or where a refusal is planned.
 */
size_t volumes_choose(const struct facts *facts, struct plan *plan,
		      const struct sealed_list *sealed, struct luks list[LUKS_MAX]);
