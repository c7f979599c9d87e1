/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a verified and mounted extension image is for this initrd or this root: both sides'
 * release files are read inside their own trees. One for the root goes to where systemd-sysext
 * finds it on the host; that rename is also what the merge takes as its word.
 */
#include "generators/sources/release.h"
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSROOT "/sysroot"
#define IMAGES "/run/lintel/ext/"

struct match {
	char name[FACT_NAME_MAX], class[16], arch[24], id[FACT_NAME_MAX];
	bool confext;
	struct release own, other; /* the image's, and the initrd's or the root's */
};

static int read_both(struct match *m, bool initrd, struct err *err)
{
	static char other_text[RELEASE_TEXT_MAX], own_text[RELEASE_TEXT_MAX];
	_close_ int root_fd = open(initrd ? "/" : SYSROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int tree_fd = -1;
	char mounted[128];
	int r;

	text_format(mounted, sizeof(mounted), IMAGES "%s", m->id);
	tree_fd = open(mounted, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (root_fd < 0 || tree_fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", mounted, strerror(errno));
	r = release_of_image(tree_fd, m->name, m->confext, own_text, &m->own, err);
	if (r == 0)
		r = (initrd ? release_of_initrd : release_of_root)(root_fd, other_text, &m->other,
								   err);
	return r;
}

/*
 * systemd extends an initrd by what names it in its scope. A confext would change the initrd's
 * configuration, which is the UKI's alone, so that one is for systems only. An image for both that
 * does not suit the initrd is left to the system.
 */
static int match_initrd(const struct match *m, struct fields *result, struct err *err)
{
	bool initrd = false, system = false;
	int r = extension_in_scope(&m->own, m->confext, "initrd", &initrd, err);

	if (r == 0)
		r = extension_in_scope(&m->own, m->confext, "system", &system, err);
	if (r < 0)
		return r;
	if (initrd && m->confext)
		r = err_set(err, E_EXTENSION, EINVAL, "a confext is never for the initrd");
	else if (initrd)
		r = extension_match(&m->other, &m->own, m->confext, "initrd", m->arch, err);
	else if (!system)
		r = err_set(err, E_EXTENSION, EINVAL, "its scope is neither initrd nor system");
	if (r < 0 && !system)
		return r;
	if (r == 0 && initrd)
		fields_add(result, "initrd", "yes");
	return system ? fields_add(result, "system", "yes") : 0;
}

/* Who asks what was merged finds it in the facts. */
static int describe(const struct step *step, const struct match *m, struct fields *result)
{
	static const char *const keys[] = { "SYSEXT_VERSION_ID", "CONFEXT_VERSION_ID",
					    "SYSEXT_IMAGE_VERSION", "CONFEXT_IMAGE_VERSION" };
	char version[64] = "";
	int r = fields_add(result, "class", m->class);

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !version[0]; i++)
		release_value(m->own.text, m->own.size, keys[i], version, sizeof(version));
	if (r == 0 && version[0])
		r = fields_add(result, "version", version);
	if (r == 0)
		r = fields_copy(result, &step->args, "roothash");
	if (r == 0)
		r = fields_copy(result, &step->args, "by");
	return r == -ENOENT ? 0 : r;
}

/* What is known to be wrong before any image is opened comes as arguments. */
static int refuse_known(const struct step *step, struct err *err)
{
	char code[40], text[ERR_TEXT_MAX];
	enum err_code known;

	if (fields_get(&step->args, "code", code, sizeof(code)) < 0)
		return 0;
	known = err_from_name(code);
	fields_get(&step->args, "text", text, sizeof(text));
	return err_set(err, known == E_MAX_ ? E_INTERNAL : known, EINVAL, "%s", text);
}

/*
 * In one file system: the loop device goes on reading the same file. What the root keeps gets a
 * symlink there, so that a refresh on the host takes the very file that was verified here.
 */
static int keep(const char *name, const char *id, bool confext, const char *stored, struct err *err)
{
	const char *folder = confext ? "/run/confexts" : "/run/extensions";
	char from[128], to[128];
	int r = fs_mkdirs(AT_FDCWD, folder, 0755);

	text_format(from, sizeof(from), IMAGES "%s.raw", id);
	text_format(to, sizeof(to), "%s/%s.raw", folder, name);
	if (r == 0 && (stored[0] ? symlink(stored, to) : rename(from, to)) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_IO, -r, "%s: %s", to, strerror(-r)) : 0;
}

int extension_run(const struct step *step, const struct report *report, struct fields *result,
		  struct err *err)
{
	static struct match m; /* of this child, which ends after one */
	bool initrd = fields_are(&step->args, "scope", "initrd");
	char stored[256];
	int r = refuse_known(step, err);

	(void)report;
	if (r == 0)
		r = step_get(step, "name", m.name, sizeof(m.name), err);
	if (r == 0)
		r = step_get(step, "class", m.class, sizeof(m.class), err);
	if (r == 0)
		r = step_get(step, "arch", m.arch, sizeof(m.arch), err);
	if (r < 0)
		return r;
	m.confext = strcmp(m.class, "confext") == 0;
	text_format(m.id, sizeof(m.id), "%s-%s", m.class, m.name);
	fields_get(&step->args, "file", stored, sizeof(stored));
	r = read_both(&m, initrd, err);
	if (r == 0 && initrd)
		r = match_initrd(&m, result, err);
	else if (r == 0)
		r = extension_match(&m.other, &m.own, m.confext, "system", m.arch, err);
	if (r == 0 && !initrd)
		r = keep(m.name, m.id, m.confext, stored, err);
	return r < 0 ? r : describe(step, &m, result);
}
