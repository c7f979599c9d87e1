/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device-mapper by ioctl (linux/dm-ioctl.h): devices of one read-only target. */
#pragma once

#include "generators/sources/verity.h"
#include "init/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define DM_TEXT_MAX 4096
#define DM_TARGET_SIZE 16
#define DM_NAME_SIZE 80
#define DM_PATH_SIZE 32

/* A block device that a table names: by its number, not by its node's name. */
struct dm_part {
	int fd;
	char dev[24]; /* "254:2" */
	uint64_t bytes;
};

enum dm_what {
	DM_STATE = 0,
	DM_TABLE = 1 << 0,    /* the parameters, not the state */
	DM_WRITABLE = 1 << 1, /* else the target must be read-only */
};

/* The device's number, as st_rdev has it. All return 0 or -errno, with err filled. */
int dm_create(const char *name, const char *uuid, uint64_t *ret_dev, struct err *err);
/* Loads the table, read-only unless what is DM_WRITABLE; errno tells why the kernel refused it. sectors of 512 bytes. */
int dm_load(const char *name, const char *target, unsigned int what, uint64_t sectors,
	    const char *params, struct err *err);
int dm_resume(const char *name, struct err *err);
/* The live target, and its parameters or its state; ret_dev, the device's number, may be NULL. */
int dm_status(const char *name, unsigned int what, char target[DM_TARGET_SIZE],
	      uint64_t *ret_sectors, char text[DM_TEXT_MAX], uint64_t *ret_dev, struct err *err);
/* Opens the node of that number, whatever its name says. A descriptor, or -errno. */
int dm_open(uint64_t dev, char ret_path[DM_PATH_SIZE], struct err *err);
/* Read-only; node: "vda2". 0 or -errno; an fd of -1 is left where it fails. */
int dm_part_open(const char *node, struct dm_part *ret, struct err *err);
void dm_part_close(struct dm_part *part);
/*
 * The mapping of that name as a device below another: E_DM_TABLE unless it is live, read-only, one target
 * "crypt", and over the block device `over`.
 */
int dm_crypt_open(const char *name, const struct dm_part *over, struct dm_part *ret,
		  struct err *err);
/* Whether the parameters of a "crypt" target, as the kernel prints them, are over the device "254:2". */
bool dm_crypt_is_over(const char *table, const char *dev);
/* At once, or where it is still open when it is closed. */
void dm_remove(const char *name);

struct dm_verity {
	const char *data_dev, *hash_dev; /* "254:2" */
	const struct verity_superblock *super;
	const char *roothash;	   /* lowercase hex */
	const char *signature_key; /* description of a "user" key; NULL: none */
	const char *on_corruption; /* "panic_on_corruption"; NULL: reads fail with EIO */
};

/* The target's parameters as the kernel prints them again, so that both can be compared. */
int dm_verity_params(const struct dm_verity *verity, char ret[DM_TEXT_MAX], struct err *err);
/* Whether a block was read that does not match the root hash. */
bool dm_verity_corrupt(const char *name);
