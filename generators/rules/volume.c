/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd's words (systemd-cryptsetup-generator(8)) and the initrd's crypttab(5) say about one
 * volume. All are the UKI's own: rules/cmdline refuses appended ones. luks=no counts from anywhere.
 */
#include "generators/rules/rules.h"
#include "generators/rules/triple.h"

#include <string.h>

static bool refused(struct plan *plan, const char *word, const struct err *err)
{
	plan_refuse(plan, err->code, "%s: %s", word, err->text);
	return false;
}

/* "rd.luks.X", then "luks.X": both count in an initrd. Start with found = NULL. */
static const struct fact *next_word(const struct facts *facts, const char *const keys[2],
				    const struct fact *found)
{
	const struct fact *next =
		found ? facts_next(facts, found) : facts_find(facts, FACT_CMDLINE, keys[0]);

	if (!next && (!found || strcmp(found->subject, keys[0]) == 0))
		next = facts_find(facts, FACT_CMDLINE, keys[1]);
	return next;
}

static bool enabled(const struct facts *facts, const char *key)
{
	bool on = true;

	for (int rd = 0; rd < 2; rd++) {
		const struct fact *fact = facts_find(facts, FACT_CMDLINE, key + (rd ? 0 : 3));

		for (; fact; fact = facts_next(facts, fact)) {
			char value[16];

			if (fields_get(&fact->fields, "value", value, sizeof(value)) == 0 &&
			    text_to_bool(value) == 0)
				on = false;
		}
	}
	return on;
}

/* "luks-UUID" is how udev and systemd name it. */
static bool parse_uuid(const char *text, char ret[UUID_TEXT_SIZE])
{
	if (text_starts(text, "luks-"))
		text += strlen("luks-");
	return uuid_normalize(text, ret) == 0;
}

/* Whose a word with a UUID is. Where the probe saw no header, all such words must be of one volume. */
enum whose { OURS, OTHERS, CONFLICT };

static enum whose take_uuid(const char *text, struct volume *ret)
{
	char uuid[UUID_TEXT_SIZE];

	if (!parse_uuid(text, uuid))
		return CONFLICT;
	if (ret->probed[0] && strcmp(ret->probed, uuid) != 0)
		return OTHERS;
	if (ret->uuid[0] && strcmp(ret->uuid, uuid) != 0)
		return CONFLICT;
	text_copy(ret->uuid, sizeof(ret->uuid), uuid);
	return OURS;
}

/* Splits "UUID=rest", where the word has a UUID: it is the volume's, then. */
static enum whose take_prefix(const char **text, struct volume *ret)
{
	const char *equals = strchr(*text, '=');
	char uuid[48], parsed[UUID_TEXT_SIZE];

	if (!equals || (size_t)(equals - *text) >= sizeof(uuid))
		return OURS;
	memcpy(uuid, *text, (size_t)(equals - *text));
	uuid[equals - *text] = '\0';
	if (!parse_uuid(uuid, parsed))
		return OURS; /* "tries=3" */
	*text = equals + 1;
	return take_uuid(uuid, ret);
}

enum luks_word { LUKS_UUID, LUKS_NAME, LUKS_OPTIONS, LUKS_KEY, LUKS_WORD_MAX_ };

static const char *const luks_words[LUKS_WORD_MAX_][2] = {
	[LUKS_UUID] = { "rd.luks.uuid", "luks.uuid" },
	[LUKS_NAME] = { "rd.luks.name", "luks.name" },
	[LUKS_OPTIONS] = { "rd.luks.options", "luks.options" },
	[LUKS_KEY] = { "rd.luks.key", "luks.key" },
};

static bool take_word(struct plan *plan, enum luks_word which, const char *word, const char *value,
		      struct volume *ret)
{
	struct err err = { .code = E_CRYPTTAB,
			   .text = "names another volume than the words before" };
	const char *rest = value;
	enum whose whose = which == LUKS_UUID ? take_uuid(value, ret) : take_prefix(&rest, ret);
	int r = 0;

