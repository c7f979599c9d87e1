/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A firmware's event log: all that is kept is within its fields, and its text is for any console. */
#include "generators/sources/eventlog.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct eventlog log;
	struct err err = { .code = E_NONE };

	if (eventlog_parse(data, size, 0xb, &log, &err) < 0) {
		must(err.code == E_FACTS);
		return 0;
	}
	must(log.n <= EVENTLOG_EVENTS_MAX && log.digest_size > 0 &&
	     log.digest_size <= EVENTLOG_DIGEST_MAX && log.locality <= UINT8_MAX);
	for (uint32_t i = 0; i < log.n; i++) {
		const struct eventlog_event *event = &log.events[i];
		size_t len = strnlen(event->text, sizeof(event->text));

		must(event->pcr < EVENTLOG_PCRS && len > 0 && len < sizeof(event->text));
		for (size_t c = 0; c < len; c++)
			must(event->text[c] >= ' ' && event->text[c] <= '~');
	}
	return 0;
}
