/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole disk as facts, and what the kernel must see of it. */
#include "generators/sources/disk.h"
#include "generators/sources/dps.h"
#include "tests/unit/gpt_build.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

#define H64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SIGNATURE "{\"rootHash\":\"" H64 "\",\"signature\":\"MAMCAQA=\"}"

static struct gpt_image image;
static int reads_fail_from; /* an LBA from which reading fails; 0: none */
static int sink_fails_at;   /* the fact that the sink refuses; 0: none */

static int read_image(void *data, uint64_t offset, void *ret, size_t size)
{
	(void)data;
	if (offset > image.size || size > image.size - offset)
		return -ENXIO;
	if (reads_fail_from && offset >= (uint64_t)reads_fail_from * 512 && offset < 400 * 512)
		return -EIO;
	memcpy(ret, image.bytes + offset, size);
	return (int)size;
}

static int add_fact(void *data, enum fact_kind kind, const char *subject,
		    const struct fields *fields)
{
	struct facts *facts = data;
	struct fact fact;
	struct err err;

	if (sink_fails_at && (int)facts->n + 1 == sink_fails_at)
		return -EPIPE;
	CHECK_INT(fact_init(&fact, kind, "probe", subject, &err), 0);
	fact.fields = *fields;
	return facts_add(facts, &fact, &err);
}

static void set_type(unsigned int i, const char *text)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct uuid uuid;

	CHECK_INT(uuid_parse(text, &uuid), 0);
	for (int backup = 0; backup < 2; backup++)
		for (unsigned int k = 0; k < 16; k++)
			gpt_image_entry(&image, backup, i)[P_TYPE + k] = uuid.b[order[k]];
}

static void set_label(unsigned int i, const char *label)
{
	for (int backup = 0; backup < 2; backup++)
		for (unsigned int k = 0; label[k]; k++)
			gpt_image_entry(&image, backup, i)[P_LABEL + 2 * k] = (uint8_t)label[k];
}

