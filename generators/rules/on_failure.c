/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a failure leads to: how a refused boot ends and, where the UKI asks for fallback, which
 * failed verifications lead to an older version of the image instead of a refusal. A version that
 * is below the signed minimum is never taken: else corrupting the new one would be a downgrade.
 */
#include "generators/rules/rules.h"

#include <string.h>

static bool choose(const char *name, bool own, enum action *ret)
{
	static const struct {
		const char *name;
		bool own_only;
	} actions[] = {
		[ACTION_POWEROFF] = { "poweroff", false }, [ACTION_REBOOT] = { "reboot", false },
		[ACTION_HALT] = { "halt", false },	   [ACTION_RECOVER] = { "recover", true },
		[ACTION_FALLBACK] = { "fallback", true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, name) != 0 || (actions[i].own_only && !own))
			continue;
		*ret = (enum action)i;
		return true;
	}
	return false;
}

enum action action_choose(const struct facts *facts)
{
	static const struct {
		enum fact_kind kind;
		const char *subject;
	} places[] = {
		{ FACT_CMDLINE, "rd.lintel.on_failure" },
		{ FACT_CMDLINE, "lintel.on_failure" },
		{ FACT_CONFIG, "on-failure" },
	};
	enum action action = ACTION_POWEROFF;

	if (recovery_asked(facts))
		return ACTION_RECOVER;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct fact *fact = facts_last(facts, places[i].kind, places[i].subject);
		char name[16] = "";

		if (!fact)
			continue;
		fields_get(&fact->fields, "value", name, sizeof(name));
		if (choose(name,
			   fact->kind == FACT_CONFIG || fields_are(&fact->fields, "trusted", "yes"),
			   &action))
			break;
	}
	return action;
}

/* "root", "usr", "root-2", …, and their mounts; "root-crypt" is a volume's. */
static bool is_version(const char *id)
{
	uint64_t number;

	if (text_starts(id, "mnt-"))
		id += strlen("mnt-");
	if (!text_starts(id, "root") && !text_starts(id, "usr"))
		return false;
	id += *id == 'u' ? strlen("usr") : strlen("root");
	return !*id || (*id == '-' && text_to_u64(id + 1, &number) == 0);
}

/* What the disk is to blame for; that the kernel or the initrd lacks something is no reason. */
static bool is_verification(enum err_code code)
{
	return code == E_SIG_MALFORMED || code == E_SIG_MISMATCH || code == E_SIG_UNTRUSTED ||
	       code == E_VERITY_SUPERBLOCK || code == E_VERITY_CORRUPT || code == E_IO;
}

bool fallback_takes(const struct facts *facts, const struct fact *result)
{
	char code[40];

	return fields_are(&result->fields, "status", "failed") && is_version(result->subject) &&
	       fields_get(&result->fields, "code", code, sizeof(code)) == 0 &&
	       is_verification(err_from_name(code)) && action_choose(facts) == ACTION_FALLBACK;
}

const struct fact *fallback_failure(const struct facts *facts, const char *id)
{
	const struct fact *result = facts_step_result(facts, id);
	char mount[32];

	if (result && fallback_takes(facts, result))
		return result;
	text_format(mount, sizeof(mount), "mnt-%s", id);
	result = facts_step_result(facts, mount);
	return result && fallback_takes(facts, result) ? result : NULL;
}

const char *label_version(const char *label)
{
	const char *version = strrchr(label, '_');

	return version ? version + 1 : "";
}

bool version_allowed(const struct facts *facts, const char *label)
{
	const char *version = label_version(label);
	char minimum[64];
	struct word word;

	value_get(facts, FACT_CONFIG, "minimum-version", minimum, sizeof(minimum));
	if (minimum[0] && version_compare(version, minimum) < 0)
		return false;
	return !word_get(facts, "lintel.minimum_version", &word) ||
	       version_compare(version, word.value) >= 0;
}

bool roothash_revoked(const struct facts *facts, const char *roothash)
{
	const struct fact *fact = facts_with(facts, FACT_CONFIG, "value", roothash, NULL);

	while (fact && strcmp(fact->subject, "revoked") != 0)
		fact = facts_with(facts, FACT_CONFIG, "value", roothash, fact);
	return fact != NULL;
}
