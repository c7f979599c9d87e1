/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens a LUKS2 volume with the key that the TPM releases. The order is the point (invariants I3,
 * I4): the header is read once and held to its profile; nothing but that copy is used; then unseal,
 * the volume key, its measurement into PCR 15, and only then the device, whose live table is read back.
 * Every secret lives in one locked page of this child.
 */
#include "generators/sources/luks2.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/dm.h"
#include "modules/tpm2_measure.h"
#include "modules/unlock.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libcryptsetup.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>

#define KDF_MEMORY_MAX_KIB (UINT64_C(1) << 20)
#define AREA_MAX (UINT64_C(128) << 20) /* cryptsetup's own limit of the key slots' area */

/* libcryptsetup talks to standard error otherwise; a failure is told by its return value. */
static void quiet(int level, const char *text, void *data)
{
	(void)level;
	(void)text;
	(void)data;
}

/* What the plan says besides name and partition; all of it may be missing. */
static void take_ways(const struct step *step, struct unlock *u)
{
	const struct fields *args = &step->args;
	char ask[64];

	fields_get(args, "uuid", u->want_uuid, sizeof(u->want_uuid));
	fields_get(args, "flags", u->flags, sizeof(u->flags));
	fields_get(args, "key", u->ways.key_file, sizeof(u->ways.key_file));
	u->read_only = fields_are(args, "ro", "yes");
	u->ways.masked = fields_are(args, "echo", "masked");
	if (fields_get(args, "ask", ask, sizeof(ask)) < 0 || ask_parse(ask, &u->ways.ask) < 0 ||
	    fields_get_u64(args, "tries", &u->ways.tries) < 0 ||
	    fields_get_u64(args, "timeout", &u->ways.timeout_s) < 0)
		u->ways.ask = 0;
}

