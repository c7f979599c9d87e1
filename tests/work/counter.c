/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compiler calls this at each edge of the control flow: -fsanitize-coverage=trace-pc, and without it here. */
#include "tests/work/counter.h"

unsigned long long work_done;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	work_done++;
}
