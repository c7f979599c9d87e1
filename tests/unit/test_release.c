/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The release files in two trees: which file counts, and what is refused. */
#include "generators/sources/release.h"
#include "init/base/fs.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FOLDER "usr/lib/extension-release.d/extension-release."

static char buffer[RELEASE_TEXT_MAX];
static struct release release;
static struct err err;

/* The file's ID and VERSION_ID, or its refusal. */
static const char *said(int r)
{
	static char text[512];

	if (r < 0)
		snprintf(text, sizeof(text), "%s %s", err_name(err.code), err.text);
	else
		release_describe(&release, text, sizeof(text));
	return text;
}

static const char *root_says(const struct machine *machine)
{
	return said(release_of_root(machine->root_fd, buffer, &release, &err));
}

static const char *image_says(const struct machine *machine, bool confext)
{
	return said(release_of_image(machine->root_fd, "foo", confext, buffer, &release, &err));
}

static void relax(const struct machine *machine, const char *path, const char *value)
{
	int fd = openat(machine->root_fd, path, O_RDONLY | O_CLOEXEC);

	CHECK_INT(fsetxattr(fd, "user.extension-release.strict", value, strlen(value), 0), 0);
	close(fd);
}

TEST(release_of_the_root)
{
	struct machine machine;

	machine_make(&machine);
	CHECK_STR(root_says(&machine), "LINTEL-E-EXTENSION the root has no os-release");
	machine_line(&machine, "usr/lib/os-release", "ID=lib\nVERSION_ID=\"2\"\n");
	CHECK_STR(root_says(&machine), "lib 2");
	machine_line(&machine, "etc/x", "");
	/* an absolute link stays in the tree */
	CHECK_INT(symlinkat("/usr/lib/os-release", machine.root_fd, "etc/os-release"), 0);
	CHECK_STR(root_says(&machine), "lib 2");
	CHECK_INT(unlinkat(machine.root_fd, "etc/os-release", 0), 0);
	machine_line(&machine, "etc/os-release", "ID=etc\n");
	CHECK_STR(root_says(&machine), "etc");
	CHECK_INT(unlinkat(machine.root_fd, "etc/os-release", 0), 0);
	CHECK_INT(mkfifoat(machine.root_fd, "etc/os-release", 0644), 0);
	CHECK_STR(root_says(&machine), "LINTEL-E-EXTENSION the release file is no file");
	machine_remove(&machine);
}

TEST(release_of_the_initrd)
{
	struct machine machine;

	machine_make(&machine);
	machine_line(&machine, "etc/os-release", "ID=other\n");
	CHECK_STR(said(release_of_initrd(machine.root_fd, buffer, &release, &err)),
		  "LINTEL-E-EXTENSION the initrd has no /etc/initrd-release");
	machine_line(&machine, "etc/initrd-release", "ID=lintel\nVERSION_ID=1\n");
	CHECK_STR(said(release_of_initrd(machine.root_fd, buffer, &release, &err)), "lintel 1");
	machine_remove(&machine);
}

TEST(release_of_an_image)
{
	static char large[RELEASE_TEXT_MAX];
	struct machine machine;

	machine_make(&machine);
	CHECK_STR(
		image_says(&machine, false),
		"LINTEL-E-EXTENSION no /usr/lib/extension-release.d/extension-release.NAME of its "
		"name, nor one with user.extension-release.strict=0");
	/* another name counts only where it says so, and where no other does */
	machine_line(&machine, FOLDER "bar", "ID=bar\n");
	CHECK(strstr(image_says(&machine, false), "nor one") != NULL);
	relax(&machine, FOLDER "bar", "1");
	CHECK_STR(image_says(&machine, true),
		  "LINTEL-E-EXTENSION no /etc/extension-release.d/extension-release.NAME of its "
		  "name, nor one with user.extension-release.strict=0");
	CHECK(strstr(image_says(&machine, false), "nor one") != NULL);
	relax(&machine, FOLDER "bar", "no");
	CHECK_STR(image_says(&machine, false), "bar");
	machine_line(&machine, "usr/lib/extension-release.d/other", "ID=other\n");
	relax(&machine, "usr/lib/extension-release.d/other", "0");
	CHECK_STR(image_says(&machine, false), "bar");
	machine_line(&machine, FOLDER "two", "ID=two\n");
	relax(&machine, FOLDER "two", "0");
	CHECK_STR(image_says(&machine, false), "LINTEL-E-EXTENSION two release files are relaxed");
	/* its own name comes first */
	machine_line(&machine, FOLDER "foo", "ID=foo\nVERSION_ID=3\n");
	CHECK_STR(image_says(&machine, false), "foo 3");
	memset(large, '#', sizeof(large));
	CHECK_INT(unlinkat(machine.root_fd, FOLDER "foo", 0), 0);
	machine_file(&machine, FOLDER "foo", large, sizeof(large));
	CHECK(strstr(image_says(&machine, false), "the release file is too large") != NULL);
	CHECK_INT(unlinkat(machine.root_fd, FOLDER "foo", 0), 0);
	CHECK_INT(symlinkat("extension-release.foo", machine.root_fd, FOLDER "foo"), 0);
	CHECK(strstr(image_says(&machine, false), strerror(ELOOP)) != NULL);
	/* what is merged is no link, not even one to a folder of its own; the other class's may be one */
	CHECK_INT(symlinkat("usr", machine.root_fd, "opt"), 0);
	CHECK_STR(image_says(&machine, false), "LINTEL-E-EXTENSION its /opt is not a directory");
	CHECK(strstr(image_says(&machine, true), "/etc/extension-release.d") != NULL);
	CHECK_INT(unlinkat(machine.root_fd, "opt", 0), 0);
	CHECK_INT(symlinkat("/usr", machine.root_fd, "etc"), 0);
	CHECK_STR(image_says(&machine, true), "LINTEL-E-EXTENSION its /etc is not a directory");
	CHECK_INT(unlinkat(machine.root_fd, "etc", 0), 0);
	machine_line(&machine, "usr/lib/os-release", "ID=evil\n");
	CHECK_STR(image_says(&machine, false), "LINTEL-E-EXTENSION it has a /usr/lib/os-release");
	machine_remove(&machine);
}

TEST(release_described)
{
	const char *id =
		"ID=0123456789012345678901234567890123456789012345678901234567890\nVERSION_ID=1\n";
	char text[16];

	release = (struct release){ id, strlen(id) };
	release_describe(&release, text, sizeof(text));
	CHECK_STR(text, "?");
}
