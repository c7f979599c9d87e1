/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Activates dm-verity for one data partition. Nothing that the disk says is believed before the
 * root hash is: the hash partition's superblock only within its profile, the signature only when
 * the kernel or a certificate of the signed initrd vouches for it.
 */
#include "generators/sources/verity.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/dm.h"
#include "modules/keyring.h"
#include "modules/pkcs7.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define FIRST_READ 4096

struct verity {
	char name[DM_NAME_SIZE], crypt[DM_NAME_SIZE]; /* crypt: below it; or empty */
	char roothash[2 * VERITY_DIGEST_MAX + 1];
	struct dm_part data, hash;
	struct verity_superblock super;
	char params[DM_TEXT_MAX]; /* that were loaded */
	char by[96];		  /* who vouched for the root hash */
	const char *on_corruption;
};

static int open_part(const struct step *step, const char *key, struct dm_part *ret, struct err *err)
{
	char node[48];
	int r = step_get(step, key, node, sizeof(node), err);

	return r < 0 ? r : dm_part_open(node, ret, err);
}

/* The data partition, or what a mapping decrypts it to. */
static int open_data(const struct step *step, struct verity *v, struct err *err)
{
	_cleanup_(dm_part_close) struct dm_part part = { .fd = -1 };
	int r = open_part(step, "data", &part, err);

	if (r < 0)
		return r;
	if (fields_get(&step->args, "crypt", v->crypt, sizeof(v->crypt)) == 0)
		return dm_crypt_open(v->crypt, &part, &v->data, err);
	v->data = part;
	part.fd = -1;
	return 0;
}

static int read_superblock(struct verity *v, struct err *err)
{
	uint8_t bytes[VERITY_SUPERBLOCK_SIZE];
	ssize_t n = fs_pread(v->hash.fd, bytes, sizeof(bytes), 0);
	int r;

	if (n != sizeof(bytes))
		return err_set(err, E_IO, EIO, "the verity superblock cannot be read");
	r = verity_superblock_parse(bytes, sizeof(bytes), v->data.bytes, v->hash.bytes, &v->super,
				    err);
	if (r < 0 && v->crypt[0])
		err_wrap(err, "the hash tree has to be over what %s decrypts to", v->crypt);
	if (r < 0)
		return r;
	if (strlen(v->roothash) != 2 * (size_t)v->super.digest_size)
		return err_set(err, E_VERITY_SUPERBLOCK, EINVAL,
			       "%s has other digests than the root hash", v->super.algorithm);
	return 0;
}

/* Read again here: what the probe's sandbox reported is only what the disk said to it. */
static int read_signature(const struct step *step, struct verity *v, struct verity_signature *sig,
			  struct err *err)
{
	static char json[VERITY_SIG_JSON_MAX];
	_cleanup_(dm_part_close) struct dm_part part = { .fd = -1 };
	ssize_t n;
	int r = open_part(step, "sig", &part, err);

	if (r < 0)
		return r;
	n = fs_pread(part.fd, json, sizeof(json), 0);
	if (n < 0)
		return err_set(err, E_IO, (int)-n, "the signature partition: %s",
			       strerror((int)-n));
	r = verity_signature_parse(json, (size_t)n, sig, err);
	if (r < 0)
		return r;
	if (strcmp(sig->roothash, v->roothash) != 0)
		return err_set(err, E_SIG_MISMATCH, EBADMSG,
			       "the signature is for %.16s…, the plan has %.16s…", sig->roothash,
			       v->roothash);
	return 0;
}

static uint64_t sectors(const struct verity *v)
{
	return v->super.data_blocks * v->super.data_block_size / 512;
}

static int load_table(struct verity *v, const char *signature_key, struct err *err)
{
	const struct dm_verity table = { .data_dev = v->data.dev,
					 .hash_dev = v->hash.dev,
					 .super = &v->super,
					 .roothash = v->roothash,
					 .signature_key = signature_key,
					 .on_corruption = v->on_corruption };
	int r = dm_verity_params(&table, v->params, err);

	return r < 0 ? r : dm_load(v->name, "verity", DM_STATE, sectors(v), v->params, err);
}

/* The kernel looks the signature up as a key of its loader; this child's keyring dies with it. */
static int load_signed_by_kernel(struct verity *v, const struct verity_signature *sig,
				 struct err *err)
{
	char key[DM_NAME_SIZE + 16];
	int r;

