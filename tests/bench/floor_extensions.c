/*
 * The floor's way to extension images: a loop device, a verity table and a mount for each image that
 * lies in /.extra, all hard-coded and none of it checked, then one overlay.
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor-config.h"
#include "floor.h"

#if defined(FLOOR_LUKS) && defined(FLOOR_TABLE)
#define FIRST 2 /* mapped devices of the root and of /usr come before */
#else
#define FIRST 1
#endif

/* With %d where the loop device's number belongs; where there are more images, they are copies of these. */
static const char *const tables[] = { FLOOR_EXTENSION_TABLES };

static void mount_image(int loops, int i, const char *where)
{
	struct request request = {
		.target = { .length = FLOOR_EXTENSION_SECTORS, .target_type = "verity" },
	};
	struct loop_config config = { .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_PARTSCAN };
	int number = ioctl(loops, LOOP_CTL_GET_FREE), fd;
	char path[64], name[16], node[32];

	check(number, "a free loop device");
	snprintf(path, sizeof(path), "/.extra/sysext/e%d.sysext.raw", i);
	config.fd = (unsigned int)open(path, O_RDONLY | O_CLOEXEC);
	snprintf(node, sizeof(node), "/dev/loop%d", number);
	fd = open(node, O_RDONLY | O_CLOEXEC);
	check(ioctl(fd, LOOP_CONFIGURE, &config), path);
	close((int)config.fd);
	snprintf(request.parameters, sizeof(request.parameters),
		 tables[(size_t)i % (sizeof(tables) / sizeof(tables[0]))], number);
	snprintf(name, sizeof(name), "e%d", i);
	map(&request, name, DM_READONLY_FLAG);
	close(fd);
	snprintf(node, sizeof(node), "/dev/dm-%d", i + FIRST);
	wait_for(node);
	check(mkdir(where, 0755), where);
	check(mount(node, where, "erofs", MS_RDONLY | MS_NOSUID, NULL), where);
}

void merge_extensions(void)
{
	static char layers[4096] = "lowerdir=";
	int loops = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	check(loops, "/dev/loop-control");
	for (int i = 0; i < FLOOR_EXTENSIONS; i++) {
		size_t used = strlen(layers);
		char where[32];

		snprintf(where, sizeof(where), "/ext/%d", i);
		mount_image(loops, i, where);
		snprintf(layers + used, sizeof(layers) - used, "%s/usr:", where);
	}
	strcat(layers, "/sysroot/usr");
	check(mount("sysext", "/sysroot/usr", "overlay", MS_RDONLY, layers), layers);
}
