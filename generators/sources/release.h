/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The release files of two trees: the root's own, and what an extension image's says (UAPI.4). */
#pragma once

#include "generators/sources/extension.h"

/* /etc/os-release, else /usr/lib/os-release, both inside the tree. 0 or -errno with E_EXTENSION. */
int release_of_root(int root_fd, char buffer[RELEASE_TEXT_MAX], struct release *ret,
		    struct err *err);
/* The same of the initrd that runs: /etc/initrd-release, as systemd has it there. */
int release_of_initrd(int root_fd, char buffer[RELEASE_TEXT_MAX], struct release *ret,
		      struct err *err);

/*
 * The extension-release file of an image's tree: the one of its name, else the one that is relaxed.
 * An image that brings a /usr/lib/os-release is refused. 0 or -errno with E_EXTENSION.
 */
int release_of_image(int tree_fd, const char *name, bool confext, char buffer[RELEASE_TEXT_MAX],
		     struct release *ret, struct err *err);

/* Either's text as a description: "debian 13". */
void release_describe(const struct release *release, char *ret, size_t size);
