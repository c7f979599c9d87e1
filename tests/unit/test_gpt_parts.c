/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entries of a GUID partition table, and what stands around it; see test_gpt.c. */
#include "generators/sources/dps.h"
#include "init/base/fs.h"
#include "tests/unit/gpt_build.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>

static struct gpt_image image;
static struct gpt gpt;
static struct err err;

static void build(unsigned int sector_size)
{
	gpt_build(&image, sector_size, 467, 128, 128);
}

static void verdict(const char *name, const char *text)
{
	int r = gpt_image_read(&image, 512, &gpt, &err);

	if (!text && r == 0)
		return;
	if (text && r == -EINVAL && err.code == E_GPT && strstr(err.text, text))
		return;
	test_failures++;
	fprintf(stderr, "%s: got %d \"%s\", not \"%s\"\n", name, r, err.text, text ? text : "");
}

TEST(gpt_parts_in_range)
{
	static const struct {
		uint64_t start, end;
		const char *text;
	} cases[] = {
		{ 34, 433, NULL },
		{ 433, 433, NULL },
		{ 33, 100, "outside" },
		{ 0, 100, "outside" },
		{ 100, 434, "outside" },
		{ 434, 434, "outside" },
		{ 101, 100, "outside" },
		{ 100, UINT64_MAX, "outside" },
		{ 0, UINT64_MAX, "outside" },
		{ UINT64_MAX, UINT64_MAX, "outside" },
		{ UINT64_MAX, 100, "outside" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		build(512);
		gpt_build_part(&image, 2, 1, 1, cases[i].start, cases[i].end);
		verdict("range", cases[i].text);
	}
	gpt_build_part(&image, 2, 0, 1, 101, 100); /* without a type it is unused */
	verdict("unused", NULL);
	CHECK_INT(gpt.n_parts, 0);
}

struct range {
	int active;
	uint64_t start, end;
};

TEST(gpt_parts_overlap)
{
	static const struct {
		const char *text;
		struct range parts[12];
	} cases[] = {
		{ NULL, { { 0, 100, 199 } } },
		{ NULL, { { 1, 100, 199 } } },
		{ NULL, { { 1, 100, 150 }, { 1, 200, 250 }, { 1, 300, 350 } } },
		{ "2 and 3", { { 1, 200, 299 }, { 1, 100, 199 }, { 1, 100, 100 } } },
		{ "1 and 3", { { 1, 200, 299 }, { 1, 100, 199 }, { 1, 299, 299 } } },
		{ NULL, { { 1, 300, 399 }, { 1, 200, 299 }, { 1, 100, 199 } } },
		{ "1 and 2", { { 1, 100, 199 }, { 1, 199, 299 }, { 1, 299, 399 } } },
		{ "1 and 3", { { 1, 100, 199 }, { 1, 200, 299 }, { 1, 75, 399 } } },
		{ "1 and 2", { { 1, 100, 199 }, { 1, 75, 250 }, { 1, 200, 299 } } },
		{ "1 and 2", { { 1, 75, 150 }, { 1, 100, 199 }, { 1, 200, 299 } } },
		{ "1 and 4",
		  { { 1, 200, 299 }, { 1, 100, 199 }, { 1, 300, 399 }, { 1, 100, 399 } } },
		{ NULL, { { 1, 200, 299 }, { 1, 100, 199 }, { 1, 300, 399 }, { 0, 100, 399 } } },
		{ "1 and 2",
		  { { 1, 200, 300 }, { 1, 100, 200 }, { 1, 100, 400 }, { 1, 300, 400 } } },
		{ "2 and 3",
		  { { 0, 200, 300 }, { 1, 100, 200 }, { 1, 100, 400 }, { 1, 300, 400 } } },
		{ NULL, { { 1, 200, 300 }, { 1, 100, 199 }, { 0, 100, 400 }, { 0, 300, 400 } } },
		{ "2 and 3", { { 1, 200, 299 }, { 1, 100, 199 }, { 1, 199, 199 } } },
		{ NULL, { { 1, 200, 299 }, { 0, 100, 199 }, { 1, 199, 199 } } },
		{ NULL, { { 1, 200, 299 }, { 1, 100, 199 }, { 0, 199, 199 } } },
		{ "1 and 6",
		  { { 1, 199, 199 },
		    { 1, 200, 200 },
		    { 1, 201, 201 },
		    { 1, 202, 202 },
		    { 1, 203, 203 },
		    { 1, 199, 199 } } },
		{ NULL,
		  { { 1, 199, 199 },
		    { 1, 200, 200 },
		    { 1, 201, 201 },
		    { 1, 202, 202 },
		    { 1, 203, 203 },
		    { 0, 199, 199 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[32];

		snprintf(name, sizeof(name), "overlap %zu", i);
		build(512);
		for (unsigned int j = 0; cases[i].parts[j].start; j++)
			gpt_build_part(&image, j, cases[i].parts[j].active ? 1 : 0, j + 1,
				       cases[i].parts[j].start, cases[i].parts[j].end);
		verdict(name, cases[i].text);
	}
}

TEST(gpt_parts_uuids)
{
	static const struct {
		unsigned int type[4], uuid[4];
		const char *text;
	} cases[] = {
		{ { 1, 2, 3, 4 }, { 1, 2, 3, 4 }, NULL },
		{ { 1, 1, 2, 2 }, { 1, 2, 3, 4 }, NULL },
		{ { 1, 2, 3, 4 }, { 1, 2, 1, 4 }, "1 and 3 have the same UUID" },
		{ { 1, 1, 2, 2 }, { 1, 2, 3, 2 }, "2 and 4 have the same UUID" },
		{ { 1, 2, 3, 4 }, { 1, 2, 0, 4 }, "partition 3 has no UUID" },
		{ { 1, 2, 0, 4 }, { 1, 2, 0, 4 }, NULL },
		{ { 1, 2, 0, 4 }, { 1, 2, 1, 4 }, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		build(512);
		for (unsigned int j = 0; j < 4; j++)
			gpt_build_part(&image, j, cases[i].type[j], cases[i].uuid[j], 100 + 10 * j,
				       109 + 10 * j);
		verdict("uuids", cases[i].text);
	}
}

/* All 128, and none beyond. */
TEST(gpt_parts_number)
{
	gpt_build(&image, 512, 600, 512, 128);
	for (unsigned int i = 0; i < 128; i++)
		gpt_build_part(&image, i, 1, i + 1, 140 + i, 140 + i);
	verdict("128", NULL);
	CHECK_INT(gpt.n_parts, 128);
	CHECK_INT(gpt.parts[127].number, 128);
	gpt_build_part(&image, 128, 1, 129, 300, 300);
	verdict("129", "partition 129: only 128");
	gpt_build_part(&image, 128, 0, 129, 300, 300);
	gpt_build_part(&image, 511, 1, 129, 300, 300);
	verdict("512", "partition 512: only 128");
}

TEST(gpt_parts_flags)
{
	build(512);
	gpt_build_part(&image, 0, 1, 1, 100, 100);
	for (int backup = 0; backup < 2; backup++)
		put_le(gpt_image_entry(&image, backup, 0) + P_ATTRIBUTES, 8, 0x9123000000000005);
	gpt_build_mend(&image);
	verdict("flags", NULL);
	CHECK(gpt.parts[0].flags == 0x9123000000000005);
	CHECK(gpt.parts[0].flags & GPT_FLAG_NO_AUTO && gpt.parts[0].flags & GPT_FLAG_READ_ONLY);
	CHECK(!(gpt.parts[0].flags & GPT_FLAG_GROWFS));
}

static const char *label_of(const uint16_t *units, unsigned int n)
{
	build(512);
	gpt_build_part(&image, 0, 1, 1, 100, 100);
	for (int backup = 0; backup < 2; backup++)
		for (unsigned int i = 0; i < n; i++)
			put_le(gpt_image_entry(&image, backup, 0) + P_LABEL + 2 * i, 2, units[i]);
	gpt_build_mend(&image);
	verdict("label", NULL);
	return gpt.parts[0].label;
}

TEST(gpt_parts_labels)
{
	uint16_t full[37], surrogate[36];

	CHECK_STR(label_of(u"OS_1.2", 6), "OS_1.2");
	CHECK_STR(label_of(u"a\0b", 3), "a");
	CHECK_STR(label_of(u"\u00e9\u20ac\U0001f511", 4), "\u00e9\u20ac\U0001f511");
	CHECK_STR(label_of((const uint16_t[]){ 0xd800, 'a', 0xdc00, 'b', 0xdbff, 0xd800 }, 6),
		  "\ufffda\ufffdb\ufffd\ufffd");
	for (int i = 0; i < 36; i++) {
		full[i] = 0xffee;
		surrogate[i] = i < 35 ? 'x' : 0xd83d;
	}
	full[36] = 0;
	CHECK_INT(strlen(label_of(full, 36)), 108);
	CHECK_INT(strlen(label_of(surrogate, 36)), 38);
}

/* The kernel reads no GPT behind such an MBR, and so would see other partitions. */
TEST(gpt_mbr)
{
	static const char text[] = "does not protect";

	build(512);
	image.bytes[446 + 4] = 0x83;
	verdict("other type", text);
	image.bytes[446 + 48 + 4] = 0xee;
	verdict("another record, but not from LBA 1", text);
	image.bytes[446 + 48 + 8] = 1;
	verdict("hybrid", NULL);
	memset(image.bytes + 446 + 12, 0xff, 4);
	verdict("size", NULL);
	image.bytes[511] = 0;
	verdict("boot signature", "no boot signature");
	memset(image.bytes, 0, 512);
	verdict("all zero", "no boot signature");
}

TEST(gpt_sector_size_found)
{
	build(512);
	CHECK_INT(gpt_image_read(&image, 0, &gpt, &err), 0);
	CHECK_INT(gpt.sector_size, 512);
	memcpy(image.bytes + 4096, "EFI PART", 8);
	CHECK_INT(gpt_image_read(&image, 0, &gpt, &err), -EINVAL);
	CHECK(strstr(err.text, "512 and of 4096"));
	build(4096);
	CHECK_INT(gpt_image_read(&image, 0, &gpt, &err), 0);
	CHECK_INT(gpt.sector_size, 4096);
	CHECK_INT(gpt_image_read(&image, 512, &gpt, &err), -ENOENT);
	memset(gpt_image_header(&image, false), 0, 8);
	CHECK_INT(gpt_image_read(&image, 0, &gpt, &err), -EINVAL);
	memset(gpt_image_header(&image, true), 0, 8);
	CHECK_INT(gpt_image_read(&image, 0, &gpt, &err), -ENOENT);
	CHECK_INT(gpt_image_read(&image, 4096, &gpt, &err), -ENOENT);
}

static int reads_left;

static int failing_read(void *data, uint64_t offset, void *ret, size_t size)
{
	if (reads_left == 0)
		return -EIO;
	if (reads_left == -1)
		return (int)size - 1;
	reads_left--;
	memcpy(ret, ((struct gpt_image *)data)->bytes + offset, size);
	return (int)size;
}

/* Wherever reading ends, the error says so and the table stays untouched. */
TEST(gpt_read_errors)
{
	struct gpt_reader reader = { failing_read, &image, 0, 512 };
	static struct gpt before;
	int r = -EIO, n;

	build(512);
	reader.size = image.size;
	memset(&before, 0x5a, sizeof(before));
	for (n = 0; n < 100; n++) {
		memcpy(&gpt, &before, sizeof(gpt));
		reads_left = n;
		r = gpt_read(&reader, &gpt, &err);
		if (r == 0)
			break;
		CHECK_INT(r, -EIO);
		CHECK_INT(err.code, E_IO);
		CHECK(memcmp(&gpt, &before, sizeof(gpt)) == 0);
	}
	CHECK_INT(r, 0);
	CHECK(n >= 6);
	reads_left = -1;
	CHECK_INT(gpt_read(&reader, &gpt, &err), -EIO);
	CHECK_INT(err.code, E_IO);
}

static int file_read(void *data, uint64_t offset, void *ret, size_t size)
{
	return (int)fs_pread(*(int *)data, ret, size, offset);
}

static bool sfdisk(const char *path, const char *script)
{
	char command[256];
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin:/sbin sfdisk -q %s >/dev/null 2>&1", path);
	pipe = popen(command, "w");
	if (!pipe)
		return false;
	fputs(script, pipe);
	return pclose(pipe) == 0;
}

static void check_sfdisk(const char *head)
{
	char path[] = "/tmp/lintel-test-XXXXXX", script[512], uuid[UUID_TEXT_SIZE];
	_close_ int fd = mkostemp(path, O_CLOEXEC);
	struct gpt_reader reader = { file_read, &fd, 64 << 20, 0 };

	snprintf(script, sizeof(script),
		 "label: gpt\n%ssize=8MiB, type=c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n"
		 "size=16MiB, type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709, name=\"OS 1\", "
		 "uuid=01234567-89AB-CDEF-0123-456789ABCDEF, attrs=\"GUID:60\"\n",
		 head);
	CHECK(fd >= 0 && ftruncate(fd, 64 << 20) == 0);
	CHECK(sfdisk(path, script));
	unlink(path);
	CHECK_INT(gpt_read(&reader, &gpt, &err), 0);
	CHECK_INT(gpt.n_parts, 2);
	CHECK_INT(gpt.sector_size, 512);
	CHECK_INT(gpt.parts[1].size * 512, 16 << 20);
	CHECK(gpt.parts[1].flags == GPT_FLAG_READ_ONLY);
	CHECK_STR(gpt.parts[1].label, "OS 1");
	uuid_format(&gpt.parts[1].uuid, uuid);
	CHECK_STR(uuid, "01234567-89ab-cdef-0123-456789abcdef");
	CHECK(dps_find(&gpt.parts[0].type) && dps_find(&gpt.parts[1].type));
	CHECK_STR(dps_find(&gpt.parts[1].type)->name, "root-x86-64");
}

TEST(gpt_sfdisk)
{
	if (system("PATH=$PATH:/usr/sbin:/sbin command -v sfdisk >/dev/null") != 0) {
		printf("skip gpt_sfdisk: there is no sfdisk here\n");
		return;
	}
	check_sfdisk("");
	check_sfdisk("table-length: 4\n");
	check_sfdisk("first-lba: 34\n");
}

TEST(dps_types)
{
	static const char *const texts[] = {
		"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root-x86-64",
		"41092b05-9fc8-4523-994f-2def0408b176", "root-x86-64-verity-sig",
		"77ff5f63-e7b6-4633-acf4-1565b864c0e6", "usr-x86-64-verity",
		"b0e01050-ee5f-4390-949a-9101b17104e9", "usr-arm64",
		"c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", "usr-arm64-verity-sig",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "esp",
		"bc13c2ff-59e6-4262-a352-b275fd6f7172", "xbootldr",
	};
	struct uuid uuid = { { 0 } };

	CHECK(!dps_find(&uuid));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i += 2) {
		CHECK_INT(uuid_parse(texts[i], &uuid), 0);
		CHECK(dps_find(&uuid));
		if (dps_find(&uuid))
			CHECK_STR(dps_find(&uuid)->name, texts[i + 1]);
	}
	CHECK_INT(uuid_parse(texts[2], &uuid), 0);
	CHECK_INT(dps_find(&uuid)->designator, PART_ROOT_VERITY_SIG);
	CHECK_STR(dps_find(&uuid)->arch, "x86-64");
	uuid.b[15] ^= 1;
	CHECK(!dps_find(&uuid));
}
