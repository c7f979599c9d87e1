/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/watchdog.h"
#include "init/base/fs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define WATCHDOG "/dev/watchdog0"
#define TIMEOUT_S 60

static int watchdog_fd = -1;

void watchdog_feed(void)
{
	int seconds = TIMEOUT_S;

	if (watchdog_fd < 0) {
		watchdog_fd = open(WATCHDOG, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
		if (watchdog_fd >= 0)
			ioctl(watchdog_fd, WDIOC_SETTIMEOUT, &seconds);
	}
	if (watchdog_fd >= 0)
		ioctl(watchdog_fd, WDIOC_KEEPALIVE, 0);
}

/* The magic close (Documentation/watchdog/watchdog-api.rst). */
void watchdog_disarm(void)
{
	if (watchdog_fd < 0)
		return;
	fs_write_all(watchdog_fd, "V", 1);
	close(watchdog_fd);
	watchdog_fd = -1;
}

/* Non-blocking, by a descriptor of its own: a console that is held (XOFF) must not hold PID 1. */
static void tell(const char *what, uint64_t since_usec, uint64_t now, uint64_t end)
{
	_close_ int fd = open("/dev/console", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char shown[200];
	size_t n = 0;

	for (; *what && n < sizeof(shown) - 1; what++)
		shown[n++] =
			*what >= ' ' && *what <= '~' ? *what : '?'; /* a disk may have said it */
	shown[n] = '\0';
	if (fd < 0)
		return;
	dprintf(fd, "lintel: %s: %" PRIu64 " s, at most %" PRIu64 " s\n", shown,
		(now - since_usec) / 1000000, (end - since_usec) / 1000000);
}

void progress_tell(const struct boot *boot)
{
	static uint64_t next_usec;
	uint64_t now = clock_usec(), start = boot->facts.n ? boot->facts.list[0].usec : now;
	char what[200];

	if (next_usec == 0)
		next_usec = start + PROGRESS_MS * 1000;
	if (now < next_usec)
		return;
	next_usec = now + PROGRESS_MS * 1000;
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (boot->jobs.list[i].fd >= 0 && boot->jobs.list[i].asks)
			return; /* not into the middle of a question */
	for (size_t i = 0; i < boot->plan.n_waits; i++) {
		text_format(what, sizeof(what), "waiting for %s", boot->plan.waits[i].what);
		tell(what, start, now, boot->plan.waits[i].deadline_usec);
	}
	for (size_t i = 0; i < JOBS_MAX; i++) {
		const struct job *job = &boot->jobs.list[i];

		if (job->fd >= 0 && !job_is_over(job))
			tell(job->steps[0].id, job->start_usec, now, job->deadline_usec);
	}
}
