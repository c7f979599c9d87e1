/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/disk.h"
#include "generators/sources/dps.h"
#include "generators/sources/verity.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

int disk_part_name(const char *disk, unsigned int number, char *ret, size_t size)
{
	size_t len = strlen(disk);
	bool digit = len > 0 && isdigit((unsigned char)disk[len - 1]);

	return text_format(ret, size, "%s%s%u", disk, digit ? "p" : "", number);
}

bool disk_partition(const char *name, const char *disk, uint64_t *ret_number)
{
	size_t len = strlen(disk);
	const char *number = name + len;
	uint64_t ignored;

	if (len == 0 || strncmp(name, disk, len) != 0)
		return false;
	if (isdigit((unsigned char)disk[len - 1]) && *number++ != 'p')
		return false;
	return text_to_u64(number, ret_number ? ret_number : &ignored) == 0;
}

/* The kernel's partitions must be ours, each at the same place: else one of us is fooled. */
static int compare_views(const struct disk *disk, const struct gpt *gpt, struct err *err)
{
	size_t seen = 0;

	if (!disk->view)
		return 0;
	for (size_t i = 0; i < gpt->n_parts; i++) {
		const struct gpt_part *part = &gpt->parts[i];
		uint64_t scale = gpt->sector_size / 512;
		const struct disk_view *view = NULL;

		for (size_t k = 0; k < disk->n_view && !view; k++)
			if (disk->view[k].number == part->number)
				view = &disk->view[k];
		if (!view)
			return err_set(err, E_GPT_DISAGREE, EUCLEAN,
				       "the kernel has no partition %u", part->number);
		if (view->start != part->start * scale || view->size != part->size * scale)
			return err_set(err, E_GPT_DISAGREE, EUCLEAN,
				       "partition %u lies elsewhere for the kernel", part->number);
		seen++;
	}
	if (seen != disk->n_view)
		return err_set(err, E_GPT_DISAGREE, EUCLEAN,
			       "the kernel has %zu partitions, the table %zu", disk->n_view, seen);
	return 0;
}

static int report_state(const struct disk *disk, const struct disk_sink *sink, const char *state,
			const struct gpt *gpt, const struct err *err)
{
	struct fields fields = { .text = "" };
	char uuid[UUID_TEXT_SIZE];

	fields_add(&fields, "state", state);
	if (gpt) {
		uuid_format(&gpt->disk, uuid);
		fields_add(&fields, "uuid", uuid);
	}
	if (err) {
		fields_add(&fields, "code", err_name(err->code));
		fields_add(&fields, "text", err->text);
	}
	return sink->add(sink->data, FACT_GPT, disk->name, &fields);
}

/*
 * What a data partition seems to hold. Only a hint, so that its driver can be loaded while dm-verity
 * starts, or that words find a LUKS2 volume: whoever uses the partition looks for itself.
 */
