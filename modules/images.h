/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where extension images lie while the initrd runs, and afterwards. */
#pragma once

#define IMAGES_EXTRA "/.extra/"		 /* as systemd-stub left them */
#define IMAGES_MOUNTED "/run/lintel/ext" /* each in its own folder, CLASS-NAME */

/*
 * The files of those that the root takes stay where the kernel unpacked them, in its first file
 * system, which is below the root's for ever: in a folder that the hand-over does not delete, and
 * that the host sees as IMAGES_KEPT.
 */
#define IMAGES_BELOW ".images"
#define IMAGES_KEPT "/run/lintel/images"
