/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `lintel sysext verify`: whether /init would merge an extension image, on any host and without
 * root. The rules are /init's own, with a machine that is assumed around the image; what the
 * kernel does at boot (dm-verity, the mount) is done here by reading.
 */
#include "images/sysext.h"
#include "generators/plan.h"
#include "generators/sources/disk.h"
#include "generators/sources/dps.h"
#include "generators/sources/release.h"
#include "generators/sources/sources.h"
#include "generators/sources/verity.h"
#include "images/hashtree.h"
#include "images/plan.h"
#include "images/unpack.h"
#include "init/base/fs.h"
#include "modules/pkcs7.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DISK "loop0"

static const char help[] =
	"Usage: lintel sysext verify IMAGE --root TREE [--certificate PEM]… [--confext]\n\n"
	"Says whether /init would merge the sysext or confext image over the root whose files "
	"stand in\n"
	"TREE, and if not, why: the image's name, its partitions, the signature of the root hash, "
	"every\n"
	"block of data and hash tree, and extension-release against TREE's os-release (UAPI.4). It "
	"needs\n"
	"no root; the file system inside is unpacked below TMPDIR with fsck.erofs, unsquashfs or "
	"debugfs.\n\n"
	"  --root TREE        the root's files\n"
	"  --certificate PEM  a key that the machine trusts: of the initrd's /etc/verity.d or the "
	"UEFI db\n"
	"  --revoke ROOTHASH|FILE  what that machine's `lintel initrd` was given\n"
	"  --confext          a confext, which is else known by its name, NAME.confext.raw\n\n"
	"Exit status: 0 it would be merged; 5 it would not: the last line begins with the code; 6 "
	"it is\n"
	"not known (no certificate was given, or no tool reads its file system); 2 usage; 3 an "
	"input or\n"
	"tool is missing; 4 a certificate is malformed.\n";

enum { MERGED = 0, USAGE = 2, MISSING = 3, MALFORMED = 4, REFUSED = 5, UNKNOWN = 6 };

struct verify {
	const char *image, *root, *certificates[PKCS7_CERTIFICATES_MAX];
	const char *revoked[REVOKED_MAX];
	size_t n_certificates, n_revoked;
	bool confext;
	int fd;
	char name[EXTENSION_NAME_MAX + 1];
	const char *by; /* the certificate that vouches; empty: none was given */
	char fit[160];
	char fstype[16];
	uint64_t data_at;
};

static struct facts facts;
static struct plan plan;

static int add_fact(enum fact_kind kind, const char *subject, const struct fields *fields,
		    struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, kind, "assumed", subject, err);

	if (r < 0)
		return r;
	fact.fields = *fields;
	return facts_add(&facts, &fact, err);
}

/* A machine whose root is complete and signed: what comes first in the plan is of no interest. */
static int assume_machine(struct err *err)
{
	static const char machine[] =
		"0 - settled sources\n"
		"0 - config firmware value=none\n"
		"0 - config arch value=%1$s\n"
		"0 - efi LoaderDevicePartUUID value=00000000-0000-4000-8000-000000000001\n"
		"0 - block vda devtype=disk dev=254:0\n"
		"0 - gpt vda state=ok uuid=00000000-0000-4000-8000-000000000000\n"
		"0 - part vda1 disk=vda n=1 name=esp uuid=00000000-0000-4000-8000-000000000001 "
		"start=2048 size=8 flags=0 label=esp\n"
		"0 - part vda2 disk=vda n=2 name=root-%1$s "
		"uuid=00000000-0000-4000-8000-000000000002 "
		"start=4096 size=8 flags=0 label=os_1\n"
		"0 - part vda3 disk=vda n=3 name=root-%1$s-verity "
		"uuid=00000000-0000-4000-8000-000000000003 start=6144 size=8 flags=0 label=os_1\n"
		"0 - part vda4 disk=vda n=4 name=root-%1$s-verity-sig "
		"uuid=00000000-0000-4000-8000-000000000004 start=8192 size=8 flags=0 label=os_1\n"
		"0 - sig vda4 disk=vda "
		"roothash=0000000000004000800000000000000200000000000040008000"
		"000000000003\n"
		"0 - result probe:vda status=done\n";
	char text[2048];

	text_format(text, sizeof(text), machine, dps_native_arch());
	return facts_parse(&facts, text, err);
}

