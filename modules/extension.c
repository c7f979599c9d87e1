/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a verified and mounted extension image is for this initrd or this root: both sides'
 * release files are read inside their own trees. One for the root is put where systemd-sysext
 * finds it on the host; that link is also what the merge takes as its word.
 */
#include "init/base/fs.h"
#include "init/base/text.h"
#include "modules/extension_match.h"
#include "modules/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

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
 * By a symlink to where the image stays, so that a refresh on the host takes the very file that was
 * verified here: in the root, or where the hand-over leaves what the stub gave.
 */
static int keep(const struct step *step, const struct match *m, struct err *err)
{
	const char *folder = m->confext ? "/run/confexts" : "/run/extensions";
	char image[FACT_NAME_MAX], from[128], to[128], file[256];
	int r = fs_mkdirs(AT_FDCWD, folder, 0755);

	if (r == 0 && fields_get(&step->args, "file", file, sizeof(file)) < 0) {
		r = step_get(step, "image", image, sizeof(image), err);
		if (r < 0)
			return r;
		text_format(from, sizeof(from), IMAGES_EXTRA "%s", image);
		text_format(to, sizeof(to), "/" IMAGES_BELOW "/%s.raw", m->id);
		text_format(file, sizeof(file), IMAGES_KEPT "/%s.raw", m->id);
		r = fs_mkdirs(AT_FDCWD, "/" IMAGES_BELOW, 0755);
		if (r == 0 && rename(from, to) < 0)
			r = -errno;
	}
	text_format(to, sizeof(to), "%s/%s.raw", folder, m->name);
	if (r == 0 && symlink(file, to) < 0)
		r = -errno;
	return r < 0 ? err_set(err, E_IO, -r, "%s: %s", to, strerror(-r)) : 0;
}

int extension_run(const struct step *step, const struct report *report, struct fields *result,
		  struct err *err)
{
	static struct match m; /* too large for a stack */
	int r = refuse_known(step, err);

	(void)report;
	if (r == 0)
		r = extension_read_arguments(step, &m, err);
	if (r == 0)
		r = extension_for_root(&m, err);
	if (r == 0)
		r = keep(step, &m, err);
	return r < 0 ? r : extension_describe(step, &m, result);
}
