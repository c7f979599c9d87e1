/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recovery shell: looks, and changes nothing. It starts after the PCRs are capped, so that no sealed
 * secret opens any more, and after the password; whichever way it is left, the machine restarts. Where the
 * image's builder put a busybox into the initrd, `sh` runs that.
 */
#include "init/base/fs.h"
#include "modules/prompt.h"
#include "modules/verb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#define BUSYBOX "/usr/bin/busybox"
#define KLOG_READ_ALL 3 /* syslog(2) */
#define KLOG_SIZE 10
#define PCRS 24

struct shell {
	struct consoles consoles;
	const char *filter; /* only lines that contain it; or empty */
	int from;	    /* the console that is typed at */
};

/* One line to all consoles; a disk's label or a device may have written it. */
static void say(const struct shell *shell, const char *line)
{
	char text[1024];

	if (shell->filter[0] && !strstr(line, shell->filter))
		return;
	snprintf(text, sizeof(text), "%s", line);
	text[strcspn(text, "\n")] = '\0';
	consoles_clean(text, strlen(text));
	consoles_print(&shell->consoles, text);
	consoles_print(&shell->consoles, "\n");
}

static void show_file(const struct shell *shell, const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *line = NULL;

	if (!file) {
		consoles_print(&shell->consoles, "There is none.\n");
		return;
	}
	while (getline(&line, &size, file) >= 0)
		say(shell, line);
	free(line);
	fclose(file);
}

static void show_facts(struct shell *shell)
{
	show_file(shell, "/run/lintel/facts");
}

static void show_plan(struct shell *shell)
{
	show_file(shell, "/run/lintel/plan");
}

static void show_timeline(struct shell *shell)
{
	show_file(shell, "/run/lintel/timeline");
}

static void show_mounts(struct shell *shell)
{
	show_file(shell, "/proc/self/mounts");
}

static void show_dmesg(struct shell *shell)
{
	int size = klogctl(KLOG_SIZE, NULL, 0), n;
	char *text = size > 0 ? malloc((size_t)size + 1) : NULL;

	n = text ? klogctl(KLOG_READ_ALL, text, size) : 0;
	if (n > 0)
		text[n] = '\0';
	for (char *line = text, *end; n > 0 && *line; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n' ? (*end = '\0', 1) : 0;
		say(shell, line);
	}
	free(text);
}

/* What lintel itself wrote into the kernel's log. */
static void show_log(struct shell *shell)
{
	struct shell own = *shell;

	own.filter = "lintel";
	show_dmesg(&own);
}