static int open_part(const struct step *step, struct unlock *u, struct err *err)
{
	char part[48];
	struct stat st;
	int r = step_get(step, "name", u->name, sizeof(u->name), err);

	if (r == 0)
		r = step_get(step, "part", part, sizeof(part), err);
	if (r < 0)
		return r;
	take_ways(step, u);
	text_format(u->path, sizeof(u->path), "/dev/%s", part);
	u->fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (u->fd < 0 || fstat(u->fd, &st) < 0)
		return err_set(err, E_IO, errno, "%s: %s", u->path, strerror(errno));
	if (!S_ISBLK(st.st_mode) || ioctl(u->fd, BLKGETSIZE64, &u->bytes) < 0)
		return err_set(err, E_IO, ENOTBLK, "%s is no block device", u->path);
	return text_format(u->dev, sizeof(u->dev), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
}

/* A key derivation may take half of what is free, and 1 GiB at the most (threat A15). */
static uint64_t kdf_memory_kib(void)
{
	struct sysinfo info;
	uint64_t free_kib;

	if (sysinfo(&info) < 0)
		return 0;
	free_kib = (uint64_t)info.freeram * info.mem_unit / 1024 / 2;
	return free_kib < KDF_MEMORY_MAX_KIB ? free_kib : KDF_MEMORY_MAX_KIB;
}

static int map_header(struct unlock *u, int protection, uint8_t **ret, struct err *err)
{
	void *map = mmap(NULL, u->header_size, protection, MAP_SHARED, u->header_fd, 0);

	if (map == MAP_FAILED)
		return err_set(err, E_INTERNAL, errno, "memfd: %s", strerror(errno));
	*ret = map;
	return 0;
}

static int copy_area(struct unlock *u, uint8_t *map, uint64_t offset, uint64_t size,
		     struct err *err)
{
	if (offset > u->header_size || size > u->header_size - offset)
		return err_set(err, E_LUKS_HEADER, E2BIG, "%s: a key slot beyond the header's area",
			       u->path);
	if (fs_pread(u->fd, map + offset, size, offset) != (ssize_t)size)
		return err_set(err, E_IO, EIO, "%s: the header cannot be read", u->path);
	return 0;
}

/* The header's two copies, of the size that the first one says; where it is bad, of any size. */
static uint64_t copies_size(const struct unlock *u)
{
	uint8_t start[16] = { 0 };
	uint64_t size = 0;

	if (fs_pread(u->fd, start, sizeof(start), 0) == sizeof(start) &&
	    memcmp(start, LUKS2_VERSION_MAGIC, 6) == 0)
		for (int i = 8; i < 16; i++)
			size = size << 8 | start[i];
	size = size && size <= LUKS2_HEADER_MAX / 2 ? 2 * size : LUKS2_HEADER_MAX;
	return size < u->header_size ? size : u->header_size;
}

/*
 * Header and key slots are read once, into memory that nobody can write to any more: what was
 * checked is what is used, whatever the disk says the next time (threat A12).
 */
static int read_header(struct unlock *u, struct err *err)
{
	const struct luks2_limits limits = { u->bytes, kdf_memory_kib() };
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	uint64_t copies;
	uint8_t *map = NULL;
	int r;

	u->header_size = u->bytes < AREA_MAX ? u->bytes : AREA_MAX;
	u->header_fd = memfd_create("luks2", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (u->header_fd < 0 || ftruncate(u->header_fd, (off_t)u->header_size) < 0)
		return err_set(err, E_INTERNAL, errno, "memfd: %s", strerror(errno));
	r = map_header(u, PROT_READ | PROT_WRITE, &map, err);
	if (r < 0)
		return r;
	copies = copies_size(u);
	r = copy_area(u, map, 0, copies, err);
	if (r == 0)
		r = luks2_header_parse(map, copies, &limits, &u->header, err);
	for (size_t i = 0; i < u->header.n_keyslots && r == 0; i++)
		r = copy_area(u, map, u->header.keyslots[i].area_offset,
			      u->header.keyslots[i].area_size, err);
	munmap(map, u->header_size);
	if (r < 0)
		return r;
	if (fcntl(u->header_fd, F_ADD_SEALS, seals) < 0)
		return err_set(err, E_INTERNAL, errno, "seal: %s", strerror(errno));
	r = map_header(u, PROT_READ, &map, err);
	return r < 0 ? r : luks2_header_parse(map, copies, &limits, &u->header, err);
}

static int load_header(struct unlock *u, struct err *err)
{
	char path[32];
	int r;

	text_format(path, sizeof(path), "/proc/self/fd/%d", u->header_fd);
	crypt_set_log_callback(NULL, quiet, NULL);
	crypt_set_debug_level(CRYPT_DEBUG_NONE);
	crypt_metadata_locking(NULL, 0);
	crypt_token_external_disable();
	r = crypt_init_data_device(&u->cd, path, u->path);
	if (r == 0)
		r = crypt_load(u->cd, CRYPT_LUKS2, NULL);
	if (r < 0)
		return err_set(err, E_LUKS_HEADER, -r, "%s: libcryptsetup: %s", u->path,
			       strerror(-r));
	uuid_format(&u->header.uuid, u->uuid);
	if (u->want_uuid[0] && strcmp(u->want_uuid, u->uuid) != 0)
		return err_set(err, E_CRYPTTAB, ENXIO, "%s has UUID %s; the words are about %s",
			       u->path, u->uuid, u->want_uuid);
	return 0;
}

/* One locked page that no core dump and no further child gets. */
static int make_secrets(struct unlock *u, struct err *err)
{
	const struct rlimit none = { 0, 0 };
	void *map = mmap(NULL, sizeof(struct unlock_secrets), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return err_set(err, E_INTERNAL, errno, "memory: %s", strerror(errno));
	u->secrets = map;
	if (mlock(map, sizeof(struct unlock_secrets)) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    madvise(map, sizeof(struct unlock_secrets), MADV_DONTDUMP) < 0 ||
	    madvise(map, sizeof(struct unlock_secrets), MADV_WIPEONFORK) < 0)
		return err_set(err, E_INTERNAL, errno, "memory lock: %s", strerror(errno));
	return 0;
}

/*
 * The parameters as dm-crypt prints them again (dm-crypt.rst), so that both can be compared; the plan
 * gives the flags in the order that crypt_status() of the kernel has.
 */
static void format_params(const struct unlock *u, const char *key, char ret[DM_TEXT_MAX])
{
	char options[224] = "", sector[32] = "";
	unsigned int n = u->header.sector_size != 512;

	for (const char *at = u->flags; *at; at += strcspn(at, " "), at += strspn(at, " "))
		n++;
	if (u->header.sector_size != 512)
		text_format(sector, sizeof(sector), " sector_size:%u", u->header.sector_size);
	if (n)
		text_format(options, sizeof(options), " %u%s%s%s", n, u->flags[0] ? " " : "",
			    u->flags, sector);
	text_format(ret, DM_TEXT_MAX, "%s :%u:logon:%s 0 %s %" PRIu64 "%s", u->header.cipher,
		    u->header.key_size, key, u->dev, u->header.payload_offset / 512, options);
}

static unsigned int writable(const struct unlock *u)
{
	return u->read_only ? 0 : DM_WRITABLE;
}

static int check_table(const struct unlock *u, uint64_t sectors, const char *params,
		       struct err *err)
{
	char target[DM_TARGET_SIZE], text[DM_TEXT_MAX];
	uint64_t length;
	int r = dm_status(u->name, DM_TABLE | writable(u), target, &length, text, err);

	if (r == 0 &&
	    (strcmp(target, "crypt") != 0 || length != sectors || strcmp(text, params) != 0))
		r = err_set(err, E_DM_TABLE, EUCLEAN, "live: %s %.160s", target, text);
	return r;
}

/*
 * By ioctl and not by libcryptsetup, which would derive the digest of the volume key once more, for
 * longer than all else here takes. The key goes to dm-crypt by this child's keyring and dies with it.
 */
static int activate(struct unlock *u, struct err *err)
{
	char key[64], uuid[128], params[DM_TEXT_MAX], hex[33];
	uint64_t dev, sectors = (u->bytes - u->header.payload_offset) / 512;
	int r;

	sectors -= sectors % (u->header.sector_size / 512);
	text_format(key, sizeof(key), "cryptsetup:%s-d0", u->uuid); /* names as libcryptsetup's */
	hex_encode(u->header.uuid.b, 16, hex);
	text_format(uuid, sizeof(uuid), "CRYPT-LUKS2-%s-%s", hex, u->name);
	format_params(u, key, params);
	if (syscall(SYS_add_key, "logon", key, u->secrets->key, u->secrets->key_size,
		    KEY_SPEC_THREAD_KEYRING) < 0)
		return err_set(err, E_UNLOCK, errno, "add key: %s", strerror(errno));
	r = dm_create(u->name, uuid, &dev, err);
	if (r < 0)
		return r;
	r = dm_load(u->name, "crypt", writable(u), sectors, params, err);
	if (r == 0)
		r = dm_resume(u->name, err);
	if (r == 0)
		r = check_table(u, sectors, params, err);
	if (r < 0)
		dm_remove(u->name);
	return r;
}

static int unlock(struct unlock *u, struct err *err)
{
	int r = read_header(u, err);

	if (r == 0)
		r = load_header(u, err);
	if (r == 0)
		r = make_secrets(u, err);
	if (r == 0)
		r = tpm2_open(&u->tpm, err);
	if (r == 0)
		r = tpm2_pcr_pristine(&u->tpm, TPM2_PCR_SYSTEM_IDENTITY, err);
	if (r == 0)
		r = unlock_find_key(u, err);
	if (r == 0)
		r = tpm2_measure_volume(&u->tpm, u->name, u->uuid, (const uint8_t *)u->secrets->key,
					u->secrets->key_size, err);
	return r < 0 ? r : activate(u, err);
}

int unlock_run(const struct step *step, const struct report *report, struct fields *result,
	       struct err *err)
{
	static struct unlock u = { .fd = -1, .header_fd = -1 }; /* of this child */
	int r = open_part(step, &u, err);

	(void)report;
	if (r == 0)
		r = unlock(&u, err);
	if (u.cd)
		crypt_free(u.cd);
	tpm2_close(&u.tpm);
	if (u.secrets)
		explicit_bzero(u.secrets, sizeof(*u.secrets));
	close_fd(&u.fd);
	close_fd(&u.header_fd);
	if (r == 0)
		r = fields_add(result, "by", u.by);
	if (r == 0 && (strcmp(u.by, "tpm2") == 0 || strcmp(u.by, "pin") == 0))
		r = fields_addf(result, "token", "%u", u.token);
	return r < 0 ? r : fields_addf(result, "keyslot", "%u", u.keyslot);
}
