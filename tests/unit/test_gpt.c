/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header and its backup. The cases are those of ChromeOS's cgptlib (vboot_reference,
 * tests/cgptlib_test.c), on the same disk of 467 sectors with four partitions; the verdicts are
 * lintel's: there is no second chance by the backup, and nothing is repaired.
 */
#include "tests/unit/gpt_build.h"
#include "tests/unit/test.h"

#include <errno.h>

#define SECTORS 467
#define BOTH 2

static struct gpt_image image;
static struct gpt gpt;
static struct err err;

static void build(void)
{
	static const uint64_t parts[4][2] = {
		{ 34, 133 }, { 134, 232 }, { 234, 331 }, { 334, 430 }
	};

	gpt_build(&image, 512, SECTORS, 128, 128);
	for (unsigned int i = 0; i < 4; i++)
		gpt_build_part(&image, i, 0x11, i + 1, parts[i][0], parts[i][1]);
}

static void build_empty(void)
{
	gpt_build(&image, 512, SECTORS, 128, 128);
}

static void set(int which, unsigned int offset, unsigned int width, uint64_t value)
{
	for (int backup = 0; backup < 2; backup++)
		if (which == BOTH || which == backup)
			put_le(gpt_image_header(&image, backup) + offset, width, value);
}

/* text: of the error that must come; NULL where the table is good. */
static void verdict(const char *name, const char *text)
{
	int r;

	memset(&err, 0, sizeof(err));
	r = gpt_image_read(&image, 512, &gpt, &err);
	if (!text && r == 0)
		return;
	if (text && r == -EINVAL && err.code == E_GPT && strstr(err.text, text))
		return;
	test_failures++;
	fprintf(stderr, "%s: got %d \"%s\", not \"%s\"\n", name, r, err.text, text ? text : "");
}

static void mended_verdict(const char *name, const char *text)
{
	gpt_build_mend(&image);
	verdict(name, text);
}

TEST(gpt_standard_disk)
{
	build();
	verdict("standard", NULL);
	CHECK_INT(gpt.sector_size, 512);
	CHECK_INT(gpt.n_parts, 4);
	CHECK_INT(gpt.parts[1].number, 2);
	CHECK_INT(gpt.parts[1].start, 134);
	CHECK_INT(gpt.parts[1].size, 99);
	CHECK_INT(gpt.parts[1].type.b[0], 0x11);
	CHECK_INT(gpt.parts[1].uuid.b[15], 2);
	CHECK_INT(gpt.disk.b[7], 0xd1);
	CHECK_STR(gpt.parts[1].label, "");
}

TEST(gpt_sector_sizes)
{
	static const unsigned int good[] = { 512, 1024, 2048, 4096 };
	static const unsigned int bad[] = { 1, 123, 256, 513, 520, 3072, 4097, 8192, 1U << 31 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		gpt_build(&image, good[i], SECTORS, 128, 128);
		gpt_build_part(&image, 0, 1, 1, 40, 50);
		CHECK_INT(gpt_image_read(&image, good[i], &gpt, &err), 0);
		CHECK_INT(gpt.sector_size, good[i]);
		CHECK_INT(gpt.parts[0].start, 40);
	}
	build();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(gpt_image_read(&image, bad[i], &gpt, &err), -EINVAL);
		CHECK_INT(err.code, E_GPT);
	}
}

TEST(gpt_disk_sizes)
{
	gpt_build(&image, 512, 68, 128, 128); /* the least: one usable block */
	verdict("68 sectors", NULL);
	gpt_build(&image, 512, 67, 128, 128);
	verdict("67 sectors", "usable LBAs");
	build();
	image.size = 10 * 512;
	verdict("cut to 10 sectors", "usable LBAs");
	image.size = (SECTORS - 1) * 512;
	verdict("cut by the backup header", "the other header");
	for (size_t size = 0; size < 1024; size += 511) {
		image.size = size;
		CHECK_INT(gpt_image_read(&image, 512, &gpt, &err), -ENOENT);
	}
}

/* An image on a larger disk: the backup is where the primary says, and not at the end. */
TEST(gpt_grown_disk)
{
	build();
	image.size += 1000 * 512 + 7;
	verdict("grown", NULL);
	CHECK_INT(gpt.n_parts, 4);
}

TEST(gpt_signature)
{
	for (unsigned int i = 0; i < 8; i++) {
		build();
		gpt_image_header(&image, false)[i] ^= 0xff;
		mended_verdict("primary signature", "signature is missing, but a backup");
		build();
		gpt_image_header(&image, true)[i] ^= 0xff;
		mended_verdict("backup signature", "backup header: no signature");
		gpt_image_header(&image, false)[i] ^= 0xff;
		CHECK_INT(gpt_image_read(&image, 512, &gpt, &err), -ENOENT);
	}
	build();
	memcpy(gpt_image_header(&image, false), "IGNOREME", 8);
	mended_verdict("ChromeOS: ignore primary", "primary header");
	build();
	memcpy(gpt_image_header(&image, true), "IGNOREME", 8);
	mended_verdict("ChromeOS: ignore backup", "backup header");
}

