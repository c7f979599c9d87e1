/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes disks with a GUID partition table in memory, by UEFI 2.10 chapter 5.3 and not by the
 * reader's code: MBR, header, entries … entries, header. Tests spoil one field, mend the CRCs and
 * read; the fuzzer mends the CRCs of what it is given.
 */
#pragma once

#include "generators/sources/gpt.h"

#define GPT_IMAGE_MAX (2 << 20)

struct gpt_image {
	size_t size;
	unsigned int sector_size, n, entry_size;
	uint8_t bytes[GPT_IMAGE_MAX];
};

/* Offsets in a header (table 5.5) and in an entry (table 5.6). */
enum {
	H_SIGNATURE = 0,
	H_REVISION = 8,
	H_SIZE = 12,
	H_CRC = 16,
	H_RESERVED = 20,
	H_MY_LBA = 24,
	H_ALTERNATE = 32,
	H_FIRST = 40,
	H_LAST = 48,
	H_DISK = 56,
	H_ENTRIES = 72,
	H_N = 80,
	H_ENTRY_SIZE = 84,
	H_ENTRIES_CRC = 88,
	P_TYPE = 0,
	P_UNIQUE = 16,
	P_START = 32,
	P_END = 40,
	P_ATTRIBUTES = 48,
	P_LABEL = 56,
};

/* An empty table; n entries of entry_size bytes. */
void gpt_build(struct gpt_image *image, unsigned int sector_size, uint64_t sectors, unsigned int n,
	       unsigned int entry_size);
/* Sets entry i (from 0) in both arrays: type and UUID are filled from their numbers; 0 is null. */
void gpt_build_part(struct gpt_image *image, unsigned int i, unsigned int type, unsigned int uuid,
		    uint64_t start, uint64_t end);
/* Recomputes all CRCs, as far as the fields make sense. */
void gpt_build_mend(struct gpt_image *image);
/* Writes the backup from the primary, where the primary says. */
void gpt_build_backup(struct gpt_image *image);

uint8_t *gpt_image_header(struct gpt_image *image, bool backup);
uint8_t *gpt_image_entry(struct gpt_image *image, bool backup, unsigned int i);
void put_le(uint8_t *p, unsigned int width, uint64_t value);

/* sector_size: as in struct gpt_reader. */
int gpt_image_read(struct gpt_image *image, unsigned int sector_size, struct gpt *ret,
		   struct err *err);