/* What generators/sources/extra.c would say of the file, had the stub left it. */
static int add_image(struct verify *v, struct err *err)
{
	const char *slash = strrchr(v->image, '/'), *file = slash ? slash + 1 : v->image;
	struct fields fields = { .text = "" };
	char subject[FACT_NAME_MAX];
	struct stat st;

	if (text_format(subject, sizeof(subject), "%s/%s", v->confext ? "confext" : "sysext",
			file) < 0 ||
	    strpbrk(file, " \t\n") || !extension_name(file, v->confext, v->name)) {
		text_format(subject, sizeof(subject), "%s/image",
			    v->confext ? "confext" : "sysext");
		fields_add(&fields, "refused", "not an image's name");
	} else if (fstat(v->fd, &st) == 0) {
		fields_add(&fields, "name", v->name);
		fields_addf(&fields, "size", "%" PRIu64, (uint64_t)st.st_size);
	}
	fields_add(&fields, "class", v->confext ? "confext" : "sysext");
	return add_fact(FACT_EXTRA, subject, &fields, err);
}

/* A partition of the image by its name in the plan: where it lies in the file. */
static int find_part(const struct step *step, const char *key, uint64_t *ret_at,
		     uint64_t *ret_bytes, struct verify *v, struct err *err)
{
	const struct fact *part;
	char name[48];

	fields_get(&step->args, key, name, sizeof(name));
	part = facts_find(&facts, FACT_PART, name);
	if (!part || fields_get_u64(&part->fields, "start", ret_at) < 0 ||
	    fields_get_u64(&part->fields, "size", ret_bytes) < 0)
		return err_set(err, E_INTERNAL, ENOENT, "no partition %s", name);
	*ret_at *= 512;
	*ret_bytes *= 512;
	if (strcmp(key, "data") == 0) {
		v->data_at = *ret_at;
		fields_get(&part->fields, "hint", v->fstype, sizeof(v->fstype));
	}
	return 0;
}

/* Signature before the tree: what nobody vouches for needs no reading. */
static int check_signature(struct verify *v, const struct step *step, const char *roothash,
			   struct err *err)
{
	static char json[VERITY_SIG_JSON_MAX];
	static struct verity_signature sig;
	_cleanup_(pkcs7_free) struct pkcs7_st *signature = NULL;
	uint64_t at, bytes;
	ssize_t n;
	int r = find_part(step, "sig", &at, &bytes, v, err);

	if (r < 0)
		return r;
	n = fs_pread(v->fd, json, bytes < sizeof(json) ? bytes : sizeof(json), at);
	if (n < 0)
		return err_set(err, E_IO, (int)-n, "%s: %s", v->image, strerror((int)-n));
	r = verity_signature_parse(json, (size_t)n, &sig, err);
	if (r == 0 && strcmp(sig.roothash, roothash) != 0)
		r = err_set(err, E_SIG_MISMATCH, EBADMSG, "the signature is for another root hash");
	if (r == 0)
		signature = pkcs7_parse(sig.der, sig.der_size);
	for (size_t i = 0; r == 0 && !v->by && i < v->n_certificates; i++)
		if (pkcs7_verify_by(v->certificates[i], roothash, signature) > 0)
			v->by = v->certificates[i];
	if (r == 0 && !v->by && v->n_certificates > 0)
		r = err_set(err, E_SIG_UNTRUSTED, EKEYREJECTED,
			    "none of %zu certificates made the signature", v->n_certificates);
	return r;
}