static const char *content_hint(const struct disk *disk, uint64_t offset, uint64_t size)
{
	static const struct {
		const char *name, *magic;
		size_t at, len;
	} known[] = {
		{ "crypto_LUKS", "LUKS\xba\xbe", 0, 6 },
		{ "erofs", "\xe2\xe1\xf5\xe0", 1024, 4 },
		{ "squashfs", "hsqs", 0, 4 },
		{ "ext4", "\x53\xef", 1080, 2 },
		{ "xfs", "XFSB", 0, 4 },
		{ "btrfs", "_BHRfS_M", 65600, 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		char bytes[8];

		if (known[i].at + known[i].len <= size &&
		    disk->reader.read(disk->reader.data, offset + known[i].at, bytes,
				      known[i].len) >= 0 &&
		    memcmp(bytes, known[i].magic, known[i].len) == 0)
			return known[i].name;
	}
	return NULL;
}

static bool is_native(const struct dps_type *type)
{
	return type && type->arch && strcmp(type->arch, dps_native_arch()) == 0;
}

/* Whether the partition may hold a root, /usr or, of whatever type, a volume that a word names. */
static bool may_hold(const struct dps_type *type)
{
	static const enum designator roles[] = { PART_HOME, PART_SRV, PART_TMP, PART_VAR };

	if (!type)
		return true;
	if (type->designator == PART_ROOT || type->designator == PART_USR)
		return is_native(type);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (type->designator == roles[i])
			return true;
	return false;
}

#define LUKS2_UUID_AT 168 /* LUKS2 On-Disk Format Specification, 2.1: the binary header */

static int add_hint(const struct disk *disk, uint64_t offset, uint64_t size, struct fields *fields)
{
	const char *hint = content_hint(disk, offset, size);
	char text[UUID_TEXT_SIZE + 4] = "", uuid[UUID_TEXT_SIZE];
	int r = hint ? fields_add(fields, "hint", hint) : 0;

	if (r < 0 || !hint || strcmp(hint, "crypto_LUKS") != 0 ||
	    disk->reader.read(disk->reader.data, offset + LUKS2_UUID_AT, text, UUID_TEXT_SIZE) <
		    0 ||
	    uuid_normalize(text, uuid) < 0)
		return r;
	return fields_add(fields, "luks", uuid);
}

static int report_part(const struct disk *disk, const struct disk_sink *sink, const struct gpt *gpt,
		       const struct gpt_part *part, const char *name)
{
	const struct dps_type *type = dps_find(&part->type);
	uint64_t scale = gpt->sector_size / 512;
	struct fields fields = { .text = "" };
	char text[UUID_TEXT_SIZE];
	int r;

	r = fields_add(&fields, "disk", disk->name);
	if (r == 0)
		r = fields_addf(&fields, "n", "%u", part->number);
	uuid_format(&part->type, text);
	if (r == 0)
		r = fields_add(&fields, "type", text);
	if (r == 0 && type)
		r = fields_add(&fields, "name", type->name);
	uuid_format(&part->uuid, text);
	if (r == 0)
		r = fields_add(&fields, "uuid", text);
	if (r == 0)
		r = fields_addf(&fields, "start", "%" PRIu64, part->start * scale);
	if (r == 0)
		r = fields_addf(&fields, "size", "%" PRIu64, part->size * scale);
	if (r == 0)
		r = fields_addf(&fields, "flags", "%" PRIu64, part->flags);
	if (r == 0)
		r = fields_add(&fields, "label", part->label);
	if (r == 0 && may_hold(type))
		r = add_hint(disk, part->start * gpt->sector_size, part->size * gpt->sector_size,
			     &fields);
	return r < 0 ? r : sink->add(sink->data, FACT_PART, name, &fields);
}

/* The JSON, or what is wrong with it. */
static int report_sig(const struct disk *disk, const struct disk_sink *sink, const struct gpt *gpt,
		      const struct gpt_part *part, const char *name)
{
	static struct verity_signature sig;
	static char json[VERITY_SIG_JSON_MAX];
	uint64_t bytes = part->size * gpt->sector_size;
	size_t size = bytes < sizeof(json) ? (size_t)bytes : sizeof(json);
	struct err err = { .code = E_IO, .text = "the signature partition cannot be read" };
	struct fields fields = { .text = "" };
	int r;

	r = disk->reader.read(disk->reader.data, part->start * gpt->sector_size, json, size);
	if (r >= 0)
		r = verity_signature_parse(json, size, &sig, &err);
	fields_add(&fields, "disk", disk->name);
	if (r < 0) {
		fields_add(&fields, "code", err_name(err.code));
		fields_add(&fields, "text", err.text);
	} else {
		fields_add(&fields, "roothash", sig.roothash);
		fields_add(&fields, "fingerprint", sig.fingerprint);
	}
	return sink->add(sink->data, FACT_SIG, name, &fields);
}

static bool is_native_sig(const struct gpt_part *part)
{
	const struct dps_type *type = dps_find(&part->type);

	return is_native(type) && (type->designator == PART_ROOT_VERITY_SIG ||
				   type->designator == PART_USR_VERITY_SIG);
}

int disk_read(const struct disk *disk, const struct disk_sink *sink)
{
	static struct gpt gpt;
	struct err err = { .code = E_NONE };
	int r = gpt_read(&disk->reader, &gpt, &err);

	if (r == -ENOENT)
		return report_state(disk, sink, "none", NULL, NULL);
	if (r == 0)
		r = compare_views(disk, &gpt, &err);
	if (r < 0)
		return report_state(disk, sink, "bad", NULL, &err);
	r = report_state(disk, sink, "ok", &gpt, NULL);
	for (size_t i = 0; i < gpt.n_parts && r == 0; i++) {
		char name[48];

		r = disk_part_name(disk->name, gpt.parts[i].number, name, sizeof(name));
		if (r == 0)
			r = report_part(disk, sink, &gpt, &gpt.parts[i], name);
		if (r == 0 && is_native_sig(&gpt.parts[i]))
			r = report_sig(disk, sink, &gpt, &gpt.parts[i], name);
	}
	return r;
}
