/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the signed initrd itself says, and what kind of machine this is. */
#include "generators/crypttab.h"
#include "generators/phc.h"
#include "generators/policy.h"
#include "generators/sources/dps.h"
#include "generators/sources/sources.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"

#include <errno.h>
#include <string.h>

#define VERSION_MAX 64
#define DIGITS_MAX 128 /* of a sha512 */
#define REVOKED_BYTES_MAX (REVOKED_MAX * (DIGITS_MAX + 1))

static int add_value(struct facts *facts, const char *subject, const char *value, struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, FACT_CONFIG, "config", subject, err);

	if (r < 0)
		return r;
	if (fields_add(&fact.fields, "value", value) < 0)
		return err_set(err, E_LIMIT, E2BIG, "%s is too long", subject);
	fact.usec = clock_usec();
	return facts_add(facts, &fact, err);
}

/* One line of the signed initrd; 1, 0 where there is no such file, or -errno. */
static int read_line(int root_fd, const char *path, char *ret, size_t size, enum err_code code,
		     struct err *err)
{
	ssize_t n = fs_read_line(root_fd, path, ret, size);

	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return err_set(err, code, (int)-n, "/%s: %s", path, strerror((int)-n));
	/* an empty policy would mean "-", and that is hardly what an empty file is for */
	return n > 0 ? 1 : err_set(err, code, EINVAL, "/%s is empty", path);
}

static int read_policy(int root_fd, struct facts *facts, struct err *err)
{
	static const char path[] = "etc/lintel/image-policy";
	struct image_policy policy;
	char text[FIELDS_MAX];
	int r = read_line(root_fd, path, text, sizeof(text), E_POLICY_SYNTAX, err);

	if (r <= 0)
		return r;
	r = policy_parse(text, &policy, err);
	if (r < 0) {
		err_wrap(err, "/%s", path);
		return r;
	}
	return add_value(facts, "image-policy", text, err);
}

bool on_failure_known(const char *text)
{
	static const char *const choices[] = { "poweroff", "reboot", "halt", "recover",
					       "fallback" };

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		if (strcmp(text, choices[i]) == 0)
			return true;
	return false;
}

static int read_on_failure(int root_fd, struct facts *facts, struct err *err)
{
	static const char path[] = "etc/lintel/on-failure";
	char text[16];
	int r = read_line(root_fd, path, text, sizeof(text), E_CMDLINE, err);

	if (r <= 0)
		return r;
	if (on_failure_known(text))
		return add_value(facts, "on-failure", text, err);
	return err_set(err, E_CMDLINE, EINVAL, "/%s: " ON_FAILURE_CHOICES, path);
}

static int read_ask(int root_fd, struct facts *facts, struct err *err)
{
	static const char path[] = "etc/lintel/ask";
	unsigned int ask;
	char text[64];
	int r = read_line(root_fd, path, text, sizeof(text), E_CMDLINE, err);

	if (r <= 0)
		return r;
	if (ask_parse(text, &ask) == 0)
		return add_value(facts, "ask", text, err);
	return err_set(err, E_CMDLINE, EINVAL, "/%s: " ASK_CHOICES, path);
}

bool version_valid(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < VERSION_MAX &&
	       strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ.~^-+") == len;
}

static int read_minimum_version(int root_fd, struct facts *facts, struct err *err)
{
	static const char path[] = "etc/lintel/minimum-version";
	char text[VERSION_MAX];
	int r = read_line(root_fd, path, text, sizeof(text), E_CMDLINE, err);

	if (r <= 0)
		return r;
	if (version_valid(text))
		return add_value(facts, "minimum-version", text, err);
	return err_set(err, E_CMDLINE, EINVAL, "/%s: not a version", path);
}

