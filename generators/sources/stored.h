/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generators/sources/disk.h"

/*
 * FACT_STORED for each image in /etc/extensions, /var/lib/extensions, /var/lib/confexts,
 * /usr/local/lib/confexts and /usr/lib/confexts of a root, of a .v folder the best alone. 0, what
 * the sink said, or -E2BIG with E_LIMIT.
 */
int stored_read(int root_fd, const struct disk_sink *sink, struct err *err);
