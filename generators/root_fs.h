/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file systems that may hold a root, /usr or an extension image. No other one's driver is worth
 * its risk, and what a disk or a word names must not load any module (threat A45).
 */
#pragma once

#define ROOT_FS_MAX 5
#define ROOT_FS_NAME_MAX 10
#define ROOT_FS_LIST "erofs, squashfs, ext4, btrfs, xfs"

/* Its name, as module, mount(2) type and libblkid's TYPE, and the option that keeps it from replaying a journal. */
struct root_fs {
	const char *name, *options;
};

extern const struct root_fs root_fs[ROOT_FS_MAX];

/* NULL: no such. */
const struct root_fs *root_fs_find(const char *name);