int revoked_add(const char *roothash, struct facts *facts, struct err *err)
{
	uint8_t bytes[DIGITS_MAX / 2];
	int n = hex_decode(roothash, bytes, sizeof(bytes));

	if (n != 32 && n != 64)
		return err_set(err, E_CMDLINE, EINVAL, "%.40s: not a root hash", roothash);
	return add_value(facts, "revoked", roothash, err);
}

static int too_many_revoked(const char *path, struct err *err)
{
	return err_set(err, E_LIMIT, E2BIG, "/%s: more than %d root hashes", path, REVOKED_MAX);
}

static int read_revoked(int root_fd, struct facts *facts, struct err *err)
{
	static const char path[] = "etc/lintel/revoked";
	static char text[REVOKED_BYTES_MAX + 1];
	ssize_t size = fs_read(root_fd, path, text, sizeof(text));
	char *line, *rest = text;
	unsigned int n = 0;

	if (size == -ENOENT)
		return 0;
	if (size == -E2BIG)
		return too_many_revoked(path, err);
	if (size < 0)
		return err_set(err, E_CMDLINE, (int)-size, "/%s: %s", path, strerror((int)-size));
	/* a NUL would hide what stands behind it */
	if (size == 0 || strlen(text) != (size_t)size)
		return err_set(err, E_CMDLINE, EINVAL, "/%s: not lines of root hashes", path);
	while ((line = strsep(&rest, "\n")) != NULL && (*line || rest)) {
		if (n++ == REVOKED_MAX)
			return too_many_revoked(path, err);
		if (revoked_add(line, facts, err) == 0)
			continue;
		err_wrap(err, "/%s", path);
		return -EINVAL;
	}
	return 0;
}

/* Only that there is one: the hash itself is for the child that asks. */
static int read_shell(int root_fd, struct facts *facts, struct err *err)
{
	char text[PHC_TEXT_MAX];
	struct phc phc;
	int r = read_line(root_fd, SHELL_PASSWORD, text, sizeof(text), E_CMDLINE, err);

	if (r <= 0)
		return r;
	if (phc_parse(text, &phc, err) == 0)
		return add_value(facts, "shell", "argon2id", err);
	err_wrap(err, "/" SHELL_PASSWORD);
	return -EINVAL;
}

/* Where a machine's owner may have put credentials; what stands there is a child's to read. */
static int find_credential_sources(int root_fd, struct facts *facts, struct err *err)
{
	static const char entries[] = "sys/firmware/dmi/entries";
	bool sorted = faccessat(root_fd, entries, F_OK, 0) == 0; /* by the dmi-sysfs driver */
	bool smbios =
		faccessat(root_fd,
			  sorted ? "sys/firmware/dmi/entries/11-0" : "sys/firmware/dmi/tables/DMI",
			  F_OK, 0) == 0;
	bool fw_cfg = faccessat(root_fd, "sys/bus/acpi/devices/QEMU0002:00", F_OK, 0) == 0;

	if (!smbios && !fw_cfg)
		return 0;
	return add_value(facts, "credential-sources",
			 !fw_cfg  ? "SMBIOS"
			 : smbios ? "SMBIOS,fw_cfg"
				  : "fw_cfg",
			 err);
}

int config_read(int root_fd, struct facts *facts, struct err *err)
{
	int r = add_value(facts, "arch", dps_native_arch(), err);

	if (r == 0 && faccessat(root_fd, "sys/firmware/efi", F_OK, 0) == 0)
		r = add_value(facts, "firmware", "efi", err);
	if (r == 0)
		r = find_credential_sources(root_fd, facts, err);
	if (r == 0)
		r = read_policy(root_fd, facts, err);
	if (r == 0)
		r = read_ask(root_fd, facts, err);
	if (r == 0)
		r = read_minimum_version(root_fd, facts, err);
	if (r == 0)
		r = read_shell(root_fd, facts, err);
	if (r == 0)
		r = read_revoked(root_fd, facts, err);
	return r < 0 ? r : read_on_failure(root_fd, facts, err);
}
