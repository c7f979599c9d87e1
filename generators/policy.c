/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/policy.h"
#include "init/base/text.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX 2048

#define IGNORE (POLICY_UNUSED | POLICY_ABSENT)
#define READ_ONLY (POLICY_READ_ONLY_ON | POLICY_READ_ONLY_OFF)
#define GROWFS (POLICY_GROWFS_ON | POLICY_GROWFS_OFF)

#define bit(designator) (1U << (designator))

static const char *const names[] = {
	[PART_ROOT] = "root",
	[PART_USR] = "usr",
	[PART_HOME] = "home",
	[PART_SRV] = "srv",
	[PART_ESP] = "esp",
	[PART_XBOOTLDR] = "xbootldr",
	[PART_SWAP] = "swap",
	[PART_ROOT_VERITY] = "root-verity",
	[PART_ROOT_VERITY_SIG] = "root-verity-sig",
	[PART_USR_VERITY] = "usr-verity",
	[PART_USR_VERITY_SIG] = "usr-verity-sig",
	[PART_TMP] = "tmp",
	[PART_VAR] = "var",
};

/* In the order of the canonical text; the two aliases come last. */
static const struct flag {
	const char *name;
	unsigned int flags;
} flag_names[] = {
	{ "verity", POLICY_VERITY },
	{ "signed", POLICY_SIGNED },
	{ "encrypted", POLICY_ENCRYPTED },
	{ "encryptedwithintegrity", POLICY_ENCRYPTED_WITH_INTEGRITY },
	{ "unprotected", POLICY_UNPROTECTED },
	{ "unused", POLICY_UNUSED },
	{ "absent", POLICY_ABSENT },
	{ "read-only-on", POLICY_READ_ONLY_ON },
	{ "read-only-off", POLICY_READ_ONLY_OFF },
	{ "growfs-on", POLICY_GROWFS_ON },
	{ "growfs-off", POLICY_GROWFS_OFF },
	{ "open", POLICY_PROTECTIONS },
	{ "ignore", IGNORE },
};

static const struct special {
	const char *text;
	unsigned int fallback;
} specials[] = {
	{ "-", IGNORE },
	{ "", IGNORE },
	{ "*", POLICY_PROTECTIONS },
	{ "~", POLICY_ABSENT },
};

const char *designator_name(enum designator designator)
{
	return names[designator];
}

/* What the text leaves open is allowed: no level at all means every level. */
static unsigned int extend(unsigned int flags)
{
	if (!(flags & POLICY_PROTECTIONS))
		flags |= POLICY_PROTECTIONS;
	if (!(flags & READ_ONLY))
		flags |= READ_ONLY;
	if (!(flags & GROWFS))
		flags |= GROWFS;
	return flags;
}

/* The data partition that a hash or signature partition belongs to; or the partition itself. */
static enum designator data_of(enum designator part)
{
	if (part == PART_ROOT_VERITY || part == PART_ROOT_VERITY_SIG)
		return PART_ROOT;
	return part == PART_USR_VERITY || part == PART_USR_VERITY_SIG ? PART_USR : part;
}

/* Without the levels that a role cannot have; a hash partition is itself the protection. */
static unsigned int normalize(unsigned int flags, enum designator part)
{
	flags = extend(flags);
	if (data_of(part) != part)
		flags &= ~(unsigned int)(POLICY_ENCRYPTED | POLICY_ENCRYPTED_WITH_INTEGRITY);
	if (part != PART_ROOT && part != PART_USR)
		flags &= ~(unsigned int)(POLICY_VERITY | POLICY_SIGNED);
	if ((flags & POLICY_PROTECTIONS) == POLICY_ABSENT)
		flags = POLICY_ABSENT;
	return flags;
}

/* The flags of a hash or signature partition that no rule names follow from its data's. */
static unsigned int derive(const struct image_policy *policy, enum designator part)
{
	enum designator data = data_of(part);
	bool sig = part == PART_ROOT_VERITY_SIG || part == PART_USR_VERITY_SIG;
	unsigned int flags = policy->flags[data];
	unsigned int need = sig ? POLICY_SIGNED : POLICY_SIGNED | POLICY_VERITY;

	if (data == part || !(policy->listed & bit(data)) || !(flags & need))
		return policy->fallback;
	return POLICY_UNPROTECTED | (flags & (IGNORE | READ_ONLY | GROWFS));
}

