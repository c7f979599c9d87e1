/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extension images in the root's own folders, by name: nothing of them is opened. The folders and
 * their order are those of systemd 257's src/shared/discover-image.c, without /run, where what the
 * stub gave lies. What systemd would merge without a signature, a plain folder, is refused by name.
 */
#include "generators/sources/stored.h"
#include "generators/sources/dps.h"
#include "generators/sources/extension.h"
#include "generators/sources/vpick.h"
#include "init/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGES_MAX 64 /* of each class */
#define ENTRIES_MAX 4096

static const struct folder {
	const char *path;
	bool confext;
} folders[] = {
	{ "/etc/extensions", false },  { "/var/lib/extensions", false },
	{ "/var/lib/confexts", true }, { "/usr/local/lib/confexts", true },
	{ "/usr/lib/confexts", true },
};

struct reader {
	int root_fd;
	const struct disk_sink *sink;
	const struct folder *folder;
	unsigned int images[2], entries;
	struct err *err;
};

/* Inside the root, wherever its symlinks say: /etc/extensions is there for them. */
static int open_inside(const struct reader *reader, const char *path, uint64_t flags)
{
	return fs_open_resolved(reader->root_fd, path, flags | O_RDONLY,
				RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One more entry of any folder, or an error. */
static int count(struct reader *reader)
{
	return ++reader->entries <= ENTRIES_MAX
		       ? 0
		       : err_set(reader->err, E_LIMIT, E2BIG,
				 "the root's extension folders have more than %d entries",
				 ENTRIES_MAX);
}

/* file: the path of the image, or what is wrong with it. */
static int report(struct reader *reader, const char *entry, const char *name, const char *file,
		  const char *refused)
{
	char word[FACT_NAME_MAX], subject[FACT_NAME_MAX];
	struct fields fields = { .text = "" };
	bool confext = reader->folder->confext;

	if (++reader->images[confext] > IMAGES_MAX)
		return err_set(reader->err, E_LIMIT, E2BIG, "the root has more than %d %ss",
			       IMAGES_MAX, confext ? "confext" : "sysext");
	if (text_encode(entry, word, sizeof(word)) < 0 ||
	    text_format(subject, sizeof(subject), "%s/%s", reader->folder->path, word) < 0) {
		text_format(subject, sizeof(subject), "%s/(long)", reader->folder->path);
		refused = "its name is too long";
	}
	fields_add(&fields, "class", confext ? "confext" : "sysext");
	fields_addf(&fields, "folder", "%d", (int)(reader->folder - folders));
	if (refused) {
		fields_add(&fields, "refused", refused);
	} else {
		fields_add(&fields, "name", name);
		fields_add(&fields, "file", file);
	}
	return reader->sink->add(reader->sink->data, FACT_STORED, subject, &fields);
}

static int read_file(struct reader *reader, const char *entry, const char *path)
{
	char name[EXTENSION_NAME_MAX + 1];
	struct stat st;
	_close_ int fd = open_inside(reader, path, O_PATH);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return report(reader, entry, NULL, NULL, "not a file");
	if (!extension_name(entry, reader->folder->confext, name))
		return report(reader, entry, NULL, NULL, "not an image's name");
	return report(reader, entry, name, path, NULL);
}

/* NAME.raw.v/: the best of what is in it goes by the folder's name. */
static int read_versions(struct reader *reader, const char *entry, const char *path)
{
	char plain[FACT_NAME_MAX], name[EXTENSION_NAME_MAX + 1], file[256];
	struct vpick best = { .file = "" };
	_closedir_ DIR *dir = NULL;
	int fd = open_inside(reader, path, O_DIRECTORY), r = 0;

	dir = fd < 0 ? NULL : fdopendir(fd);
	text_format(plain, sizeof(plain), "%.*s", (int)(strlen(entry) - strlen(".v")), entry);
	if (!dir || !extension_name(plain, reader->folder->confext, name))
		return report(reader, entry, NULL, NULL, "not an image's name");
	for (struct dirent *one; r == 0 && (one = readdir(dir)) != NULL;) {
		r = count(reader);
		if (r == 0 && !is_dots(one->d_name))
			vpick_offer(&best, one->d_name, name, plain + strlen(name),
				    dps_native_arch());
	}
	if (r < 0)
		return r;
	if (!best.file[0] || text_format(file, sizeof(file), "%s/%s", path, best.file) < 0)
		return report(reader, entry, NULL, NULL, "no version for this machine in it");
	return report(reader, entry, name, file, NULL);
}

static bool ends(const char *text, const char *suffix)
{
	size_t len = strlen(text), tail = strlen(suffix);

	return len > tail && strcmp(text + len - tail, suffix) == 0;
}

static int read_entry(struct reader *reader, const char *entry)
{
	_close_ int fd = -1;
	char path[192];
	int r = count(reader);

	if (r < 0 || entry[0] == '.')
		return r;
	if (text_format(path, sizeof(path), "%s/%s", reader->folder->path, entry) < 0)
		return report(reader, entry, NULL, NULL, "its name is too long");
	if (ends(entry, ".raw.v"))
		return read_versions(reader, entry, path);
	if (ends(entry, ".raw"))
		return read_file(reader, entry, path);
	fd = open_inside(reader, path, O_PATH | O_DIRECTORY);
	return fd < 0 ? 0 : report(reader, entry, NULL, NULL, "a folder has no signature");
}

int stored_read(int root_fd, const struct disk_sink *sink, struct err *err)
{
	struct reader reader = { .root_fd = root_fd, .sink = sink, .err = err };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		_closedir_ DIR *dir = NULL;
		int fd;

		reader.folder = &folders[i];
		fd = open_inside(&reader, folders[i].path, O_DIRECTORY);
		dir = fd < 0 ? NULL : fdopendir(fd);
		for (struct dirent *entry; r == 0 && dir && (entry = readdir(dir)) != NULL;)
			r = read_entry(&reader, entry->d_name);
	}
	return r;
}