/* The architecture is the reader's own: others' signatures are not read. */
static void build(unsigned int sector_size)
{
	gpt_build(&image, sector_size, 467, 128, 128);
	gpt_build_part(&image, 0, 1, 1, 100, 109);
	gpt_build_part(&image, 2, 1, 3, 120, 129);
	gpt_build_part(&image, 3, 1, 4, 130, 139);
	set_type(0, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
	set_type(2, "41092b05-9fc8-4523-994f-2def0408b176");
	set_type(3, "6db69de6-29f4-4758-a7a5-962190f00ce3");
	set_label(0, "os 1\n%");
	gpt_build_mend(&image);
	memcpy(image.bytes + 120 * (size_t)sector_size, SIGNATURE, strlen(SIGNATURE));
	reads_fail_from = sink_fails_at = 0;
}

static const char *read_disk(const char *name, const struct disk_view *view, size_t n_view)
{
	struct facts *facts = facts_empty();
	struct disk_sink sink = { add_fact, facts };
	struct disk disk = { .name = name,
			     .reader = { read_image, NULL, image.size, image.sector_size },
			     .view = view,
			     .n_view = n_view };

	CHECK_INT(disk_read(&disk, &sink), sink_fails_at ? -EPIPE : 0);
	return facts_text(facts);
}

#define U(x) x x x x "-" x x "-" x x "-" x x "-" x x x x x x
#define GPT_OK "gpt vda state=ok uuid=" U("d1") "\n"
#define PART_1                                                                                     \
	"part vda1 disk=vda n=1 type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709 name=root-x86-64 "       \
	"uuid=" U("01") " start=100 size=10 flags=0 label=os%201%0A%25\n"
#define PART_3                                                                                     \
	"part vda3 disk=vda n=3 type=41092b05-9fc8-4523-994f-2def0408b176 "                        \
	"name=root-x86-64-verity-sig uuid=" U("03") " start=120 size=10 flags=0 label=\n"
#define PART_4                                                                                     \
	"part vda4 disk=vda n=4 type=6db69de6-29f4-4758-a7a5-962190f00ce3 "                        \
	"name=root-arm64-verity-sig uuid=" U("04") " start=130 size=10 flags=0 label=\n"
#define SIG_3 "sig vda3 disk=vda roothash=" H64 " fingerprint=\n"

TEST(disk_facts)
{
	if (strcmp(dps_native_arch(), "x86-64") != 0)
		return;
	build(512);
	CHECK_STR(read_disk("vda", NULL, 0), GPT_OK PART_1 PART_3 SIG_3 PART_4);
	memcpy(image.bytes + 120 * 512, "{}", 3);
	CHECK(strstr(read_disk("vda", NULL, 0),
		     "sig vda3 disk=vda code=LINTEL-E-SIG-MALFORMED text="));
	reads_fail_from = 120;
	CHECK(strstr(
		read_disk("vda", NULL, 0),
		"sig vda3 disk=vda code=LINTEL-E-IO text=the%20signature%20partition%20cannot"));
}

/* What the root seems to hold is looked for in its own partition only. */
TEST(disk_hint)
{
	static const struct {
		size_t at, sectors;
		const char *magic, *hint; /* NULL: none */
	} rows[] = {
		{ 0, 10, "hsqs", "hint=squashfs" },
		{ 0, 10, "XFSB", "hint=xfs" },
		{ 0, 10, "LUKS\xba\xbe", "hint=crypto_LUKS" },
		{ 1024, 10, "\xe2\xe1\xf5\xe0", "hint=erofs" },
		{ 1080, 10, "\x53\xef", "hint=ext4" },
		{ 1080, 2, "\x53\xef", NULL },
		{ 65600, 10, "_BHRfS_M", NULL },
		{ 65600, 128, "_BHRfS_M", NULL },
		{ 65600, 129, "_BHRfS_M", "hint=btrfs" },
		{ 1, 10, "hsqs", NULL },
	};

	if (strcmp(dps_native_arch(), "x86-64") != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		build(512);
		gpt_build_part(&image, 0, 1, 1, 200, 200 + rows[i].sectors - 1);
		set_type(0, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
		gpt_build_mend(&image);
		memcpy(image.bytes + 200 * 512 + rows[i].at, rows[i].magic, strlen(rows[i].magic));
		text = read_disk("vda", NULL, 0);
		CHECK(rows[i].hint ? strstr(text, rows[i].hint) != NULL : !strstr(text, "hint="));
	}
}

/* By which words find a LUKS2 volume; a hostile UUID is none. Looked for where one may be opened. */
TEST(disk_luks_uuid)
{
	static const struct {
		const char *type, *uuid, *luks; /* NULL: none */
	} rows[] = {
		{ "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "8F3A1C0B-5d2e-4f60-7182-93a4b5c6d7e8",
		  "hint=crypto_LUKS luks=8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8" },
		{ "0fc63daf-8483-4772-8e79-3d69d8477de4", "8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8",
		  "hint=crypto_LUKS luks=8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8" },
		{ "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "8f3a1c0b 5d2e-4f60-7182-93a4b5c6d7e8",
		  NULL },
		{ "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8x",
		  NULL },
		{ "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "8f3a1c0b-5d2e-4f60-7182-93a4b5c6d7e8",
		  NULL }, /* swap */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		build(512);
		gpt_build_part(&image, 0, 1, 1, 200, 209);
		set_type(0, rows[i].type);
		gpt_build_mend(&image);
		memcpy(image.bytes + 200 * 512, "LUKS\xba\xbe", 6);
		memcpy(image.bytes + 200 * 512 + 168, rows[i].uuid, strlen(rows[i].uuid));
		text = read_disk("vda", NULL, 0);
		CHECK(rows[i].luks ? strstr(text, rows[i].luks) != NULL : !strstr(text, "luks="));
	}
}

/* Facts count in sectors of 512 bytes, whatever the disk's are. */
TEST(disk_facts_4096)
{
	build(4096);
	CHECK(strstr(read_disk("nvme0n1", NULL, 0), "part nvme0n1p1 disk=nvme0n1 n=1 "));
	CHECK(strstr(read_disk("nvme0n1", NULL, 0), " start=800 size=80 "));
}

TEST(disk_none_and_bad)
{
	build(512);
	memset(image.bytes, 0, image.size);
	CHECK_STR(read_disk("vda", NULL, 0), "gpt vda state=none\n");
	build(512);
	image.bytes[512 + H_CRC] ^= 1;
	CHECK(strstr(read_disk("vda", NULL, 0),
		     "gpt vda state=bad code=LINTEL-E-GPT text=primary"));
	build(512);
	reads_fail_from = 1;
	CHECK(strstr(read_disk("vda", NULL, 0), "gpt vda state=bad code=LINTEL-E-IO text=cannot"));
}

TEST(disk_view)
{
	static const struct {
		struct disk_view view[4];
		size_t n;
		const char *text; /* NULL: it agrees */
	} rows[] = {
		{ { { 1, 100, 10, "" }, { 3, 120, 10, "" }, { 4, 130, 10, "" } }, 3, NULL },
		{ { { 4, 130, 10, "" }, { 1, 100, 10, "" }, { 3, 120, 10, "" } }, 3, NULL },
		{ { { 1, 100, 10, "" }, { 3, 120, 10, "" } }, 2, "no%20partition%204" },
		{ { { 0, 0, 0, "" } }, 0, "no%20partition%201" },
		{ { { 1, 100, 10, "" }, { 3, 120, 10, "" }, { 4, 131, 10, "" } },
		  3,
		  "partition%204%20lies%20elsewhere" },
		{ { { 1, 100, 10, "" }, { 3, 120, 11, "" }, { 4, 130, 10, "" } },
		  3,
		  "partition%203%20lies%20elsewhere" },
		{ { { 1, 100, 10, "" },
		    { 2, 110, 10, "" },
		    { 3, 120, 10, "" },
		    { 4, 130, 10, "" } },
		  4,
		  "the%20kernel%20has%204%20partitions,%20the%20table%203" },
		{ { { 1, 100, 10, "" },
		    { 3, 120, 10, "" },
		    { 4, 130, 10, "" },
		    { 4, 130, 10, "" } },
		  4,
		  "the%20kernel%20has%204%20partitions" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		build(512);
		text = read_disk("vda", rows[i].view, rows[i].n);
		if (rows[i].text) {
			CHECK(strstr(text, "gpt vda state=bad code=LINTEL-E-GPT-DISAGREE text="));
			CHECK(strstr(text, rows[i].text));
		} else {
			CHECK(strstr(text, GPT_OK));
		}
	}
}

/* A sink that ends, ends the reading. */
TEST(disk_sink_fails)
{
	build(512);
	for (sink_fails_at = 1; sink_fails_at <= 5; sink_fails_at++) {
		int n = 0;

		for (const char *p = read_disk("vda", NULL, 0); *p; p++)
			n += *p == '\n';
		CHECK_INT(n, sink_fails_at - 1);
	}
}

TEST(disk_partition)
{
	static const struct {
		const char *name, *disk;
		uint64_t number; /* 0: it is none of that disk */
	} rows[] = {
		{ "sda1", "sda", 1 },
		{ "sda12", "sda", 12 },
		{ "loop1p3", "loop1", 3 },
		{ "nvme0n1p128", "nvme0n1", 128 },
		{ "sda", "sda", 0 },
		{ "sdaa1", "sda", 0 },
		{ "sda1x", "sda", 0 },
		{ "sdap1", "sda", 0 },
		{ "loop10p1", "loop1", 0 },
		{ "loop13", "loop1", 0 },
		{ "loop1p", "loop1", 0 },
		{ "sdb1", "sda", 0 },
		{ "1", "", 0 },
		{ "sda-1", "sda", 0 },
		{ "loop1p1p2", "loop1p", 0 },
		{ "sda99999999999999999999", "sda", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t number = 0;
		bool is = disk_partition(rows[i].name, rows[i].disk, &number);

		CHECK_INT(is, rows[i].number > 0);
		CHECK_INT(is ? number : 0, rows[i].number);
		CHECK_INT(disk_partition(rows[i].name, rows[i].disk, NULL), is);
	}
}

TEST(disk_part_name)
{
	static const char *const rows[] = { "vda",     "vda7",	    "nvme0n1", "nvme0n1p7",
					    "mmcblk0", "mmcblk0p7", "",	       "7" };
	char name[16], tight[10];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i += 2) {
		CHECK_INT(disk_part_name(rows[i], 7, name, sizeof(name)), 0);
		CHECK_STR(name, rows[i + 1]);
	}
	CHECK_INT(disk_part_name("nvme0n1", 10, tight, sizeof(tight)), -E2BIG);
}
