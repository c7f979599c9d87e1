/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leaves word for the next boot in EFI variables: why this one was refused and how many were in a
 * row, or which entry the boot loader shall take once. One write for a refusal, one deletion by the
 * next good boot, none in a good boot after a good one: flash wears.
 */
#include "generators/sources/loader.h"
#include "init/base/fs.h"
#include "modules/efivars.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#define EFIVARS "/sys/firmware/efi/efivars/"
#define REFUSAL_PATH EFIVARS REFUSAL_VARIABLE "-" LINTEL_GUID
#define FALLBACK_PATH EFIVARS FALLBACK_VARIABLE "-" LINTEL_GUID

/* efivarfs marks what it does not know immutable (Documentation/filesystems/efivarfs.rst). */
static void make_mutable(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int flags = 0;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags &= ~FS_IMMUTABLE_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* One write() is one SetVariable(). */
static int write_variable(const char *path, const uint8_t *data, size_t size, struct err *err)
{
	_close_ int fd = -1;

	make_mutable(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return err_set(err, E_IO, errno ?: EIO, "%s: %s", path, strerror(errno));
	return 0;
}

static int record(const struct step *step, struct fields *result, struct err *err)
{
	char code[40], phone[PHONE_SIZE], text[ERR_TEXT_MAX];
	uint8_t data[REFUSAL_SIZE_MAX + 1];
	struct fields before;
	uint64_t count = 0, known = 0;
	ssize_t n = fs_read(AT_FDCWD, REFUSAL_PATH, data, sizeof(data));
	int r = step_get(step, "code", code, sizeof(code), err);

	if (r == 0)
		r = step_get(step, "phone", phone, sizeof(phone), err);
	if (r == 0)
		r = step_get(step, "text", text, sizeof(text), err);
	if (r < 0)
		return r;
	if (n < 0 || refusal_parse(data, (size_t)n, &before, &count) < 0)
		count = 0;
	/* what this boot began with counts, even where it was cleared for a hand-over that failed */
	if (fields_get_u64(&step->args, "count", &known) == 0 && known > count)
		count = known;
	count += count < REFUSAL_COUNT_MAX;
	r = write_variable(REFUSAL_PATH, data, refusal_format(count, code, phone, text, data), err);
	return r < 0 ? r : fields_addf(result, "count", "%" PRIu64, count);
}

/* Why an older version was taken; one write, however often the same is seen again. */
static int record_fallback(const struct step *step, struct err *err)
{
	uint8_t data[REFUSAL_SIZE_MAX], before[REFUSAL_SIZE_MAX + 1];
	char code[40], phone[PHONE_SIZE], text[ERR_TEXT_MAX];
	ssize_t n = fs_read(AT_FDCWD, FALLBACK_PATH, before, sizeof(before));
	int r = step_get(step, "code", code, sizeof(code), err);
	size_t size;

	if (r == 0)
		r = step_get(step, "text", text, sizeof(text), err);
	if (r < 0)
		return r;
	refusal_phone(code, text, phone);
	size = refusal_format(1, code, phone, text, data);
	if (n == (ssize_t)size && memcmp(data, before, size) == 0)
		return 0;
	return write_variable(FALLBACK_PATH, data, size, err);
}

static int clear(const struct step *step, struct err *err)
{
	const char *path =
		fields_are(&step->args, "name", FALLBACK_VARIABLE) ? FALLBACK_PATH : REFUSAL_PATH;

	make_mutable(path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int read_current(char ret[ENTRY_MAX])
{
	uint8_t data[EFI_ATTRIBUTES_SIZE + 2 * ENTRY_MAX + 1];
	ssize_t n =
		fs_read(AT_FDCWD, EFIVARS "LoaderEntrySelected-" LOADER_GUID, data, sizeof(data));

	if (n < EFI_ATTRIBUTES_SIZE)
		return -ENOENT;
	return utf16_decode(data + EFI_ATTRIBUTES_SIZE, (size_t)n - EFI_ATTRIBUTES_SIZE, ret,
			    ENTRY_MAX);
}

/* The loader forgets LoaderEntryOneShot when it has read it. */
static int set_once(bool older, struct fields *result, struct err *err)
{
	static uint8_t entries[ENTRIES_SIZE_MAX]; /* of this child */
	uint8_t data[EFI_ATTRIBUTES_SIZE + 2 * ENTRY_MAX] = { EFI_PERSISTENT };
	char current[ENTRY_MAX], entry[ENTRY_MAX] = "";
	ssize_t n =
		fs_read(AT_FDCWD, EFIVARS "LoaderEntries-" LOADER_GUID, entries, sizeof(entries));
	int r = n < EFI_ATTRIBUTES_SIZE ? -ENOENT : read_current(current);

	if (r == 0)
		r = loader_choose(entries + EFI_ATTRIBUTES_SIZE, (size_t)n - EFI_ATTRIBUTES_SIZE,
				  current, older, entry);
	if (r < 0)
		return err_set(err, E_IO, -r, "the boot loader offers no other entry");
	for (size_t i = 0; entry[i]; i++)
		data[EFI_ATTRIBUTES_SIZE + 2 * i] = (uint8_t)entry[i];
	r = write_variable(EFIVARS "LoaderEntryOneShot-" LOADER_GUID, data,
			   EFI_ATTRIBUTES_SIZE + 2 * (strlen(entry) + 1), err);
	return r < 0 ? r : fields_add(result, "entry", entry);
}

int loader_run(const struct step *step, const struct report *report, struct fields *result,
	       struct err *err)
{
	int r = access("/sys/firmware/efi", F_OK) < 0 ? -ENOENT : 0;

	(void)report;
	if (r < 0)
		return err_set(err, E_IO, ENOENT, "there are no EFI variables");
	r = efivars_mount(true, err);
	if (r < 0)
		return r;
	if (fields_are(&step->args, "do", "record"))
		return record(step, result, err);
	if (fields_are(&step->args, "do", "clear"))
		return clear(step, err);
	if (fields_are(&step->args, "do", "fallback"))
		return record_fallback(step, err);
	return set_once(fields_are(&step->args, "do", "older"), result, err);
}