static int check_verity(struct verify *v, const struct step *step, struct err *err)
{
	char roothash[2 * VERITY_DIGEST_MAX + 1];
	uint8_t bytes[VERITY_SUPERBLOCK_SIZE];
	struct verity_superblock super;
	struct hashtree tree = { .fd = v->fd, .super = &super };
	uint64_t data_bytes = 0, hash_bytes = 0;
	int r = find_part(step, "data", &tree.data_at, &data_bytes, v, err);

	if (r == 0)
		r = find_part(step, "hash", &tree.hash_at, &hash_bytes, v, err);
	if (r < 0)
		return r;
	fields_get(&step->args, "roothash", roothash, sizeof(roothash));
	if (fs_pread(v->fd, bytes, sizeof(bytes), tree.hash_at) != sizeof(bytes))
		return err_set(err, E_IO, EIO, "the verity superblock cannot be read");
	r = verity_superblock_parse(bytes, sizeof(bytes), data_bytes, hash_bytes, &super, err);
	if (r == 0 && hex_decode(roothash, tree.root, sizeof(tree.root)) != (int)super.digest_size)
		r = err_set(err, E_VERITY_SUPERBLOCK, EINVAL,
			    "%s has other digests than the root hash", super.algorithm);
	if (r == 0)
		r = check_signature(v, step, roothash, err);
	return r < 0 ? r : hashtree_check(&tree, err);
}

