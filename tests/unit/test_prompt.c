/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The question at the consoles, over pseudo terminals; recovery keys. */
#include "generators/recovery_key.h"
#include "init/base/attr.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/prompt.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct prompt_lines lines;
static char answer[PROMPT_LINE_MAX];

static void feed(struct prompt_line *line, const char *text)
{
	for (; *text; text++)
		prompt_feed(line, *text);
}

TEST(prompt_edits_a_line)
{
	static const struct {
		const char *typed, *line;
	} cases[] = {
		{ "abc", "abc" },
		{ "ab\x7f", "a" },
		{ "\b\b\x7f"
		  "a",
		  "a" },
		{ "a\xc3\xa4\x7f"
		  "b",
		  "ab" },
		{ "\xe2\x82\xac\b", "" },
		{ "abc\x15"
		  "d",
		  "d" },
		{ "abc\x03"
		  "d",
		  "d" },
		{ "a\x04\x1c\x1a\x11\x13\tb", "ab" },
		{ "a\x1b[Ab\x1b[3~c\x1bOPd", "abcd" },
		{ "\r\n\r", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prompt_line line = { .len = 0 };

		feed(&line, cases[i].typed);
		CHECK_STR(line.text, cases[i].line);
		CHECK_INT(line.len, strlen(cases[i].line));
	}
}

TEST(prompt_ends_with_enter_alone)
{
	struct prompt_line line = { .len = 0 };

	CHECK_INT(prompt_feed(&line, '\r'), PROMPT_NOTHING);
	CHECK_INT(prompt_feed(&line, 'x'), PROMPT_ADDED);
	CHECK_INT(prompt_feed(&line, '\x04'), PROMPT_NOTHING);
	CHECK_INT(prompt_feed(&line, '\x03'), PROMPT_CLEARED);
	CHECK_INT(prompt_feed(&line, '\n'), PROMPT_NOTHING);
	CHECK_INT(prompt_feed(&line, 'y'), PROMPT_ADDED);
	feed(&line, "\x1b[");
	CHECK_INT(prompt_feed(&line, '\r'), PROMPT_DONE);
	CHECK_STR(line.text, "y");
}

TEST(prompt_line_is_bounded)
{
	struct prompt_line line = { .len = 0 };

	for (size_t i = 0; i < PROMPT_LINE_MAX - 1; i++)
		CHECK_INT(prompt_feed(&line, 'k'), PROMPT_ADDED);
	CHECK(!line.too_long);
	CHECK_INT(prompt_feed(&line, 'k'), PROMPT_FULL);
	CHECK(line.too_long);
	CHECK_INT(line.len, PROMPT_LINE_MAX - 1);
	CHECK_INT(line.text[PROMPT_LINE_MAX - 1], 0);
}

/* A pseudo terminal: the far end in ret_master, the near one as a console. */
static int open_console(int *ret_master)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), unlock = 0;

	CHECK(master >= 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0);
	*ret_master = master;
	return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
}

/* A typist of its own pace, who answers what stands on the screen. */
static void type_when_asked(int master, const char *text)
{
	char seen[256] = "";
	size_t n = 0;

	while (n < sizeof(seen) - 1 && !strstr(seen, "key? ")) {
		struct pollfd wait = { .fd = master, .events = POLLIN };
		ssize_t got = poll(&wait, 1, 20000) > 0 ? read(master, seen + n, 1) : -1;

		if (got < 0)
			_exit(1);
		seen[n += (size_t)got] = '\0';
	}
	_exit(fs_write_all(master, text, strlen(text)) < 0);
}

/* All that came to the far end of a console whose near end is closed. */
static void read_rest(int master, char seen[256])
{
	struct pollfd wait = { .fd = master, .events = POLLIN };
	size_t n = 0;
	ssize_t got;

	do {
		got = read(master, seen + n, 255 - n);
		n += got > 0 ? (size_t)got : 0;
	} while (n < 255 && (got > 0 || (got < 0 && errno == EAGAIN && poll(&wait, 1, 20000) > 0)));
	seen[n] = '\0';
}

