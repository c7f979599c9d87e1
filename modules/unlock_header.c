/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one reading of a LUKS2 header. What was checked is what is used, here and by the later steps
 * of the volume, whatever the disk says the next time (threat A12).
 */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define KDF_MEMORY_MAX_KIB (UINT64_C(1) << 20)
#define AREA_MAX (UINT64_C(128) << 20) /* cryptsetup's own limit of the key slots' area */

/* libcryptsetup talks to standard error otherwise; a failure is told by its return value. */
static void quiet(int level, const char *text, void *data)
{
	(void)level;
	(void)text;
	(void)data;
}

/* Half of what is free, and 1 GiB at the most. */
uint64_t unlock_kdf_memory_kib(void)
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
	if (fs_pread(u->part.fd, map + offset, size, offset) != (ssize_t)size)
		return err_set(err, E_IO, EIO, "%s: the header cannot be read", u->path);
	return 0;
}

/* The header's two copies, of the size that the first one says; where it is bad, of any size. */
static uint64_t copies_size(const struct unlock *u)
{
	uint8_t start[16] = { 0 };
	uint64_t size = 0;

	if (fs_pread(u->part.fd, start, sizeof(start), 0) == sizeof(start) &&
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
static int read_copy(struct unlock *u, struct err *err)
{
	const struct luks2_limits limits = { u->part.bytes, unlock_kdf_memory_kib() };
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	uint64_t copies;
	uint8_t *map = NULL;
	int r;

	u->header_size = u->part.bytes < AREA_MAX ? u->part.bytes : AREA_MAX;
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

static int load_copy(struct unlock *u, struct err *err)
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

int unlock_read_header(struct unlock *u, struct err *err)
{
	int r = read_copy(u, err);

	return r < 0 ? r : load_copy(u, err);
}
