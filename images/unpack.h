/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/base/err.h"

#include <stdint.h>

/*
 * Unpacks the release files of a file system (erofs, squashfs or ext4) that begins at a byte of an
 * image, by that file system's own tool and without root, into an empty folder. 0; -ENOENT with the
 * tool's name and package as the text, where it is not installed; -ENOTSUP where no tool can; or
 * -EIO with E_FS_TYPE.
 */
int unpack_releases(int image_fd, const char *fstype, uint64_t at, const char *folder,
		    struct err *err);

/* rm -r */
void unpack_remove(const char *folder);
