/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens that systemd-cryptenroll bound to a policy of systemd-pcrlock, and all that must not open them. */
#include "tests/tpm/unseal.h"
#include "tests/unit/test.h"

#include "init/base/bytes.h"
#include "init/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

static void boot(const char *state, const char *locks)
{
	in = (struct tpm2_unseal_inputs){ .locks = locks ? fixture_locks(locks) : NULL,
					  .kdf_memory_kib = 1 << 20 };
	tpm_start(state);
	tpm_boot();
}

static void check_refused(int errnum, enum err_code code, const char *text)
{
	CHECK_INT(unseal("pcrlock"), -errnum);
	CHECK_INT(err.code, code);
	CHECK(says(text));
}

/* With one of eight values in PCR 11, one of two in PCR 7, and zero in two others. */
static void check_opens(const char *name, const char *credential)
{
	boot(name, credential);
	CHECK_INT(in.locks->all[0].n_values[11], 8);
	CHECK_INT(in.locks->all[0].n_values[7], 2);
	CHECK_INT(in.locks->all[0].n_values[12], 1);
	for (int i = 0; i < 5; i++) { /* nothing stays loaded */
		wire.recorded = 0;
		CHECK_INT(unseal(name), 0);
		CHECK(fixture_secret_is(name, secret, size));
		CHECK(wire.recorded > 0 && wire.recorded < RECORD_MAX);
		CHECK(!memmem(wire.record, wire.recorded, secret, 16));
	}
	tpm_restart(); /* the next kernel, under the next Secure Boot policy: both are foreseen */
	tpm_extend(7, "next secure boot policy");
	tpm_extend(11, ".linux");
	tpm_extend(11, "a third");
	tpm_extend(11, "enter-initrd");
	CHECK_INT(unseal(name), 0);
	CHECK(fixture_secret_is(name, secret, size));
}

TEST(pcrlock_opens)
{
	check_opens("pcrlock", "pcrlock.cred");
}

/* By systemd 262's tools, whose PIN is Argon2id's. */
TEST(pcrlock_262)
{
	check_opens("v262-pcrlock", "v262-pcrlock.cred");
	boot("v262-pcrlock", "v262-pcrlock-old.cred");
	CHECK_INT(unseal("v262-pcrlock"), -EPERM);
	CHECK(says("is not what NV index 0x1800200 approves"));
	boot("v262-pcrlock", "v262-pcrlock-other.cred");
	CHECK_INT(unseal("v262-pcrlock"), -ENOENT);
	boot("v262-pcrlock", "v262-pcrlock.cred");
	CHECK_INT(unseal("v262-pcrlock-pin"), -EACCES);
	in.pin = PIN;
	CHECK_INT(unseal("v262-pcrlock-pin"), 0);
	CHECK(fixture_secret_is("v262-pcrlock-pin", secret, size));
	in.pin = "lintel PIN 1235";
	CHECK_INT(unseal("v262-pcrlock-pin"), -EACCES);
}

TEST(pcrlock_pin)
{
	boot("pcrlock", "pcrlock.cred");
	CHECK_INT(unseal("pcrlock-pin"), -EACCES);
	CHECK(says("needs a PIN"));
	in.pin = PIN;
	CHECK_INT(unseal("pcrlock-pin"), 0);
	CHECK(fixture_secret_is("pcrlock-pin", secret, size));
	in.pin = "lintel PIN 1235";
	CHECK_INT(unseal("pcrlock-pin"), -EACCES);
	CHECK(says("PIN: the authorization is wrong"));
	tpm_extend(7, "other"); /* foreseen by neither pcrlock nor the literal PCR */
	in.pin = PIN;
	CHECK_INT(unseal("pcrlock-pin"), -EPERM);
}

TEST(pcrlock_other_values)
{
	boot("pcrlock", "pcrlock.cred");
	tpm_extend(11, "leave-initrd"); /* systemd foresees this phase, too */
	CHECK_INT(unseal("pcrlock"), 0);
	tpm_extend(11, "sysinit");
	check_refused(EPERM, E_UNSEAL,
		      "pcrlock.lintel allows other values of PCRs (sha256), which now are 11=");
	CHECK(!strstr(err.text, " 7="));
	tpm_extend(12, "a word more on the command line");
	check_refused(EPERM, E_UNSEAL, " 12=");
	tpm_restart();
	check_refused(EPERM, E_UNSEAL, "which now are 7=0000000000000000 11=0000000000000000");
	tpm_boot();
	CHECK_INT(unseal("pcrlock"), 0);
}

