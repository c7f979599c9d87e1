/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/dm.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define CONTROL "/dev/mapper/control"
#define REQUEST_MAX (sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) + DM_TEXT_MAX)

/* What the kernel reads and, in the same place, answers. */
struct request {
	struct dm_ioctl head;
	char data[REQUEST_MAX - sizeof(struct dm_ioctl)];
};

/*
 * devtmpfs makes the node when dm_mod comes, but below a folder that may be missing. The descriptor ends
 * with the child: PID 1, which closes what its children inherit, has no business with devices.
 */
static int open_control(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	mkdir("/dev/mapper", 0755);
	mknod(CONTROL, S_IFCHR | 0600, makedev(10, 236)); /* MAPPER_CTRL_MINOR */
	fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	return fd;
}

/* An empty request for the device of that name. The kernel copies, and clears, all that it says is there. */
static int prepare(struct request *request, size_t text_size, const char *name, struct err *err)
{
	size_t data = text_size > 0 ? sizeof(struct dm_target_spec) + text_size : 0;

	if (text_size > DM_TEXT_MAX)
		return err_set(err, E_DM, E2BIG, "dm parameters too long");
	memset(request, 0, sizeof(request->head) + data);
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = (uint32_t)(sizeof(request->head) + data);
	request->head.data_start = sizeof(request->head);
	if (text_copy(request->head.name, sizeof(request->head.name), name) < 0)
		return err_set(err, E_DM, ENAMETOOLONG, "dm name too long: %.40s", name);
	return 0;
}

static int call(struct request *request, unsigned long command, const char *what, struct err *err)
{
	int fd = open_control();

	if (fd < 0)
		return err_set(err, E_DM, errno, CONTROL ": %s", strerror(errno));
	if (ioctl(fd, command, request) < 0)
		return err_set(err, E_DM, errno, "%s %s: %s", what, request->head.name,
			       strerror(errno));
	return 0;
}

/* The kernel's own encoding: the minor's low byte, the major, the rest of the minor. */
static uint64_t device_number(const struct request *request)
{
	uint64_t dev = request->head.dev;

	return makedev((unsigned int)(dev >> 8 & 0xfff),
		       (unsigned int)((dev & 0xff) | (dev >> 12 & 0xfff00)));
}

int dm_create(const char *name, const char *uuid, uint64_t *ret_dev, struct err *err)
{
	struct request request;
	int r = prepare(&request, 0, name, err);

	if (r < 0)
		return r;
	if (text_copy(request.head.uuid, sizeof(request.head.uuid), uuid) < 0)
		return err_set(err, E_DM, ENAMETOOLONG, "dm uuid too long: %.40s", uuid);
	r = call(&request, DM_DEV_CREATE, "create", err);
	if (r == 0)
		*ret_dev = device_number(&request);
	return r;
}

int dm_load(const char *name, const char *target, unsigned int what, uint64_t sectors,
	    const char *params, struct err *err)
{
	struct request request;
	struct dm_target_spec *spec = (void *)request.data;
	int r = prepare(&request, strlen(params) + 1, name, err);

	if (r < 0)
		return r;
	/* whatever the file system is asked for later */
	request.head.flags = what & DM_WRITABLE ? 0 : DM_READONLY_FLAG;
	request.head.target_count = 1;
	spec->length = sectors;
	if (text_copy(spec->target_type, sizeof(spec->target_type), target) < 0)
		return err_set(err, E_DM, ENAMETOOLONG, "dm target too long: %.40s", target);
	memcpy(request.data + sizeof(*spec), params, strlen(params));
	return call(&request, DM_TABLE_LOAD, "load table of", err);
}

int dm_resume(const char *name, struct err *err)
{
	struct request request;
	int r = prepare(&request, 0, name, err);

	return r < 0 ? r : call(&request, DM_DEV_SUSPEND, "resume", err);
}

static int ask_status(struct request *request, const char *name, unsigned int what, struct err *err)
{
	static const size_t sizes[] = { 1024, DM_TEXT_MAX }; /* the first is enough for most */
	uint32_t asked;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		r = prepare(request, sizes[i], name, err);
		if (r < 0)
			return r;
		request->head.flags = what & DM_TABLE ? DM_STATUS_TABLE_FLAG : 0;
		asked = request->head.data_size;
		r = call(request, DM_TABLE_STATUS, "status of", err);
		if (r == 0 && request->head.data_size > asked)
			return err_set(err, E_DM_TABLE, EPROTO, "%s: more than was asked for",
				       name);
		if (r < 0 || !(request->head.flags & DM_BUFFER_FULL_FLAG))
			break;
	}
	return r;
}

int dm_status(const char *name, unsigned int what, char target[DM_TARGET_SIZE],
	      uint64_t *ret_sectors, char text[DM_TEXT_MAX], uint64_t *ret_dev, struct err *err)
{
	struct request request;
	const struct dm_target_spec *spec = (const void *)request.data;
	int r = ask_status(&request, name, what, err);
	size_t end;

	if (r < 0)
		return r;
	/* a second target, or one that begins later, would be more than what was asked for */
	end = request.head.data_size - sizeof(request.head);
	if ((request.head.flags & DM_BUFFER_FULL_FLAG) || request.head.target_count != 1 ||
	    request.head.data_start != sizeof(request.head) || end > sizeof(request.data) ||
	    end <= sizeof(*spec) || spec->sector_start != 0)
		return err_set(err, E_DM_TABLE, EPROTO, "%s: not one target", name);
	if (!(what & DM_WRITABLE) && !(request.head.flags & DM_READONLY_FLAG))
		return err_set(err, E_DM_TABLE, EPROTO, "%s: not read-only", name);
	request.data[end - 1] = '\0';
	if (text_copy(text, DM_TEXT_MAX, request.data + sizeof(*spec)) < 0)
		return err_set(err, E_DM_TABLE, E2BIG, "%s: table too long", name);
	*ret_sectors = spec->length;
	memcpy(target, spec->target_type, DM_TARGET_SIZE - 1);
	target[DM_TARGET_SIZE - 1] = '\0';
	if (ret_dev)
		*ret_dev = device_number(&request);
	return 0;
}

