/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/boot.h"

/*
 * The end of a boot that must not go on: stops all children, says what, where, why and what to
 * do on console and in the kernel's log, pauses, and powers off, reboots or halts as
 * lintel.on_failure= says. Never returns; a shell only where the UKI's own line allows it.
 */
_noreturn_ void refuse(struct boot *boot, const struct err *why);