	text_format(key, sizeof(key), "lintel:%s", v->name);
	if (syscall(SYS_add_key, "user", key, sig->der, sig->der_size, KEY_SPEC_THREAD_KEYRING) < 0)
		return err_set(err, E_SIG_UNTRUSTED, errno, "add key: %s", strerror(errno));
	r = load_table(v, key, err);
	return r < 0 ? r : text_copy(v->by, sizeof(v->by), "kernel");
}

/* What an extension image has brought lies there before the steps of others start. */
static int load_signed_by_certificate(struct verity *v, struct pkcs7_st *signature, struct err *err)
{
	static struct pkcs7_certificates own, brought; /* for all of the child's steps */
	const char *who = "certificate";
	char file[80];
	int r;

	own.folder = CERTIFICATES;
	brought.folder = CERTIFICATES_EXTENSION;
	r = pkcs7_verify(&own, v->roothash, signature, file, sizeof(file), err);

	if (r < 0 && access(CERTIFICATES_EXTENSION, F_OK) == 0) {
		who = "extension";
		r = pkcs7_verify(&brought, v->roothash, signature, file, sizeof(file), err);
	}
	if (r < 0)
		return r;
	r = text_format(v->by, sizeof(v->by), "%s:%s", who, file);
	return r < 0 ? r : load_table(v, NULL, err);
}

static bool kernel_may_trust(struct pkcs7_st *signature)
{
	static uint8_t id[KEYRING_ID_MAX];
	int n = pkcs7_signer_id(signature, id, sizeof(id));

	return n < 0 || keyring_may_have(id, (size_t)n);
}

/*
 * Where the kernel lets a policy ask for signatures that it has seen itself: by its own word; or by
 * IPE, whose dmverity_signature= is about such devices, and whose policy the host may load later.
 * IPE is in kernels where nobody uses it, so there a signer is asked for before a signature is.
 */
static bool kernel_must_know(struct pkcs7_st *signature)
{
	static enum {
		UNKNOWN,
		BY_PARAMETER,
		BY_IPE,
		NOT
	} asked; /* the same for all of a child's steps */
	char text[8];

	if (asked == UNKNOWN)
		asked = fs_read(AT_FDCWD, "/sys/module/dm_verity/parameters/require_signatures",
				text, sizeof(text)) > 0 &&
					text[0] == 'Y'
				? BY_PARAMETER
			: access("/sys/kernel/security/ipe", F_OK) == 0 ? BY_IPE
									: NOT;
	return asked == BY_PARAMETER || (asked == BY_IPE && kernel_may_trust(signature));
}

/*
 * The certificates of the initrd and the kernel's keyrings (UEFI db among them) are trusted alike.
 * The kernel comes second, as the first signature of a boot makes it test its RSA: 480 M instructions.
 */
static int load_signed(const struct step *step, struct verity *v, struct err *err)
{
	static struct verity_signature sig;
	_cleanup_(pkcs7_free) struct pkcs7_st *signature = NULL;
	struct err kernel_err;
	bool kernel_first;
	int r = read_signature(step, v, &sig, err);

	if (r < 0)
		return r;
	signature = pkcs7_parse(sig.der, sig.der_size);
	kernel_first = kernel_must_know(signature);
	if (kernel_first && load_signed_by_kernel(v, &sig, &kernel_err) == 0)
		return 0;
	r = load_signed_by_certificate(v, signature, err);
	if (r == 0 || (!kernel_first && load_signed_by_kernel(v, &sig, &kernel_err) == 0))
		return 0;
	err_wrap(err, "the kernel refuses the signature (%.100s)", kernel_err.text);
	return r;
}

static int load(const struct step *step, struct verity *v, struct err *err)
{
	if (fields_are(&step->args, "trust", "signed"))
		return load_signed(step, v, err);
	if (!fields_are(&step->args, "trust", "cmdline"))
		return err_set(err, E_INTERNAL, EINVAL, "trust= is neither signed nor cmdline");
	text_copy(v->by, sizeof(v->by), "cmdline");
	return load_table(v, NULL, err);
}