	if (whose != OURS)
		return whose == OTHERS ? true : refused(plan, word, &err);
	switch (which) {
	case LUKS_NAME:
		if (rest == value || !crypt_name_valid(rest))
			r = err_set(&err, E_CRYPTTAB, 1, "not UUID=NAME");
		else
			text_copy(ret->name, sizeof(ret->name), rest);
		break;
	case LUKS_OPTIONS:
		r = crypt_options_parse(rest, &ret->options, &err);
		break;
	case LUKS_KEY:
		r = crypt_key_path(rest, &err);
		if (r == 0)
			r = text_copy(ret->key, sizeof(ret->key), rest);
		break;
	case LUKS_UUID:
	case LUKS_WORD_MAX_:
		break;
	}
	return r < 0 ? refused(plan, word, &err) : true;
}

static bool take_words(const struct facts *facts, struct plan *plan, struct volume *ret)
{
	for (int which = 0; which < LUKS_WORD_MAX_; which++) {
		const char *const *keys = luks_words[which];
		const struct fact *fact = NULL;

		while ((fact = next_word(facts, keys, fact)) != NULL) {
			char value[FIELDS_MAX];

			fields_get(&fact->fields, "value", value, sizeof(value));
			if (!take_word(plan, (enum luks_word)which, fact->subject, value, ret))
				return false;
		}
	}
	return true;
}

/* Whether a line of crypttab is about the partition, as far as the probe can tell. */
static bool line_is_about(const struct fact *line, const struct fact *part)
{
	char device[CRYPT_DEVICE_MAX], luks[UUID_TEXT_SIZE], uuid[UUID_TEXT_SIZE];

	fields_get(&line->fields, "device", device, sizeof(device));
	/* UUID= is the LUKS header's */
	if (text_starts(device, "UUID=") &&
	    fields_get(&part->fields, "luks", luks, sizeof(luks)) == 0)
		return uuid_normalize(device + strlen("UUID="), uuid) == 0 &&
		       strcmp(uuid, luks) == 0;
	return device[0] && root_word_matches(device, part);
}

/* The line of the initrd's crypttab that is about the partition; the others are left alone. */
static bool take_crypttab(const struct facts *facts, struct plan *plan, const struct fact *part,
			  struct volume *ret)
{
	struct pair names = { .a = "" };
	const struct fact *found = NULL;
	char device[CRYPT_DEVICE_MAX], options[CRYPT_OPTIONS_MAX];
	struct err err;

	for (const struct fact *fact = NULL;
	     (fact = facts_each(facts, FACT_CRYPTTAB, fact)) != NULL;) {
		if (!line_is_about(fact, part))
			continue;
		pair_add(&names, fact->subject);
		found = fact;
	}
	if (names.b[0]) {
		plan_refuse(plan, E_CRYPTTAB, "/etc/crypttab: %s may be %s and %s", part->subject,
			    names.a, names.b);
		return false;
	}
	if (!found)
		return true;
	text_copy(ret->name, sizeof(ret->name), found->subject);
	fields_get(&found->fields, "key", ret->key, sizeof(ret->key));
	fields_get(&found->fields, "options", options, sizeof(options));
	fields_get(&found->fields, "device", device, sizeof(device));
	if ((text_starts(device, "UUID=") && take_uuid(device + strlen("UUID="), ret) != OURS) ||
	    crypt_options_parse(options, &ret->options, &err) < 0) {
		plan_refuse(plan, E_CRYPTTAB, "/etc/crypttab: %s", found->subject);
		return false;
	}
	return true;
}

