/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the boot loader's EFI variables. efivarfs is a module on some kernels, and it is mounted
 * in the child's own mount namespace only: the host's init finds /sys as the kernel made it.
 */
#include "modules/efivars.h"
#include "generators/sources/sources.h"
#include "modules/drivers.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

#define EFIVARS "/sys/firmware/efi/efivars"

int efivars_mount(bool writable, struct err *err)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (writable ? 0 : MS_RDONLY);
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, E_INTERNAL, errno, "mount namespace: %s", strerror(errno));
	if (mount("efivarfs", EFIVARS, "efivarfs", flags, NULL) == 0)
		return 0;
	if (errno != ENODEV)
		return err_set(err, E_IO, errno, "efivarfs: %s", strerror(errno));
	r = drivers_load_module("efivarfs", err);
	if (r < 0)
		return r;
	if (mount("efivarfs", EFIVARS, "efivarfs", flags, NULL) < 0)
		return err_set(err, E_IO, errno, "efivarfs: %s", strerror(errno));
	return 0;
}

int efivars_run(const struct step *step, const struct report *report, struct fields *result,
		struct err *err)
{
	_close_ int root_fd = -1;
	struct facts *facts;
	int r = efivars_mount(false, err);

	(void)step;
	(void)result;
	if (r < 0)
		return r;
	/* room for more than there will be: nothing is reserved for it, see map_boot() */
	facts = mmap(NULL, sizeof(*facts), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (facts == MAP_FAILED)
		return err_set(err, E_INTERNAL, errno, "facts: %s", strerror(errno));
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = efivars_read(root_fd, facts, err);
	for (size_t i = 0; i < facts->n && r == 0; i++)
		r = report_fact(report, facts->list[i].kind, facts->list[i].subject,
				&facts->list[i].fields);
	return r;
}
