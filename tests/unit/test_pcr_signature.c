/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/tpm2_token.h"
#include "init/base/attr.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>

static struct pcr_signature found;
static struct err err;

#define RSA_KEY "264bedd2b327be5c6c569ffaa510107021f196ce36c2c3fbc6100f21fd6fac9f"
#define EC_KEY "5e7e4b09259481fa0cca0bab341e0173dcf43d166c1a8bdbccd65b75561095ee"

/* policy: in hex; NULL: any. */
static int find(const char *json, const char *bank, uint32_t pcrs, const char *key,
		const char *policy)
{
	uint8_t fingerprint[32], digest[32];
	struct pcr_wanted wanted = { bank, "", pcrs, fingerprint, policy ? digest : NULL, 0 };

	hex_decode(key, fingerprint, sizeof(fingerprint));
	if (policy)
		wanted.policy_size = (size_t)hex_decode(policy, digest, sizeof(digest));
	return pcr_signature_find(json, strlen(json), &wanted, &found, &err);
}

TEST(pcr_signature_golden)
{
	static char json[PCR_SIGNATURE_JSON_MAX];
	static const char *const policies[] = {
		"93a4f6f76c7e972f737cd921300d2bd01aa7f19f53e5d44c1e1c651b8d505f7f",
		"2cee5695d5f29759f6aeb3cf167aef415cf67447355ba4ad0473819393edb51d",
	};

	CHECK(fs_read(AT_FDCWD, "tests/fixtures/tokens/signatures.json", json, sizeof(json)) > 0);
	for (unsigned int i = 0; i < 4; i++) {
		const char *key = i < 2 ? RSA_KEY : EC_KEY, *policy = policies[i % 2];
		char hex[65] = "";

		CHECK_INT(find(json, "sha256", 1 << 11, key, policy), 0);
		hex_encode(found.policy, found.policy_size, hex);
		CHECK_STR(hex, policy);
		CHECK(i < 2 ? found.signature_size == 256 : found.signature_size < 73);
	}
	CHECK_INT(find(json, "sha256", 1 << 11, RSA_KEY, NULL), 0);
	/* another policy, and the beginning of one */
	CHECK_INT(find(json, "sha256", 1 << 11, RSA_KEY, RSA_KEY), -ENOENT);
	CHECK_INT(find(json, "sha256", 1 << 11, RSA_KEY, "93a4f6f7"), -ENOENT);
	CHECK_INT(find(json, "sha256", 1 << 7, RSA_KEY, NULL), -ENOENT);
	CHECK_INT(find(json, "sha1", 1 << 11, RSA_KEY, NULL), -ENOENT);
}

TEST(pcr_signature_malformed)
{
	static const struct {
		const char *json, *names;
	} cases[] = {
		{ "[]", "JSON" },
		{ "{\"sha256\":{}}", "sha256 " },
		{ "{\"sha256\":[1]}", "sha256 " },
		{ "{\"sha256\":[{}]}", "sha256.pcrs " },
		{ "{\"sha256\":[{\"pcrs\":[24]}]}", "sha256.pcrs " },
		{ "{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"00\"}]}", "sha256.pkfp " },
		{ "{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" EC_KEY "\"}]}", "sha256.pol " },
		{ "{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" EC_KEY "\",\"pol\":\"00\"}]}",
		  "sha256.sig " },
		{ "{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" EC_KEY
		  "\",\"pol\":\"00\",\"sig\":\"=\"}]}",
		  "sha256.sig " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(find(cases[i].json, "sha256", 1 << 11, EC_KEY, NULL), -EINVAL);
		CHECK_INT(err.code, E_PCR_SIGNATURE);
		if (!strstr(err.text, cases[i].names))
			CHECK_STR(err.text, cases[i].names);
	}
	/* an entry that is for another name, or of a later systemd */
	CHECK_INT(find("{\"sha256\":[{\"pcrs\":[11],\"new\":1}]}", "sha256", 1 << 11, EC_KEY, NULL),
		  -ENOENT);
	CHECK_INT(find("{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" EC_KEY "\",\"ref\":\"x\"}]}",
		       "sha256", 1 << 11, EC_KEY, NULL),
		  -ENOENT);
}
