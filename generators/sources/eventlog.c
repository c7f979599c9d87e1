/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every length is the firmware's: what does not fit into what is left of the log ends the parsing. */
#include "generators/sources/eventlog.h"
#include "init/base/bytes.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

#define EV_NO_ACTION 0x3U
#define SPEC_ID "Spec ID Event03" /* with its NUL, as the next one */
#define STARTUP "StartupLocality"

/* How the data of an event type is told to a person (table 27 of the profile). */
enum form { FORM_NONE, FORM_TEXT, FORM_VARIABLE, FORM_TAG, FORM_IMAGE };

static const struct {
	uint32_t type;
	enum form form;
	const char *name;
} types[] = {
	{ 0x1, FORM_TEXT, "EV_POST_CODE" },
	{ 0x4, FORM_NONE, "EV_SEPARATOR" },
	{ 0x5, FORM_TEXT, "EV_ACTION" },
	{ 0x6, FORM_TAG, "EV_EVENT_TAG" },
	{ 0x7, FORM_NONE, "EV_S_CRTM_CONTENTS" },
	{ 0x8, FORM_NONE, "EV_S_CRTM_VERSION" },
	{ 0x9, FORM_NONE, "EV_CPU_MICROCODE" },
	{ 0xa, FORM_NONE, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0xc, FORM_TEXT, "EV_COMPACT_HASH" },
	{ 0xd, FORM_TEXT, "EV_IPL" },
	{ 0x12, FORM_TEXT, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x80000001, FORM_VARIABLE, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ 0x80000002, FORM_VARIABLE, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, FORM_IMAGE, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, FORM_IMAGE, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, FORM_IMAGE, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, FORM_NONE, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, FORM_TEXT, "EV_EFI_ACTION" },
	{ 0x80000008, FORM_NONE, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, FORM_NONE, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, FORM_NONE, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, FORM_NONE, "EV_EFI_HANDOFF_TABLES2" },
	{ 0x8000000c, FORM_VARIABLE, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x800000e0, FORM_VARIABLE, "EV_EFI_VARIABLE_AUTHORITY" },
};

struct span {
	const uint8_t *at;
	size_t left;
};

/* The next bytes, or NULL where there are not so many. */
static const uint8_t *take(struct span *span, size_t size)
{
	const uint8_t *at = span->at;

	if (size > span->left)
		return NULL;
	span->at += size;
	span->left -= size;
	return at;
}

static bool take_u32(struct span *span, uint32_t *ret)
{
	const uint8_t *at = take(span, 4);

	if (at)
		*ret = le32(at);
	return at != NULL;
}

/* Text of the firmware or the stub is ASCII or UTF-16; what a console could take for more is a dot. */
static void add_text(char *ret, size_t size, struct span text)
{
	size_t used = strlen(ret), step = text.left >= 2 && text.at[1] == 0 ? 2 : 1;

	for (size_t i = 0; i + step <= text.left && used + 1 < size; i += step) {
		uint8_t c = text.at[i];

		if (c == 0)
			break;
		if (c < ' ' || c > '~' || (step == 2 && text.at[i + 1] != 0))
			c = '.';
		ret[used++] = (char)(c == '"' ? '\'' : c);
	}
	ret[used] = '\0';
}

/* UEFI_VARIABLE_DATA: GUID, lengths of name and data, name in UTF-16. */
static struct span variable_name(struct span data)
{
	const uint8_t *head = take(&data, 32);
	uint64_t units = head ? le64(head + 16) : 0;

	data.left = units <= data.left / 2 ? (size_t)units * 2 : 0;
	return data;
}

/* The file path at the end of a UEFI_IMAGE_LOAD_EVENT's device path (UEFI 2.10, 10.3.5.4). */
static struct span image_path(struct span data)
{
	struct span found = { .at = NULL };
	const uint8_t *node;

	take(&data, 32);
	while ((node = take(&data, 4)) != NULL) {
		size_t size = le16(node + 2);
		const uint8_t *rest = size >= 4 ? take(&data, size - 4) : NULL;

		if (!rest || node[0] == 0x7f)
			break;
		if (node[0] == 4 && node[1] == 4)
			found = (struct span){ rest, size - 4 };
	}
	return found;
}

static struct span told(enum form form, struct span data)
{
	switch (form) {
	case FORM_TEXT:
		return data;
	case FORM_VARIABLE:
		return variable_name(data);
	case FORM_TAG: /* an ID and a size before the text */
		take(&data, 8);
		return data;
	case FORM_IMAGE:
		return image_path(data);
	case FORM_NONE:
		break;
	}
	return (struct span){ .at = NULL };
}

