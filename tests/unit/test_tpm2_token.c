/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens and signatures that systemd 252, 257 and 262 wrote, and what is near them. */
#include "generators/sources/tpm2_token.h"
#include "init/base/attr.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>

static struct tpm2_token token;
static struct err err;
static char json[TPM2_TOKEN_JSON_MAX + 2];

static void load(const char *name)
{
	char path[96];

	text_format(path, sizeof(path), "tests/fixtures/tokens/%s.json", name);
	CHECK(fs_read(AT_FDCWD, path, json, sizeof(json)) > 0);
}

TEST(tpm2_token_golden)
{
	static const struct {
		const char *name;
		uint32_t pcrs, pubkey_pcrs;
		enum tpm2_primary primary;
		bool pin, pubkey, salt, srk;
	} cases[] = {
		{ "legacy", 1 << 7, 1 << 11, TPM2_PRIMARY_ECC, false, true, false, false },
		{ "legacy-pin", 1 << 7 | 1 << 11, 0, TPM2_PRIMARY_ECC, true, false, false, false },
		{ "literal", 1 << 7 | 1 << 11, 0, TPM2_PRIMARY_ECC, false, false, false, true },
		{ "pin", 1 << 7, 1 << 11, TPM2_PRIMARY_ECC, true, true, true, true },
		{ "signed", 0, 1 << 11, TPM2_PRIMARY_ECC, false, true, false, true },
		{ "ec-key", 0, 1 << 11, TPM2_PRIMARY_ECC, false, true, false, true },
		/* tpm2-pin and tpm2_pcrlock stand there since 262 only where they are true */
		{ "../tpm2/v262-literal", 1 << 7 | 1 << 11, 0, TPM2_PRIMARY_ECC, false, false,
		  false, true },
		{ "../tpm2/v262-signed", 0, 1 << 11, TPM2_PRIMARY_ECC, false, true, false, true },
		{ "../tpm2/v262-pin", 1 << 7, 1 << 11, TPM2_PRIMARY_ECC, true, true, true, true },
		{ "rsa-srk", 1 << 7 | 1 << 11, 0, TPM2_PRIMARY_RSA, false, false, false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		load(cases[i].name);
		CHECK_INT(tpm2_token_parse(json, strlen(json), &token, &err), 0);
		CHECK_INT(token.keyslots, 2);
		CHECK_INT(token.pcrs, cases[i].pcrs);
		CHECK_INT(token.pubkey_pcrs, cases[i].pubkey_pcrs);
		CHECK_INT(token.primary, cases[i].primary);
		CHECK_INT(token.pin, cases[i].pin);
		CHECK(!token.pcrlock && token.nv_size == 0);
		CHECK_STR(token.bank, "sha256");
		CHECK(token.blob_size > 200 && token.blob[0] == 0 && token.policy_hash_size == 32);
		CHECK_INT(token.pubkey_size > 0, cases[i].pubkey);
		CHECK_INT(token.salt_size, cases[i].salt ? 32 : 0);
		CHECK_INT(token.srk_size > 0, cases[i].srk);
	}
	CHECK_INT(token.srk[0], 0x81); /* the handle 0x81000001 */
}

#define HEAD "{\"type\":\"systemd-tpm2\",\"keyslots\":[\"0\"],"
#define PCRS "\"tpm2-pcrs\":[7],"
#define BLOB "\"tpm2-blob\":\"AAAA\","
#define HASH "\"tpm2-policy-hash\":\"00ff\""

#define ARGON2(memory, passes, lanes)                                                              \
	HEAD PCRS BLOB HASH ",\"tpm2-pin\":true,\"tpm2_salt\":\"AAAAAAAAAAA=\","                   \
			    "\"tpm2_argon2id_memcost\":" memory                                    \
			    ",\"tpm2_argon2id_iterations\":" passes                                \
			    ",\"tpm2_argon2id_lanes\":" lanes "}"

TEST(tpm2_token_refused)
{
	static const struct {
		const char *json;
		int r;
		const char *names;
	} cases[] = {
		{ "", -EINVAL, "JSON" },
		{ "{}", -EINVAL, "type is missing" },
		{ "{\"type\":\"systemd-fido2\"}", -ENOTSUP, "type " },
		{ HEAD BLOB HASH "}", -EINVAL, "tpm2-pcrs is missing" },
		{ HEAD PCRS HASH "}", -EINVAL, "tpm2-blob is missing" },
		{ "{\"type\":\"systemd-tpm2\"," PCRS BLOB HASH "}", -EINVAL,
		  "keyslots is missing" },
		{ HEAD PCRS BLOB "\"tpm2-pin\":true}", -EINVAL, "tpm2-policy-hash is missing" },
		{ HEAD "\"tpm2-pcrs\":[24]," BLOB HASH "}", -EINVAL, "tpm2-pcrs " },
		{ HEAD "\"tpm2-pcrs\":[7,7]," BLOB HASH "}", -EINVAL, "tpm2-pcrs " },
		{ HEAD "\"tpm2-pcrs\":[\"7\"]," BLOB HASH "}", -EINVAL, "tpm2-pcrs " },
		{ HEAD "\"tpm2-pcrs\":[-1]," BLOB HASH "}", -EINVAL, "tpm2-pcrs " },
		{ HEAD "\"tpm2-pcrs\":7," BLOB HASH "}", -EINVAL, "tpm2-pcrs " },
		{ HEAD PCRS "\"tpm2-blob\":[\"AAAA\",\"AAAA\"]," HASH "}", -ENOTSUP, "shard" },
		{ HEAD PCRS "\"tpm2-blob\":\"AAA\"," HASH "}", -EINVAL, "tpm2-blob " },
		{ HEAD PCRS "\"tpm2-blob\":\"\"," HASH "}", -EINVAL, "tpm2-blob " },
		{ HEAD PCRS BLOB "\"tpm2-policy-hash\":[\"00\",\"00\"]}", -ENOTSUP, "shard" },
		{ HEAD PCRS BLOB "\"tpm2-policy-hash\":\"0x\"}", -EINVAL, "tpm2-policy-hash " },
		{ HEAD PCRS BLOB HASH ",\"tpm2-pcr-bank\":\"sm3\"}", -ENOTSUP, "tpm2-pcr-bank " },
		{ HEAD PCRS BLOB HASH ",\"tpm2-primary-alg\":\"x\"}", -ENOTSUP,
		  "tpm2-primary-alg" },
		{ HEAD PCRS BLOB HASH ",\"tpm2-pin\":1}", -EINVAL, "tpm2-pin " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_pcrlock\":\"yes\"}", -EINVAL, "tpm2_pcrlock " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_pubkey_pcrs\":[11]}", -EINVAL, "tpm2_pubkey " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_pubkey\":\"*\"}", -EINVAL, "tpm2_pubkey " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_salt\":7}", -EINVAL, "tpm2_salt " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_srk\":null}", -EINVAL, "tpm2_srk " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_pcrlock_nv\":\"\"}", -EINVAL, "tpm2_pcrlock_nv " },
		{ ARGON2("1073741825", "1", "1"), -ENOTSUP, "tpm2_argon2id_memcost " },
		{ ARGON2("1023", "1", "1"), -ENOTSUP, "tpm2_argon2id_memcost " },
		{ ARGON2("16383", "1", "2"), -EINVAL, "memcost is too little for its lanes" },
		{ ARGON2("65536", "0", "1"), -ENOTSUP, "tpm2_argon2id_iterations " },
		{ ARGON2("65536", "1001", "1"), -ENOTSUP, "tpm2_argon2id_iterations " },
		{ ARGON2("65536", "1", "257"), -ENOTSUP, "tpm2_argon2id_lanes " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_argon2id_lanes\":1}", -EINVAL,
		  "tpm2_argon2id_iterations " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_argon2id_memcost\":65536,"
				      "\"tpm2_argon2id_iterations\":1,\"tpm2_argon2id_lanes\":1}",
		  -EINVAL, "memcost without PIN and salt" },
		{ HEAD PCRS BLOB HASH ",\"tpm2_pubkey_ref\":1}", -EINVAL, "tpm2_pubkey_ref " },
		{ HEAD PCRS BLOB HASH ",\"tpm2_pubkey_new\":\"a\"}", -ENOTSUP, "tpm2_pubkey_new " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(tpm2_token_parse(cases[i].json, strlen(cases[i].json), &token, &err),
			  cases[i].r);
		CHECK_INT(err.code, E_TOKEN);
		if (!strstr(err.text, cases[i].names))
			CHECK_STR(err.text, cases[i].names);
	}
	CHECK_INT(tpm2_token_parse(json, TPM2_TOKEN_JSON_MAX + 1, &token, &err), -E2BIG);
}

/* What systemd 262 may write besides. */
TEST(tpm2_token_of_262)
{
	load("../tpm2/v262-policyref");
	CHECK_INT(tpm2_token_parse(json, strlen(json), &token, &err), 0);
	CHECK_STR(token.ref, "lintel");
	load("../tpm2/v262-argon2id");
	CHECK_INT(tpm2_token_parse(json, strlen(json), &token, &err), 0);
	CHECK_INT(token.argon2_memory_kib, 32768);
	CHECK_INT(token.argon2_passes, 2);
	CHECK_INT(token.argon2_lanes, 2);
}

/* Tokens of systemd before 250 name neither bank nor algorithm; later ones may have pcrlock. */
TEST(tpm2_token_oldest_and_pcrlock)
{
	static const char oldest[] = HEAD PCRS BLOB HASH "}";
	static const char pcrlock[] = HEAD "\"tpm2-pcrs\":[]," BLOB HASH
					   ",\"tpm2_pcrlock\":true,\"tpm2_pcrlock_nv\":\"AYA=\"}";

	CHECK_INT(tpm2_token_parse(oldest, sizeof(oldest) - 1, &token, &err), 0);
	CHECK_STR(token.bank, "");
	CHECK_INT(token.primary, TPM2_PRIMARY_ECC);
	CHECK_INT(tpm2_token_parse(pcrlock, sizeof(pcrlock) - 1, &token, &err), 0);
	CHECK(token.pcrlock && token.nv_size == 2 && token.nv[0] == 1 && token.nv[1] == 0x80);
}
