// SPDX-License-Identifier: MIT
/* The init of a host without systemd: it tells what it finds of extensions, and powers off. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

/* Every block of a file, so that one that breaks later is met; the first line of it is shown. */
static void show_file(const char *path)
{
	char text[4096], first[128] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		if (!first[0])
			snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "\n"), text);
	printf("LINTEL-TEST-FILE %s: %s%s%s\n", path, first, n < 0 ? " and then " : "",
	       n < 0 ? strerror(errno) : "");
	close(fd);
}

static void show_folder(const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[512], target[512] = "";

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (readlink(path, target, sizeof(target) - 1) > 0)
			printf("LINTEL-TEST-LINK %s -> %s\n", path, target);
		if (strncmp(folder, "/run/", 5) != 0)
			show_file(path);
		else if (access(path, R_OK) == 0)
			printf("LINTEL-TEST-KEPT %s\n", path);
	}
}

static void show_lines(const char *path, const char *with, const char *or_with, const char *word)
{
	FILE *file = fopen(path, "r");
	char line[8192];

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, with) || strstr(line, or_with))
			printf("%s%.240s\n", word, strtok(line, "\n"));
}

int main(void)
{
	int console = open("/dev/console", O_WRONLY);

	if (console >= 0)
		dup2(console, STDOUT_FILENO);
	putchar('\n');
	show_folder("/usr/lib/lintel-ext");
	show_folder("/opt/lintel-ext");
	show_folder("/etc/lintel-ext.d");
	show_folder("/run/extensions");
	show_folder("/run/confexts");
	show_folder("/run/credentials/@system");
	show_folder("/run/credentials/@encrypted");
	show_lines("/proc/mounts", " overlay ", "/run/lintel/ext", "LINTEL-TEST-MOUNT ");
	show_lines("/run/lintel/plan", "note: ", "refused: ", "");
	printf("LINTEL-TEST-OK failed=0\n");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