static void show_disks(struct shell *shell)
{
	struct dirent **entries;
	int n = scandir("/sys/class/block", &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[320], sectors[32] = "?", info[512] = "", line[640];
		const char *name = entries[i]->d_name, *label;

		if (name[0] != '.') {
			text_format(path, sizeof(path), "/sys/class/block/%s/size", name);
			fs_read_line(AT_FDCWD, path, sectors, sizeof(sectors));
			text_format(path, sizeof(path), "/sys/class/block/%s/uevent", name);
			fs_read(AT_FDCWD, path, info, sizeof(info));
			label = strstr(info, "PARTNAME=");
			snprintf(line, sizeof(line), "%-12s %12s sectors  %s", name, sectors,
				 label ? label + strlen("PARTNAME=") : "");
			say(shell, line);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void show_pcrs(struct shell *shell)
{
	for (int i = 0; i < PCRS; i++) {
		char path[64], value[80], line[96];

		text_format(path, sizeof(path), "/sys/class/tpm/tpm0/pcr-sha256/%d", i);
		if (fs_read_line(AT_FDCWD, path, value, sizeof(value)) <= 0)
			return;
		snprintf(line, sizeof(line), "%2d %s", i, value);
		say(shell, line);
	}
}

/* In a session of its own, on the console that was typed at; nothing of this child's stays open. */
_noreturn_ static void run_busybox(const struct shell *shell)
{
	static char *const argv[] = { (char *)(uintptr_t) "busybox", (char *)(uintptr_t) "sh",
				      NULL };
	static char *const environment[] = { (char *)(uintptr_t) "PATH=/usr/bin:/bin",
					     (char *)(uintptr_t) "HOME=/",
					     (char *)(uintptr_t) "TERM=linux", NULL };
	int fd = shell->consoles.fds[shell->from];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	ioctl(fd, TIOCSCTTY, 1);
	fcntl(fd, F_SETFL, 0);
	for (int std = 0; std <= 2; std++)
		dup2(fd, std);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	execve(BUSYBOX, argv, environment);
	_exit(127);
}

/* Its terminal is a usual one for as long. */
static void run_sh(struct shell *shell)
{
	int fd = shell->consoles.fds[shell->from];
	struct termios mode;
	pid_t pid;

	if (access(BUSYBOX, X_OK) < 0) {
		consoles_print(&shell->consoles, "The initrd has no busybox.\n");
		return;
	}
	if (tcgetattr(fd, &mode) == 0) {
		mode.c_lflag |= ICANON | ECHO | ISIG | IEXTEN;
		mode.c_lflag &= ~(tcflag_t)EXTPROC; /* of consoles_raw() */
		tcsetattr(fd, TCSANOW, &mode);
	}
	pid = fork();
	if (pid == 0)
		run_busybox(shell);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	/* the end of its session hangs the terminal up, for whoever has it open */
	prompt_end(&shell->consoles);
	prompt_begin(&shell->consoles);
	consoles_print(&shell->consoles, "Back in the recovery shell.\n");
}

static void show_help(struct shell *shell);

static const struct command {
	const char *name, *what;
	void (*run)(struct shell *shell); /* NULL: leaves, and the name says how */
} commands[] = {
	{ "help", "this", show_help },
	{ "facts", "what is known [TEXT: only lines with it]", show_facts },
	{ "plan", "what was to be done, and how far it came [TEXT]", show_plan },
	{ "timeline", "when it was done [TEXT]", show_timeline },
	{ "log", "lintel's lines of the kernel's log", show_log },
	{ "dmesg", "the kernel's log [TEXT]", show_dmesg },
	{ "disks", "block devices, their sizes and labels [TEXT]", show_disks },
	{ "mounts", "what is mounted [TEXT]", show_mounts },
	{ "pcrs", "the TPM's PCRs (SHA-256)", show_pcrs },
	{ "sh", "busybox, where the initrd has one", run_sh },
	{ "boot-other", "leave, and start another version", NULL },
	{ "reboot", "leave, and try again", NULL },
	{ "poweroff", "leave, and power off", NULL },
};

static void show_help(struct shell *shell)
{
	char line[96];

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		snprintf(line, sizeof(line), "%-11s %s", commands[i].name, commands[i].what);
		say(shell, line);
	}
}

/* The command that leaves, or NULL. */
static const char *run_line(struct shell *shell, char *line)
{
	char *rest = line, *name = strsep(&rest, " ");

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (!commands[i].run)
			return commands[i].name;
		shell->filter = rest ?: "";
		commands[i].run(shell);
		return NULL;
	}
	consoles_print(&shell->consoles, "No such command; try help.\n");
	return NULL;
}

int shell_run(const struct step *step, const struct report *report, struct fields *result,
	      struct err *err)
{
	static struct prompt_lines lines; /* of this child; nothing secret is typed here */
	char line[PROMPT_LINE_MAX];
	struct shell shell = { .filter = "" };
	struct prompt prompt = { .consoles = &shell.consoles,
				 .question = "lintel> ",
				 .echo = PROMPT_PLAIN };
	const char *left = NULL;
	uint64_t seconds = 0;

	(void)report;
	(void)err;
	fields_get_u64(&step->args, "seconds", &seconds);
	prompt_begin(&shell.consoles);
	consoles_print(
		&shell.consoles,
		fields_are(&step->args, "capped", "yes")
			? "The recovery shell. The TPM's PCRs are capped: no sealed key opens. "
			  "Try help.\n"
			: "Debugging: the TPM's PCRs are as the boot has them. Try help.\n");
	while (!left) {
		prompt.end_usec = clock_usec() + seconds * 1000000;
		shell.from = prompt_read(&prompt, &lines, line);
		left = shell.from < 0 ? "reboot" : run_line(&shell, line);
	}
	prompt_end(&shell.consoles);
	return fields_add(result, "how", left);
}
