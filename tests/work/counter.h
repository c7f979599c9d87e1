/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Basic blocks that ran since the start: a measure of work that no clock and no load disturbs. */
#pragma once

extern unsigned long long work_done;
