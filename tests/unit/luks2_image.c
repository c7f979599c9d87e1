/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/luks2_image.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <openssl/sha.h>

void luks2_image_load(struct luks2_image *image, const char *name)
{
	static char file[65536];
	char path[96], *at = file;
	ssize_t n;

	text_format(path, sizeof(path), "tests/fixtures/luks2/%s", name);
	memset(image, 0, sizeof(*image));
	n = fs_read(AT_FDCWD, path, file, sizeof(file));
	CHECK(n > 1024);
	image->copy_size = (size_t)(uint8_t)file[14] << 8 | (size_t)(uint8_t)file[13] << 16;
	image->size = 2 * image->copy_size;
	CHECK(n > 1024 && image->size <= sizeof(image->bytes));
	if (n <= 1024 || image->size > sizeof(image->bytes))
		abort();
	for (size_t copy = 0; copy < 2; copy++) {
		uint8_t *to = image->bytes + copy * image->copy_size;

		memcpy(to, at, 512);
		memcpy(to + 4096, at + 512, strlen(at + 512));
		at += 512 + strlen(at + 512) + 1;
	}
}

char *luks2_image_json(struct luks2_image *image, int copy)
{
	return (char *)image->bytes + (size_t)copy * image->copy_size + 4096;
}

/* By another SHA-256 than the one that is tested. */
void luks2_image_seal(struct luks2_image *image, int copy)
{
	uint8_t *at = image->bytes + (size_t)copy * image->copy_size;
	uint8_t digest[32];

	memset(at + 448, 0, 64);
	SHA256(at, image->copy_size, digest);
	memcpy(at + 448, digest, sizeof(digest));
}

void luks2_image_edit(struct luks2_image *image, const char *old, const char *new)
{
	for (int copy = 0; copy < 2; copy++) {
		char *at = strstr(luks2_image_json(image, copy), old);

		if (!at) {
			CHECK_STR(old, "in the header");
			return;
		}
		memmove(at + strlen(new), at + strlen(old), strlen(at + strlen(old)) + 1);
		memcpy(at, new, strlen(new));
		/* what a shorter text left behind */
		at = luks2_image_json(image, copy);
		memset(at + strlen(at), 0, image->copy_size - 4096 - strlen(at));
		luks2_image_seal(image, copy);
	}
}

int luks2_image_parse(const struct luks2_image *image, struct luks2_header *ret, struct err *err)
{
	const struct luks2_limits limits = { 64 << 20, 1 << 20 };
	uint8_t *copy = malloc(image->size); /* so that a sanitizer sees a read beyond it */
	int r;

	memcpy(copy, image->bytes, image->size);
	err->code = E_NONE;
	r = luks2_header_parse(copy, image->size, &limits, ret, err);
	free(copy);
	return r;
}
