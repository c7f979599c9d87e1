/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/prompt.h"

#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/klog.h>
#include <termios.h>
#include <unistd.h>

#define KLOG_CONSOLE_LEVEL 8 /* syslog(2), SYSLOG_ACTION_CONSOLE_LEVEL */
#define READ_MAX 64

/* As it was before prompt_begin(); of this child. */
static int console_level; /* 0: not changed */
static struct termios modes[CONSOLES_MAX];
static bool is_terminal[CONSOLES_MAX];

static void hush(void)
{
	char text[32] = "", *end;
	uint64_t level = 0;

	fs_read_line(AT_FDCWD, "/proc/sys/kernel/printk", text, sizeof(text));
	end = text + strspn(text, "0123456789");
	*end = '\0';
	if (text_to_u64(text, &level) == 0 && level > 1 && level <= 15 &&
	    klogctl(KLOG_CONSOLE_LEVEL, NULL, 1) == 0)
		console_level = (int)level;
}

void prompt_begin(struct consoles *consoles)
{
	hush();
	consoles_open(consoles);
	for (size_t i = 0; i < consoles->n; i++)
		is_terminal[i] = tcgetattr(consoles->fds[i], &modes[i]) == 0;
	consoles_raw(consoles);
}

void prompt_end(struct consoles *consoles)
{
	consoles_drop_input(consoles);
	for (size_t i = 0; i < consoles->n; i++) {
		if (is_terminal[i])
			tcsetattr(consoles->fds[i], TCSANOW, &modes[i]);
		close_fd(&consoles->fds[i]);
	}
	consoles->n = 0;
	if (console_level)
		klogctl(KLOG_CONSOLE_LEVEL, NULL, console_level);
	console_level = 0;
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Takes back one character: in UTF-8, all of its bytes. */
static enum prompt_key backspace(struct prompt_line *line)
{
	if (line->len == 0)
		return PROMPT_NOTHING;
	while (line->len > 1 && continues(line->text[line->len - 1]))
		line->text[--line->len] = '\0';
	line->text[--line->len] = '\0';
	return PROMPT_REMOVED;
}

static enum prompt_key clear(struct prompt_line *line)
{
	explicit_bzero(line, sizeof(*line));
	return PROMPT_CLEARED;
}

/* An arrow key is "ESC [ A": not an A of the secret. ECMA-48, 5.4: a final byte is '@' to '~'. */
static bool escaped(struct prompt_line *line, char c)
{
	if (!line->escape) {
		if (c == '\x1b')
			line->escape = c;
		return line->escape;
	}
	if (line->escape == '\x1b' && (c == '[' || c == 'O'))
		line->escape = c;
	else if (line->escape == '\x1b' || (c >= '@' && c <= '~') || c == '\r' || c == '\n')
		line->escape = '\0';
	return c != '\r' && c != '\n';
}

enum prompt_key prompt_feed(struct prompt_line *line, char c)
{
	if (escaped(line, c))
		return PROMPT_NOTHING;
	switch (c) {
	case '\r':
	case '\n':
		/* an empty line is no try: some headers open by an empty passphrase (threat A10) */
		return line->len > 0 ? PROMPT_DONE : PROMPT_NOTHING;
	case '\b':
	case '\x7f':
		return backspace(line);
	case '\x03': /* Ctrl-C */
	case '\x15': /* Ctrl-U */
		return clear(line);
	default:
		break;
	}
	if ((unsigned char)c < ' ')
		return PROMPT_NOTHING;
	if (line->len + 1 >= sizeof(line->text)) {
		line->too_long = true;
		return PROMPT_FULL;
	}
	line->text[line->len++] = c;
	return continues(c) ? PROMPT_NOTHING : PROMPT_ADDED;
}

static void echo(int fd, enum prompt_key key, size_t shown, enum prompt_echo how, char c)
{
	const struct consoles one = { .n = 1, .fds = { fd } };
	bool visible = how != PROMPT_SILENT;

	if (key == PROMPT_FULL)
		consoles_print(&one, "\a");
	if (key == PROMPT_ADDED && visible)
		consoles_write(&one, how == PROMPT_MASKED ? "*" : &c, 1);
	if (key == PROMPT_REMOVED && visible)
		consoles_print(&one, "\b \b");
	for (size_t i = 0; key == PROMPT_CLEARED && visible && i < shown; i++)
		consoles_print(&one, "\b \b");
}

static size_t characters(const struct prompt_line *line)
{
	size_t n = 0;

	for (size_t i = 0; i < line->len; i++)
		n += !continues(line->text[i]);
	return n;
}

/* 1: the line is finished; 0; or -ENODEV where the console is gone. */
static int read_console(const struct prompt *prompt, int fd, struct prompt_line *line)
{
	char typed[READ_MAX];
	ssize_t n = read(fd, typed, sizeof(typed));
	int r = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ? -ENODEV : 0;

	for (ssize_t i = 0; i < n && r == 0; i++) {
		size_t shown = characters(line);
		enum prompt_key key = prompt_feed(line, typed[i]);

		echo(fd, key, shown, prompt->echo, typed[i]);
		r = key == PROMPT_DONE && !line->too_long;
		if (key == PROMPT_DONE && line->too_long) {
			clear(line);
			consoles_print(prompt->consoles, "\nToo long. ");
			consoles_print(prompt->consoles, prompt->question);
		}
	}
	explicit_bzero(typed, sizeof(typed));
	return r;
}

/* The number of the console whose line is finished. */
static int wait_line(const struct prompt *prompt, struct prompt_lines *lines)
{
	struct pollfd fds[CONSOLES_MAX];
	size_t n = prompt->consoles->n, alive = n;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = prompt->consoles->fds[i], .events = POLLIN };
	while (alive > 0) {
		uint64_t now = clock_usec();

		if (now >= prompt->end_usec)
			return -ETIMEDOUT;
		poll(fds, n, (int)((prompt->end_usec - now) / 1000) + 1);
		for (size_t i = 0; i < n; i++) {
			int r = fds[i].fd >= 0 && fds[i].revents
					? read_console(prompt, fds[i].fd, &lines->line[i])
					: 0;

			if (r > 0)
				return (int)i;
			if (r < 0) {
				fds[i].fd = -1; /* poll(2) leaves it alone */
				alive--;
			}
		}
	}
	return -ENODEV;
}

int prompt_read(const struct prompt *prompt, struct prompt_lines *lines, char ret[PROMPT_LINE_MAX])
{
	int r;

	explicit_bzero(lines, sizeof(*lines));
	consoles_raw(prompt->consoles);
	consoles_print(prompt->consoles, prompt->question);
	r = wait_line(prompt, lines);
	consoles_print(prompt->consoles, "\n");
	if (r >= 0)
		memcpy(ret, lines->line[r].text, PROMPT_LINE_MAX);
	explicit_bzero(lines, sizeof(*lines));
	return r;
}
