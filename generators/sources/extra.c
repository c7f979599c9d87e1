/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd-stub left in /.extra (systemd-stub(7), "Companion Files"): names and sizes. It comes
 * from the ESP, so nothing of it is opened here, and no name goes further than its rules.
 */
#include "generators/sources/extension.h"
#include "generators/sources/sources.h"
#include "generators/stub_file.h"
#include "init/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGES_MAX 64 /* in all four folders */
#define CREDENTIALS_MAX 2048

const struct stub_file stub_files[STUB_FILES] = {
	{ "os-release", STUB_FOLDER "/os-release", 0444 },
	{ "profile", STUB_FOLDER "/profile", 0444 },
	{ "boot-secret", STUB_FOLDER "/boot-secret", 0400 },
	{ "tpm2-pcr-signature.json", "/run/systemd/tpm2-pcr-signature.json", 0444 },
	{ "tpm2-pcr-public-key.pem", "/run/systemd/tpm2-pcr-public-key.pem", 0444 },
};

static int add(struct facts *facts, const char *subject, const struct fields *fields,
	       struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, FACT_EXTRA, "stub", subject, err);

	if (r < 0)
		return r;
	fact.usec = clock_usec();
	fact.fields = *fields;
	return facts_add(facts, &fact, err);
}

/* A name that is not taken stands as %XX where it can, so that it can be told which. */
static int add_refused(struct facts *facts, const char *folder, bool confext, const char *file,
		       const char *why, struct err *err)
{
	char word[FACT_NAME_MAX], subject[FACT_NAME_MAX];
	struct fields fields = { .text = "" };

	if (text_encode(file, word, sizeof(word)) < 0 ||
	    text_format(subject, sizeof(subject), "%s/%s", folder, word) < 0)
		text_format(subject, sizeof(subject), "%s/(long)", folder);
	fields_add(&fields, "class", confext ? "confext" : "sysext");
	fields_add(&fields, "refused", why);
	return add(facts, subject, &fields, err);
}

static int add_image(struct facts *facts, const char *folder, bool confext, const char *file,
		     uint64_t size, struct err *err)
{
	char name[EXTENSION_NAME_MAX + 1], subject[FACT_NAME_MAX];
	struct fields fields = { .text = "" };

	if (!extension_name(file, confext, name) ||
	    text_format(subject, sizeof(subject), "%s/%s", folder, file) < 0)
		return add_refused(facts, folder, confext, file, "not an image's name", err);
	fields_add(&fields, "class", confext ? "confext" : "sysext");
	fields_add(&fields, "name", name);
	fields_addf(&fields, "size", "%" PRIu64, size);
	return add(facts, subject, &fields, err);
}

static int open_folder(int extra_fd, const char *folder)
{
	return openat(extra_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int read_images(int extra_fd, const char *folder, bool confext, unsigned int *n,
		       struct facts *facts, struct err *err)
{
	int fd = open_folder(extra_fd, folder), r = 0;
	_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; r == 0 && dir && (entry = readdir(dir)) != NULL;) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++*n > IMAGES_MAX)
			return err_set(err, E_LIMIT, E2BIG, "/.extra has more than %d images",
				       IMAGES_MAX);
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			r = add_refused(facts, folder, confext, entry->d_name, "not a file", err);
		else
			r = add_image(facts, folder, confext, entry->d_name, (uint64_t)st.st_size,
				      err);
	}
	return r;
}

/* Only how many: the verb that takes them holds each name to its rules. */
static int read_credentials(int extra_fd, const char *folder, struct facts *facts, struct err *err)
{
	int fd = open_folder(extra_fd, folder);
	_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct fields fields = { .text = "" };
	unsigned int n = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (n > CREDENTIALS_MAX)
		return err_set(err, E_LIMIT, E2BIG, "/.extra/%s has more than %d files", folder,
			       CREDENTIALS_MAX);
	if (n == 0)
		return 0;
	fields_addf(&fields, "n", "%u", n);
	return add(facts, folder, &fields, err);
}

int extra_read(int root_fd, struct facts *facts, struct err *err)
{
	static const char *const images[] = { "sysext", "global_sysext", "confext",
					      "global_confext" };
	static const char *const credentials[] = { "credentials", "global_credentials" };
	_close_ int extra_fd = open_folder(root_fd, ".extra");
	unsigned int n = 0;
	int r = 0;

	if (extra_fd < 0)
		return 0; /* no stub, or it had nothing */
	for (size_t i = 0; i < STUB_FILES && r == 0; i++) {
		struct fields fields = { .text = "" };
		struct stat st;

		if (fstatat(extra_fd, stub_files[i].name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		fields_addf(&fields, "size", "%" PRIu64, (uint64_t)st.st_size);
		r = add(facts, stub_files[i].name, &fields, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(images) && r == 0; i++)
		r = read_images(extra_fd, images[i], i >= 2, &n, facts, err);
	for (size_t i = 0; i < ARRAY_SIZE(credentials) && r == 0; i++)
		r = read_credentials(extra_fd, credentials[i], facts, err);
	return r;
}
