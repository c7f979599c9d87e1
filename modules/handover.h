/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* At the start: keeps PID 1's own arguments (borrowed, for ever), of which those after the first
   go to the new init, and the time, which systemd shows as the initrd's. */
void handover_arguments(char **argv);
/* No key reaches the kernel while the initrd runs; the hand-over restores what was set. */
void handover_sysrq_off(void);
/*
 * Before the first child: PID 1 waits for its turn when it is woken (sched(7), SCHED_BATCH), and so takes several
 * results at a time where processors are few. Not inherited by children, nor by the root's init.
 */
void handover_batch(void);