int dm_open(uint64_t dev, char ret_path[DM_PATH_SIZE], struct err *err)
{
	_close_ int fd = -1;
	struct stat st;

	text_format(ret_path, DM_PATH_SIZE, "/dev/dm-%u", minor(dev));
	fd = open(ret_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, E_DM, errno, "%s: %s", ret_path, strerror(errno));
	if (!S_ISBLK(st.st_mode) || st.st_rdev != dev)
		return err_set(err, E_DM, ENXIO, "%s is another device", ret_path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* else more blocks are read, and verified */
	return take_fd(&fd);
}

int dm_part_open(const char *node, struct dm_part *ret, struct err *err)
{
	_close_ int fd = -1;
	char path[64];
	struct stat st;

	ret->fd = -1;
	if (text_format(path, sizeof(path), "/dev/%s", node) < 0)
		return err_set(err, E_IO, ENAMETOOLONG, "device name too long: %.40s", node);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	if (!S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &ret->bytes) < 0)
		return err_set(err, E_IO, ENOTBLK, "%s is no block device", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* headers: what is behind them is not read */
	ret->fd = take_fd(&fd);
	return text_format(ret->dev, sizeof(ret->dev), "%u:%u", major(st.st_rdev),
			   minor(st.st_rdev));
}

/* dm-crypt.rst: cipher, key, IV offset, device, offset. */
bool dm_crypt_is_over(const char *table, const char *dev)
{
	size_t len = strlen(dev);

	for (unsigned int word = 0; word < 3 && table; word++) {
		table = strchr(table, ' ');
		table = table ? table + 1 : NULL;
	}
	return table && strncmp(table, dev, len) == 0 && table[len] == ' ';
}

int dm_crypt_open(const char *name, const struct dm_part *over, struct dm_part *ret,
		  struct err *err)
{
	char target[DM_TARGET_SIZE], text[DM_TEXT_MAX], path[DM_PATH_SIZE];
	uint64_t dev = 0, sectors = 0;
	int r = dm_status(name, DM_TABLE, target, &sectors, text, &dev, err);

	ret->fd = -1;
	if (r == 0 && (strcmp(target, "crypt") != 0 || !dm_crypt_is_over(text, over->dev)))
		r = err_set(err, E_DM_TABLE, EUCLEAN, "%s: live: %s %.160s, not crypt over %s",
			    name, target, text, over->dev);
	if (r == 0)
		ret->fd = dm_open(dev, path, err);
	if (r < 0 || ret->fd < 0)
		return r < 0 ? r : ret->fd;
	ret->bytes = sectors * 512;
	return text_format(ret->dev, sizeof(ret->dev), "%u:%u", major(dev), minor(dev));
}

void dm_part_close(struct dm_part *part)
{
	close_fd(&part->fd);
}

void dm_remove(const char *name)
{
	struct request request;
	struct err err;

	if (prepare(&request, 0, name, &err) < 0)
		return;
	request.head.flags = DM_DEFERRED_REMOVE; /* whoever has it open is the last to see it */
	call(&request, DM_DEV_REMOVE, "remove", &err);
}

/* Documentation/admin-guide/device-mapper/verity.rst; the tree begins behind the superblock. */
int dm_verity_params(const struct dm_verity *verity, char ret[DM_TEXT_MAX], struct err *err)
{
	const struct verity_superblock *super = verity->super;
	const char *key = verity->signature_key, *mode = verity->on_corruption;
	unsigned int n = (key ? 2 : 0) + (mode ? 1 : 0);
	char count[8] = "";
	char salt[2 * VERITY_SALT_MAX + 1];

	hex_encode(super->salt, super->salt_size, salt);
	if (n > 0)
		text_format(count, sizeof(count), " %u", n);
	if (text_format(ret, DM_TEXT_MAX, "1 %s %s %u %u %" PRIu64 " 1 %s %s %s%s%s%s%s%s",
			verity->data_dev, verity->hash_dev, super->data_block_size,
			super->hash_block_size, super->data_blocks, super->algorithm,
			verity->roothash, super->salt_size ? salt : "-", count, mode ? " " : "",
			mode ? mode : "", key ? " root_hash_sig_key_desc " : "",
			key ? key : "") < 0)
		return err_set(err, E_DM, E2BIG, "verity parameters too long");
	return 0;
}

bool dm_verity_corrupt(const char *name)
{
	char target[DM_TARGET_SIZE] = "", text[DM_TEXT_MAX] = "";
	struct err err;
	uint64_t sectors;

	return dm_status(name, DM_STATE, target, &sectors, text, NULL, &err) == 0 &&
	       strcmp(target, "verity") == 0 && text[0] == 'C';
}
