/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/err.h"

#include <stdbool.h>

/* Mounts efivarfs in a mount namespace of this child's own. 0 or -errno. */
int efivars_mount(bool writable, struct err *err);
