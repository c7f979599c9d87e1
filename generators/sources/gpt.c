/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sections named here are of UEFI 2.10. */
#include "generators/sources/gpt.h"
#include "init/base/attr.h"
#include "init/base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SECTOR_MAX 4096
#define HEADER_SIZE_MIN 92 /* table 5.5, without the reserved rest of the block */
#define ENTRY_SIZE_MIN 128 /* 128 × 2^n, section 5.3.2 */
#define ENTRY_SIZE_MAX 4096
#define ENTRIES_MAX 65536 /* bytes of the whole array */
#define LABEL_UNITS 36

static const char signature[8] = { 'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T' };

/* Where the table is read from, and where errors go. */
struct disk {
	const struct gpt_reader *reader;
	struct err *err;
	unsigned int sector_size;
	uint64_t sectors;
};

/* One of the two headers: table 5.5. */
struct header {
	const char *name; /* "primary header" */
	uint64_t lba, alternate, first, last, entries_lba;
	uint32_t size, n, entry_size, entries_crc;
	struct uuid disk;
};

#define BAD(disk, ...) err_set((disk)->err, E_GPT, EINVAL, __VA_ARGS__)

static int read_at(const struct disk *disk, uint64_t offset, void *ret, size_t size)
{
	int n = disk->reader->read(disk->reader->data, offset, ret, size);

	if (n >= 0 && (size_t)n == size)
		return 0;
	return err_set(disk->err, E_IO, n < 0 ? -n : EIO, "cannot read %zu bytes at %" PRIu64, size,
		       offset);
}

/* 1 where the sector begins with a header's signature, 0 where not or where there is none. */
static int has_signature(const struct disk *disk, uint64_t lba)
{
	char bytes[sizeof(signature)];
	int r;

	if (lba >= disk->sectors)
		return 0;
	r = read_at(disk, lba * disk->sector_size, bytes, sizeof(bytes));
	return r < 0 ? r : memcmp(bytes, signature, sizeof(signature)) == 0;
}

static void set_sector_size(struct disk *disk, unsigned int sector_size)
{
	disk->sector_size = sector_size;
	disk->sectors = disk->reader->size / sector_size;
}

/* In sectors of this size: 1 for a primary header, 2 for a lone backup at the end, 0 for none. */
static int look_for_header(struct disk *disk, unsigned int sector_size)
{
	int r;

	set_sector_size(disk, sector_size);
	r = has_signature(disk, 1);
	if (r != 0)
		return r;
	r = disk->sectors > 2 ? has_signature(disk, disk->sectors - 1) : 0;
	return r > 0 ? 2 : r;
}

static bool sector_size_known(unsigned int size)
{
	return size == 512 || size == 1024 || size == 2048 || size == 4096;
}

/*
 * Settles the sector size. An image file has none of its own; one that could be read with either
 * size has two tables, and another reader may pick the other one.
 */
static int find_table(struct disk *disk)
{
	unsigned int given = disk->reader->sector_size, other = given ? given : 4096;
	int small = 0, found;

	if (given && !sector_size_known(given))
		return BAD(disk, "sectors of %u bytes are not supported", given);
	if (!given)
		small = look_for_header(disk, 512);
	if (small < 0)
		return small;
	found = look_for_header(disk, other);
	if (found < 0)
		return found;
	if (!found && !small)
		return err_set(disk->err, E_GPT, ENOENT, "no GUID partition table");
	if (found == 1 && small == 1)
		return BAD(disk, "there are tables for sectors of 512 and of 4096 bytes");
	if (found != 1 && small != 1)
		return BAD(disk, "primary header: the signature is missing, but a backup is there");
	if (small == 1)
		set_sector_size(disk, 512);
	return 0;
}

/*
 * The kernel ignores a table whose MBR does not protect it, and reads the MBR's partitions instead:
 * it asks for the boot signature and one record of type 0xEE that starts at LBA 1. Further records
 * (a hybrid MBR) and the record's size (of an image on a larger disk) do not matter to it, nor here.
 */
static int check_mbr(const struct disk *disk)
{
	uint8_t mbr[512];
	int r = read_at(disk, 0, mbr, sizeof(mbr));

	if (r < 0)
		return r;
	if (le16(mbr + 510) != 0xaa55)
		return BAD(disk, "the MBR has no boot signature");
	for (const uint8_t *record = mbr + 446; record < mbr + 510; record += 16)
		if (record[4] == 0xee && le32(record + 8) == 1)
			return 0;
	return BAD(disk, "the MBR does not protect the partition table");
}

