/*
 * /sbin/init of the benchmark's root: its first act is a line in the kernel log. Then it finds the
 * kernel's own line about /init there, says both times on the console and powers off.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

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

int main(void)
{
	long long run = -1, life = -1;
	char record[8192];
	ssize_t size;
	int fd;

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
	if (write(fd, life_mark, strlen(life_mark)) < 0)
		perror("/dev/kmsg");
	while ((size = read(fd, record, sizeof(record) - 1)) > 0) {
		record[size] = '\0';
		read_time(record, run_mark, &run);
		read_time(record, life_mark, &life);
	}
	fd = open("/dev/console", O_WRONLY);
	dprintf(fd, "\nbench: run=%lld life=%lld\n", run, life);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
