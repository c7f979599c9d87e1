/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credentials for the host's service manager, which takes none itself when it is told that its
 * initrd has done so (see modules/handover): nothing is imported twice, and what lintel leaves out
 * stays out. Names, limits, order and modes are systemd's (src/core/import-creds.c). Nothing here
 * is used by lintel itself (invariant I7), but a pcrlock policy, whose values the TPM checks:
 *
 *  - what the stub found on the ESP is passed on as it is, to be decrypted and so authenticated by
 *    the host;
 *  - what fw_cfg and SMBIOS say in plain text, but for what would choose code or open a volume;
 *  - what the command line says: of the UKI's own, or the boot is refused.
 */
#include "generators/sources/credentials.h"
#include "generators/sources/extension.h"
#include "generators/sources/sources.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/credentials.h"
#include "modules/verb.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define FW_CFG "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials"
#define SMBIOS "/sys/firmware/dmi/tables/DMI"
#define TOLD_MAX 16 /* of each kind; the others are counted */

struct import {
	int fd; /* of the folder */
	uint64_t sum;
	unsigned int n, skipped, twice, told;
	const struct report *report;
};

static uint8_t data[CREDENTIALS_SIZE_MAX + 1]; /* of this child, which ends after one */

/* By name, as one more fact; a step that has ended tells how many there were in all. */
static void tell(struct import *import, const char *source, const char *name, const char *why)
{
	char start[65], subject[FACT_NAME_MAX * 2];
	struct fields fields = { .text = "" };

	text_format(start, sizeof(start), "%.64s", name);
	if (import->told++ >= TOLD_MAX || text_encode(start, subject, FACT_NAME_MAX) < 0)
		return;
	fields_add(&fields, "source", source);
	fields_add(&fields, "why", why);
	report_fact(import->report, FACT_CREDENTIAL, subject[0] ? subject : "(none)", &fields);
}

static void skip(struct import *import, const char *source, const char *name, const char *why)
{
	import->skipped++;
	tell(import, source, name, why);
}

/* The first of two of one name stays, as with systemd. */
static void store(struct import *import, const char *source, const char *name, long size)
{
	_close_ int to = -1;
	int r;

	if (size < 0 || (uint64_t)size > CREDENTIALS_SIZE_MAX - import->sum) {
		skip(import, source, name, size == -EINVAL ? "no base64" : "all are over 1 MiB");
		return;
	}
	to = openat(import->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (to < 0 && errno == EEXIST) {
		import->twice++;
		tell(import, source, name, "an earlier one has this name");
		return;
	}
	r = to < 0 ? -errno : fs_write_all(to, data, (size_t)size);
	if (r < 0) {
		unlinkat(import->fd, name, 0);
		skip(import, source, name, strerror(-r));
		return;
	}
	import->sum += (uint64_t)size;
	import->n++;
}

static void store_parsed(struct import *import, const char *source, int r,
			 const struct credential *one)
{
	if (r < 0)
		skip(import, source, one->name, "not a credential's name");
	else
		store(import, source, one->name, credential_data(one, data, CREDENTIALS_SIZE_MAX));
}

static bool plain_allowed(struct import *import, const char *source, const char *name)
{
	bool allowed = credential_plain_allowed(name);

	if (!allowed)
		skip(import, source, name, "it would choose code or open a volume");
	return allowed;
}

static long read_file(int dir_fd, const char *file)
{
	_close_ int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	return fs_pread(fd, data, sizeof(data), 0);
}

static void import_folder(struct import *import, const char *path)
{
	_closedir_ DIR *dir = opendir(path);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		size_t len = strlen(entry->d_name);
		char name[NAME_MAX + 1];

		if (len <= 5 || strcmp(entry->d_name + len - 5, ".cred") != 0)
			continue;
		text_format(name, sizeof(name), "%.*s", (int)len - 5, entry->d_name);
		if (credential_name_valid(name))
			store(import, "the ESP", name, read_file(dirfd(dir), entry->d_name));
		else
			skip(import, "the ESP", name, "not a credential's name");
	}
}

static void import_fw_cfg(struct import *import)
{
	_closedir_ DIR *dir = opendir(FW_CFG);

	if (!dir && access("/sys/bus/acpi/devices/QEMU0002:00", F_OK) == 0 &&
	    access("/sys/firmware/qemu_fw_cfg", F_OK) < 0)
		tell(import, "fw_cfg", "all", "it has no driver here");
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char file[NAME_MAX + 8];

		if (entry->d_name[0] == '.')
			continue;
		text_format(file, sizeof(file), "%s/raw", entry->d_name);
		if (!credential_name_valid(entry->d_name))
			skip(import, "fw_cfg", entry->d_name, "not a credential's name");
		else if (plain_allowed(import, "fw_cfg", entry->d_name))
			store(import, "fw_cfg", entry->d_name, read_file(dirfd(dir), file));
	}
}

static int take_string(const char *text, size_t size, void *arg)
{
	struct import *import = arg;
	struct credential one;
	int r = credential_of_string(text, size, &one);

	if (r != -ENOENT && (r < 0 || plain_allowed(import, "SMBIOS", one.name)))
		store_parsed(import, "SMBIOS", r, &one);
	return 0;
}