/* The TPM decides: values that fit the PCRs, in a policy that its index never had. */
TEST(pcrlock_values_made_up)
{
	static struct pcrlocks locks;
	struct tpm2_bank bank = { TPM2_ALG_SHA256, "sha256", 32 };
	const struct pcrlocks *genuine;

	boot("pcrlock", "pcrlock.cred");
	tpm_extend(11, "an attacker's initrd");
	check_refused(EPERM, E_UNSEAL, "which now are 11=");
	genuine = in.locks;
	in.locks = &locks;
	locks = *genuine;
	CHECK_INT(tpm2_pcr_read(&tpm, 11, &bank, locks.all[0].values[11][3], &err), 0);
	check_refused(EPERM, E_UNSEAL, "pcrlock.lintel is not what NV index 0x1800200 approves");
	locks.all[0].n_values[11] = 0; /* or without the PCR that does not fit */
	locks.all[0].pcrs &= ~(1U << 11);
	check_refused(EPERM, E_UNSEAL, "is not what NV index");
	/* what systemd-pcrlock has replaced holds no longer, though the PCRs fit it */
	boot("pcrlock", "pcrlock-old.cred");
	check_refused(EPERM, E_UNSEAL, "is not what NV index 0x1800200 approves");
	/* beside the one that holds, it does no harm */
	locks = *in.locks;
	locks.all[1] = fixture_locks("pcrlock.cred")->all[0];
	locks.n = 2;
	locks.all[0].values[7][0][0] ^= 1;
	in.locks = &locks;
	CHECK_INT(unseal("pcrlock"), 0);
}

TEST(pcrlock_missing_or_foreign)
{
	boot("pcrlock", NULL);
	check_refused(ENOENT, E_PCRLOCK, "no pcrlock policy came for this volume");
	boot("pcrlock", "pcrlock-other.cred"); /* another machine's: same number, other index */
	check_refused(ENOENT, E_PCRLOCK, "those that did are of others");
	boot("ecc", "pcrlock.cred"); /* another TPM */
	check_refused(EKEYREJECTED, E_UNSEAL, "not the SRK that the token names");
	boot("pcrlock", "pcrlock.cred");
	CHECK_INT(unseal("pcrlock"), 0);
}

/* TPM2_NV_UndefineSpace by the owner; then one of the same number with other attributes. */
TEST(pcrlock_index)
{
	static const uint8_t undefine[] = { 0, 0, 1, 0x22, 0x40, 0, 0, 1, 1, 0x80, 2, 0, 0,
					    0, 0, 9, 0x40, 0,	 0, 9, 0, 0, 0,	   0, 0 };
	static const uint8_t define[] = { 0,	0, 1, 0x2a, 0x40, 0, 0, 1, 0, 0, 0, 9,	0x40,
					  0,	0, 9, 0,    0,	  0, 0, 0, 0, 0, 0, 14, 1,
					  0x80, 2, 0, 0,    0x0b, 0, 2, 0, 2, 0, 0, 0,	34 };
	static struct pcrlocks locks;
	struct tpm2_token token;

	boot("pcrlock", "pcrlock.cred");
	token = *fixture_token("pcrlock");
	locks = *in.locks;
	in.locks = &locks;
	for (size_t i = 0; i < token.nv_size; i++) { /* any byte of it, in token and policy alike */
		token.nv[i] ^= 0x10;
		locks.all[0].nv[i] ^= 0x10;
		CHECK(unseal_token(&token) < 0);
		CHECK_INT(err.code, E_TOKEN);
		token.nv[i] ^= 0x10;
		locks.all[0].nv[i] ^= 0x10;
	}
	CHECK_INT(unseal_token(&token), 0);
	CHECK_INT(tpm_raw(undefine, sizeof(undefine), NULL, NULL), 0);
	check_refused(ENOENT, E_UNSEAL, "the TPM has no NV index 0x1800200");
	CHECK_INT(tpm_raw(define, sizeof(define), NULL, NULL), 0);
	check_refused(EKEYREJECTED, E_UNSEAL,
		      "NV index 0x1800200 is not the one that the token names");
}

