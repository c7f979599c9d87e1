/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generators/plan.h"

/* `lintel plan`: 0 a plan, 1 a plan that refuses, 2 wrong usage, 3 unreadable, 4 malformed. */
int plan_main(int argc, char **argv);

/* Reads a disk image as probe would read the disk, into facts about `name`, booted from its ESP. */
int image_read(const char *path, const char *name, struct facts *facts, struct err *err);

/* The same of a file that is open, and that no machine is booted from. */
int disk_image_read(int fd, const char *name, struct facts *facts, struct err *err);

/* --revoke: a root hash, or a file with one a line and # comments. E_IO where it cannot be read. */
int revoke_given(const char *given, struct facts *facts, struct err *err);