/* Gives every role its entry. Root and usr come before the partitions that derive from them. */
static void resolve(struct image_policy *policy)
{
	for (unsigned int i = 0; i < PART_DESIGNATOR_MAX_; i++) {
		if (!(policy->listed & bit(i)))
			policy->flags[i] = derive(policy, (enum designator)i);
		policy->flags[i] = normalize(policy->flags[i], (enum designator)i);
	}
}

/* A boot needs a verified root or usr: rules/root demands one of them, so each may be absent. */
void policy_default(struct image_policy *ret)
{
	*ret = (struct image_policy){
		.flags[PART_ROOT] = POLICY_SIGNED | POLICY_ABSENT,
		.flags[PART_USR] = POLICY_SIGNED | POLICY_ABSENT,
		.fallback = extend(IGNORE),
		.listed = bit(PART_ROOT) | bit(PART_USR),
	};
	resolve(ret);
}

/* A part of the text, without the blanks around it. */
struct slice {
	const char *text;
	size_t len;
};

static bool slice_is(const struct slice *slice, const char *text)
{
	return strlen(text) == slice->len && memcmp(slice->text, text, slice->len) == 0;
}

/* Cuts off what stands before the separator, or all; false where there is no separator. */
static bool cut(struct slice *rest, char separator, struct slice *ret)
{
	static const char blanks[] = " \t";
	const char *end = memchr(rest->text, separator, rest->len);
	size_t len = end ? (size_t)(end - rest->text) : rest->len;

	*ret = (struct slice){ rest->text, len };
	rest->text += len + (end != NULL);
	rest->len -= len + (end != NULL);
	while (ret->len > 0 && strchr(blanks, ret->text[0])) {
		ret->text++;
		ret->len--;
	}
	while (ret->len > 0 && strchr(blanks, ret->text[ret->len - 1]))
		ret->len--;
	return end != NULL;
}

static int parse_flags(struct slice text, unsigned int *ret, struct err *err)
{
	struct slice rest = text, word;
	bool more;

	*ret = 0;
	cut(&rest, '\0', &word);
	if (word.len == 0 || slice_is(&word, "-"))
		return 0;
	do {
		unsigned int found = 0;

		more = cut(&text, '+', &word);
		for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
			if (slice_is(&word, flag_names[i].name))
				found = flag_names[i].flags;
		if (!found)
			return err_set(err, E_POLICY_SYNTAX, EINVAL, "unknown flag \"%.*s\"",
				       (int)word.len, word.text);
		*ret |= found;
	} while (more);
	return 0;
}

/* One "designator=flags"; without a designator the flags are the fallback. */
static int parse_entry(struct slice entry, struct image_policy *policy, bool *fallback_set,
		       struct err *err)
{
	struct slice name;
	unsigned int part = 0;

	if (!cut(&entry, '=', &name))
		return err_set(err, E_POLICY_SYNTAX, EINVAL, "\"%.*s\" has no '='", (int)name.len,
			       name.text);
	if (name.len == 0) {
		if (*fallback_set)
			return err_set(err, E_POLICY_SYNTAX, EEXIST, "two default entries");
		*fallback_set = true;
		return parse_flags(entry, &policy->fallback, err);
	}
	while (part < PART_DESIGNATOR_MAX_ && !slice_is(&name, names[part]))
		part++;
	if (part == PART_DESIGNATOR_MAX_)
		return err_set(err, E_POLICY_SYNTAX, EINVAL, "unknown partition \"%.*s\"",
			       (int)name.len, name.text);
	if (policy->listed & bit(part))
		return err_set(err, E_POLICY_SYNTAX, EEXIST, "two entries for %s", names[part]);
	policy->listed |= bit(part);
	return parse_flags(entry, &policy->flags[part], err);
}

/* It all ends in messages, so it has to be one line of plain text. */
static bool printable(const char *text)
{
	for (; *text; text++)
		if ((*text < ' ' && *text != '\t') || *text > '~')
			return false;
	return true;
}

int policy_parse(const char *text, struct image_policy *ret, struct err *err)
{
	struct image_policy policy = { .fallback = IGNORE };
	struct slice rest = { text, strlen(text) };
	bool fallback_set = false, more = true;

	if (rest.len >= TEXT_MAX)
		return err_set(err, E_POLICY_SYNTAX, E2BIG, "longer than %d bytes", TEXT_MAX - 1);
	if (!printable(text))
		return err_set(err, E_POLICY_SYNTAX, EINVAL, "not a line of ASCII");
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		if (strcmp(text, specials[i].text) != 0)
			continue;
		policy.fallback = specials[i].fallback;
		more = false;
	}
	while (more) {
		struct slice entry;
		int r;

		more = cut(&rest, ':', &entry);
		r = parse_entry(entry, &policy, &fallback_set, err);
		if (r < 0)
			return r;
	}
	policy.fallback = extend(policy.fallback);
	resolve(&policy);
	*ret = policy;
	return 0;
}

