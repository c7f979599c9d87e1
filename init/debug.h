/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/boot.h"

#ifdef LINTEL_DEBUG
/* Where lintel.break= names this step: a shell before it starts. 0 or -errno. */
int debug_break(struct boot *boot, const struct step *step, struct err *err);
#endif
