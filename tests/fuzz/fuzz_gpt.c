/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk: after one byte of options and two of size, either its start and its end (what lies
 * between is zero), or patches to a good one. With mended CRCs the checks behind them are reached.
 */
#include "generators/sources/disk.h"
#include "generators/sources/dps.h"
#include "init/base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gpt_build.h"

#include <errno.h>

#define READ_MAX (512 * 1024)

enum { OPTION_PATCH = 1, OPTION_MEND = 2, OPTION_SIZE_GIVEN = 4, OPTION_4096 = 8 };

static struct gpt_image image;
static size_t bytes_read;

static int read_image(void *data, uint64_t offset, void *ret, size_t size)
{
	(void)data;
	must(offset <= image.size && size <= image.size - offset); /* never beyond the disk */
	bytes_read += size;
	memcpy(ret, image.bytes + offset, size);
	return (int)size;
}

/* A disk with one signed root; its signature is in the third partition. */
static void build_good(unsigned int sector_size)
{
	static const uint8_t types[3][16] = {
		{ 0xe3, 0xbc, 0x68, 0x4f, 0xcd, 0xe8, 0xb1, 0x4d, 0x96, 0xe7, 0xfb, 0xca, 0xf9,
		  0x84, 0xb7, 0x09 },
		{ 0xed, 0x57, 0x73, 0x2c, 0xd2, 0xeb, 0xd9, 0x46, 0xae, 0xc1, 0x23, 0xd4, 0x37,
		  0xec, 0x2b, 0xf5 },
		{ 0x05, 0x2b, 0x09, 0x41, 0xc8, 0x9f, 0x23, 0x45, 0x99, 0x4f, 0x2d, 0xef, 0x04,
		  0x08, 0xb1, 0x76 },
	};

	gpt_build(&image, sector_size, 467, 16, 128); /* few entries: CRCs take the time */
	for (unsigned int i = 0; i < 3; i++) {
		gpt_build_part(&image, i, 1, i + 1, 100 + 10 * i, 109 + 10 * i);
		for (int backup = 0; backup < 2; backup++)
			memcpy(gpt_image_entry(&image, backup, i), types[i], 16);
	}
	gpt_build_mend(&image);
}

static void patch(const uint8_t *data, size_t size)
{
	while (size > 5) {
		uint32_t at = le32(data) % (uint32_t)image.size;
		size_t len = data[4];

		data += 5;
		size -= 5;
		if (len > size)
			len = size;
		if (len > image.size - at)
			len = image.size - at;
		memcpy(image.bytes + at, data, len);
		data += len;
		size -= len;
	}
}

static void build(unsigned int options, unsigned int sectors, const uint8_t *data, size_t size)
{
	unsigned int sector_size = options & OPTION_4096 ? 4096 : 512;

	if (options & OPTION_PATCH) {
		build_good(sector_size);
		patch(data, size);
		return;
	}
	image.sector_size = sector_size;
	image.size = (size_t)sectors * 512;
	if (image.size < size)
		image.size = size;
	if (image.size > sizeof(image.bytes))
		image.size = sizeof(image.bytes);
	if (size > image.size)
		size = image.size;
	memset(image.bytes, 0, image.size);
	memcpy(image.bytes, data, size - size / 2);
	memcpy(image.bytes + image.size - size / 2, data + size - size / 2, size / 2);
}

static void check_label(const char *label)
{
	size_t len = strlen(label), n;
	uint32_t c;

	must(len < GPT_LABEL_SIZE);
	for (; len > 0; len -= n, label += n) {
		n = utf8_get(label, len, &c);
		must(n > 0);
	}
}

static void check_table(const struct gpt *gpt)
{
	uint64_t sectors = image.size / gpt->sector_size;

	must(gpt->n_parts <= GPT_PARTS_MAX);
	must(memcmp(image.bytes + gpt->sector_size, "EFI PART", 8) == 0);
	for (size_t i = 0; i < gpt->n_parts; i++) {
		const struct gpt_part *part = &gpt->parts[i];

		must(part->number >= 1 && part->number <= GPT_PARTS_MAX);
		must(part->start >= 2 && part->size >= 1 && part->size <= sectors);
		must(part->start + part->size < sectors); /* the backup header lies behind */
		must(!uuid_is_null(&part->uuid) && !uuid_is_null(&part->type));
		check_label(part->label);
		for (size_t k = 0; k < i; k++) {
			const struct gpt_part *other = &gpt->parts[k];

			must(other->number < part->number);
			must(!uuid_equal(&other->uuid, &part->uuid));
			must(other->start + other->size <= part->start ||
			     part->start + part->size <= other->start);
		}
	}
}

