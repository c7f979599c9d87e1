/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last of three steps that open a LUKS2 volume: its mapping. All that it is made of stands in the
 * plan, from the header's copy that the first step checked; the header is not read again. The key is
 * in the kernel's keyring and measured by now, and is dropped here however this ends (invariant I9).
 * By ioctl and not by libcryptsetup, which would derive the digest of the volume key once more, for
 * longer than all else here takes.
 */
#include "generators/crypttab.h"
#include "init/base/bytes.h"
#include "init/base/text.h"
#include "modules/dm.h"
#include "modules/verb.h"
#include "modules/volume_key.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct mapping {
	char name[CRYPT_NAME_MAX], uuid[UUID_TEXT_SIZE], cipher[32], flags[160];
	uint64_t key_size, sector_size, offset; /* offset: of 512-byte sectors */
	unsigned int writable;			/* DM_WRITABLE or 0 */
	struct dm_part part;
	char params[DM_TEXT_MAX];
};

static int get_number(const struct step *step, const char *key, uint64_t *ret, struct err *err)
{
	return fields_get_u64(&step->args, key, ret) == 0
		       ? 0
		       : err_set(err, E_INTERNAL, EINVAL, "step %s: argument %s", step->id, key);
}

static int read_arguments(const struct step *step, struct mapping *m, struct err *err)
{
	const struct fields *args = &step->args;
	uint64_t size = 0;
	char node[48];
	int r = step_get(step, "name", m->name, sizeof(m->name), err);

	if (r == 0)
		r = step_get(step, "uuid", m->uuid, sizeof(m->uuid), err);
	if (r == 0)
		r = step_get(step, "part", node, sizeof(node), err);
	if (r == 0)
		r = step_get(step, "cipher", m->cipher, sizeof(m->cipher), err);
	if (r == 0)
		r = get_number(step, "keysize", &m->key_size, err);
	if (r == 0)
		r = get_number(step, "sector", &m->sector_size, err);
	if (r == 0)
		r = get_number(step, "offset", &m->offset, err);
	if (r == 0)
		r = get_number(step, "size", &size, err);
	if (r < 0)
		return r;
	fields_get(args, "flags", m->flags, sizeof(m->flags));
	m->writable = fields_are(args, "ro", "yes") ? 0 : DM_WRITABLE;
	r = dm_part_open(node, &m->part, err);
	if (r == 0 && (m->part.bytes / 512 != size || m->offset >= size || m->sector_size < 512))
		r = err_set(err, E_LUKS_HEADER, ESTALE, "/dev/%s is not of the size that it had",
			    node);
	return r;
}

/*
 * The parameters as dm-crypt prints them again (dm-crypt.rst), so that both can be compared; the plan
 * gives the flags in the order that crypt_status() of the kernel has.
 */
static int format_params(struct mapping *m, struct err *err)
{
	char options[224] = "", sector[32] = "", key[VOLUME_KEY_NAME_SIZE];
	unsigned int n = m->sector_size != 512;

	volume_key_name(m->uuid, key);
	for (const char *at = m->flags; *at; at += strcspn(at, " "), at += strspn(at, " "))
		n++;
	if (m->sector_size != 512)
		text_format(sector, sizeof(sector), " sector_size:%" PRIu64, m->sector_size);
	if (n)
		text_format(options, sizeof(options), " %u%s%s%s", n, m->flags[0] ? " " : "",
			    m->flags, sector);
	if (text_format(m->params, DM_TEXT_MAX, "%s :%" PRIu64 ":logon:%s 0 %s %" PRIu64 "%s",
			m->cipher, m->key_size, key, m->part.dev, m->offset, options) < 0)
		return err_set(err, E_DM, E2BIG, "crypt parameters too long");
	return 0;
}

static int check_table(const struct mapping *m, uint64_t sectors, struct err *err)
{
	char target[DM_TARGET_SIZE], text[DM_TEXT_MAX];
	uint64_t length;
	int r = dm_status(m->name, DM_TABLE | m->writable, target, &length, text, NULL, err);

	if (r == 0 &&
	    (strcmp(target, "crypt") != 0 || length != sectors || strcmp(text, m->params) != 0))
		r = err_set(err, E_DM_TABLE, EUCLEAN, "live: %s %.160s", target, text);
	return r;
}

static int activate(struct mapping *m, struct err *err)
{
	uint64_t dev, sectors = m->part.bytes / 512 - m->offset;
	char dm_uuid[128], hex[33];
	struct uuid uuid;
	int r = format_params(m, err);

	if (r < 0)
		return r;
	if (uuid_parse(m->uuid, &uuid) < 0)
		return err_set(err, E_INTERNAL, EINVAL, "uuid=%s", m->uuid);
	sectors -= sectors % (m->sector_size / 512);
	hex_encode(uuid.b, sizeof(uuid.b), hex);
	text_format(dm_uuid, sizeof(dm_uuid), "CRYPT-LUKS2-%s-%s", hex, m->name);
	r = dm_create(m->name, dm_uuid, &dev, err);
	if (r < 0)
		return r;
	r = dm_load(m->name, "crypt", m->writable, sectors, m->params, err);
	if (r == 0)
		r = dm_resume(m->name, err);
	if (r == 0)
		r = check_table(m, sectors, err);
	if (r < 0)
		dm_remove(m->name);
	return r;
}

int activate_run(const struct step *step, const struct report *report, struct fields *result,
		 struct err *err)
{
	static struct mapping m = { .part.fd = -1 }; /* of this child */
	int r;

	(void)report;
	(void)result;
	if (fields_are(&step->args, "drop", "yes")) {
		r = step_get(step, "uuid", m.uuid, sizeof(m.uuid), err);
		if (r == 0)
			volume_key_drop(m.uuid);
		return r;
	}
	r = read_arguments(step, &m, err);
	if (r == 0)
		r = activate(&m, err);
	dm_part_close(&m.part);
	volume_key_drop(m.uuid);
	return r;
}
