/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's uevents (lib/kobject_uevent.c): "ACTION@DEVPATH" and KEY=value strings, each ended
 * by a NUL. They are hints: a block device becomes a fact to probe, an alias a module to look for.
 * A message that is not as the kernel writes them is no event at all.
 */
#include "generators/sources/sources.h"
#include "init/base/fs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UEVENT_MAX 8192
#define DEVICE_NAME_MAX 32
#define MAJOR_MAX 4095	     /* dev_t in the kernel has 12 bits for the major number */
#define MINOR_MAX 0xfffff    /* and 20 for the minor one */
#define PARTN_MAX 0xffffffff /* partno was an int once; any GPT has far fewer */

struct uevent {
	const char *action, *devpath, *subsystem, *devtype, *devname, *major, *minor;
	const char *partn, *diskseq, *modalias;
};

/* Takes a value in; false where the message has it twice. */
static bool take_key(struct uevent *event, const char *entry)
{
	const struct {
		const char *key;
		const char **value;
	} keys[] = {
		{ "ACTION=", &event->action },	     { "DEVPATH=", &event->devpath },
		{ "SUBSYSTEM=", &event->subsystem }, { "DEVTYPE=", &event->devtype },
		{ "DEVNAME=", &event->devname },     { "MAJOR=", &event->major },
		{ "MINOR=", &event->minor },	     { "PARTN=", &event->partn },
		{ "DISKSEQ=", &event->diskseq },     { "MODALIAS=", &event->modalias },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!text_starts(entry, keys[i].key))
			continue;
		if (*keys[i].value)
			return false;
		*keys[i].value = entry + strlen(keys[i].key);
	}
	return true;
}

static bool known_action(const char *action)
{
	static const char *const actions[] = {
		"add", "remove", "change", "move", "online", "offline", "bind", "unbind",
	};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(action, actions[i]) == 0)
			return true;
	return false;
}

/* The first string must say the same as the fields. */
static bool split(const char *message, size_t size, struct uevent *ret)
{
	const char *end = message + size, *at;

	if (size == 0 || size > UEVENT_MAX || message[size - 1] != '\0')
		return false;
	at = strchr(message, '@');
	if (!at)
		return false;
	for (const char *entry = message + strlen(message) + 1; entry < end;
	     entry += strlen(entry) + 1)
		if (!take_key(ret, entry))
			return false;
	return ret->action && ret->devpath && known_action(ret->action) &&
	       strcmp(at + 1, ret->devpath) == 0 && strlen(ret->action) == (size_t)(at - message) &&
	       text_starts(message, ret->action);
}

/* A name of one part: what the kernel calls cciss/c0d0 has no disk that lintel boots from. */
static bool device_name(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0 || len >= DEVICE_NAME_MAX || name[0] == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_-!.", *name))
			return false;
	return true;
}

static bool number(const char *text, uint64_t max, uint64_t *ret)
{
	return text && text_to_u64(text, ret) == 0 && *ret <= max;
}

/* The device's own place in its path, and the name of what it lies in. */
static bool path_names(const char *devpath, const char *devname, char parent[DEVICE_NAME_MAX])
{
	const char *last = strrchr(devpath, '/'), *start = last;
	size_t len;

	if (!last || strcmp(last + 1, devname) != 0)
		return false;
	while (start > devpath && start[-1] != '/')
		start--;
	len = (size_t)(last - start);
	if (len >= DEVICE_NAME_MAX)
		len = 0; /* no disk has such a name */
	memcpy(parent, start, len);
	parent[len] = '\0';
	return true;
}

/* The same fact twice is one. */
static int add_new(struct facts *facts, struct fact *fact, struct err *err)
{
	int r;

	for (const struct fact *old = facts_find(facts, fact->kind, fact->subject); old;
	     old = facts_next(facts, old))
		if (strcmp(old->fields.text, fact->fields.text) == 0)
			return 0;
	fact->usec = clock_usec();
	r = facts_add(facts, fact, err);
	return r < 0 ? r : 1;
}

static int add_dev(struct fact *fact, const struct uevent *event)
{
	uint64_t major, minor;

	if (!number(event->major, MAJOR_MAX, &major) || !number(event->minor, MINOR_MAX, &minor))
		return -EINVAL;
	return fields_addf(&fact->fields, "dev", "%" PRIu64 ":%" PRIu64, major, minor);
}

