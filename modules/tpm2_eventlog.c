/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/tpm2_eventlog.h"

#include "init/base/fs.h"
#include "modules/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static uint8_t bytes[EVENTLOG_BYTES_MAX];

/* What comes from the child is looked at as what went in: who took it over may write anything. */
static bool is_sound(const struct eventlog *log, size_t digest_size)
{
	if (log->n > EVENTLOG_EVENTS_MAX || log->digest_size != digest_size ||
	    log->locality > UINT8_MAX)
		return false;
	for (uint32_t i = 0; i < log->n; i++) {
		const struct eventlog_event *event = &log->events[i];
		size_t len = strnlen(event->text, sizeof(event->text));

		if (event->pcr >= EVENTLOG_PCRS || len == sizeof(event->text))
			return false;
		for (size_t c = 0; c < len; c++)
			if (event->text[c] < ' ' || event->text[c] > '~')
				return false;
	}
	return true;
}

/* The caller's secrets do not come along: they lie where a fork wipes them. */
static bool parse_apart(size_t size, uint16_t alg, struct eventlog *shared)
{
	struct err err = { .code = E_NONE };
	int status = 0;
	pid_t pid = fork(), ended;

	if (pid == 0) /* not _exit(): before that, a sanitizer would make a call that kills here */
		syscall(SYS_exit_group,
			sandbox_parser(&err) == 0 &&
					eventlog_parse(bytes, size, alg, shared, &err) == 0
				? 0
				: 1);
	if (pid < 0)
		return false;
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == pid && status == 0;
}

const struct eventlog *tpm2_eventlog_read(const char *path, uint16_t alg, size_t digest_size)
{
	static struct eventlog log;
	struct eventlog *shared;
	ssize_t n = fs_read(AT_FDCWD, path, bytes, sizeof(bytes));
	bool good;

	if (n <= 0)
		return NULL;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return NULL;
	good = parse_apart((size_t)n, alg, shared);
	if (good)
		memcpy(&log, shared, sizeof(log));
	munmap(shared, sizeof(*shared));
	return good && is_sound(&log, digest_size) ? &log : NULL;
}
