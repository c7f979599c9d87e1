/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's uevent socket. */
#pragma once

#include "generators/facts.h"

/* Opens and binds it; the descriptor or -errno. To be done before coldplug. */
int monitor_open(struct err *err);
/* Takes all that is queued. 0, -ENOBUFS where events were lost, or another -errno. */
int monitor_read(int fd, struct facts *facts, struct err *err);
