/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks a person at the consoles for a secret. For the child alone that uses the secret: PID 1 neither
 * asks nor gets it. Nothing typed before the question counts, and no key is a signal (threat A30).
 */
#pragma once

#include "init/base/consoles.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROMPT_LINE_MAX 512 /* what cryptsetup takes at a terminal */

/* What is being typed at each console; lies in memory that the caller has locked and will wipe. */
struct prompt_lines {
	struct prompt_line {
		char text[PROMPT_LINE_MAX];
		size_t len;
		bool too_long; /* more was typed than fits: never taken as if it were all */
		char escape;   /* within an escape sequence: its last byte but one */
	} line[CONSOLES_MAX];
};

enum prompt_key {
	PROMPT_NOTHING,
	PROMPT_ADDED,
	PROMPT_REMOVED,
	PROMPT_CLEARED,
	PROMPT_FULL,
	PROMPT_DONE
};

/* Edits the line by one byte; PROMPT_DONE: Enter, and there is something. */
enum prompt_key prompt_feed(struct prompt_line *line, char c);

struct prompt {
	const struct consoles *consoles;
	const char *question; /* printed as it is, on all of them */
	enum prompt_echo { PROMPT_SILENT, PROMPT_MASKED, PROMPT_PLAIN } echo;
	uint64_t end_usec; /* CLOCK_BOOTTIME */
};

/*
 * The first line that is finished on any console, in ret; lines is wiped. Which console, counted from
 * 0, or -ETIMEDOUT or -ENODEV (no console that can be read).
 */
int prompt_read(const struct prompt *prompt, struct prompt_lines *lines, char ret[PROMPT_LINE_MAX]);

/*
 * Takes the consoles for questions: no key is a signal, no output is held (Ctrl-S), and kernel messages
 * do not come between question and answer. prompt_end() leaves them as they were.
 */
void prompt_begin(struct consoles *consoles);
void prompt_end(struct consoles *consoles);
