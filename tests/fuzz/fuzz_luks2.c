/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The JSON of a LUKS2 header, sealed into two intact copies (else no mutation would pass the
 * checksum), and the raw bytes as a header. What is accepted lies within the device and the profile.
 */
#include "generators/sources/luks2.h"
#include "init/base/sha256.h"
#include "tests/fuzz/fuzz.h"

static uint8_t image[32768];
static const struct luks2_limits limits = { 64 << 20, 1 << 20 };

static void make_copy(uint8_t *at, int secondary, const uint8_t *data, size_t size)
{
	struct sha256 hash;

	memcpy(at, secondary ? "SKUL\xba\xbe\0\2" : "LUKS\xba\xbe\0\2", 8);
	at[14] = 0x40;
	strcpy((char *)at + 72, "sha256");
	strcpy((char *)at + 168, "5f37f57c-bd24-4ea2-a276-a5e61f51a3e1");
	at[262] = secondary ? 0x40 : 0;
	memcpy(at + 4096, data, size);
	sha256_init(&hash);
	sha256_add(&hash, at, 16384);
	sha256_end(&hash, at + 448);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct luks2_header header;
	struct err err;

	luks2_header_parse(data, size, &limits, &header, &err);
	if (size > 12287)
		return 0;
	memset(image, 0, sizeof(image));
	make_copy(image, 0, data, size);
	make_copy(image + 16384, 1, data, size);
	if (luks2_header_parse(image, sizeof(image), &limits, &header, &err) < 0) {
		must(err.code == E_LUKS_HEADER || err.code == E_LUKS_PROFILE);
		return 0;
	}
	must(strcmp(header.cipher, "aes-xts-plain64") == 0 && header.n_keyslots > 0);
	must(header.payload_offset > 32768 && header.payload_offset < limits.device_bytes);
	for (size_t i = 0; i < header.n_keyslots; i++) {
		const struct luks2_keyslot *slot = &header.keyslots[i];

		must(slot->area_offset >= 32768 && slot->area_size >= slot->key_size * 4000);
		must(slot->area_offset + slot->area_size <= header.payload_offset);
		must(slot->memory_kib <= limits.kdf_memory_kib);
	}
	for (size_t i = 0; i < header.n_tokens; i++)
		must(header.tokens[i].json[0] == '{' &&
		     header.tokens[i].json[header.tokens[i].json_size - 1] == '}');
	return 0;
}
