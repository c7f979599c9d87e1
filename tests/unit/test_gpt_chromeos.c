/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ChromeOS's cgptlib_test (vboot_reference, tests/cgptlib_test.c): where each of its tests is here,
 * and those that are nowhere else. Wherever cgptlib repairs, ignores or falls back, lintel refuses.
 *
 *	StructSizeTest				offsets of gpt_build.h, by the specification
 *	TestBuildTestGptData			gpt_standard_disk
 *	ParameterTests				gpt_sector_sizes, gpt_disk_sizes
 *	HeaderCrcTest, CrcFieldTest		gpt_crc, gpt_header_fields (the rest of the block)
 *	HeaderSameTest				gpt_headers_same
 *	SignatureTest				gpt_signature
 *	RevisionTest, ReservedFieldsTest	gpt_header_fields
 *	SizeTest				gpt_header_fields, gpt_header_size
 *	SizeOfPartitionEntryTest		gpt_header_fields, gpt_entry_sizes (2^n are taken)
 *	NumberOfPartitionEntriesTest		chromeos_number_of_entries
 *	MyLbaTest				gpt_header_fields, chromeos_my_lba
 *	FirstUsableLbaAndLastUsableLbaTest	gpt_usable_range
 *	EntriesCrcTest				gpt_entries_crc
 *	ValidEntryTest				gpt_parts_in_range
 *	OverlappedPartitionTest			gpt_parts_overlap
 *	ValidityCheckTest			chromeos_validity
 *	EntryAttributeGetSetTest		gpt_parts_flags (of DPS, not ChromeOS's)
 *	EntryTypeTest, GetKernelGuidTest	dps_types, gpt_standard_disk
 *	DuplicateUniqueGuidTest			gpt_parts_uuids
 *	ErrorTextTest				err_text
 *	NoValidKernelEntryTest, GetNextNormalTest, GetNextPrioTest, GetNextTriesTest: what to boot of
 *	several is a rule's to choose: tests/plans/ab-*.facts
 *	GptUpdateTest, UpdateInvalidKernelTypeTest, CheckHeaderOffDevice: lintel writes no table and
 *	has none on another device
 */
#include "tests/unit/gpt_build.h"
#include "tests/unit/test.h"

#include <errno.h>

#define SECTORS 467

static struct gpt_image image;

static void build(void)
{
	static const uint64_t parts[4][2] = {
		{ 34, 133 }, { 134, 232 }, { 234, 331 }, { 334, 430 }
	};

	gpt_build(&image, 512, SECTORS, 128, 128);
	for (unsigned int i = 0; i < 4; i++)
		gpt_build_part(&image, i, 0x11, i + 1, parts[i][0], parts[i][1]);
}

static void verdict(const char *name, const char *text)
{
	static struct gpt gpt;
	struct err err = { .code = E_NONE };
	int r = gpt_image_read(&image, 512, &gpt, &err);

	if (r < 0 && err.code == E_GPT && strstr(err.text, text))
		return;
	test_failures++;
	fprintf(stderr, "%s: got %d \"%s\", not \"%s\"\n", name, r, err.text, text);
}

TEST(chromeos_number_of_entries)
{
	uint8_t *backup;

	build();
	put_le(gpt_image_header(&image, false) + H_N, 4, 127);
	gpt_build_mend(&image);
	verdict("one entry less in the primary", "backup header: it differs");
	build();
	backup = gpt_image_header(&image, true);
	put_le(backup + H_N, 4, 64);
	put_le(backup + H_ENTRIES, 8, SECTORS - 1 - 16);
	gpt_build_mend(&image);
	verdict("half as many in the backup", "backup header: it differs");
}

static void shift(unsigned int offset, int by)
{
	build();
	for (int i = 0; i < 2; i++) {
		uint8_t *field = gpt_image_header(&image, i) + offset;

		put_le(field, 8, le64(field) + (uint64_t)by);
	}
	gpt_build_mend(&image);
}

TEST(chromeos_my_lba)
{
	uint8_t copy[512];

	build();
	memcpy(copy, gpt_image_header(&image, true), sizeof(copy));
	memcpy(gpt_image_header(&image, true), gpt_image_header(&image, false), sizeof(copy));
	verdict("the primary at the backup's place", "backup header: it says that it is at LBA 1");
	build();
	memcpy(gpt_image_header(&image, false), copy, sizeof(copy));
	verdict("the backup at the primary's place", "it says that it is at LBA 466");
	shift(H_MY_LBA, -1);
	verdict("own LBA - 1", "it says that it is at LBA 0");
	shift(H_MY_LBA, 1);
	verdict("own LBA + 1", "it says that it is at LBA 2");
	shift(H_ALTERNATE, 1);
	verdict("other LBA + 1", "the other header is at LBA 467");
	shift(H_ALTERNATE, -1);
	verdict("other LBA - 1", "backup header: no signature");
	shift(H_ENTRIES, 1);
	verdict("entries + 1", "primary header: entries are not between");
	shift(H_ENTRIES, -1);
	verdict("entries - 1", "primary header: entries are not between");
}

enum {
	HEADER_1 = 1,
	HEADER_2 = 2,
	ENTRIES_1 = 4,
	ENTRIES_2 = 8,
	MENDED = 16,
	IGNORE_1 = 32,
	IGNORE_2 = 64
};

static void spoil(unsigned int what)
{
	build();
	for (int i = 0; i < 2; i++) {
		uint8_t *header = gpt_image_header(&image, i),
			*entries = gpt_image_entry(&image, i, 0);

		if (what & (unsigned int)(ENTRIES_1 << i))
			entries[0]++;
		if (what & (unsigned int)(HEADER_1 << i))
			header[0]++;
		if (what & (unsigned int)(IGNORE_1 << i)) {
			memset(entries, 0, 128 * 128);
			memset(header, 0, 512);
			memcpy(header, "IGNOREME", 8);
		}
	}
	if (what & MENDED)
		gpt_build_mend(&image);
}

/* cgptlib takes the good one of two, and repairs the other; here any doubt ends it. */
TEST(chromeos_validity)
{
	static const struct {
		unsigned int what;
		const char *text;
	} rows[] = {
		{ HEADER_1 | HEADER_2, "no GUID partition table" },
		{ HEADER_1, "primary header: the signature is missing" },
		{ HEADER_2, "backup header: no signature" },
		{ ENTRIES_1 | ENTRIES_2, "primary entries: the CRC" },
		{ ENTRIES_1, "primary entries: the CRC" },
		{ ENTRIES_2, "backup entries: they differ" },
		{ ENTRIES_1 | MENDED, "backup header: it differs" },
		{ ENTRIES_2 | MENDED, "backup header: it differs" },
		{ HEADER_1 | ENTRIES_1, "primary header: the signature is missing" },
		{ HEADER_2 | ENTRIES_2, "backup header: no signature" },
		{ HEADER_1 | ENTRIES_2, "primary header: the signature is missing" },
		{ HEADER_2 | ENTRIES_1, "primary entries: the CRC" },
		{ IGNORE_1, "primary header: the signature is missing" },
		{ IGNORE_2, "backup header: no signature" },
		{ IGNORE_1 | IGNORE_2, "no GUID partition table" },
		{ IGNORE_1 | ENTRIES_2, "primary header: the signature is missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[32];

		snprintf(name, sizeof(name), "spoilt %x", rows[i].what);
		spoil(rows[i].what);
		verdict(name, rows[i].text);
	}
	/* the header is larger by one, with CRCs: both must say so */
	build();
	put_le(gpt_image_header(&image, false) + H_SIZE, 4, 93);
	gpt_build_mend(&image);
	verdict("size + 1", "backup header: it differs");
}
