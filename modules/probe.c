/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a disk's partition table, or those of several images. Everything is opened first; the hostile
 * bytes are parsed in the sandbox, where the child can only read, report and end. Images that share
 * a child come from one place: whoever can write one of them can write the others, so that a lie
 * about the next one wins nothing.
 */
#include "generators/sources/disk.h"
#include "init/base/fs.h"
#include "modules/sandbox.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static struct reading {
	struct disk disk;
	struct disk_view view[GPT_PARTS_MAX + 1];
	struct err err; /* of what came before the sandbox */
	char name[32];
	int fd;
} readings[BATCH_MAX];

static int read_at(void *data, uint64_t offset, void *ret, size_t size)
{
	ssize_t n = fs_pread(*(int *)data, ret, size, offset);

	return n < 0 ? (int)n : (size_t)n == size ? (int)n : -EIO;
}

static int add_fact(void *data, enum fact_kind kind, const char *subject,
		    const struct fields *fields)
{
	return report_fact_later(data, kind, subject, fields);
}

/* Opens the node and makes sure that it is the device that the uevent spoke of. */
static int open_disk(const struct step *step, const char *name, struct err *err)
{
	char path[64], dev[24], actual[24];
	_close_ int fd = -1;
	struct stat st;

	text_format(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	if (!S_ISBLK(st.st_mode))
		return err_set(err, E_IO, ENOTBLK, "%s is no block device", path);
	text_format(actual, sizeof(actual), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (fields_get(&step->args, "dev", dev, sizeof(dev)) == 0 && strcmp(dev, actual) != 0)
		return err_set(err, E_IO, ENXIO, "%s is %s, not %s", path, actual, dev);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* what is read ahead is not asked for */
	return take_fd(&fd);
}

static bool read_number(int dir_fd, const char *partition, const char *name, uint64_t *ret)
{
	char path[64], text[32];

	return text_format(path, sizeof(path), "%s/%s", partition, name) == 0 &&
	       fs_read_line(dir_fd, path, text, sizeof(text)) > 0 && text_to_u64(text, ret) == 0;
}

/* The kernel's partitions of the disk, from sysfs; their names end in their numbers. */
static int read_view(const char *disk, struct disk_view *view, size_t *ret_n, struct err *err)
{
	char path[64];
	_closedir_ DIR *dir = NULL;

	text_format(path, sizeof(path), "/sys/class/block/%s", disk);
	dir = opendir(path);
	if (!dir)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	*ret_n = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct disk_view *one = &view[*ret_n];
		uint64_t number, start, size;

		if (!disk_partition(entry->d_name, disk, &number) ||
		    !read_number(dirfd(dir), entry->d_name, "start", &start) ||
		    !read_number(dirfd(dir), entry->d_name, "size", &size))
			continue;
		if (*ret_n >= GPT_PARTS_MAX)
			return err_set(err, E_LIMIT, E2BIG, "%s: more than %d partitions", disk,
				       GPT_PARTS_MAX);
		one->number = (unsigned int)number;
		one->start = start;
		one->size = size;
		(*ret_n)++;
	}
	return 0;
}

/* All that needs more than to read what is open. */
static int prepare(const struct step *step, struct reading *reading, struct err *err)
{
	uint64_t bytes;
	int sector, r;

	r = step_get(step, "disk", reading->name, sizeof(reading->name), err);
	if (r < 0)
		return r;
	reading->fd = open_disk(step, reading->name, err);
	if (reading->fd < 0)
		return reading->fd;
	if (ioctl(reading->fd, BLKGETSIZE64, &bytes) < 0 ||
	    ioctl(reading->fd, BLKSSZGET, &sector) < 0)
		return err_set(err, E_IO, errno, "%s: size: %s", reading->name, strerror(errno));
	reading->disk = (struct disk){
		.name = reading->name,
		.reader = { read_at, &reading->fd, bytes, (unsigned int)sector },
		.view = reading->view,
	};
	return read_view(reading->name, reading->view, &reading->disk.n_view, err);
}

static int parse(const struct reading *reading, const struct report *report, struct err *err)
{
	struct report to = *report;
	const struct disk_sink sink = { add_fact, &to };
	int r = disk_read(&reading->disk, &sink);

	return r < 0 ? err_set(err, E_LIMIT, -r, "%s: %s", reading->name, strerror(-r)) : 0;
}

void probe_run_batch(const struct step *steps, size_t n, const struct report *report)
{
	const struct fields nothing = { .text = "" };
	struct err sandbox;
	int sandboxed;

	for (size_t i = 0; i < n; i++)
		prepare(&steps[i], &readings[i], &readings[i].err);
	sandboxed = sandbox_parser(&sandbox);
	for (size_t i = 0; i < n; i++) {
		struct err *err = sandboxed < 0 ? &sandbox : &readings[i].err;
		int r = err->code == E_NONE ? parse(&readings[i], report, err) : -EIO;

		if (report_result(report, steps[i].id, r, &nothing, err) < 0)
			return;
	}
}
