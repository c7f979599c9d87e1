/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/base/consoles.h"
#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define WRITE_MS 2000
#define INPUT_MAX 8192 /* twice what the kernel keeps of a terminal's input */

/* Never blocking: who sends XOFF on a serial line must not hold PID 1. */
static void add(struct consoles *consoles, const char *name)
{
	char path[64];
	int fd = -1;

	if (consoles->n < CONSOLES_MAX && text_format(path, sizeof(path), "/dev/%s", name) == 0)
		fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		consoles->fds[consoles->n++] = fd;
}

/* /dev/console is one of the active ones: it would say all twice. */
void consoles_open(struct consoles *consoles)
{
	char active[256] = "", *rest = active, *name;

	consoles->n = 0;
	fs_read_line(AT_FDCWD, "/sys/class/tty/console/active", active, sizeof(active));
	while ((name = strsep(&rest, " ")) != NULL)
		if (name[0])
			add(consoles, name);
	if (consoles->n == 0)
		add(consoles, "console");
}

static void write_one(int fd, const char *text, size_t size)
{
	uint64_t end = clock_usec() + WRITE_MS * 1000;

	while (size > 0 && clock_usec() < end) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (n < 0)
			poll(&wait, 1, WRITE_MS / 10);
		else
			end = clock_usec() + WRITE_MS * 1000;
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
}

void consoles_write(const struct consoles *consoles, const char *text, size_t size)
{
	for (size_t i = 0; i < consoles->n; i++)
		write_one(consoles->fds[i], text, size);
}

void consoles_print(const struct consoles *consoles, const char *text)
{
	consoles_write(consoles, text, strlen(text));
}

void consoles_clean(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			text[i] = '?';
}

/* Read and not just flushed: the kernel wipes what is read. Bounded, where someone goes on typing. */
void consoles_drop_input(const struct consoles *consoles)
{
	char dropped[64];

	for (size_t i = 0; i < consoles->n; i++) {
		for (size_t n = 0; n < INPUT_MAX / sizeof(dropped); n++)
			if (read(consoles->fds[i], dropped, sizeof(dropped)) <= 0)
				break;
		tcflush(consoles->fds[i], TCIFLUSH);
	}
	explicit_bzero(dropped, sizeof(dropped));
}

/*
 * The kernel's line discipline wipes its own copy of what was read only where ICANON is set and ECHO
 * is not (zero_buffer() in drivers/tty/n_tty.c); EXTPROC hands out each key none the less.
 */
void consoles_raw(const struct consoles *consoles)
{
	for (size_t i = 0; i < consoles->n; i++) {
		struct termios mode;

		if (tcgetattr(consoles->fds[i], &mode) < 0)
			continue;
		mode.c_lflag &= ~(tcflag_t)(ECHO | ISIG | IEXTEN);
		mode.c_lflag |= ICANON | EXTPROC;
		mode.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
		/* not TCSAFLUSH, which waits for an output that Ctrl-S may hold */
		tcsetattr(consoles->fds[i], TCSANOW, &mode);
	}
	consoles_drop_input(consoles);
}

char consoles_key(const struct consoles *consoles, int ms)
{
	struct pollfd fds[CONSOLES_MAX];
	char key;

	for (size_t i = 0; i < consoles->n; i++)
		fds[i] = (struct pollfd){ .fd = consoles->fds[i], .events = POLLIN };
	poll(fds, consoles->n, ms);
	for (size_t i = 0; i < consoles->n; i++)
		if ((fds[i].revents & POLLIN) && read(consoles->fds[i], &key, 1) == 1)
			return key;
	return 0;
}