/* 0, or an error where the event does not say all that a block device has. */
static int block_fields(struct fact *fact, const struct uevent *event, const char *parent)
{
	bool part = strcmp(event->devtype, "partition") == 0;
	uint64_t value;
	int r = fields_add(&fact->fields, "devtype", event->devtype);

	if (r == 0)
		r = add_dev(fact, event);
	if (r == 0 && part) {
		if (!device_name(parent) || !number(event->partn, PARTN_MAX, &value) || value == 0)
			return -EINVAL;
		r = fields_add(&fact->fields, "disk", parent);
		if (r == 0)
			r = fields_addf(&fact->fields, "partn", "%" PRIu64, value);
	}
	if (r == 0 && event->diskseq) {
		if (!number(event->diskseq, UINT64_MAX, &value))
			return -EINVAL;
		r = fields_addf(&fact->fields, "diskseq", "%" PRIu64, value);
	}
	return r;
}

static int block_event(const struct uevent *event, struct facts *facts, struct err *err)
{
	bool gone = strcmp(event->action, "remove") == 0;
	char parent[DEVICE_NAME_MAX];
	struct fact fact;
	int r;

	if (!gone && strcmp(event->action, "add") != 0 && strcmp(event->action, "change") != 0)
		return 0;
	if (!device_name(event->devname) || !event->devtype ||
	    (strcmp(event->devtype, "disk") != 0 && strcmp(event->devtype, "partition") != 0) ||
	    !path_names(event->devpath, event->devname, parent))
		return 0;
	/* memory, not disks: a kernel makes dozens of them, and the list of facts is bounded */
	if (text_starts(event->devname, "ram") || text_starts(event->devname, "loop") ||
	    text_starts(event->devname, "zram"))
		return 0;
	r = fact_init(&fact, gone ? FACT_GONE : FACT_BLOCK, "uevent", event->devname, err);
	if (r < 0)
		return r;
	if (!gone && block_fields(&fact, event, parent) < 0)
		return 0;
	return add_new(facts, &fact, err);
}

/* FNV-1a, for an alias that is too long for a name; the field has it whole. */
static void alias_name(const char *alias, char ret[FACT_NAME_MAX])
{
	uint64_t hash = UINT64_C(14695981039346656037);

	/* a ':' is in every step that looks after one device among many (rules/failure) */
	if (text_encode(alias, ret, FACT_NAME_MAX) == 0 && strchr(ret, ':'))
		return;
	for (; *alias; alias++)
		hash = (hash ^ (unsigned char)*alias) * UINT64_C(1099511628211);
	text_format(ret, FACT_NAME_MAX, "h:%016" PRIx64, hash);
}

static int alias_event(const struct uevent *event, struct facts *facts, struct err *err)
{
	char name[FACT_NAME_MAX];
	struct fact fact;
	int r;

	/* no driver of a disk or a TPM goes by these, and they are long */
	if (text_starts(event->modalias, "cpu:") || text_starts(event->modalias, "dmi:"))
		return 0;
	alias_name(event->modalias, name);
	r = fact_init(&fact, FACT_DEVICE, "uevent", name, err);
	if (r < 0)
		return r;
	if (fields_add(&fact.fields, "modalias", event->modalias) < 0)
		return 0; /* longer than the alias of any module */
	return add_new(facts, &fact, err);
}

static int tpm_event(const struct uevent *event, struct facts *facts, struct err *err)
{
	struct fact fact;
	int r;

	if (!device_name(event->devname))
		return 0;
	r = fact_init(&fact, FACT_TPM, "uevent", event->devname, err);
	if (r < 0)
		return r;
	return add_dev(&fact, event) < 0 ? 0 : add_new(facts, &fact, err);
}

int uevent_parse(const char *message, size_t size, struct facts *facts, struct err *err)
{
	struct uevent event = { .action = NULL };

	if (!split(message, size, &event))
		return 0;
	if (event.subsystem && strcmp(event.subsystem, "block") == 0)
		return block_event(&event, facts, err);
	if (strcmp(event.action, "add") != 0)
		return 0;
	if (event.subsystem && strcmp(event.subsystem, "tpmrm") == 0)
		return tpm_event(&event, facts, err);
	return event.modalias && event.modalias[0] ? alias_event(&event, facts, err) : 0;
}
