/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done before anyone may read the screen of a refusal: all mappings are closed, volume keys and
 * the stub's boot secret dropped and the PCRs capped. Nothing of the host runs after this, so the measurement log goes to a file of its own:
 * a worker that was killed may have left the real one with a record due.
 */
#include "generators/stub_file.h"
#include "init/base/fs.h"
#include "modules/dm.h"
#include "modules/drivers.h"
#include "modules/tpm2_cap.h"
#include "modules/verb.h"
#include "modules/volume_key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MAPPINGS_PASSES 4 /* a mapping over a mapping over … */
#define TPM_WAIT_MS 5000
#define TPM_POLL_MS 50

/* How many mappings are left. Every mapping of this moment is one of ours. */
static unsigned int remove_mappings(void)
{
	_closedir_ DIR *dir = opendir("/sys/block");
	unsigned int n = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		char path[sizeof("/sys/block/") + sizeof(entry->d_name) + sizeof("/dm/name")];
		char name[128];

		if (!text_starts(entry->d_name, "dm-") ||
		    text_format(path, sizeof(path), "/sys/block/%s/dm/name", entry->d_name) < 0 ||
		    fs_read_line(AT_FDCWD, path, name, sizeof(name)) <= 0)
			continue;
		dm_remove(name);
		n += access(path, F_OK) == 0;
	}
	return n;
}

static unsigned int close_volumes(void)
{
	unsigned int left = 1;

	umount2("/sysroot/usr", MNT_DETACH);
	umount2("/sysroot", MNT_DETACH);
	for (int i = 0; i < MAPPINGS_PASSES && left > 0; i++)
		left = remove_mappings();
	return left;
}

/* systemd-stub's, of a firmware variable that is closed by now: no one here is to have it (I9). */
static void drop_boot_secret(void)
{
	static const char *const paths[] = { "/.extra/boot-secret", STUB_FOLDER "/boot-secret" };
	static const uint8_t zeros[4096];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_close_ int fd = open(paths[i], O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			st.st_size = 0;
		for (off_t at = 0; at < st.st_size; at += sizeof(zeros))
			fs_write_all(fd, zeros, sizeof(zeros));
		unlink(paths[i]);
	}
}

/* An early refusal comes before the TPM's driver; the firmware's table says that there is one. */
static bool find_tpm(void)
{
	static const char *const drivers[] = { "tpm_crb", "tpm_tis" };
	struct err ignored;

	if (!tpm2_present() && access("/sys/firmware/acpi/tables/TPM2", F_OK) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(drivers) && !tpm2_present(); i++)
		drivers_load_module(drivers[i], &ignored);
	for (int ms = 0; ms < TPM_WAIT_MS && access(TPM2_DEVICE, F_OK) < 0; ms += TPM_POLL_MS)
		poll(NULL, 0, TPM_POLL_MS);
	return true;
}

int cap_run(const struct step *step, const struct report *report, struct fields *result,
	    struct err *err)
{
	unsigned int open_volumes = close_volumes();
	struct tpm2 tpm;
	int r;

	(void)report;
	drop_boot_secret();
	volume_key_drop_all(); /* of volumes that were found and not yet mapped */
	if (open_volumes > 0)
		fields_addf(result, "open", "%u", open_volumes);
	if (!find_tpm()) {
		if (!fields_are(&step->args, "required", "yes"))
			return fields_add(result, "skipped", "no-tpm");
		return err_set(err, E_MEASURE, ENODEV, "there is no TPM to cap");
	}
	r = tpm2_open(&tpm, err);
	if (r == -ENOTSUP && !fields_are(&step->args, "required", "yes"))
		return fields_add(result, "skipped", "no-tpm-2.0"); /* nothing was sealed to it */
	tpm.log_folder = "/run/lintel/cap";
	if (r == 0)
		r = tpm2_cap(&tpm, result, err);
	tpm2_close(&tpm);
	return r;
}
