/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mutated header for every field: refused, with the field named. */
#include "init/base/attr.h"
#include "tests/unit/luks2_image.h"
#include "tests/unit/test.h"

#include <errno.h>

static struct luks2_image image;
static struct luks2_header header;
static struct err err;

struct mutation {
	const char *old, *new, *names;
};

static void check_refused(const char *fixture, const struct mutation *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char named[96];
		int r;

		luks2_image_load(&image, fixture);
		luks2_image_edit(&image, cases[i].old, cases[i].new);
		r = luks2_image_parse(&image, &header, &err);
		CHECK(r == -ENOTSUP || r == -EINVAL);
		CHECK_INT(err.code, E_LUKS_PROFILE);
		snprintf(named, sizeof(named), "header: %s ", cases[i].names);
		if (r == 0 || !strstr(err.text, named)) {
			fprintf(stderr, "%s -> %s\n", cases[i].old, cases[i].new);
			CHECK_STR(r ? err.text : "accepted", named);
		}
	}
}

TEST(luks2_segment_mutated)
{
	static const struct mutation cases[] = {
		{ "\"segments\"", "\"segment\"", "segments" },
		{ "\"segments\":{\"0\"", "\"segments\":{\"1\"", "segments.1" },
		{ "\"segments\":{", "\"segments\":{\"1\":{},", "segments.1" },
		{ "\"type\":\"crypt\"", "\"type\":\"linear\"", "segments.0.type" },
		{ "\"type\":\"crypt\"", "\"type\":\"hw-opal\"", "segments.0.type" },
		{ "\"type\":\"crypt\",", "", "segments.0.type" },
		{ "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"", "segments.0.iv_tweak" },
		{ "\"iv_tweak\":\"0\"", "\"iv_tweak\":0", "segments.0.iv_tweak" },
		{ "\"iv_tweak\":\"0\",", "", "segments.0.iv_tweak" },
		{ "\"encryption\":\"aes-xts-plain64\",\"sector",
		  "\"encryption\":\"cipher_null-ecb\",\"sector", "segments.0.encryption" },
		{ "\"encryption\":\"aes-xts-plain64\",\"sector",
		  "\"encryption\":\"aes-xts-plain\",\"sector", "segments.0.encryption" },
		{ "\"encryption\":\"aes-xts-plain64\",\"sector", "\"sector",
		  "segments.0.encryption" },
		{ "\"sector_size\":4096", "\"sector_size\":8192", "segments.0.sector_size" },
		{ "\"sector_size\":4096", "\"sector_size\":256", "segments.0.sector_size" },
		{ "\"sector_size\":4096", "\"sector_size\":1536", "segments.0.sector_size" },
		{ "\"sector_size\":4096", "\"sector_size\":\"4096\"", "segments.0.sector_size" },
		{ "\"sector_size\":4096", "\"sector_size\":4096.0", "segments.0.sector_size" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"0\"", "segments.0.offset" },
		{ "\"offset\":\"16777216\"", "\"offset\":16777216", "segments.0.offset" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"16777217\"", "segments.0.offset" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"67108864\"", "segments.0.offset" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"99999999999999999999\"",
		  "segments.0.offset" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"-4096\"", "segments.0.offset" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"8388608\"", "config.keyslots_size" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"65536\"", "keyslots.0.area.size" },
		{ "\"size\":\"dynamic\"", "\"size\":\"0\"", "segments.0.size" },
		{ "\"size\":\"dynamic\"", "\"size\":\"4097\"", "segments.0.size" },
		{ "\"size\":\"dynamic\"", "\"size\":\"67108864\"", "segments.0.size" },
		{ "\"size\":\"dynamic\"", "\"size\":\"static\"", "segments.0.size" },
		{ "\"iv_tweak\"", "\"flags\":[\"backup-final\"],\"iv_tweak\"", "segments.0.flags" },
		{ "\"iv_tweak\"", "\"integrity\":{\"type\":\"aead\"},\"iv_tweak\"",
		  "segments.0.integrity" },
	};

	check_refused("cryptsetup-2.7.5-default", cases, ARRAY_SIZE(cases));
}

TEST(luks2_keyslot_mutated)
{
	static const struct mutation cases[] = {
		{ "\"keyslots\":{\"0\"", "\"keyslots\":{\"32\"", "keyslots.32" },
		{ "\"keyslots\":{\"0\"", "\"keyslots\":{\"00\"", "keyslots.00" },
		{ "\"keyslots\":{\"0\"", "\"keyslots\":{\"1\"", "digests.0.keyslots" },
		{ "\"type\":\"luks2\"", "\"type\":\"reencrypt\"", "keyslots.0.type" },
		{ "\"key_size\":64,\"af\"", "\"key_size\":16,\"af\"", "keyslots.0.key_size" },
		{ "\"key_size\":64,\"af\"", "\"key_size\":48,\"af\"", "keyslots.0.key_size" },
		{ "\"key_size\":64,\"af\"", "\"af\"", "keyslots.0.key_size" },
		{ "\"type\":\"luks1\"", "\"type\":\"luks3\"", "keyslots.0.af.type" },
		{ "\"stripes\":4000", "\"stripes\":1", "keyslots.0.af.stripes" },
		{ "\"stripes\":4000,\"hash\":\"sha256\"", "\"stripes\":4000,\"hash\":\"sha1\"",
		  "keyslots.0.af.hash" },
		{ "\"stripes\"", "\"x\":1,\"stripes\"", "keyslots.0.af.x" },
		{ "\"type\":\"raw\"", "\"type\":\"none\"", "keyslots.0.area.type" },
		{ "\"type\":\"raw\"", "\"type\":\"journal\"", "keyslots.0.area.type" },
		{ "\"offset\":\"32768\"", "\"offset\":\"28672\"", "keyslots.0.area.offset" },
		{ "\"offset\":\"32768\"", "\"offset\":\"32769\"", "keyslots.0.area.offset" },
		{ "\"offset\":\"32768\"", "\"offset\":\"18446744073709551615\"",
		  "keyslots.0.area.offset" },
		{ "\"offset\":\"32768\"", "\"offset\":\"16777216\"", "keyslots.0.area.size" },
		{ "\"size\":\"258048\"", "\"size\":\"253952\"", "keyslots.0.area.size" },
		{ "\"size\":\"258048\"", "\"size\":\"258049\"", "keyslots.0.area.size" },
		{ "\"size\":\"258048\"", "\"size\":\"18446744073709547520\"",
		  "keyslots.0.area.size" },
		{ "\"encryption\":\"aes-xts-plain64\"", "\"encryption\":\"cipher_null-ecb\"",
		  "keyslots.0.area.encryption" },
		{ "\"key_size\":64},\"kdf\"", "\"key_size\":0},\"kdf\"",
		  "keyslots.0.area.key_size" },
		{ "\"type\":\"raw\"", "\"x\":1,\"type\":\"raw\"", "keyslots.0.area.x" },
		{ "\"type\":\"argon2id\"", "\"type\":\"argon2d\"", "keyslots.0.kdf.type" },
		{ "\"time\":4", "\"time\":0", "keyslots.0.kdf.time" },
		{ "\"time\":4", "\"time\":1001", "keyslots.0.kdf.time" },
		{ "\"memory\":65536", "\"memory\":1048577", "keyslots.0.kdf.memory" },
		{ "\"memory\":65536", "\"memory\":8", "keyslots.0.kdf.memory" },
		{ "\"cpus\":4", "\"cpus\":0", "keyslots.0.kdf.cpus" },
		{ "\"cpus\":4", "\"cpus\":5", "keyslots.0.kdf.cpus" },
		{ "\"cpus\":4", "\"cpus\":-4", "keyslots.0.kdf.cpus" },
		{ "\"cpus\":4", "\"cpus\":4,\"x\":1", "keyslots.0.kdf.x" },
		{ "\"salt\":\"", "\"salt\":\"!", "keyslots.0.kdf.salt" },
		{ "\"type\":\"luks2\"", "\"priority\":3,\"type\":\"luks2\"",
		  "keyslots.0.priority" },
		{ "\"type\":\"luks2\"", "\"x\":3,\"type\":\"luks2\"", "keyslots.0.x" },
	};
	static const struct mutation pbkdf2[] = {
		{ "\"iterations\":1000", "\"iterations\":0", "keyslots.0.kdf.iterations" },
		{ "\"iterations\":1000", "\"iterations\":100000001", "keyslots.0.kdf.iterations" },
		{ "\"iterations\":1000", "\"iterations\":2147483648", "keyslots.0.kdf.iterations" },
		{ "\"iterations\":1000", "\"iterations\":1e3", "keyslots.0.kdf.iterations" },
		{ "\"type\":\"pbkdf2\",\"hash\":\"sha512\"", "\"type\":\"pbkdf2\",\"hash\":\"md5\"",
		  "keyslots.0.kdf.hash" },
	};

	check_refused("cryptsetup-2.7.5-default", cases, ARRAY_SIZE(cases));
	check_refused("cryptsetup-2.7.5-pbkdf2", pbkdf2, ARRAY_SIZE(pbkdf2));
}

TEST(luks2_digest_config_mutated)
{
	static const struct mutation cases[] = {
		{ "\"digests\":{\"0\"", "\"digests\":{\"1\"", "digests.1" },
		{ "\"digests\":{", "\"digests\":{\"1\":{},", "digests.1" },
		{ "\"type\":\"pbkdf2\"", "\"type\":\"hmac\"", "digests.0.type" },
		{ "\"keyslots\":[\"0\"]", "\"keyslots\":[]", "digests.0.keyslots" },
		{ "\"keyslots\":[\"0\"]", "\"keyslots\":[\"0\",\"1\"]", "digests.0.keyslots" },
		{ "\"keyslots\":[\"0\"]", "\"keyslots\":[\"0\",\"0\"]", "digests.0.keyslots" },
		{ "\"keyslots\":[\"0\"]", "\"keyslots\":[0]", "digests.0.keyslots" },
		{ "\"keyslots\":[\"0\"]", "\"keyslots\":[\"00\"]", "digests.0.keyslots" },
		{ "\"segments\":[\"0\"]", "\"segments\":[]", "digests.0.segments" },
		{ "\"segments\":[\"0\"]", "\"segments\":[\"1\"]", "digests.0.segments" },
		{ "\"hash\":\"sha256\",\"iterations\":", "\"hash\":\"sha1\",\"iterations\":",
		  "digests.0.hash" },
		{ "\"hash\":\"sha256\",\"iterations\":", "\"hash\":\"sha512\",\"iterations\":",
		  "digests.0.digest" },
		{ "\"iterations\":", "\"iterations\":9999999", "digests.0.iterations" },
		{ "\"digest\":\"", "\"digest\":\"AAAA", "digests.0.digest" },
		{ "\"segments\":[", "\"x\":0,\"segments\":[", "digests.0.x" },
		{ "\"json_size\":\"12288\"", "\"json_size\":\"12287\"", "config.json_size" },
		{ "\"json_size\":\"12288\",", "", "config.json_size" },
		{ "\"keyslots_size\":\"16744448\"", "\"keyslots_size\":\"16748544\"",
		  "config.keyslots_size" },
		{ "\"keyslots_size\":\"16744448\"", "\"keyslots_size\":\"16744447\"",
		  "config.keyslots_size" },
		{ "\"keyslots_size\":\"16744448\"", "\"keyslots_size\":\"4096\"",
		  "config.keyslots_size" },
		{ "\"json_size\"", "\"flags\":[\"no-verify\"],\"json_size\"",
		  "config.flags.no-verify" },
		{ "\"json_size\"", "\"flags\":[\"no-journal no\"],\"json_size\"",
		  "config.flags.no-journal?no" },
		{ "\"json_size\"", "\"flags\":[1],\"json_size\"", "config.flags" },
		{ "\"json_size\"",
		  "\"requirements\":{\"mandatory\":[\"online-reencrypt\"]},\"json_size\"",
		  "config.requirements.mandatory" },
		{ "\"json_size\"", "\"requirements\":{\"x\":[]},\"json_size\"",
		  "config.requirements.x" },
		{ "\"json_size\"", "\"x\":0,\"json_size\"", "config.x" },
		{ "\"tokens\":{}", "\"tokens\":[]", "tokens" },
		{ "\"tokens\":{}", "\"tokens\":{\"0\":{\"keyslots\":[]}}", "tokens.0.type" },
		{ "\"tokens\":{}", "\"tokens\":{\"0\":{\"type\":\"a\",\"keyslots\":[\"1\"]}}",
		  "tokens.0.keyslots" },
		{ "\"tokens\":{}", "\"tokens\":{\"32\":{}}", "tokens.32" },
		{ "\"tokens\":{}", "\"tokens\":{},\"x\":0", "x" },
		{ "\"tokens\":{}", "\"tokens\":{},\"\\u001b[1m\":0", "??1m" },
	};

	check_refused("cryptsetup-2.7.5-default", cases, ARRAY_SIZE(cases));
}

/* What other versions and options of cryptsetup write. */
TEST(luks2_variants_pass)
{
	static const struct mutation cases[] = {
		{ "\"sector_size\":4096", "\"sector_size\":1024", "" },
		{ "\"size\":\"dynamic\"", "\"size\":\"4096\"", "" },
		{ "\"size\":\"dynamic\"", "\"size\":\"50331648\"", "" },
		{ "\"json_size\"",
		  "\"flags\":[\"allow-discards\",\"no-read-workqueue\"],\"json_size\"", "" },
		{ "\"json_size\"", "\"requirements\":{\"mandatory\":[]},\"json_size\"", "" },
		{ "\"type\":\"luks2\"", "\"priority\":2,\"type\":\"luks2\"", "" },
		{ "\"tokens\":{}",
		  "\"tokens\":{\"31\":{\"type\":\"a\",\"keyslots\":[],\"b\":[{}]}}", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		luks2_image_load(&image, "cryptsetup-2.7.5-default");
		luks2_image_edit(&image, cases[i].old, cases[i].new);
		CHECK_INT(luks2_image_parse(&image, &header, &err), 0);
	}
}

/* Two keyslots whose areas touch, and overlap. */
TEST(luks2_areas_overlap)
{
	for (int overlap = 0; overlap < 2; overlap++) {
		static char slot[2048], more[2200];
		const char *json, *end;
		char *at;

		luks2_image_load(&image, "cryptsetup-2.7.5-default");
		json = luks2_image_json(&image, 0) + strlen("{\"keyslots\":{\"0\":");
		end = strstr(json, "},\"tokens\"");
		snprintf(slot, sizeof(slot), "%.*s", (int)(end - json), json);
		at = strstr(slot, "\"32768\"");
		snprintf(more, sizeof(more), ",\"1\":%.*s\"%d\"%s},\"tokens\"", (int)(at - slot),
			 slot, overlap ? 286720 : 290816, at + 7);
		luks2_image_edit(&image, "},\"tokens\"", more);
		luks2_image_edit(&image, "\"keyslots\":[\"0\"]", "\"keyslots\":[\"0\",\"1\"]");
		CHECK_INT(luks2_image_parse(&image, &header, &err), overlap ? -ENOTSUP : 0);
		CHECK_INT(header.n_keyslots, overlap ? 1 : 2);
		CHECK(!overlap || strstr(err.text, "keyslots.1.area.offset lets it overlap"));
	}
}