/* The fields of table 5.5 that say whether the block is a header at all, and whole. */
static int check_block(const struct disk *disk, uint8_t *block, const struct header *header)
{
	uint32_t crc = le32(block + 16);

	if (memcmp(block, signature, sizeof(signature)) != 0)
		return BAD(disk, "%s: no signature", header->name);
	if (le32(block + 8) != 0x00010000)
		return BAD(disk, "%s: revision is not 1.0", header->name);
	if (header->size < HEADER_SIZE_MIN || header->size > disk->sector_size)
		return BAD(disk, "%s: size is %u", header->name, header->size);
	memset(block + 16, 0, 4); /* the CRC is made with its own field at zero */
	if (crc32_ieee(block, header->size) != crc)
		return BAD(disk, "%s: the CRC does not match", header->name);
	if (!bytes_zero(block + 20, 4) ||
	    !bytes_zero(block + HEADER_SIZE_MIN, disk->sector_size - HEADER_SIZE_MIN))
		return BAD(disk, "%s: reserved bytes are not zero", header->name);
	if (le64(block + 24) != header->lba)
		return BAD(disk, "%s: it says that it is at LBA %" PRIu64 ", not %" PRIu64,
			   header->name, le64(block + 24), header->lba);
	return 0;
}

static bool power_of_two(uint32_t n)
{
	return n && (n & (n - 1)) == 0;
}

static uint64_t entries_bytes(const struct header *header)
{
	return (uint64_t)header->n * header->entry_size;
}

/* The first LBA after the array. No overflow where entries_lba is within the disk. */
static uint64_t entries_end(const struct disk *disk, const struct header *header)
{
	return header->entries_lba +
	       (entries_bytes(header) + disk->sector_size - 1) / disk->sector_size;
}

/*
 * What holds for each header alone. The kernel takes only entries of 128 bytes; larger ones are in
 * the specification, and then the kernel sees no partitions, which is noticed later.
 */
static int check_header(const struct disk *disk, const struct header *header)
{
	if (!power_of_two(header->entry_size) || header->entry_size < ENTRY_SIZE_MIN ||
	    header->entry_size > ENTRY_SIZE_MAX)
		return BAD(disk, "%s: entries of %u bytes", header->name, header->entry_size);
	if (header->n == 0 || entries_bytes(header) > ENTRIES_MAX)
		return BAD(disk, "%s: %u entries of %u bytes", header->name, header->n,
			   header->entry_size);
	if (header->first > header->last || header->last >= disk->sectors)
		return BAD(disk, "%s: usable LBAs %" PRIu64 " to %" PRIu64 " of %" PRIu64,
			   header->name, header->first, header->last, disk->sectors);
	if (header->alternate >= disk->sectors)
		return BAD(disk, "%s: the other header is at LBA %" PRIu64 " of %" PRIu64,
			   header->name, header->alternate, disk->sectors);
	if (header->entries_lba >= disk->sectors)
		return BAD(disk, "%s: entries at LBA %" PRIu64 " of %" PRIu64, header->name,
			   header->entries_lba, disk->sectors);
	return 0;
}

/* lba is within the disk. */
static int read_header(const struct disk *disk, const char *name, uint64_t lba, struct header *ret)
{
	uint8_t block[SECTOR_MAX];
	int r = read_at(disk, lba * disk->sector_size, block, disk->sector_size);

	if (r < 0)
		return r;
	*ret = (struct header){
		.name = name,
		.lba = lba,
		.size = le32(block + 12),
		.alternate = le64(block + 32),
		.first = le64(block + 40),
		.last = le64(block + 48),
		.entries_lba = le64(block + 72),
		.n = le32(block + 80),
		.entry_size = le32(block + 84),
		.entries_crc = le32(block + 88),
	};
	uuid_from_guid(block + 56, &ret->disk);
	r = check_block(disk, block, ret);
	return r < 0 ? r : check_header(disk, ret);
}

/* Section 5.3.1: header, entries, usable blocks, entries, header, in this order. */
static int read_primary(const struct disk *disk, struct header *ret, uint8_t *entries)
{
	int r = read_header(disk, "primary header", 1, ret);

	if (r < 0)
		return r;
	if (ret->entries_lba < 2 || entries_end(disk, ret) > ret->first)
		return BAD(disk, "primary header: entries are not between header and partitions");
	r = read_at(disk, ret->entries_lba * disk->sector_size, entries, entries_bytes(ret));
	if (r < 0)
		return r;
	if (crc32_ieee(entries, entries_bytes(ret)) != ret->entries_crc)
		return BAD(disk, "primary entries: the CRC does not match");
	return 0;
}

static bool headers_agree(const struct header *a, const struct header *b)
{
	return a->lba == b->alternate && a->alternate == b->lba && a->size == b->size &&
	       a->first == b->first && a->last == b->last && a->n == b->n &&
	       a->entry_size == b->entry_size && a->entries_crc == b->entries_crc &&
	       uuid_equal(&a->disk, &b->disk);
}

/*
 * The backup must say the same: firmware or a repair tool may one day go by it. It is where the
 * primary says, which need not be the last LBA: an image that was written to a larger disk has it
 * further in, and kernel and firmware accept that.
 */
