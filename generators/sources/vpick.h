/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The newest file of a versioned directory, NAME.raw.v/NAME_VERSION[_ARCH][+LEFT[-DONE]].raw:
 * systemd.v(7), in the order of systemd's src/shared/vpick.c, versions as UAPI.10 compares them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VPICK_FILE_MAX 128

struct vpick {
	char file[VPICK_FILE_MAX]; /* empty: none yet */
	char version[VPICK_FILE_MAX];
	unsigned int arch_rank;		 /* 0 native, 1 what it also runs, 2 none is named */
	uint64_t tries_left, tries_done; /* UINT64_MAX: not counted */
};

/* Takes a file of the directory where it fits base, suffix and machine, and is better than best. */
bool vpick_offer(struct vpick *best, const char *file, const char *base, const char *suffix,
		 const char *arch);
