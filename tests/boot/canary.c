// SPDX-License-Identifier: MIT
/* The init of a root that no boot may ever reach. */
#include <fcntl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int main(void)
{
	static const char words[] = "\nLINTEL-CANARY-RAN\n";
	int console = open("/dev/console", O_WRONLY);

	if (write(console >= 0 ? console : STDERR_FILENO, words, sizeof(words) - 1) < 0)
		return 1;
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
