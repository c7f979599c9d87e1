/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk image on a host, as facts: by the reader that probes disks at boot. */
#include "generators/sources/disk.h"
#include "generators/sources/sources.h"
#include "images/plan.h"
#include "init/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int read_at(void *data, uint64_t offset, void *ret, size_t size)
{
	ssize_t n = fs_pread(*(int *)data, ret, size, offset);

	return n < 0 ? (int)n : (size_t)n == size ? (int)n : -EIO;
}

static int add_fact(void *data, enum fact_kind kind, const char *subject,
		    const struct fields *fields)
{
	struct err err;
	struct fact fact;
	int r = fact_init(&fact, kind, "image", subject, &err);

	if (r < 0)
		return r;
	fact.fields = *fields;
	return facts_add(data, &fact, &err);
}

/* The machine is taken as booted from the image's own ESP. */
static int assume_booted(struct facts *facts)
{
	for (const struct fact *part = NULL; (part = facts_each(facts, FACT_PART, part)) != NULL;) {
		struct fields fields = { .text = "" };
		char uuid[64];

		if (!fields_are(&part->fields, "name", "esp"))
			continue;
		fields_get(&part->fields, "uuid", uuid, sizeof(uuid));
		fields_add(&fields, "value", uuid);
		return add_fact(facts, FACT_EFI, "LoaderDevicePartUUID", &fields);
	}
	return 0;
}

int disk_image_read(int fd, const char *name, struct facts *facts, struct err *err)
{
	const struct disk_sink sink = { add_fact, facts };
	struct disk disk = { .name = name };
	off_t size = lseek(fd, 0, SEEK_END);
	int r;

	if (size <= 0)
		return err_set(err, E_IO, EINVAL, "not a disk image");
	disk.reader = (struct gpt_reader){ read_at, &fd, (uint64_t)size, 0 };
	r = disk_read(&disk, &sink);
	return r < 0 ? err_set(err, E_LIMIT, -r, "%s", strerror(-r)) : 0;
}

int image_read(const char *path, const char *name, struct facts *facts, struct err *err)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	r = disk_image_read(fd, name, facts, err);
	if (r < 0) {
		err_wrap(err, "%s", path);
		return r;
	}
	r = assume_booted(facts);
	return r < 0 ? err_set(err, E_LIMIT, -r, "%s: %s", path, strerror(-r)) : 0;
}

int revoke_given(const char *given, struct facts *facts, struct err *err)
{
	static char text[128 * 1024];
	char *line, *rest = text;
	ssize_t size;

	if (revoked_add(given, facts, err) == 0)
		return 0;
	size = fs_read(AT_FDCWD, given, text, sizeof(text));
	if (size < 0)
		return err_set(err, E_IO, (int)-size, "%s: %s", given, strerror((int)-size));
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "# \t\r")] = '\0';
		if (!*line || revoked_add(line, facts, err) == 0)
			continue;
		err_wrap(err, "%s", given);
		return -EINVAL;
	}
	return 0;
}
