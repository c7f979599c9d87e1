/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "modules/verb.h"

/*
 * For every child, before its verb runs: it can gain no privileges, and what none of its kind has to
 * do (run programs, trace, load kernels or modules, mount …) kills it. 0 or -errno.
 */
int sandbox_child(const struct verb_info *verb, struct err *err);

/*
 * For a child that is about to parse hostile bytes and has opened all that it needs: bounds its
 * memory and time, drops root, and allows only reading, writing and ending. 0 or -errno.
 */
int sandbox_parser(struct err *err);
