/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules/extension_match.h"
#include "generators/sources/extension.h"
#include "init/base/text.h"
#include "modules/images.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SYSROOT "/sysroot"

/* The same for all images of a child: it is read for the first. */
static int read_other(struct match *m, bool initrd, struct err *err)
{
	static char text[2][RELEASE_TEXT_MAX];
	static struct release known[2];
	_close_ int root_fd = -1;
	int r = 0;

	if (!known[initrd].text) {
		root_fd = open(initrd ? "/" : SYSROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root_fd < 0)
			return err_set(err, E_IO, errno, "the root: %s", strerror(errno));
		r = (initrd ? release_of_initrd : release_of_root)(root_fd, text[initrd],
								   &known[initrd], err);
	}
	m->other = known[initrd];
	return r;
}

static int read_both(struct match *m, bool initrd, struct err *err)
{
	static char own_text[RELEASE_TEXT_MAX];
	_close_ int tree_fd = -1;
	char mounted[128];
	int r;

	text_format(mounted, sizeof(mounted), IMAGES_MOUNTED "/%s", m->id);
	tree_fd = open(mounted, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (tree_fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", mounted, strerror(errno));
	r = release_of_image(tree_fd, m->name, m->confext, own_text, &m->own, err);
	return r < 0 ? r : read_other(m, initrd, err);
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
int extension_describe(const struct step *step, const struct match *m, struct fields *result)
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

int extension_read_arguments(const struct step *step, struct match *m, struct err *err)
{
	int r;

	*m = (struct match){ .confext = false };
	r = step_get(step, "name", m->name, sizeof(m->name), err);
	if (r == 0)
		r = step_get(step, "class", m->class, sizeof(m->class), err);
	if (r == 0)
		r = step_get(step, "arch", m->arch, sizeof(m->arch), err);
	if (r < 0)
		return r;
	m->confext = strcmp(m->class, "confext") == 0;
	return text_format(m->id, sizeof(m->id), "%s-%s", m->class, m->name);
}

int extension_scope(const struct step *step, struct fields *result, struct err *err)
{
	static struct match m; /* too large for a stack */
	int r = extension_read_arguments(step, &m, err);

	if (r == 0)
		r = read_both(&m, true, err);
	if (r == 0)
		r = match_initrd(&m, result, err);
	return r < 0 ? r : extension_describe(step, &m, result);
}

int extension_for_root(struct match *m, struct err *err)
{
	int r = read_both(m, false, err);

	return r < 0 ? r : extension_match(&m->other, &m->own, m->confext, "system", m->arch, err);
}