/* systemd gives no owner's password either. It is not the PIN: nobody is to be asked again. */
TEST(pcrlock_owner_password)
{
	static const uint8_t change[] = { 0,	0, 1, 0x29, 0x40, 0, 0, 1, 0, 0, 0, 9,
					  0x40, 0, 0, 9,    0,	  0, 0, 0, 0, 0, 1, 'x' };

	boot("pcrlock", "pcrlock.cred");
	CHECK_INT(tpm_raw(change, sizeof(change), NULL, NULL), 0);
	check_refused(EPERM, E_UNSEAL, "the TPM's owner has a password");
}

TEST(pcrlock_token_of_both)
{
	struct tpm2_token token;

	boot("pcrlock", "pcrlock.cred");
	token = *fixture_token("pcrlock");
	token.pubkey_pcrs = 1 << 11;
	CHECK_INT(unseal_token(&token), -ENOTSUP);
	CHECK_INT(err.code, E_TOKEN);
	CHECK(says("a signed and a pcrlock policy in one"));
	token.pubkey_pcrs = 0;
	token.pcrlock = false; /* a token that hides it */
	CHECK_INT(unseal_token(&token), -EPERM);
	CHECK(says("the policy is not the sealed one"));
}

static int open_text(const char *text, size_t len, const char *name)
{
	static struct pcrlock lock;

	err = (struct err){ .code = E_NONE };
	return tpm2_pcrlock_open(text, len, name, &lock, &err);
}

TEST(pcrlock_credential)
{
	static char text[PCRLOCK_CREDENTIAL_MAX], spoiled[PCRLOCK_CREDENTIAL_MAX];
	size_t len;

	memcpy(text, fixture("pcrlock.cred", &len), 65536);
	CHECK_INT(open_text(text, len, "pcrlock.lintel"), 0);
	CHECK_INT(open_text(text, len, "pcrlock.other"), -EKEYREJECTED);
	CHECK_INT(err.code, E_PCRLOCK);
	for (size_t i = 0; i < len;
	     i++) { /* one digit of base64: a bit or more of what it stands for */
		memcpy(spoiled, text, len);
		if (spoiled[i] == '\n' || spoiled[i] == '=')
			continue;
		spoiled[i] = spoiled[i] == 'A' ? 'g' : 'A';
		if (memchr(text + i, '=', 2))
			continue; /* its last bits stand for nothing */
		CHECK(open_text(spoiled, len, "pcrlock.lintel") < 0);
		CHECK_INT(err.code, E_PCRLOCK);
	}
	for (size_t i = 0; i < len; i += 7)
		CHECK(open_text(text, i, "pcrlock.lintel") < 0);
	CHECK_INT(open_text("WhQPzp2NQtmB8sZNz/cAAA==", 24, "pcrlock.lintel"), -EINVAL);
	CHECK(says("pcrlock.lintel is damaged"));
}

static void put(int dir, const char *name, const char *text, size_t len)
{
	CHECK_INT(fs_create(dir, name, text, len, 0600), 0);
}

/* From a folder: what is no policy is passed over, what is damaged is told, and the others count. */
TEST(pcrlock_folder)
{
	static struct pcrlocks locks;
	static char text[PCRLOCK_CREDENTIAL_MAX];
	static const char *const names[] = { "PCRLOCK.Lintel.CRED", "pcrlock.bad.cred", "root.cred",
					     "pcrlock.x" };
	char folder[] = "/tmp/lintel-pcrlock-XXXXXX";
	size_t len;
	int dir;

	tpm2_pcrlock_read("/nonexistent", &locks);
	CHECK(locks.n == 0 && !locks.why[0]);
	memcpy(text, fixture("pcrlock.cred", &len), 65536);
	CHECK(mkdtemp(folder) != NULL);
	dir = open(folder, O_PATH | O_DIRECTORY);
	put(dir, names[0], text, len);
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		put(dir, names[i], "AAAA", 4);
	CHECK_INT(mkdirat(dir, "pcrlock.dir.cred", 0700), 0);
	tpm2_pcrlock_read(folder, &locks);
	CHECK_INT(locks.n, 1);
	CHECK(strcmp(locks.all[0].name, "pcrlock.lintel") == 0 && strstr(locks.why, "; pcrlock."));
	for (int i = 0; i < 10; i++)
		tpm2_pcrlock_read(folder, &locks);
	CHECK_INT(locks.n, PCRLOCKS_MAX);
	unlinkat(dir, "pcrlock.dir.cred", AT_REMOVEDIR);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	rmdir(folder);
}
