/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/root_fs.h"

#include <stddef.h>
#include <string.h>

const struct root_fs root_fs[ROOT_FS_MAX] = {
	{ "erofs", "" },	 { "squashfs", "" },
	{ "ext4", "noload" },	 { "btrfs", "rescue=nologreplay" },
	{ "xfs", "norecovery" },
};

const struct root_fs *root_fs_find(const char *name)
{
	for (int i = 0; i < ROOT_FS_MAX; i++)
		if (strcmp(root_fs[i].name, name) == 0)
			return &root_fs[i];
	return NULL;
}
