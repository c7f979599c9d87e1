/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/err.h"

/*
 * For a child that is about to parse hostile bytes and has opened all that it needs: bounds its
 * memory and time, drops root, and allows only reading, writing and ending. 0 or -errno.
 */
int sandbox_parser(struct err *err);
