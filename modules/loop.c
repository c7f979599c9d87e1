/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A read-only loop device over an image that the stub left in the initramfs, or over one that the
 * root keeps. Both stay where they are. When all are attached, those in memory are made smaller.
 */
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/images.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PIECE (UINT64_C(16) << 20) /* mapped at once */
#define BLOCK UINT64_C(4096)	   /* that one may be a hole */
#define TRIES_MAX 256

/* The kernel fills a map's last page with zeros: that one may become a hole, too. */
static int free_zeros(int fd, uint64_t offset, uint64_t size)
{
	uint8_t *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	int r = 0;

	if (map == MAP_FAILED)
		return -errno;
	for (uint64_t at = 0, end; r == 0 && at < size; at = end) {
		bool zero = bytes_zero(map + at, BLOCK);

		for (end = at + BLOCK; end < size; end += BLOCK)
			if (bytes_zero(map + end, BLOCK) != zero)
				break;
		if (zero && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				      (off_t)(offset + at), (off_t)(end - at)) < 0)
			r = -errno;
	}
	munmap(map, size);
	return r;
}

/*
 * What is zero becomes a hole: systemd-repart leaves some MiB of that between and behind the partitions.
 * Only when a processor has nothing else to do, as it takes longer than all else that is done to an
 * image. Where the initramfs is a ramfs it has no holes, and the memory is not won.
 */
static void free_zeros_idly(const int *fds, size_t n)
{
	static const struct sched_param none;

	if (n == 0 || syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &none) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		uint64_t size = fstat(fds[i], &st) < 0 ? 0 : (uint64_t)st.st_size;

		for (uint64_t at = 0; at < size; at += PIECE)
			if (free_zeros(fds[i], at, size - at < PIECE ? size - at : PIECE) < 0)
				break;
	}
}

static int open_image(const char *image, struct err *err)
{
	_close_ int fd = -1;
	char path[160];
	struct stat st;

	text_format(path, sizeof(path), IMAGES_EXTRA "%s", image);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, E_IO, errno ?: EINVAL, "%s: %s", path, strerror(errno));
	return take_fd(&fd);
}

/* Inside the root, wherever its symlinks say. */
static int open_stored(const char *file, struct err *err)
{
	_close_ int root_fd = open("/sysroot", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat st;

	if (root_fd < 0)
		return err_set(err, E_IO, errno, "/sysroot: %s", strerror(errno));
	fd = fs_open_resolved(root_fd, file, O_RDONLY | O_NONBLOCK,
			      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, E_IO, EINVAL, "%s: %s", file,
			       fd < 0 ? strerror(-fd) : "not a file");
	return take_fd(&fd);
}

/*
 * Where its table's header stands says what sectors the image was made for: the kernel looks for
 * partitions in those of the device alone. Whether it is a table is the probe's to say.
 */
static uint32_t sector_size(int fd)
{
	char magic[8];

	for (uint32_t size = 512; size <= 4096; size *= 2)
		if (fs_pread(fd, magic, sizeof(magic), size) == sizeof(magic) &&
		    memcmp(magic, "EFI PART", sizeof(magic)) == 0)
			return size;
	return 512;
}

/* Other children ask for free devices too: who comes second takes another one. */
static int attach(int file_fd, struct fields *result, struct err *err)
{
	const struct loop_config config = {
		.fd = (uint32_t)file_fd,
		.block_size = sector_size(file_fd),
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_PARTSCAN,
	};
	static int control = -1; /* for all of the child's steps */

	if (control < 0)
		control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return err_set(err, E_IO, errno, "/dev/loop-control: %s", strerror(errno));
	for (unsigned int i = 0; i < TRIES_MAX; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		_close_ int fd = -1;
		char path[32];
		int r;

		if (number < 0)
			return err_set(err, E_IO, errno, "no free loop device: %s",
				       strerror(errno));
		text_format(path, sizeof(path), "/dev/loop%d", number);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			r = fields_addf(result, "node", "loop%d", number);
			return r < 0 ? r : fields_addf(result, "dev", "7:%d", number);
		}
		if (errno != EBUSY)
			return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	}
	return err_set(err, E_IO, EBUSY, "no free loop device in %d tries", TRIES_MAX);
}

/* ret_fd: of an image in memory, or as it was. */
static int run_one(const struct step *step, struct fields *result, int *ret_fd, struct err *err)
{
	char image[FACT_NAME_MAX], file[256];
	_close_ int fd = -1;
	int r;

	if (fields_get(&step->args, "file", file, sizeof(file)) == 0) {
		fd = open_stored(file, err);
		return fd < 0 ? fd : attach(fd, result, err);
	}
	r = step_get(step, "image", image, sizeof(image), err);
	if (r < 0)
		return r;
	fd = open_image(image, err);
	r = fd < 0 ? fd : attach(fd, result, err);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

void loop_run_batch(const struct step *steps, size_t n, const struct report *report)
{
	int fds[BATCH_MAX];
	size_t n_fds = 0;

	for (size_t i = 0; i < n; i++) {
		struct fields result = { .text = "" };
		struct err err = { .code = E_NONE };
		int fd = -1, r = run_one(&steps[i], &result, &fd, &err);

		if (report_result(report, steps[i].id, r, &result, &err) < 0)
			return;
		if (fd >= 0)
			fds[n_fds++] = fd;
	}
	free_zeros_idly(fds, n_fds);
}