struct field {
	unsigned int offset, width;
	uint64_t value;
	const char *text;
};

/* Each with the CRCs mended, on an empty table: in the primary alone and in both. */
static void check_fields(const struct field *fields, size_t n)
{
	char name[64];

	for (size_t i = 0; i < n; i++) {
		const struct field *field = &fields[i];

		snprintf(name, sizeof(name), "offset %u is %llx", field->offset,
			 (unsigned long long)field->value);
		build_empty();
		set(BOTH, field->offset, field->width, field->value);
		mended_verdict(name, field->text);
		build_empty();
		set(0, field->offset, field->width, field->value);
		mended_verdict(name, field->text);
		build_empty();
		set(1, field->offset, field->width, field->value);
		mended_verdict(name, "backup");
	}
}

TEST(gpt_header_fields)
{
	static const struct field fields[] = {
		{ H_REVISION, 4, 0x01000000, "revision" },
		{ H_REVISION, 4, 0x00000100, "revision" },
		{ H_REVISION, 4, 0x00000001, "revision" },
		{ H_REVISION, 4, 0x23010456, "revision" },
		{ H_REVISION, 4, 0x00010001, "revision" },
		{ H_SIZE, 4, 0, "size is 0" },
		{ H_SIZE, 4, 91, "size is 91" },
		{ H_SIZE, 4, 513, "size is 513" },
		{ H_SIZE, 4, 0xffffffff, "size is" },
		{ H_RESERVED, 4, 0x12345678, "reserved" },
		{ 92, 1, 1, "reserved" },
		{ 511, 1, 0x80, "reserved" },
		{ H_MY_LBA, 8, 0, "it says that it is at" },
		{ H_MY_LBA, 8, 2, "it says that it is at" },
		{ H_ALTERNATE, 8, SECTORS, "the other header is at" },
		{ H_ALTERNATE, 8, UINT64_MAX, "the other header is at" },
		{ H_ALTERNATE, 8, 0, "backup header" },
		{ H_ALTERNATE, 8, SECTORS - 2, "backup header" },
		{ H_FIRST, 8, 0, "entries are not between" },
		{ H_FIRST, 8, 33, "entries are not between" },
		{ H_FIRST, 8, 434, "usable" },
		{ H_FIRST, 8, UINT64_MAX, "usable" },
		{ H_LAST, 8, 33, "usable" },
		{ H_LAST, 8, 434, "backup" },
		{ H_LAST, 8, SECTORS, "usable" },
		{ H_LAST, 8, UINT64_MAX, "usable" },
		{ H_ENTRIES, 8, 0, "entries are not between" },
		{ H_ENTRIES, 8, 1, "entries are not between" },
		{ H_ENTRIES, 8, 3, "entries are not between" },
		{ H_ENTRIES, 8, SECTORS, "entries at LBA" },
		{ H_ENTRIES, 8, UINT64_MAX - 31, "entries at LBA" },
		{ H_N, 4, 0, "0 entries" },
		{ H_N, 4, 513, "513 entries" },
		{ H_N, 4, 0x2000080, "entries of 128" }, /* × 128 is 16384 in 32 bits */
		{ H_N, 4, 0xffffffff, "entries of 128" },
		{ H_N, 4, 129, "entries are not between" }, /* one sector more than there is */
		{ H_ENTRY_SIZE, 4, 0, "entries of 0" },
		{ H_ENTRY_SIZE, 4, 64, "entries of 64" },
		{ H_ENTRY_SIZE, 4, 127, "entries of 127" },
		{ H_ENTRY_SIZE, 4, 129, "entries of 129" },
		{ H_ENTRY_SIZE, 4, 384, "entries of 384" },
		{ H_ENTRY_SIZE, 4, 8192, "entries of 8192" },
		{ H_ENTRY_SIZE, 4, 0x80000000, "entries of" },
	};

	check_fields(fields, ARRAY_SIZE(fields));
}

/* The header may be larger than its fields, up to the block, if both are. */
TEST(gpt_header_size)
{
	for (unsigned int size = 92; size <= 512; size += 210) {
		build();
		set(BOTH, H_SIZE, 4, size);
		mended_verdict("header size", NULL);
		set(1, H_SIZE, 4, 100);
		mended_verdict("other header size", "differs");
	}
}

TEST(gpt_entry_sizes)
{
	for (unsigned int size = 128; size <= 4096; size *= 2) {
		gpt_build(&image, 512, 512, 16, size);
		gpt_build_part(&image, 15, 1, 1, 200, 201);
		verdict("entry size", NULL);
		CHECK_INT(gpt.parts[0].number, 16);
	}
}

