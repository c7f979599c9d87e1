/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Headers of several cryptsetups with a few bytes changed, and the checksums made right again: what
 * lintel's profile lets through, libcryptsetup must load, too. Drawn from a fixed seed, so that it is the
 * same on every run.
 */
#include "tests/unit/luks2_image.h"
#include "tests/unit/test.h"

#include "init/base/text.h"

#include <libcryptsetup.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MUTATIONS 3000 /* of each header */
#define DEVICE_SIZE (64 << 20)
#define BINARY_SIZE 448 /* of the fields before the checksum */

static uint64_t state = 1;

/* Marsaglia's xorshift64. */
static unsigned int draw(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state % below);
}

static void quiet(int level, const char *text, void *data)
{
	(void)level;
	(void)text;
	(void)data;
}

/* Another byte; one less; one twice: in the JSON or, one time of eight, before it; in both copies. */
static void mutate(struct luks2_image *image)
{
	static const char words[] = "0123456789abcdefABCDEF{}[]\",:-+ =/";
	char *json = luks2_image_json(image, 0);
	size_t len = strlen(json), at = draw((unsigned int)len);
	bool binary = draw(8) == 0;

	if (binary)
		image->bytes[draw(BINARY_SIZE)] ^= (uint8_t)(1U << draw(8));
	else if (draw(4) > 0)
		json[at] = words[draw(sizeof(words) - 1)];
	else if (draw(2))
		memmove(json + at, json + at + 1, len - at);
	else
		memmove(json + at + 1, json + at, len - at);
	/* but for their offset, magic and salt, which each copy has of its own */
	if (!binary)
		memcpy(luks2_image_json(image, 1), json, image->copy_size - 4096);
	luks2_image_seal(image, 0);
	luks2_image_seal(image, 1);
}

static bool cryptsetup_loads(int fd, const char *path, const struct luks2_image *image)
{
	struct crypt_device *cd = NULL;
	bool loads;

	CHECK_INT(pwrite(fd, image->bytes, image->size, 0), (ssize_t)image->size);
	CHECK_INT(crypt_init(&cd, path), 0);
	loads = crypt_load(cd, CRYPT_LUKS2, NULL) == 0;
	crypt_free(cd);
	return loads;
}

static unsigned int try_header(const char *name, int fd, const char *path)
{
	static struct luks2_image genuine, image;
	static struct luks2_header header;
	unsigned int accepted = 0;

	luks2_image_load(&genuine, name);
	CHECK(cryptsetup_loads(fd, path, &genuine));
	for (unsigned int i = 0; i < MUTATIONS; i++) {
		struct err err;

		image = genuine;
		mutate(&image);
		if (luks2_image_parse(&image, &header, &err) < 0)
			continue;
		accepted++;
		if (!cryptsetup_loads(fd, path, &image))
			CHECK_STR(luks2_image_json(&image, 0), luks2_image_json(&genuine, 0));
	}
	return accepted;
}

TEST(luks2_mutations)
{
	static const char *const names[] = { "cryptsetup-2.4.3-default", "cryptsetup-2.6.1-argon2i",
					     "cryptsetup-2.7.5-pbkdf2", "cryptsetup-2.8.8-default",
					     "repart-257" };
	char path[] = "/tmp/lintel-mutations-XXXXXX";
	int fd = mkstemp(path);

	CHECK_INT(ftruncate(fd, DEVICE_SIZE), 0);
	crypt_set_log_callback(NULL, quiet, NULL);
	crypt_metadata_locking(NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		unsigned int accepted = try_header(names[i], fd, path);

		/* salts, digests and label may be anything; the rest is refused */
		CHECK(accepted > MUTATIONS / 50 && accepted < MUTATIONS);
	}
	unlink(path);
	close(fd);
}
