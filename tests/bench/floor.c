/*
 * The floor: the least that any init of such a root does, with every fact hard-coded by
 * tests/bench/run in floor-config.h. It checks little, waits by polling and is good for one disk
 * only: a yardstick for lintel, not an init to use. floor_luks.c opens an encrypted volume,
 * floor_extensions.c mounts extension images.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "floor-config.h"
#include "floor.h"

static const char *const modules[] = { FLOOR_MODULES };

void check(int result, const char *what)
{
	if (result >= 0)
		return;
	dprintf(2, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void load_modules(void)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		int fd = open(modules[i], O_RDONLY | O_CLOEXEC);

		check(fd, modules[i]);
		check((int)syscall(SYS_finit_module, fd, "", 0), modules[i]);
		close(fd);
	}
}

void wait_for(const char *path)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (access(path, F_OK))
		nanosleep(&pause, NULL);
}

#ifdef FLOOR_SIGNATURE
/* The kernel finds the signature of the root hash by the name of this key. */
static void add_signature(void)
{
	char signature[8192];
	int fd = open(FLOOR_SIGNATURE, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, signature, sizeof(signature));

	check((int)size, FLOOR_SIGNATURE);
	close(fd);
	check((int)syscall(SYS_add_key, "user", "floor", signature, (size_t)size,
			   KEY_SPEC_PROCESS_KEYRING),
	      "signature");
}
#endif

static void dm(int control, unsigned long command, struct request *request, const char *name,
	       uint32_t flags)
{
	request->head = (struct dm_ioctl){
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(*request),
		.data_start = sizeof(request->head),
		.target_count = command == DM_TABLE_LOAD,
		.flags = flags,
	};
	strcpy(request->head.name, name);
	check(ioctl(control, command, request), "device-mapper");
}

void map(struct request *request, const char *name, unsigned int flags)
{
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	check(control, "/dev/mapper/control");
	dm(control, DM_DEV_CREATE, request, name, 0);
	dm(control, DM_TABLE_LOAD, request, name, flags);
	dm(control, DM_DEV_SUSPEND, request, name, 0); /* without DM_SUSPEND_FLAG: resume */
	close(control);
}

#ifdef FLOOR_LUKS
static void open_encrypted(void)
{
	struct request request = { .target = { .length = FLOOR_LUKS_SECTORS,
					       .target_type = "crypt" } };

	wait_for(FLOOR_LUKS);
	open_luks(&request);
	map(&request, "root", 0);
	wait_for("/dev/dm-0");
}
#endif

#ifdef FLOOR_TABLE
static void open_verity(void)
{
	struct request request = {
		.target = { .length = FLOOR_SECTORS, .target_type = "verity" },
		.parameters = FLOOR_TABLE,
	};

	wait_for(FLOOR_DATA);
	wait_for(FLOOR_HASH);
#ifdef FLOOR_SIGNATURE
	add_signature();
#endif
	map(&request, "verity", DM_READONLY_FLAG);
	wait_for(FLOOR_VERITY);
}
#endif

static void mount_root(void)
{
#ifdef FLOOR_TMPFS
	check(mount("root", "/sysroot", "tmpfs", 0, "mode=0755"), "/sysroot");
	check(mkdir("/sysroot/dev", 0755), "/sysroot/dev");
	check(mkdir("/sysroot/proc", 0755),
	      "/sysroot/proc"); /* where the root's init asks what is left */
	check(mkdir("/sysroot/usr", 0755), "/sysroot/usr");
#else
	check(mount("/dev/dm-0", "/sysroot", FLOOR_FILESYSTEM, MS_RDONLY, NULL), "/sysroot");
#endif
#ifdef FLOOR_USR
	check(mount(FLOOR_VERITY, "/sysroot/usr", "erofs", MS_RDONLY, NULL), "/sysroot/usr");
#endif
}

static void switch_root(void)
{
	check(mount("/dev", "/sysroot/dev", NULL, MS_MOVE, NULL), "/sysroot/dev");
	check(chdir("/sysroot"), "/sysroot");
	check(mount(".", "/", NULL, MS_MOVE, NULL), "/");
	check(chroot("."), "chroot");
}

int main(void)
{
	check(mount("dev", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755"), "/dev");
	load_modules();
#ifdef FLOOR_LUKS
	open_encrypted();
#endif
#ifdef FLOOR_TABLE
	open_verity();
#endif
	mount_root();
#ifdef FLOOR_EXTENSIONS
	merge_extensions();
#endif
	switch_root();
	execl("/usr/lib/systemd/systemd", "/sbin/init", (char *)NULL);
	check(-1, "init");
}
