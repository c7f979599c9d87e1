/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first of three steps that open a LUKS2 volume: from its header to its volume key. The header is
 * read once and held to its profile, and nothing but that copy is used; then the key, which this child
 * gives to the kernel's keyring, and of which it reports only what goes into PCR 15 (invariants I3,
 * I4). The next steps, measure and activate, know facts and no header. Every secret lives in one
 * locked page of this child.
 */
#include "modules/unlock.h"
#include "init/base/text.h"
#include "modules/tpm2_digests.h"
#include "modules/tpm2_measure.h"
#include "modules/verb.h"
#include "modules/volume_key.h"

#include <errno.h>
#include <inttypes.h>
#include <libcryptsetup.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* What the plan says besides name and partition; all of it may be missing. */
static void take_ways(const struct step *step, struct unlock *u)
{
	const struct fields *args = &step->args;
	char ask[64];

	fields_get(args, "uuid", u->want_uuid, sizeof(u->want_uuid));
	fields_get(args, "key", u->ways.key_file, sizeof(u->ways.key_file));
	u->ways.masked = fields_are(args, "echo", "masked");
	if (fields_get(args, "ask", ask, sizeof(ask)) < 0 || ask_parse(ask, &u->ways.ask) < 0 ||
	    fields_get_u64(args, "tries", &u->ways.tries) < 0 ||
	    fields_get_u64(args, "timeout", &u->ways.timeout_s) < 0)
		u->ways.ask = 0;
}

static int open_part(const struct step *step, struct unlock *u, struct err *err)
{
	char node[48];
	int r = step_get(step, "name", u->name, sizeof(u->name), err);

	if (r == 0)
		r = step_get(step, "part", node, sizeof(node), err);
	if (r < 0)
		return r;
	take_ways(step, u);
	text_format(u->path, sizeof(u->path), "/dev/%s", node);
	return dm_part_open(node, &u->part, err);
}

/*
 * One locked page that no core dump and no further child gets. What libraries put elsewhere is locked
 * as it is touched (MCL_ONFAULT: a copy of all that PID 1 has would not fit a small machine); where
 * that cannot be, the boot does not fail for it, for the initrd has no swap.
 */
static int make_secrets(struct unlock *u, struct err *err)
{
	const struct rlimit none = { 0, 0 };
	void *map = mmap(NULL, sizeof(struct unlock_secrets), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return err_set(err, E_INTERNAL, errno, "memory: %s", strerror(errno));
	u->secrets = map;
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	if (mlock(map, sizeof(struct unlock_secrets)) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    madvise(map, sizeof(struct unlock_secrets), MADV_DONTDUMP) < 0 ||
	    madvise(map, sizeof(struct unlock_secrets), MADV_WIPEONFORK) < 0)
		return err_set(err, E_INTERNAL, errno, "memory lock: %s", strerror(errno));
	return 0;
}

/* What PCR 15 will get in each bank: made here, for the key does not leave this child readable. */
static int digest_key(struct unlock *u, struct err *err)
{
	char word[TPM2_EVENT_SIZE];
	const struct tpm2_event event = { .pcr = TPM2_PCR_SYSTEM_IDENTITY,
					  .string = word,
					  .key = (const uint8_t *)u->secrets->key,
					  .key_size = u->secrets->key_size };

	if (tpm2_volume_word(u->name, u->uuid, word) < 0)
		return err_set(err, E_LIMIT, E2BIG, "the volume's name is too long");
	return tpm2_event_digests(&u->tpm, &event, &u->digests, err);
}

static int unlock(struct unlock *u, struct err *err)
{
	int r = unlock_read_header(u, err);

	if (r == 0)
		r = volume_key_check(u->uuid, err);
	if (r == 0)
		r = make_secrets(u, err);
	if (r == 0)
		r = tpm2_open(&u->tpm, err);
	if (r == 0)
		r = tpm2_pcr_pristine(&u->tpm, TPM2_PCR_SYSTEM_IDENTITY, err);
	if (r == 0)
		r = unlock_find_key(u, err);
	if (r == 0)
		r = digest_key(u, err);
	return r < 0 ? r : volume_key_add(u->uuid, u->secrets->key, u->secrets->key_size, err);
}

/* All that the mapping is made of; nothing of it is secret. */
static int tell(const struct unlock *u, struct fields *result, struct err *err)
{
	const struct luks2_header *header = &u->header;
	char digests[TPM2_DIGESTS_TEXT];
	int r = tpm2_digests_format(&u->digests, digests, sizeof(digests));

	if (r == 0)
		r = fields_add(result, "by", u->by);
	if (r == 0 && (strcmp(u->by, "tpm2") == 0 || strcmp(u->by, "pin") == 0))
		r = fields_addf(result, "token", "%u", u->token);
	if (r == 0)
		r = fields_addf(result, "keyslot", "%u", u->keyslot);
	if (r == 0)
		r = fields_add(result, "uuid", u->uuid);
	if (r == 0)
		r = fields_add(result, "cipher", header->cipher);
	if (r == 0)
		r = fields_addf(result, "keysize", "%u", header->key_size);
	if (r == 0)
		r = fields_addf(result, "sector", "%u", header->sector_size);
	if (r == 0)
		r = fields_addf(result, "offset", "%" PRIu64, header->payload_offset / 512);
	if (r == 0)
		r = fields_addf(result, "size", "%" PRIu64, u->part.bytes / 512);
	if (r == 0)
		r = fields_add(result, "digests", digests);
	return r < 0 ? err_set(err, E_LIMIT, -r, "too many PCR banks to tell of") : 0;
}

int unlock_run(const struct step *step, const struct report *report, struct fields *result,
	       struct err *err)
{
	static struct unlock u = { .part.fd = -1, .header_fd = -1 }; /* of this child */
	int r = open_part(step, &u, err);

	u.report = report;
	u.step = step->id;
	if (r == 0)
		r = unlock(&u, err);
	if (u.cd)
		crypt_free(u.cd);
	tpm2_close(&u.tpm);
	if (u.secrets)
		explicit_bzero(u.secrets, sizeof(*u.secrets));
	dm_part_close(&u.part);
	close_fd(&u.header_fd);
	if (r < 0)
		return r; /* a key of that UUID is another volume's */
	r = tell(&u, result, err);
	if (r < 0)
		volume_key_drop(u.uuid);
	return r;
}
