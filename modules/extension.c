/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a verified and mounted extension image is for this root: both sides' release files are
 * read inside their own trees. One that is goes to where systemd-sysext finds it on the host; that
 * rename is also what the merge takes as its word.
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

static int match(const struct step *step, const char *name, bool confext, const char *mounted,
		 struct err *err)
{
	static char host_text[RELEASE_TEXT_MAX], own_text[RELEASE_TEXT_MAX];
	_close_ int root_fd = open(SYSROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int tree_fd = open(mounted, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct release host, own;
	char arch[24];
	int r = step_get(step, "arch", arch, sizeof(arch), err);

	if (r < 0)
		return r;
	if (root_fd < 0 || tree_fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", mounted, strerror(errno));
	r = release_of_root(root_fd, host_text, &host, err);
	if (r == 0)
		r = release_of_image(tree_fd, name, confext, own_text, &own, err);
	return r < 0 ? r : extension_match(&host, &own, confext, "system", arch, err);
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
	char name[FACT_NAME_MAX], class[16], id[FACT_NAME_MAX], mounted[128], stored[256];
	bool confext;
	int r = refuse_known(step, err);

	(void)report;
	if (r == 0)
		r = step_get(step, "name", name, sizeof(name), err);
	if (r == 0)
		r = step_get(step, "class", class, sizeof(class), err);
	if (r < 0)
		return r;
	confext = strcmp(class, "confext") == 0;
	fields_get(&step->args, "file", stored, sizeof(stored));
	text_format(id, sizeof(id), "%s-%s", class, name);
	text_format(mounted, sizeof(mounted), IMAGES "%s", id);
	r = match(step, name, confext, mounted, err);
	if (r == 0)
		r = keep(name, id, confext, stored, err);
	return r < 0 ? r : fields_add(result, "class", class);
}