TEST(gpt_crc)
{
	for (int which = 0; which < 2; which++) {
		static const unsigned int offsets[] = { H_CRC, H_SIZE, H_DISK, H_ENTRIES_CRC, 91 };
		const char *name = which ? "backup header" : "primary header";

		for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
			build();
			gpt_image_header(&image, which)[offsets[i]] ^= 1;
			verdict("header CRC", name);
		}
	}
	build();
	set(BOTH, H_ENTRIES_CRC, 4, 0);
	verdict("without a new CRC", "primary header: the CRC");
}

/* A primary header that names itself as its backup. */
TEST(gpt_own_backup)
{
	build();
	set(0, H_ALTERNATE, 8, 1);
	mended_verdict("own backup", "backup header: entries are not between");
}

TEST(gpt_entries_crc)
{
	build();
	gpt_image_entry(&image, false, 0)[0] ^= 0xa5;
	verdict("first byte", "primary entries: the CRC");
	build();
	gpt_image_entry(&image, false, 127)[127] ^= 0x5a;
	verdict("last byte", "primary entries: the CRC");
	gpt_image_entry(&image, true, 127)[127] ^= 0x5a;
	verdict("both", "primary entries: the CRC");
	build();
	gpt_image_entry(&image, true, 0)[0] ^= 0xa5;
	verdict("first byte of the backup", "backup entries");
	build();
	gpt_image_entry(&image, true, 127)[127] ^= 0x5a;
	verdict("last byte of the backup", "backup entries");
	build(); /* a write that was cut off after one table */
	gpt_image_entry(&image, false, 0)[P_START]++;
	mended_verdict("partial update", "backup header: it differs");
}

/* FirstUsableLBA and LastUsableLBA in primary and backup, and where both entry arrays are. */
TEST(gpt_usable_range)
{
	static const struct {
		uint64_t entries, first, last, backup_first, backup_last, backup_entries;
		const char *text;
	} cases[] = {
		{ 2, 34, 433, 34, 433, 434, NULL },
		{ 2, 34, 432, 34, 430, 434, "differs" },
		{ 2, 33, 433, 33, 433, 434, "primary header: entries" },
		{ 2, 34, 434, 34, 433, 434, "differs" },
		{ 2, 34, 433, 34, 434, 434, "backup header: entries" },
		{ 2, 34, 434, 34, 434, 434, "backup header: entries" },
		{ 2, 35, 433, 35, 433, 434, NULL },
		{ 2, 34, 100, 34, 100, 434, NULL },
		{ 2, 433, 433, 433, 433, 434, NULL },
		{ 2, 434, 433, 434, 434, 434, "usable" },
		{ 2, 433, 34, 34, 433, 434, "usable" },
		{ 2, 34, 433, 433, 34, 434, "backup header: usable" },
		{ 3, 35, 433, 35, 433, 434, NULL }, /* a gap behind the header */
		{ 2, 34, 432, 34, 432, 433, NULL }, /* a gap before the backup header */
		{ 2, 34, 433, 34, 433, 435, "backup header: entries" },
		{ 2, 34, 433, 34, 433, 433, "backup header: entries" },
		{ 2, 34, 433, 34, 433, 2, "backup header: entries" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[32];

		snprintf(name, sizeof(name), "usable range %zu", i);
		build_empty();
		set(0, H_ENTRIES, 8, cases[i].entries);
		set(0, H_FIRST, 8, cases[i].first);
		set(0, H_LAST, 8, cases[i].last);
		set(1, H_ENTRIES, 8, cases[i].backup_entries);
		set(1, H_FIRST, 8, cases[i].backup_first);
		set(1, H_LAST, 8, cases[i].backup_last);
		mended_verdict(name, cases[i].text);
	}
}

/* Whatever both must have in common. */
TEST(gpt_headers_same)
{
	static const struct field fields[] = {
		{ H_SIZE, 4, 93, NULL },  { H_ALTERNATE, 8, 2, NULL }, { H_FIRST, 8, 35, NULL },
		{ H_LAST, 8, 432, NULL }, { H_DISK, 1, 0, NULL },      { H_DISK + 15, 1, 0, NULL },
		{ H_N, 4, 127, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		build_empty();
		set(1, fields[i].offset, fields[i].width, fields[i].value);
		mended_verdict("fields of the backup", "differs from the primary header");
	}
	gpt_build(&image, 512, SECTORS, 64, 256); /* the same bytes, cut otherwise */
	set(1, H_N, 4, 128);
	set(1, H_ENTRY_SIZE, 4, 128);
	mended_verdict("entries cut otherwise", "differs from the primary header");
	build_empty();
	set(1, H_ENTRY_SIZE, 4, 256);
	set(1, H_N, 4, 64);
	set(BOTH, H_MY_LBA, 8, SECTORS - 1);
	mended_verdict("headers swapped", "it says that it is at");
}
