/*
 * /sbin/init of the benchmark's root, and /init of the contender "bare". Its first acts are a mark for
 * count.c and a line in the kernel log. Then it finds the kernel's own lines about the initrd there,
 * says all times on the console and powers off. What the initrd left in memory is Shmem where the
 * kernel's rootfs is a tmpfs, Unevictable where it is a ramfs.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"

static const char unpack_mark[] = "Trying to unpack rootfs image as initramfs...";
static const char unpacked_mark[] = "Freeing initrd memory";
static const char run_mark[] = "Run /init as init process";
/* With its newline: the kernel shows no record whose line may go on. */
static const char life_mark[] = "bench: the root's init is alive\n";

/* The time of a /dev/kmsg record "priority,number,µs,flags;text" if its text is the mark. */
static void read_time(const char *record, const char *mark, long long *ret_time)
{
	const char *text = strchr(record, ';');

	if (text && !strncmp(text + 1, mark, strcspn(mark, "\n")))
		sscanf(record, "%*u,%*u,%lld", ret_time);
}

/*
 * KiB of files that live in memory alone; as the first act, so that none of them is the root's. A child
 * of the initrd's that was killed but still runs keeps /init: it is waited for, and nothing else is.
 */
static long long read_kept(void)
{
	char line[128];
	long long kib, kept = 0;
	FILE *file;

	while (waitpid(-1, NULL, 0) > 0)
		;
	mount("proc", "/proc", "proc", 0, NULL);
	file = fopen("/proc/meminfo", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Shmem: %lld", &kib) == 1 ||
		    sscanf(line, "Unevictable: %lld", &kib) == 1)
			kept += kib;
	return file ? kept : -1;
}

/* Files of the extension images, and one of a /usr that has a partition of its own. */
static int count_files(void)
{
	DIR *folder = opendir("/usr/lib/bench");
	int n = 0;

	for (struct dirent *entry; folder && (entry = readdir(folder));)
		n += entry->d_name[0] != '.';
	return n;
}

/* lintel's account of the boot, for `lintel timeline`. */
static void say_facts(int console)
{
	char text[4096];
	ssize_t size;
	int fd = open("/run/lintel/facts", O_RDONLY);

	while (fd >= 0 && (size = read(fd, text, sizeof(text))) > 0)
		if (write(console, text, (size_t)size) != size)
			break;
	dprintf(console, "bench: end of facts\n");
}

int main(void)
{
	long long unpack = -1, unpacked = -1, run = -1, life = -1;
	char record[8192];
	ssize_t size;
	int fd;

	__asm__ volatile(MARK_ASM);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
	if (write(fd, life_mark, strlen(life_mark)) < 0)
		perror("/dev/kmsg");
	while ((size = read(fd, record, sizeof(record) - 1)) > 0) {
		record[size] = '\0';
		read_time(record, unpack_mark, &unpack);
		read_time(record, unpacked_mark, &unpacked);
		read_time(record, run_mark, &run);
		read_time(record, life_mark, &life);
	}
	fd = open("/dev/console", O_WRONLY);
	dprintf(fd, "\nbench: unpack=%lld unpacked=%lld run=%lld life=%lld kept=%lld files=%d\n",
		unpack, unpacked, run, life, read_kept(), count_files());
	say_facts(fd);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
