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

static int find(const char *json, const char *bank, uint32_t pcrs, const char *key, unsigned int n)
{
	uint8_t fingerprint[32];
	const struct pcr_signer by = { bank, "", pcrs, fingerprint };

	hex_decode(key, fingerprint, sizeof(fingerprint));
	return pcr_signature_find(json, strlen(json), &by, n, &found, &err);
}

TEST(pcr_signature_golden)
{
	static char json[PCR_SIGNATURE_JSON_MAX];
	static const uint8_t policies[2][2] = { { 0x93, 0xa4 }, { 0x2c, 0xee } };

	CHECK(fs_read(AT_FDCWD, "tests/fixtures/tokens/signatures.json", json, sizeof(json)) > 0);
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_INT(find(json, "sha256", 1 << 11, i < 2 ? RSA_KEY : EC_KEY, i % 2), 0);
		CHECK(found.policy_size == 32 && memcmp(found.policy, policies[i % 2], 2) == 0);
		CHECK(i < 2 ? found.signature_size == 256 : found.signature_size < 73);
	}
	CHECK_INT(find(json, "sha256", 1 << 11, RSA_KEY, 2), -ENOENT);
	CHECK_INT(find(json, "sha256", 1 << 7, RSA_KEY, 0), -ENOENT);
	CHECK_INT(find(json, "sha1", 1 << 11, RSA_KEY, 0), -ENOENT);
	CHECK_INT(find(json, "sha256", 1 << 11, EC_KEY "", 2), -ENOENT);
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
		CHECK_INT(find(cases[i].json, "sha256", 1 << 11, EC_KEY, 0), -EINVAL);
		CHECK_INT(err.code, E_PCR_SIGNATURE);
		if (!strstr(err.text, cases[i].names))
			CHECK_STR(err.text, cases[i].names);
	}
	/* an entry that is for another name, or of a later systemd */
	CHECK_INT(find("{\"sha256\":[{\"pcrs\":[11],\"new\":1}]}", "sha256", 1 << 11, EC_KEY, 0),
		  -ENOENT);
	CHECK_INT(find("{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" EC_KEY "\",\"ref\":\"x\"}]}",
		       "sha256", 1 << 11, EC_KEY, 0),
		  -ENOENT);
}