static int add_fact(void *data, enum fact_kind kind, const char *subject,
		    const struct fields *fields)
{
	struct fact fact;
	struct err err;

	must(fact_init(&fact, kind, "probe", subject, &err) == 0);
	fact.fields = *fields;
	must_replay(&fact);
	return facts_add(data, &fact, &err);
}

/* What the disk says as facts: the table's state, then every partition, and signatures. */
static void check_facts(const struct facts *facts, const char *state, size_t n_parts)
{
	size_t parts = 0;
	char text[130];

	must(facts->n >= 1 && facts->list[0].kind == FACT_GPT);
	must(fields_are(&facts->list[0].fields, "state", state));
	for (size_t i = 1; i < facts->n; i++) {
		const struct fact *fact = &facts->list[i];

		must(text_starts(fact->subject, "sda"));
		must(fields_are(&fact->fields, "disk", "sda"));
		parts += fact->kind == FACT_PART;
		if (fact->kind == FACT_PART)
			continue;
		must(fact->kind == FACT_SIG && facts_find(facts, FACT_PART, fact->subject));
		must((fields_get(&fact->fields, "roothash", text, sizeof(text)) == 0) !=
		     (fields_get(&fact->fields, "code", text, sizeof(text)) == 0));
	}
	must(parts == n_parts);
}

static void check_disk(const struct gpt_reader *reader, const struct gpt *gpt, int r)
{
	static struct disk_view view[GPT_PARTS_MAX];
	struct facts *facts = empty_facts();
	struct disk_sink sink = { add_fact, facts };
	struct disk disk = { .name = "sda", .reader = *reader };

	must(disk_read(&disk, &sink) == 0);
	check_facts(facts,
		    r == 0	   ? "ok"
		    : r == -ENOENT ? "none"
				   : "bad",
		    r == 0 ? gpt->n_parts : 0);
	if (r != 0 || gpt->n_parts == 0)
		return;
	/* a kernel that sees the same is believed, and no other */
	for (size_t i = 0; i < gpt->n_parts; i++)
		view[i] = (struct disk_view){ .number = gpt->parts[i].number,
					      .start = gpt->parts[i].start * gpt->sector_size / 512,
					      .size = gpt->parts[i].size * gpt->sector_size / 512 };
	disk.view = view;
	disk.n_view = gpt->n_parts;
	facts = empty_facts();
	must(disk_read(&disk, &sink) == 0);
	check_facts(facts, "ok", gpt->n_parts);
	view[gpt->n_parts / 2].size++;
	facts = empty_facts();
	must(disk_read(&disk, &sink) == 0);
	check_facts(facts, "bad", 0);
	must(fields_are(&facts->list[0].fields, "code", "LINTEL-E-GPT-DISAGREE"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gpt gpt, before;
	struct gpt_reader reader = { .read = read_image };
	struct err err = { .code = E_NONE };
	int r;

	if (size < 3)
		return 0;
	build(data[0], le16(data + 1), data + 3, size - 3);
	if (data[0] & OPTION_MEND)
		gpt_build_mend(&image);
	reader.size = image.size;
	reader.sector_size = data[0] & OPTION_SIZE_GIVEN ? image.sector_size : 0;
	memset(&gpt, 0x5a, sizeof(gpt));
	memcpy(&before, &gpt, sizeof(gpt));
	bytes_read = 0;
	r = gpt_read(&reader, &gpt, &err);
	must(bytes_read < READ_MAX);
	if (r == 0) {
		must(!reader.sector_size || gpt.sector_size == reader.sector_size);
		check_table(&gpt);
	} else {
		must((r == -EINVAL || r == -ENOENT) && err.code == E_GPT && err.text[0]);
		must(memcmp(&gpt, &before, sizeof(gpt)) == 0);
	}
	check_disk(&reader, &gpt, r);
	return 0;
}
