/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hardware watchdog, and a word on the console about what takes long. */
#pragma once

#include "init/boot.h"

#define PROGRESS_MS 10000

/* Opens the watchdog when it appears, and feeds it. To be called at least every PROGRESS_MS. */
void watchdog_feed(void);
/* Before the hand-over, as systemd does before it switches root (src/core/main.c): the host's init
   opens it anew. Also where the machine is to stay off. */
void watchdog_disarm(void);
/* Every ten seconds, a line for each wait and step that is not done. */
void progress_tell(const struct boot *boot);
