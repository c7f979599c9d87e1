/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk that answers otherwise when it is read again (threat A12): after each of the reads of the
 * header in turn, the volume becomes another one, which the attacker has the key of. What opens must
 * be one of the two as a whole, and never the second one by what was read of the first.
 */
#include "modules/unlock.h"
#include "tests/unit/test.h"

#include "init/base/fs.h"
#include "init/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdlib.h>
#include <sys/mman.h>

#define IMAGE_SIZE (4 << 20)
#define KEY_SIZE 64
#define READS 3 /* how large it is, both copies, the area of its one key slot */

static const char *const passphrases[2] = { "the owner's", "the attacker's" };
static uint8_t images[2][IMAGE_SIZE];
static char keys[2][KEY_SIZE], uuids[2][UUID_TEXT_SIZE];
static char path[] = "/tmp/lintel-second-read-XXXXXX";
static int disk = -1;
static unsigned int reads, turns_at;

ssize_t __real_fs_pread(int fd, void *ret, size_t size, uint64_t offset);
ssize_t __wrap_fs_pread(int fd, void *ret, size_t size, uint64_t offset);

static void become(int which)
{
	CHECK_INT(pwrite(disk, images[which], IMAGE_SIZE, 0), IMAGE_SIZE);
}

/* The one way by which lintel reads a disk; libcryptsetup has its own. */
ssize_t __wrap_fs_pread(int fd, void *ret, size_t size, uint64_t offset)
{
	if (fd == disk && reads++ == turns_at)
		become(1);
	return __real_fs_pread(fd, ret, size, offset);
}

/* It finds the header small. */
static void quiet(int level, const char *text, void *data)
{
	(void)level;
	(void)text;
	(void)data;
}

/* As `cryptsetup luksFormat` makes one, but for the time that a passphrase takes. */
static void format(int which)
{
	const struct crypt_pbkdf_type pbkdf = { .type = CRYPT_KDF_PBKDF2,
						.hash = "sha256",
						.iterations = 1000,
						.flags = CRYPT_PBKDF_NO_BENCHMARK };
	struct crypt_params_luks2 params = { .pbkdf = &pbkdf, .sector_size = 512 };
	struct crypt_device *cd = NULL;

	crypt_set_log_callback(NULL, quiet, NULL);
	crypt_metadata_locking(NULL, 0);
	memset(keys[which], 'k' + which, KEY_SIZE / 2);
	memset(keys[which] + KEY_SIZE / 2, 'K' + which, KEY_SIZE / 2);
	CHECK_INT(ftruncate(disk, 0), 0);
	CHECK_INT(ftruncate(disk, IMAGE_SIZE), 0);
	CHECK_INT(crypt_init(&cd, path), 0);
	CHECK_INT(crypt_set_metadata_size(cd, 16384, 524288), 0);
	CHECK_INT(crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, keys[which], KEY_SIZE,
			       &params),
		  0);
	CHECK_INT(crypt_keyslot_add_by_volume_key(cd, 0, keys[which], KEY_SIZE, passphrases[which],
						  strlen(passphrases[which])),
		  0);
	text_copy(uuids[which], sizeof(uuids[which]), crypt_get_uuid(cd));
	crypt_free(cd);
	CHECK_INT(pread(disk, images[which], IMAGE_SIZE, 0), IMAGE_SIZE);
}

static void make_volumes(void)
{
	disk = mkstemp(path);
	format(0);
	format(1);
	CHECK(strcmp(uuids[0], uuids[1]) != 0);
}

static bool opens(struct unlock *u, int which)
{
	char key[KEY_SIZE] = "";
	size_t size = sizeof(key);
	const char *passphrase = passphrases[which];
	int r = crypt_volume_key_get(u->cd, 0, key, &size, passphrase, strlen(passphrase));

	CHECK(r < 0 || (size == KEY_SIZE && memcmp(key, keys[which], size) == 0));
	return r == 0;
}

/* One boot of the owner's volume, which turns after so many reads. */
static void check_boot(unsigned int turns_after)
{
	static struct unlock u; /* large */
	struct err err = { .code = E_NONE };
	int which = turns_after < 2; /* the copies are the second read: what they say counts */
	uint8_t byte = 0;

	memset(&u, 0, sizeof(u));
	text_copy(u.path, sizeof(u.path), path);
	become(0);
	reads = 0;
	turns_at = turns_after;
	u.part = (struct dm_part){ .fd = disk, .bytes = IMAGE_SIZE };
	CHECK_INT(unlock_read_header(&u, &err), 0);
	CHECK_INT(reads, READS);
	become(1); /* at the latest now */
	CHECK(strcmp(u.uuid, uuids[which]) == 0);
	CHECK(strcmp(crypt_get_uuid(u.cd), uuids[which]) == 0);
	CHECK(!opens(&u, !which));
	/* the key slot of the one below the header of the other opens nothing */
	CHECK(opens(&u, which) == (turns_after != 2));
	CHECK(pwrite(u.header_fd, &byte, 1, 0) < 0);
	crypt_free(u.cd);
	close(u.header_fd);
}

TEST(second_read_of_header)
{
	make_volumes();
	for (unsigned int after = 0; after <= READS; after++)
		check_boot(after);
	close(disk);
	unlink(path);
}
