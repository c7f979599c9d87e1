/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/gpt_build.h"

#include <errno.h>
#include <string.h>

void put_le(uint8_t *p, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

/* The bytes of an LBA, or NULL where size bytes from there are not within the image. */
static uint8_t *at_lba(struct gpt_image *image, uint64_t lba, uint64_t size)
{
	if (lba > image->size / image->sector_size || size > image->size - lba * image->sector_size)
		return NULL;
	return image->bytes + lba * image->sector_size;
}

uint8_t *gpt_image_header(struct gpt_image *image, bool backup)
{
	uint64_t last = image->size / image->sector_size - 1;

	return image->bytes + (backup ? last : 1) * image->sector_size;
}

uint8_t *gpt_image_entry(struct gpt_image *image, bool backup, unsigned int i)
{
	uint64_t lba = le64(gpt_image_header(image, backup) + H_ENTRIES);

	return image->bytes + lba * image->sector_size + (size_t)i * image->entry_size;
}

static void mend_header(struct gpt_image *image, uint8_t *header)
{
	uint32_t size = le32(header + H_SIZE);
	uint64_t bytes = (uint64_t)le32(header + H_N) * le32(header + H_ENTRY_SIZE);
	const uint8_t *entries = at_lba(image, le64(header + H_ENTRIES), bytes);

	if (entries)
		put_le(header + H_ENTRIES_CRC, 4, crc32_ieee(entries, bytes));
	if (size < 92 || size > image->size - (size_t)(header - image->bytes))
		return;
	put_le(header + H_CRC, 4, 0);
	put_le(header + H_CRC, 4, crc32_ieee(header, size));
}

void gpt_build_mend(struct gpt_image *image)
{
	uint8_t *primary = at_lba(image, 1, image->sector_size), *backup;

	if (!primary)
		return;
	backup = at_lba(image, le64(primary + H_ALTERNATE), image->sector_size);
	if (backup)
		mend_header(image, backup);
	mend_header(image, primary);
}

void gpt_build_backup(struct gpt_image *image)
{
	uint8_t *primary = at_lba(image, 1, image->sector_size), *backup, *from, *to;
	uint64_t bytes, alternate, lba;

	if (!primary)
		return;
	bytes = (uint64_t)le32(primary + H_N) * le32(primary + H_ENTRY_SIZE);
	alternate = le64(primary + H_ALTERNATE);
	lba = alternate - (bytes + image->sector_size - 1) / image->sector_size;
	backup = at_lba(image, alternate, image->sector_size);
	from = at_lba(image, le64(primary + H_ENTRIES), bytes);
	to = at_lba(image, lba, bytes);
	if (!backup || !from || !to)
		return;
	memmove(to, from, bytes);
	memmove(backup, primary, image->sector_size);
	put_le(backup + H_MY_LBA, 8, alternate);
	put_le(backup + H_ALTERNATE, 8, 1);
	put_le(backup + H_ENTRIES, 8, lba);
}

static void build_mbr(struct gpt_image *image, uint64_t sectors)
{
	uint8_t *record = image->bytes + 446;

	record[2] = 2;
	record[4] = 0xee;
	put_le(record + 8, 4, 1);
	put_le(record + 12, 4, sectors - 1);
	put_le(image->bytes + 510, 2, 0xaa55);
}

void gpt_build(struct gpt_image *image, unsigned int sector_size, uint64_t sectors, unsigned int n,
	       unsigned int entry_size)
{
	uint64_t array = ((uint64_t)n * entry_size + sector_size - 1) / sector_size;
	uint8_t *header = image->bytes + sector_size;

	image->size = sectors * sector_size;
	image->sector_size = sector_size;
	image->n = n;
	image->entry_size = entry_size;
	memset(image->bytes, 0, image->size);
	build_mbr(image, sectors);
	memcpy(header, "EFI PART", 8);
	put_le(header + H_REVISION, 4, 0x10000);
	put_le(header + H_SIZE, 4, 92);
	put_le(header + H_MY_LBA, 8, 1);
	put_le(header + H_ALTERNATE, 8, sectors - 1);
	put_le(header + H_FIRST, 8, 2 + array);
	put_le(header + H_LAST, 8, sectors - 2 - array);
	memset(header + H_DISK, 0xd1, 16);
	put_le(header + H_ENTRIES, 8, 2);
	put_le(header + H_N, 4, n);
	put_le(header + H_ENTRY_SIZE, 4, entry_size);
	gpt_build_backup(image);
	gpt_build_mend(image);
}

void gpt_build_part(struct gpt_image *image, unsigned int i, unsigned int type, unsigned int uuid,
		    uint64_t start, uint64_t end)
{
	for (int backup = 0; backup < 2; backup++) {
		uint8_t *entry = gpt_image_entry(image, backup, i);

		memset(entry + P_TYPE, (int)type, 16);
		memset(entry + P_UNIQUE, (int)uuid, 16);
		put_le(entry + P_START, 8, start);
		put_le(entry + P_END, 8, end);
	}
	gpt_build_mend(image);
}

static int read_image(void *data, uint64_t offset, void *ret, size_t size)
{
	const struct gpt_image *image = data;

	if (offset > image->size || size > image->size - offset)
		return -ENXIO;
	memcpy(ret, image->bytes + offset, size);
	return (int)size;
}

int gpt_image_read(struct gpt_image *image, unsigned int sector_size, struct gpt *ret,
		   struct err *err)
{
	struct gpt_reader reader = { read_image, image, image->size, sector_size };

	return gpt_read(&reader, ret, err);
}
