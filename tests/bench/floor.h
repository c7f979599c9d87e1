/* What the two files of the floor share. */
#pragma once

#include <linux/dm-ioctl.h>

struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[2048];
};

void check(int result, const char *what);
void wait_for(const char *path);
/* Creates and starts the device of a table. */
void map(struct request *request, const char *name, unsigned int flags);
/* Mounts the images of tests/bench/extensions over the root. */
void merge_extensions(void);
/* Fills in the volume's crypt table with the key that the TPM unseals. */
void open_luks(struct request *request);