static void import_smbios(struct import *import)
{
	static uint8_t table[SMBIOS_TABLE_MAX];
	ssize_t n = fs_read(AT_FDCWD, SMBIOS, table, sizeof(table));

	if (n == -ENOENT)
		return;
	if (n < 0)
		tell(import, "SMBIOS", "all", strerror((int)-n));
	else if (smbios_oem_strings(table, (size_t)n, take_string, import) < 0)
		tell(import, "SMBIOS", "all", "the table is malformed: the rest is not read");
}

/* What is appended to the UKI's own line has been refused by rules/cmdline. */
static void import_cmdline(struct import *import)
{
	static const char *const keys[] = { "systemd.set_credential",
					    "systemd.set_credential_binary" };
	struct facts *facts = mmap(NULL, sizeof(*facts), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct err err;

	if (facts == MAP_FAILED)
		return;
	if (cmdline_read(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), facts, &err) < 0)
		return; /* PID 1 has read it before, or refused */
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct fact *fact = facts_find(facts, FACT_CMDLINE, keys[i]);

		for (; fact; fact = facts_next(facts, fact)) {
			char value[FIELDS_MAX];
			struct credential one;
			int r;

			fields_get(&fact->fields, "value", value, sizeof(value));
			r = credential_of_word(value, strlen(value), i == 1, &one);
			store_parsed(import, "the command line", r, &one);
		}
	}
}

/*
 * Who runs the machine of a confidential guest is the one that it is guarded from (systemd's
 * src/basic/confidential-virt.c): the CPU's word for TDX, and for any SEV.
 */
static bool is_confidential(void)
{
#ifdef __x86_64__
	unsigned int a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1U << 31))
		return false; /* no hypervisor */
	if (__get_cpuid_count(0x21, 0, &a, &b, &c, &d) && b == 0x65746e49 && d == 0x5844546c &&
	    c == 0x20202020)
		return true; /* "IntelTDX    " */
	return __get_cpuid(0x8000001f, &a, &b, &c, &d) && (a & 1U << 1);
#else
	return false;
#endif
}

/* systemd's mount_credentials_fs(): never swapped out, where the kernel can say so. */
static int mount_folder(const char *path)
{
	const unsigned long flags = MS_NODEV | MS_NOEXEC | MS_NOSUID;

	if (mount("tmpfs", path, "tmpfs", flags, "mode=0700,nr_inodes=1024,size=1052672,noswap") ==
		    0 ||
	    mount("ramfs", path, "ramfs", flags, "mode=0700") == 0)
		return 0;
	return -errno;
}

static int open_folder(struct import *import, const char *path, bool plain, struct err *err)
{
	int r = fs_mkdirs(AT_FDCWD, CREDENTIALS_PARENT, 0755);

	if (r == 0)
		r = fs_mkdirs(AT_FDCWD, path, 0700);
	if (r == 0 && plain)
		r = mount_folder(path);
	import->fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (import->fd >= 0)
		return 0;
	r = r < 0 ? r : -errno;
	return err_set(err, E_IO, -r, "%s: %s", path, strerror(-r));
}

/* A mount point of its own, read-only from now on. */
static int seal(struct import *import, const char *path, bool plain, struct err *err)
{
	const unsigned long flags = MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY;

	close_fd(&import->fd);
	if ((!plain && mount(path, path, NULL, MS_BIND, NULL) < 0) ||
	    mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | flags, NULL) < 0)
		return err_set(err, E_MOUNT, errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int import_encrypted(struct import *import, bool take, struct err *err)
{
	int r = open_folder(import, CREDENTIALS_ENCRYPTED, false, err);

	if (r < 0)
		return r;
	if (take) {
		import_folder(import, "/.extra/credentials");
		import_folder(import, "/.extra/global_credentials");
	}
	return seal(import, CREDENTIALS_ENCRYPTED, false, err);
}

static int import_plain(struct import *import, bool take, struct err *err)
{
	int r = open_folder(import, CREDENTIALS_SYSTEM, true, err);

	if (r < 0)
		return r;
	if (take && !is_confidential()) {
		import_fw_cfg(import);
		import_smbios(import);
	}
	if (take)
		import_cmdline(import);
	return seal(import, CREDENTIALS_SYSTEM, true, err);
}

int credentials_run(const struct step *step, const struct report *report, struct fields *result,
		    struct err *err)
{
	struct import encrypted = { .fd = -1, .report = report };
	struct import plain = { .fd = -1, .report = report };
	bool all = fields_are(&step->args, "take", "all");
	int r = import_encrypted(&encrypted, all || fields_are(&step->args, "take", "encrypted"),
				 err);

	if (r == 0)
		r = import_plain(&plain, all, err);
	if (r < 0)
		return r;
	fields_addf(result, "encrypted", "%u", encrypted.n);
	fields_addf(result, "plain", "%u", plain.n);
	if (encrypted.twice + plain.twice > 0)
		fields_addf(result, "twice", "%u", encrypted.twice + plain.twice);
	if (encrypted.skipped + plain.skipped > 0)
		fields_addf(result, "skipped", "%u", encrypted.skipped + plain.skipped);
	return 0;
}