/* What stands in the UKI's own line replaces what the initrd was built with. */
static bool take_ask(const struct facts *facts, struct plan *plan, struct volume *ret)
{
	struct word word;

	if (!word_get(facts, "lintel.ask", &word))
		value_get(facts, FACT_CONFIG, "ask", word.value, sizeof(word.value));
	else if (!word.trusted)
		return false; /* rules/cmdline has refused it */
	if (word.value[0] && ask_parse(word.value, &ret->ask) < 0) {
		plan_refuse(plan, E_CMDLINE, "lintel.ask=%.40s: " ASK_CHOICES, word.value);
		return false;
	}
	if (ret->options.headless)
		ret->ask = 0;
	return true;
}

static bool crypttab_on(const struct facts *facts)
{
	struct word word;

	return !word_get(facts, "luks.crypttab", &word) || text_to_bool(word.value) != 0;
}

bool volume_words(const struct facts *facts, struct plan *plan, const struct fact *part,
		  const char *name, struct volume *ret)
{
	*ret = (struct volume){ .name = "" };
	text_copy(ret->name, sizeof(ret->name), name);
	fields_get(&part->fields, "luks", ret->probed, sizeof(ret->probed));
	crypt_options_default(&ret->options);
	if (!enabled(facts, "rd.luks")) {
		plan_refuse(plan, E_UNLOCK, "luks=no, and %s is encrypted", part->subject);
		return false;
	}
	if (crypttab_on(facts) && !take_crypttab(facts, plan, part, ret))
		return false;
	return take_words(facts, plan, ret) && take_ask(facts, plan, ret);
}

/* The UUID that rd.luks.uuid= or rd.luks.name= names. */
static bool word_uuid(const struct fact *word, char ret[UUID_TEXT_SIZE])
{
	char value[FIELDS_MAX];

	fields_get(&word->fields, "value", value, sizeof(value));
	value[strcspn(value, "=")] = '\0';
	return parse_uuid(value, ret);
}

static bool word_names(const struct facts *facts, const char *luks)
{
	char uuid[UUID_TEXT_SIZE];

	for (int which = LUKS_UUID; which <= LUKS_NAME; which++)
		for (const struct fact *word = NULL;
		     (word = next_word(facts, luks_words[which], word)) != NULL;)
			if (word_uuid(word, uuid) && strcmp(uuid, luks) == 0)
				return true;
	return false;
}

bool volume_named(const struct facts *facts, const struct fact *part)
{
	char luks[UUID_TEXT_SIZE];

	if (fields_get(&part->fields, "luks", luks, sizeof(luks)) < 0 || !enabled(facts, "rd.luks"))
		return false;
	if (word_names(facts, luks))
		return true;
	for (const struct fact *line = NULL;
	     crypttab_on(facts) && (line = facts_each(facts, FACT_CRYPTTAB, line)) != NULL;)
		if (line_is_about(line, part))
			return true;
	return false;
}

/* Whether the boot disk has it, or a volume whose UUID the probe could not tell. */
static bool may_be_there(const struct facts *facts, const struct plan *plan, const char *uuid)
{
	char luks[UUID_TEXT_SIZE];

	for (const struct fact *part = NULL;
	     (part = facts_with(facts, FACT_PART, "disk", plan->boot_disk, part)) != NULL;)
		if (fields_are(&part->fields, "hint", "crypto_LUKS") &&
		    (fields_get(&part->fields, "luks", luks, sizeof(luks)) < 0 ||
		     strcmp(luks, uuid) == 0))
			return true;
	return false;
}

void volume_words_met(const struct facts *facts, struct plan *plan)
{
	char uuid[UUID_TEXT_SIZE];

	for (int which = LUKS_UUID; enabled(facts, "rd.luks") && which <= LUKS_NAME; which++)
		for (const struct fact *word = NULL;
		     (word = next_word(facts, luks_words[which], word)) != NULL;)
			if (word_uuid(word, uuid) && !may_be_there(facts, plan, uuid))
				plan_refuse(plan, E_CRYPTTAB,
					    "%s: no LUKS2 volume on %s has UUID %s", word->subject,
					    plan->boot_disk, uuid);
}
