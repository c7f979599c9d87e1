// SPDX-License-Identifier: MIT
/*
 * The init of a root that is up in no time: says what the initrd has left, for the boot tests to read,
 * and ends the machine. Mounts, mappings, keys, swap, and the events that were measured; these it replays
 * over PCR 15, which nothing before the initrd extends.
 */
#include "init/base/sha256.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static void read_line(const char *path, char *ret, int size)
{
	FILE *file = fopen(path, "re");

	ret[0] = '\0';
	if (!file)
		return;
	if (fgets(ret, size, file))
		ret[strcspn(ret, "\n")] = '\0';
	fclose(file);
}

static void show_mounts(void)
{
	char line[1024], source[256], target[256], type[64], options[512];
	FILE *file = fopen("/proc/mounts", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%255s %255s %63s %511s", source, target, type, options) == 4)
			printf("LINTEL-TEST-MOUNT %s %s %s %s\n", target, type, source, options);
	if (file)
		fclose(file);
}

static void show_mappings(void)
{
	DIR *dir = opendir("/sys/block");

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[320], name[128], uuid[160], ro[8], discard[24];

		if (strncmp(entry->d_name, "dm-", 3) != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/dm/name", entry->d_name);
		read_line(path, name, sizeof(name));
		snprintf(path, sizeof(path), "/sys/block/%s/dm/uuid", entry->d_name);
		read_line(path, uuid, sizeof(uuid));
		snprintf(path, sizeof(path), "/sys/block/%s/ro", entry->d_name);
		read_line(path, ro, sizeof(ro));
		snprintf(path, sizeof(path), "/sys/block/%s/queue/discard_max_bytes",
			 entry->d_name);
		read_line(path, discard, sizeof(discard));
		printf("LINTEL-TEST-DM %s ro=%s %s discard=%s\n", name, ro, uuid, discard);
	}
	if (dir)
		closedir(dir);
}

static void show_keys(void)
{
	char line[512];
	FILE *file = fopen("/proc/keys", "re");

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, " logon ") || strstr(line, "cryptsetup:"))
			printf("LINTEL-TEST-KEY %s", line);
	if (file)
		fclose(file);
}

static int unhex(const char *text, unsigned char *ret)
{
	for (int i = 0; i < 32; i++)
		if (sscanf(text + 2 * i, "%2hhx", &ret[i]) != 1)
			return 0;
	return 1;
}

/* PCR || digest, hashed into the place of the PCR. */
static void extend(unsigned char joined[64])
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add(&hash, joined, 64);
	sha256_end(&hash, joined);
}

static void show_events(void)
{
	static const char bank[] = "\"sha256\",\"digest\":\"";
	unsigned char joined[64] = { 0 }, value[32];
	char line[4096], pcr[80];
	FILE *file = fopen("/run/log/systemd/tpm2-measure.log", "re");
	int n = 0;

	while (file && fgets(line, sizeof(line), file)) {
		const char *digest = strstr(line, bank), *string = strstr(line, "\"string\":\"");
		int number = -1;

		sscanf(line, "\x1e{\"pcr\":%d,", &number);
		if (!digest || !string)
			continue;
		string += strlen("\"string\":\"");
		printf("LINTEL-TEST-EVENT %d pcr%d %.*s\n", ++n, number, (int)strcspn(string, "\""),
		       string);
		if (number == 15 && unhex(digest + strlen(bank), joined + 32))
			extend(joined);
	}
	if (file)
		fclose(file);
	read_line("/sys/class/tpm/tpm0/pcr-sha256/15", pcr, sizeof(pcr));
	if (strlen(pcr) == 64 && unhex(pcr, value))
		printf("LINTEL-TEST-REPLAY %s\n", memcmp(joined, value, 32) ? "differs" : "agrees");
}

/* What mkswap, or a kernel that hibernated, has left at the end of a partition's first page. */
static void show_swap(void)
{
	DIR *dir = opendir("/sys/class/block");

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[320], mark[11] = "";
		int fd;

		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (pread(fd, mark, 10, 4086) == 10 &&
		    (strcmp(mark, "S1SUSPEND") == 0 || strcmp(mark, "SWAPSPACE2") == 0))
			printf("LINTEL-TEST-SWAP %s %s\n", entry->d_name, mark);
		close(fd);
	}
	if (dir)
		closedir(dir);
}

int main(void)
{
	if (!freopen("/dev/console", "we", stdout))
		return 1;
	puts("");
	show_mounts();
	show_mappings();
	show_keys();
	show_events();
	show_swap();
	/* as the kernel starts an init: what lintel asked for itself is not this one's */
	printf("LINTEL-TEST-OK failed=%d\n", syscall(SYS_sched_getscheduler, 0) != SCHED_OTHER);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
