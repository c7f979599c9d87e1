/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd-stub leaves in /.extra besides images and credentials, and where a host finds it. */
#pragma once

#include <sys/types.h>

#define STUB_FOLDER "/run/systemd/stub"
#define STUB_FILES 5

struct stub_file {
	const char *name, *to;
	mode_t mode;
};

/* tmpfiles.d/20-systemd-stub.conf; constant, in the order of the plan's mention. */
extern const struct stub_file stub_files[STUB_FILES];
