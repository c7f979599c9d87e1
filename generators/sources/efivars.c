/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EFI variables through efivarfs: four bytes of attributes, then the data (UEFI 2.10 section 8.2).
 * All but lintel's own are volatile: they can only be of this boot's firmware, boot loader or stub, as an
 * operating system can create none but persistent ones. What is malformed counts as unset, and
 * says so.
 */
#include "generators/sources/loader.h"
#include "generators/sources/sources.h"
#include "init/base/bytes.h"
#include "init/base/fs.h"

#include <errno.h>
#include <string.h>

#define GLOBAL_GUID "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ATTRIBUTE_NON_VOLATILE 1
#define DATA_MAX 256
#define TEXT_MAX (DATA_MAX / 2)

enum form { FORM_UUID, FORM_NUMBER, FORM_TEXT, FORM_BOOL, FORM_REFUSAL };

static const struct variable {
	const char *name, *guid;
	enum form form;
} variables[] = {
	{ "LoaderDevicePartUUID", LOADER_GUID, FORM_UUID },
	{ "StubDevicePartUUID", LOADER_GUID, FORM_UUID },
	{ "StubPcrKernelImage", LOADER_GUID, FORM_NUMBER },
	{ "StubInfo", LOADER_GUID, FORM_TEXT },
	{ "LoaderBootCountPath", LOADER_GUID, FORM_TEXT },
	{ "SecureBoot", GLOBAL_GUID, FORM_BOOL },
	{ "SetupMode", GLOBAL_GUID, FORM_BOOL },
	{ REFUSAL_VARIABLE, LINTEL_GUID, FORM_REFUSAL },
	{ FALLBACK_VARIABLE, LINTEL_GUID, FORM_REFUSAL },
};

static int decode(const uint8_t *data, size_t size, enum form form, char *ret, size_t max)
{
	struct uuid uuid;
	uint64_t number;

	if (form == FORM_BOOL)
		return size == 1 && data[0] <= 1 ? text_format(ret, max, "%d", data[0]) : -EINVAL;
	if (utf16_decode(data, size, ret, max) < 0)
		return -EINVAL;
	if (form == FORM_NUMBER)
		return text_to_u64(ret, &number);
	if (form == FORM_TEXT)
		return 0;
	if (uuid_parse(ret, &uuid) < 0 || uuid_is_null(&uuid))
		return -EINVAL;
	uuid_format(&uuid, ret); /* in lower case */
	return 0;
}

/* The value as text, with its attributes checked. */
static int decode_variable(const uint8_t *data, size_t size, enum form form, char *ret, size_t max)
{
	if (size < EFI_ATTRIBUTES_SIZE || (le32(data) & ATTRIBUTE_NON_VOLATILE))
		return -EINVAL;
	return decode(data + EFI_ATTRIBUTES_SIZE, size - EFI_ATTRIBUTES_SIZE, form, ret, max);
}

static int read_variable(int root_fd, const struct variable *variable, struct facts *facts,
			 struct err *err)
{
	char path[128], text[TEXT_MAX];
	uint8_t data[DATA_MAX];
	uint64_t count;
	struct fact fact;
	ssize_t n;
	int r;

	text_format(path, sizeof(path), "sys/firmware/efi/efivars/%s-%s", variable->name,
		    variable->guid);
	n = fs_read(root_fd, path, data, sizeof(data));
	if (n == -ENOENT)
		return 0;
	r = fact_init(&fact, FACT_EFI, "efivars", variable->name, err);
	if (r < 0)
		return r;
	if (variable->form == FORM_REFUSAL && n >= 0 &&
	    refusal_parse(data, (size_t)n, &fact.fields, &count) == 0)
		r = 0; /* shown encoded, as it stands there, and believed in nothing but its count */
	else if (variable->form != FORM_REFUSAL && n >= 0 &&
		 decode_variable(data, (size_t)n, variable->form, text, sizeof(text)) == 0)
		r = fields_add(&fact.fields, "value", text);
	else
		r = fields_add(&fact.fields, "malformed", "yes");
	if (r < 0)
		return err_set(err, E_LIMIT, -r, "%s is too long", variable->name);
	fact.usec = clock_usec();
	return facts_add(facts, &fact, err);
}

int efivars_read(int root_fd, struct facts *facts, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(variables) && r == 0; i++)
		r = read_variable(root_fd, &variables[i], facts, err);
	return r;
}