static int check_backup(const struct disk *disk, const struct header *primary,
			const uint8_t *entries)
{
	uint8_t chunk[SECTOR_MAX];
	struct header backup;
	uint64_t start, size = entries_bytes(primary);
	int r = read_header(disk, "backup header", primary->alternate, &backup);

	if (r < 0)
		return r;
	if (backup.entries_lba <= backup.last || entries_end(disk, &backup) > backup.lba)
		return BAD(disk, "backup header: entries are not between partitions and header");
	if (!headers_agree(primary, &backup))
		return BAD(disk, "backup header: it differs from the primary header");
	start = backup.entries_lba * disk->sector_size;
	for (uint64_t done = 0; done < size; done += sizeof(chunk)) {
		size_t n = size - done < sizeof(chunk) ? size - done : sizeof(chunk);

		r = read_at(disk, start + done, chunk, n);
		if (r < 0)
			return r;
		if (!bytes_equal(chunk, entries + done, n))
			return BAD(disk, "backup entries: they differ from the primary entries");
	}
	return 0;
}

/* UTF-16 up to a NUL; GPT_LABEL_SIZE has room for three bytes a unit. */
static void read_label(const uint8_t *units, char *ret)
{
	size_t len = 0;

	for (int i = 0; i < LABEL_UNITS && le16(units + 2 * i); i++) {
		uint32_t c = le16(units + 2 * i), low = 0;

		if (c >= 0xd800 && c <= 0xdbff && i + 1 < LABEL_UNITS)
			low = le16(units + 2 * i + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
			i++;
		} else if (c >= 0xd800 && c <= 0xdfff) {
			c = 0xfffd;
		}
		len += utf8_put(c, ret + len);
	}
	ret[len] = '\0';
}

/* Table 5.6. The last LBA is inclusive. */
static void read_part(const uint8_t *entry, unsigned int number, struct gpt_part *ret)
{
	ret->number = number;
	uuid_from_guid(entry, &ret->type);
	uuid_from_guid(entry + 16, &ret->uuid);
	ret->start = le64(entry + 32);
	ret->size = le64(entry + 40) - ret->start + 1;
	ret->flags = le64(entry + 48);
	read_label(entry + 56, ret->label);
}

/* Whether a part may stand beside those before it. */
static int check_part(const struct disk *disk, const struct gpt *gpt, const struct gpt_part *part)
{
	if (uuid_is_null(&part->uuid))
		return BAD(disk, "partition %u has no UUID", part->number);
	for (size_t i = 0; i < gpt->n_parts; i++) {
		const struct gpt_part *other = &gpt->parts[i];

		if (uuid_equal(&part->uuid, &other->uuid))
			return BAD(disk, "partitions %u and %u have the same UUID", other->number,
				   part->number);
		if (part->start < other->start + other->size &&
		    other->start < part->start + part->size)
			return BAD(disk, "partitions %u and %u overlap", other->number,
				   part->number);
	}
	return 0;
}

static int read_parts(const struct disk *disk, const struct header *header, const uint8_t *entries,
		      struct gpt *gpt)
{
	for (uint32_t i = 0; i < header->n; i++) {
		const uint8_t *entry = entries + (size_t)i * header->entry_size;
		uint64_t start = le64(entry + 32), last = le64(entry + 40);
		struct gpt_part part;
		int r;

		if (bytes_zero(entry, 16))
			continue;
		if (i >= GPT_PARTS_MAX)
			return BAD(disk, "partition %u: only %u are supported", i + 1,
				   GPT_PARTS_MAX);
		if (start > last || start < header->first || last > header->last)
			return BAD(disk,
				   "partition %u is at LBAs %" PRIu64 " to %" PRIu64
				   ", outside %" PRIu64 " to %" PRIu64,
				   i + 1, start, last, header->first, header->last);
		read_part(entry, i + 1, &part);
		r = check_part(disk, gpt, &part);
		if (r < 0)
			return r;
		gpt->parts[gpt->n_parts++] = part;
	}
	return 0;
}

int gpt_read(const struct gpt_reader *reader, struct gpt *ret, struct err *err)
{
	struct disk disk = { .reader = reader, .err = err };
	uint8_t entries[ENTRIES_MAX];
	struct header primary;
	struct gpt gpt = { 0 };
	int r = find_table(&disk);

	if (r < 0)
		return r;
	r = check_mbr(&disk);
	if (r < 0)
		return r;
	r = read_primary(&disk, &primary, entries);
	if (r < 0)
		return r;
	r = check_backup(&disk, &primary, entries);
	if (r < 0)
		return r;
	gpt.disk = primary.disk;
	gpt.sector_size = disk.sector_size;
	r = read_parts(&disk, &primary, entries, &gpt);
	if (r < 0)
		return r;
	*ret = gpt;
	return 0;
}