/* What is live must be what was asked for, and not known to be corrupt. */
static int check_table(const struct verity *v, struct err *err)
{
	char target[DM_TARGET_SIZE], text[DM_TEXT_MAX];
	uint64_t length;
	int r = dm_status(v->name, DM_TABLE, target, &length, text, NULL, err);

	if (r < 0)
		return r;
	if (strcmp(target, "verity") != 0 || length != sectors(v) || strcmp(text, v->params) != 0)
		return err_set(err, E_DM_TABLE, EUCLEAN, "live: %" PRIu64 " %s %.200s", length,
			       target, text);
	r = dm_status(v->name, DM_STATE, target, &length, text, NULL, err);
	if (r == 0 && text[0] != 'V')
		return err_set(err, E_VERITY_CORRUPT, EIO, "dm-verity says %.20s", text);
	return r;
}

/*
 * The first and the last block: a hash tree that does not fit the root hash shows at once. With
 * first=mount the mount's reads are the first.
 */
static int first_reads(const struct verity *v, uint64_t dev, struct err *err)
{
	uint64_t bytes = sectors(v) * 512;
	size_t want = bytes < FIRST_READ ? (size_t)bytes : FIRST_READ;
	const uint64_t offsets[] = { 0, bytes - want };
	char path[DM_PATH_SIZE], block[FIRST_READ];
	_close_ int fd = dm_open(dev, path, err);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (fs_pread(fd, block, want, offsets[i]) == (ssize_t)want)
			continue;
		if (dm_verity_corrupt(v->name))
			return err_set(err, E_VERITY_CORRUPT, EIO,
				       "byte %" PRIu64 " does not match the root hash", offsets[i]);
		return err_set(err, E_IO, EIO, "byte %" PRIu64 " cannot be read", offsets[i]);
	}
	return 0;
}

/* No device is left behind by a failure; one that fails at the first reads of its mount is removed there. */
static int activate(const struct step *step, struct verity *v, struct fields *result,
		    struct err *err)
{
	char uuid[128], hex[33], below[DM_NAME_SIZE];
	uint64_t dev;
	int r;

	hex_encode(v->super.uuid.b, 16, hex);
	text_format(uuid, sizeof(uuid), "CRYPT-VERITY-%s-%s", hex, v->name); /* as libcryptsetup */
	if (fields_are(&step->args, "replaces", "yes"))
		dm_remove(v->name); /* it opened, and its mount failed */
	if (fields_get(&step->args, "closes", below, sizeof(below)) == 0)
		dm_remove(below);
	r = dm_create(v->name, uuid, &dev, err);
	if (r < 0)
		return r;
	r = load(step, v, err);
	if (r == 0)
		r = dm_resume(v->name, err);
	if (r == 0)
		r = check_table(v, err);
	if (r == 0 && !fields_are(&step->args, "first", "mount"))
		r = first_reads(v, dev, err);
	if (r < 0) {
		dm_remove(v->name);
		return r;
	}
	r = fields_add(result, "by", v->by);
	if (r == 0)
		r = fields_addf(result, "dev", "%u:%u", major(dev), minor(dev));
	return r < 0 ? r : fields_addf(result, "node", "dm-%u", minor(dev));
}

/* The root hash becomes a word of the table: it must be digits and nothing else. */
static int read_arguments(const struct step *step, struct verity *v, struct err *err)
{
	uint8_t digest[VERITY_DIGEST_MAX];
	int r = step_get(step, "name", v->name, sizeof(v->name), err);

	if (r == 0)
		r = step_get(step, "roothash", v->roothash, sizeof(v->roothash), err);
	if (r == 0 && hex_decode(v->roothash, digest, sizeof(digest)) <= 0)
		r = err_set(err, E_INTERNAL, EINVAL, "roothash= is not lowercase hex");
	if (fields_are(&step->args, "options", "panic-on-corruption"))
		v->on_corruption = "panic_on_corruption";
	else if (fields_are(&step->args, "options", "restart-on-corruption"))
		v->on_corruption = "restart_on_corruption";
	return r;
}

int verity_run(const struct step *step, const struct report *report, struct fields *result,
	       struct err *err)
{
	static struct verity v; /* too large for a stack */
	int r;

	(void)report;
	v = (struct verity){ .data.fd = -1, .hash.fd = -1 };
	r = read_arguments(step, &v, err);
	if (r == 0)
		r = open_data(step, &v, err);
	if (r == 0)
		r = open_part(step, "hash", &v.hash, err);
	if (r == 0)
		r = read_superblock(&v, err);
	if (r == 0)
		r = activate(step, &v, result, err);
	dm_part_close(&v.data);
	dm_part_close(&v.hash);
	return r;
}
