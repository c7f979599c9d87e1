/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generators/sources/eventlog.h"

/*
 * The events of one bank, parsed by a child of its own that can do nothing else. NULL where there is
 * no log, or one that is malformed; static memory.
 */
const struct eventlog *tpm2_eventlog_read(const char *path, uint16_t alg, size_t digest_size);