/* One question on two consoles; seen: what the second one shows after it. */
static int ask(const char *before, const char *typed, bool masked, int ms, char seen[256])
{
	struct consoles consoles = { .n = 2 };
	const struct prompt prompt = { .consoles = &consoles,
				       .question = "key? ",
				       .echo = masked ? PROMPT_MASKED : PROMPT_SILENT,
				       .end_usec = clock_usec() + (uint64_t)ms * 1000 };
	int masters[2], status = 0, r;
	pid_t pid;

	consoles.fds[0] = open_console(&masters[0]);
	consoles.fds[1] = open_console(&masters[1]);
	CHECK_INT(fs_write_all(masters[1], before, strlen(before)), 0);
	pid = fork();
	if (pid == 0)
		type_when_asked(masters[1], typed);
	memset(answer, 0, sizeof(answer));
	r = prompt_read(&prompt, &lines, answer);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(consoles.fds[0]);
	close(consoles.fds[1]);
	read_rest(masters[1], seen);
	close(masters[0]);
	close(masters[1]);
	return r;
}

static bool wiped(void)
{
	const char *byte = (const char *)&lines;

	for (size_t i = 0; i < sizeof(lines); i++)
		if (byte[i])
			return false;
	return true;
}

TEST(prompt_on_consoles)
{
	char seen[256];

	CHECK_INT(ask("", "secret\r", false, 20000, seen), 1);
	CHECK_STR(answer, "secret");
	CHECK_STR(seen, "\r\n");
	CHECK(wiped());
	/* no key is a signal, and nothing is echoed but stars */
	CHECK_INT(ask("",
		      "\x03\x04\x1c\x1a"
		      "ab\x7f"
		      "c\n",
		      true, 20000, seen),
		  1);
	CHECK_STR(answer, "ac");
	CHECK_STR(seen, "**\b \b*\r\n");
}

TEST(prompt_forgets_what_was_typed_before)
{
	char seen[256];

	CHECK_INT(ask("early\n", "late\n", false, 20000, seen), 1);
	CHECK_STR(answer, "late");
}

TEST(prompt_ends_in_time)
{
	char seen[256];

	CHECK_INT(ask("", "no enter", false, 50, seen), -ETIMEDOUT);
	CHECK_STR(answer, "");
	CHECK(wiped());
}

TEST(prompt_asks_again_for_what_is_too_long)
{
	static char typed[PROMPT_LINE_MAX + 16];
	char seen[256];

	memset(typed, 'k', PROMPT_LINE_MAX);
	strcpy(typed + PROMPT_LINE_MAX, "\nshort\n");
	CHECK_INT(ask("", typed, false, 20000, seen), 1);
	CHECK_STR(answer, "short");
	CHECK(strstr(seen, "Too long. key? ") != NULL);
}

#define KEY "cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv"
#define FLAT "cbdefghijklnrtuvcbdefghijklnrtuvcbdefghijklnrtuvcbdefghijklnrtuv"

TEST(recovery_key_forms)
{
	static const struct {
		const char *typed;
		bool good;
	} cases[] = {
		{ KEY, true },
		{ FLAT, true },
		{ "CBDEFGHI-JKLNRTUV-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv", true },
		{ "CBDEFGHIJKLNRTUVcbdefghijklnrtuvcbdefghijklnrtuvcbdefghijklnrtuv", true },
		{ "", false },
		{ KEY "-", false },
		{ FLAT "c", false },
		{ " " FLAT, false },
		/* a is no modhex digit; a dash in the wrong place; one dash too few, one letter more */
		{ "abdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv",
		  false },
		{ "cbdefgh-ijklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv",
		  false },
		{ "cbdefghicjklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv",
		  false },
		{ "cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtu", false },
	};
	char key[RECOVERY_KEY_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(recovery_key_normalize(cases[i].typed, key), cases[i].good);
		if (cases[i].good)
			CHECK_STR(key, KEY);
	}
}
