/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps PID 1's own arguments (borrowed, for ever): those after the first go to the new init. */
void handover_arguments(char **argv);
