/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line at a time to the kernel's log (or standard error on a host). */
#pragma once

#include "attr.h"

/* Opens /dev/kmsg; until then, and where it fails, lines go to standard error. */
void log_init(void);
/* priority: as in syslog(3), 3 error … 7 debug. */
void log_line(int priority, const char *fmt, ...) _printf_(2, 3);