static void describe(uint32_t type, struct span data, char ret[EVENTLOG_TEXT_MAX])
{
	enum form form = FORM_NONE;
	size_t used;

	text_format(ret, EVENTLOG_TEXT_MAX, "event 0x%x", type);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type) {
			text_copy(ret, EVENTLOG_TEXT_MAX, types[i].name);
			form = types[i].form;
		}
	data = told(form, data);
	if (data.left == 0)
		return;
	used = strlen(ret);
	memcpy(ret + used, " \"", 3);
	add_text(ret, EVENTLOG_TEXT_MAX - 1, data);
	used = strlen(ret);
	memcpy(ret + used, "\"", 2);
}

struct algs {
	uint32_t n;
	uint16_t id[EVENTLOG_ALGS_MAX], size[EVENTLOG_ALGS_MAX];
};

/* TCG_PCR_EVENT with a TCG_EfiSpecIdEvent, section 10.4.5.1: which digests the other events have. */
static bool parse_header(struct span *log, struct algs *ret)
{
	const uint8_t *head = take(log, 32), *id, *spec;
	uint32_t size = head ? le32(head + 28) : 0;
	struct span event = { .left = size };

	event.at = head ? take(log, size) : NULL;
	if (!event.at || le32(head) != 0 || le32(head + 4) != EV_NO_ACTION)
		return false;
	spec = take(&event, 24);
	if (!spec || memcmp(spec, SPEC_ID, sizeof(SPEC_ID)) != 0 || !take_u32(&event, &ret->n) ||
	    ret->n == 0 || ret->n > EVENTLOG_ALGS_MAX)
		return false;
	for (uint32_t i = 0; i < ret->n; i++) {
		id = take(&event, 4);
		if (!id)
			return false;
		ret->id[i] = le16(id);
		ret->size[i] = le16(id + 2);
		if (ret->size[i] == 0 || ret->size[i] > EVENTLOG_DIGEST_MAX)
			return false;
	}
	return true;
}

/* The digest of the bank that is wanted, or NULL with *ok false where the list is malformed. */
static const uint8_t *take_digests(struct span *log, const struct algs *algs, uint16_t alg,
				   bool *ok)
{
	const uint8_t *found = NULL;
	uint32_t count;

	*ok = take_u32(log, &count) && count <= algs->n;
	for (uint32_t i = 0; *ok && i < count; i++) {
		const uint8_t *id = take(log, 2), *digest = NULL;

		for (uint32_t a = 0; id && a < algs->n && !digest; a++)
			if (algs->id[a] == le16(id))
				digest = take(log, algs->size[a]);
		*ok = digest != NULL;
		if (digest && le16(id) == alg)
			found = digest;
	}
	return found;
}

/* Not extended, but it says from where the TPM was started (section 10.4.5.3). */
static void no_action(struct eventlog *ret, uint32_t pcr, struct span data)
{
	if (pcr == 0 && data.left == sizeof(STARTUP) + 1 &&
	    memcmp(data.at, STARTUP, sizeof(STARTUP)) == 0)
		ret->locality = data.at[sizeof(STARTUP)];
}

static bool parse_event(struct span *log, const struct algs *algs, uint16_t alg,
			struct eventlog *ret)
{
	struct eventlog_event *event = &ret->events[ret->n];
	const uint8_t *head = take(log, 8), *digest;
	struct span data = { .at = NULL };
	uint32_t size;
	bool ok;

	if (!head || le32(head) >= EVENTLOG_PCRS)
		return false;
	digest = take_digests(log, algs, alg, &ok);
	if (!ok || !take_u32(log, &size))
		return false;
	data = (struct span){ take(log, size), size };
	if (!data.at)
		return false;
	if (le32(head + 4) == EV_NO_ACTION) {
		no_action(ret, le32(head), data);
		return true;
	}
	if (!digest)
		return false;
	event->pcr = le32(head);
	memcpy(event->digest, digest, ret->digest_size);
	describe(le32(head + 4), data, event->text);
	ret->n++;
	return true;
}

int eventlog_parse(const uint8_t *bytes, size_t size, uint16_t alg, struct eventlog *ret,
		   struct err *err)
{
	struct span log = { bytes, size };
	struct algs algs = { .n = 0 };

	ret->n = ret->digest_size = ret->locality = 0;
	if (!parse_header(&log, &algs))
		return err_set(err, E_FACTS, EINVAL,
			       "the TPM's event log is not in the crypto-agile form");
	for (uint32_t i = 0; i < algs.n; i++)
		if (algs.id[i] == alg)
			ret->digest_size = algs.size[i];
	if (ret->digest_size == 0)
		return err_set(err, E_FACTS, ENOENT, "the TPM's event log has not bank 0x%x", alg);
	while (log.left > 0) {
		if (ret->n == EVENTLOG_EVENTS_MAX)
			return err_set(err, E_FACTS, E2BIG,
				       "the TPM's event log has over %d events",
				       EVENTLOG_EVENTS_MAX);
		if (!parse_event(&log, &algs, alg, ret))
			return err_set(err, E_FACTS, EINVAL,
				       "the TPM's event log is malformed %zu bytes before its end",
				       log.left);
	}
	return 0;
}