static int match(struct verify *v, const char *unpacked, struct err *err)
{
	static char host_text[RELEASE_TEXT_MAX], own_text[RELEASE_TEXT_MAX];
	_close_ int root_fd = open(v->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_close_ int tree_fd = open(unpacked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct release host, own;
	char a[72], b[72];
	int r;

	if (root_fd < 0 || tree_fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", v->root, strerror(errno));
	r = release_of_root(root_fd, host_text, &host, err);
	if (r == 0)
		r = release_of_image(tree_fd, v->name, v->confext, own_text, &own, err);
	if (r == 0)
		r = extension_match(&host, &own, v->confext, "system", dps_native_arch(), err);
	if (r < 0)
		return r;
	release_describe(&own, a, sizeof(a));
	release_describe(&host, b, sizeof(b));
	return text_format(v->fit, sizeof(v->fit), "%s on %s", a, b);
}

/* Unpacks and matches; -ENOENT and -ENOTSUP: no tool could look. */
static int check_release(struct verify *v, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char folder[128];
	int r;

	if (text_format(folder, sizeof(folder), "%s/lintel-sysext.XXXXXX", tmp ?: "/tmp") < 0 ||
	    !mkdtemp(folder))
		return err_set(err, E_IO, EIO, "no folder in %s: %s", tmp ?: "/tmp",
			       strerror(errno));
	r = unpack_releases(v->fd, v->fstype, v->data_at, folder, err);
	if (r == 0)
		r = match(v, folder, err) < 0 ? -EBADMSG : 0;
	unpack_remove(folder);
	return r;
}

/* The match with the root ends it. */
static bool is_last(const struct step *step)
{
	return step->verb == VERB_EXTENSION;
}

/* As the verb would do it at boot; 0, or the exit status with err filled. */
static int do_step(struct verify *v, const struct step *step, struct fields *result,
		   struct err *err)
{
	char code[40];
	int r = 0;

	if (step->verb == VERB_LOOP) {
		fields_add(result, "node", DISK);
		r = disk_image_read(v->fd, DISK, &facts, err);
	} else if (step->verb == VERB_VERITY && !fields_are(&step->args, "name", "root")) {
		r = check_verity(v, step, err);
	} else if (step->verb == VERB_MOUNT && fields_are(&step->args, "scope", "initrd")) {
		fields_add(result, "system", "yes");
	} else if (step->verb == VERB_EXTENSION) {
		if (fields_get(&step->args, "code", code, sizeof(code)) == 0) {
			fields_get(&step->args, "text", err->text, sizeof(err->text));
			err->code = err_from_name(code);
			return REFUSED;
		}
		r = check_release(v, err);
		if (r == -ENOENT)
			return MISSING;
		if (r == -ENOTSUP)
			return UNKNOWN;
	}
	return r < 0 ? REFUSED : MERGED;
}

/* Every step that could start is done, as PID 1 would, until the image's last. */
static int do_all(struct verify *v, struct err *err)
{
	for (bool more = true; more;) {
		more = false;
		decide(&facts, &plan);
		for (size_t i = 0; i < plan.n_steps; i++) {
			const struct step *step = &plan.steps[i];
			struct fields result = { .text = "" };
			bool last = is_last(step);
			int r;

			if (facts_step_result(&facts, step->id) || !step_ready(&plan, step, &facts))
				continue;
			fields_add(&result, "status", "done");
			r = do_step(v, step, &result, err);
			if (r != 0 || last)
				return r;
			if (add_fact(FACT_RESULT, step->id, &result, err) < 0)
				return REFUSED;
			more = true;
		}
	}
	if (plan.n_refusals > 0)
		*err = plan.refusals[0];
	else
		err_set(err, E_INTERNAL, EINVAL, "the rules plan no match");
	return REFUSED;
}

/* An image nobody vouches for may put what a terminal obeys into its release file. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static int say(struct verify *v, int status, struct err *err)
{
	const char *name = v->name[0] ? v->name : v->image;

	make_printable(v->fit);
	make_printable(err->text);
	if (status == MERGED && !v->by)
		status = UNKNOWN;
	else if (status == MERGED)
		printf("%s: would be merged: %s, signed by %s\n", name, v->fit, v->by);
	if (status == MISSING)
		fprintf(stderr, "lintel sysext: LINTEL-E-NO-TOOL: %s\n", err->text);
	else if (status == UNKNOWN)
		printf("%s: not known: %s\n", name,
		       v->fit[0] ? "all else is well, but no --certificate was given" : err->text);
	else if (status == REFUSED)
		printf("%s: would not be merged: %s\n%s: %s\n", name, err_meaning(err->code),
		       err_name(err->code), err->text);
	return status;
}

/* 0, or the exit status. */
static int parse_options(int argc, char **argv, struct verify *v)
{
	static const struct option longs[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "revoke", required_argument, NULL, 'R' },
		{ "confext", no_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c == 'r')
			v->root = optarg;
		else if (c == 'C')
			v->confext = true;
		else if (c == 'c' && v->n_certificates < PKCS7_CERTIFICATES_MAX)
			v->certificates[v->n_certificates++] = optarg;
		else if (c == 'R' && v->n_revoked < REVOKED_MAX)
			v->revoked[v->n_revoked++] = optarg;
		else
			return USAGE;
	}
	if (optind + 2 == argc && strcmp(argv[optind], "verify") == 0)
		v->image = argv[optind + 1];
	if (v->image && v->root) {
		size_t len = strlen(v->image);

		v->confext |= len > 12 && strcmp(v->image + len - 12, ".confext.raw") == 0;
		return 0;
	}
	fprintf(stderr, "lintel sysext: give verify, an image and --root; see --help\n");
	return USAGE;
}

/* What a person gave must be there: it is no property of the image. */
static int check_inputs(struct verify *v)
{
	struct stat st;

	for (size_t i = 0; i < v->n_certificates; i++)
		if (pkcs7_verify_by(v->certificates[i], "", NULL) < 0) {
			bool there = access(v->certificates[i], R_OK) == 0;

			fprintf(stderr, "lintel sysext: LINTEL-E-%s: %s\n",
				there ? "BAD-CERTIFICATE" : "NO-FILE", v->certificates[i]);
			return there ? MALFORMED : MISSING;
		}
	for (size_t i = 0; i < v->n_revoked; i++) {
		struct err err;

		if (revoke_given(v->revoked[i], &facts, &err) < 0) {
			fprintf(stderr, "lintel sysext: LINTEL-E-%s: %s\n",
				err.code == E_IO ? "NO-FILE" : "BAD-ROOT-HASH", err.text);
			return err.code == E_IO ? MISSING : MALFORMED;
		}
	}
	v->fd = open(v->image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (v->fd < 0 || stat(v->root, &st) < 0) {
		fprintf(stderr, "lintel sysext: LINTEL-E-NO-FILE: %s: %s\n",
			v->fd < 0 ? v->image : v->root, strerror(errno));
		return MISSING;
	}
	return 0;
}

int sysext_main(int argc, char **argv)
{
	struct verify v = { .fd = -1 };
	struct err err = { .code = E_NONE };
	int r;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	r = parse_options(argc, argv, &v);
	if (r == 0)
		r = check_inputs(&v);
	if (r != 0)
		return r;
	if (assume_machine(&err) < 0 || add_image(&v, &err) < 0)
		return say(&v, REFUSED, &err);
	return say(&v, do_all(&v, &err), &err);
}
