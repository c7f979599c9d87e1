/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/log.h"
#include "init/base/text.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

static int log_fd = -1;

void log_init(void)
{
	if (log_fd < 0)
		log_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

void log_line(int priority, const char *fmt, ...)
{
	char line[512];
	int n = 0, m;
	va_list ap;

	if (log_fd >= 0 && text_format(line, sizeof(line), "<%d>lintel: ", priority) == 0)
		n = (int)strlen(line);
	va_start(ap, fmt);
	m = text_vformat(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	n += m;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(log_fd >= 0 ? log_fd : STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to say so */
}