/* Whether nothing is left that a partition could be; where it is absent, its flags are moot. */
static bool impossible(unsigned int flags)
{
	unsigned int use = flags & POLICY_PROTECTIONS;

	return use == 0 || (use != POLICY_ABSENT && (!(flags & READ_ONLY) || !(flags & GROWFS)));
}

bool policy_intersect(const struct image_policy *a, const struct image_policy *b,
		      struct image_policy *ret)
{
	struct image_policy both = {
		.fallback = extend(a->fallback) & extend(b->fallback),
		.listed = a->listed | b->listed,
	};

	if (impossible(both.fallback))
		return false;
	for (unsigned int i = 0; i < PART_DESIGNATOR_MAX_; i++) {
		both.flags[i] = a->flags[i] & b->flags[i];
		if ((both.listed & bit(i)) && impossible(both.flags[i]))
			return false;
	}
	resolve(&both);
	*ret = both;
	return true;
}

/* Appends; the text is left as it was where it does not fit. */
static int append(char *text, size_t size, const char *more)
{
	size_t len = strlen(text);

	if (len + strlen(more) >= size)
		return -E2BIG;
	memcpy(text + len, more, strlen(more) + 1);
	return 0;
}

/* Leaves out what extend() and normalize() would put in, and names the two aliases. */
static unsigned int shorten(unsigned int flags, unsigned int all, const struct flag **ret_alias)
{
	const struct flag *open = &flag_names[ARRAY_SIZE(flag_names) - 2], *ignore = open + 1;
	unsigned int use = flags & POLICY_PROTECTIONS;

	*ret_alias = use == (all & POLICY_PROTECTIONS) ? open : use == IGNORE ? ignore : NULL;
	if (*ret_alias)
		flags &= ~(unsigned int)POLICY_PROTECTIONS;
	else if (use == 0)
		flags |= POLICY_VERITY; /* of a role that cannot have it: nothing is allowed */
	if ((flags & READ_ONLY) == READ_ONLY)
		flags &= ~(unsigned int)READ_ONLY;
	if ((flags & GROWFS) == GROWFS)
		flags &= ~(unsigned int)GROWFS;
	return flags;
}

static int append_entry(char *text, size_t size, const char *name, unsigned int flags,
			unsigned int all)
{
	const struct flag *alias;
	int r = text[0] ? append(text, size, ":") : 0;
	bool first;

	flags = shorten(flags, all, &alias);
	first = alias == NULL;
	if (r == 0)
		r = append(text, size, name);
	if (r == 0)
		r = append(text, size, "=");
	if (r == 0 && alias)
		r = append(text, size, alias->name);
	for (size_t i = 0; r == 0 && i + 2 < ARRAY_SIZE(flag_names); i++) {
		if (!(flags & flag_names[i].flags))
			continue;
		r = first ? 0 : append(text, size, "+");
		first = false;
		if (r == 0)
			r = append(text, size, flag_names[i].name);
	}
	return r;
}

/* "*", "-" or "~" where it means the same for every role; else NULL. */
static const char *special_text(const struct image_policy *policy)
{
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		struct image_policy special = { .fallback = extend(specials[i].fallback) };

		resolve(&special);
		if (special.fallback == policy->fallback &&
		    memcmp(special.flags, policy->flags, sizeof(special.flags)) == 0)
			return specials[i].text;
	}
	return NULL;
}

int policy_format(const struct image_policy *policy, char *ret, size_t size)
{
	const char *special = special_text(policy);
	int r = 0;

	if (special)
		return text_copy(ret, size, special);
	ret[0] = '\0';
	for (unsigned int i = 0; r == 0 && i < PART_DESIGNATOR_MAX_; i++)
		if (policy->listed & bit(i))
			r = append_entry(ret, size, names[i], policy->flags[i],
					 normalize(0, (enum designator)i));
	if (r == 0 && policy->fallback != extend(IGNORE))
		r = append_entry(ret, size, "", policy->fallback, POLICY_PROTECTIONS);
	if (r < 0)
		ret[0] = '\0';
	return r;
}
