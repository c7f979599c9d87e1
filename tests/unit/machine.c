/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/machine.h"
#include "init/base/fs.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <ftw.h>

void machine_make(struct machine *machine)
{
	strcpy(machine->path, "/tmp/lintel-unit-XXXXXX");
	CHECK(mkdtemp(machine->path) != NULL);
	machine->root_fd = open(machine->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(machine->root_fd >= 0);
}

void machine_file(const struct machine *machine, const char *path, const void *data, size_t size)
{
	const char *slash = strrchr(path, '/');
	char folder[256] = "";

	if (slash) {
		memcpy(folder, path, (size_t)(slash - path));
		CHECK_INT(fs_mkdirs(machine->root_fd, folder, 0755), 0);
	}
	CHECK_INT(fs_create(machine->root_fd, path, data, size, 0644), 0);
}

void machine_line(const struct machine *machine, const char *path, const char *text)
{
	machine_file(machine, path, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void machine_remove(struct machine *machine)
{
	close_fd(&machine->root_fd);
	CHECK_INT(nftw(machine->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

struct facts *facts_empty(void)
{
	static struct facts facts;

	facts_clear(&facts);
	return &facts;
}

const char *facts_text(const struct facts *facts)
{
	static char text[64 * 1024];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < facts->n; i++) {
		const struct fact *fact = &facts->list[i];

		CHECK(used + FACT_LINE_MAX < sizeof(text));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s%s%s\n",
					 fact_kind_name(fact->kind), fact->subject,
					 fact->fields.text[0] ? " " : "", fact->fields.text);
	}
	return text;
}
