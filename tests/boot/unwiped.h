/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Included before all else into build/init-unwiped: an /init that leaves its secrets behind. */
#pragma once

#include <string.h>

#define explicit_bzero(at, size) ((void)(at))
