/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/err.h"

/* Loads a module that is needed, with what it depends on. Built in or loaded already is fine. */
int drivers_load_module(const char *name, struct err *err);

/* A folder for each extension image that has brought an index: see modules/extend_initrd. */
#define DRIVERS_INDEXES "/run/lintel/modules"
#define DRIVERS_INDEXES_MAX 8
