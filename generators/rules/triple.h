/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choosing the data, verity and signature partitions of one role; a part of rules/root. */
#pragma once

#include "generators/plan.h"
#include "init/base/bytes.h"

struct triple {
	const struct fact *data, *hash, *sig; /* sig: NULL where a trusted word names the hash */
	char disk[32];
	char roothash[129];
	char label[128];
	char type_name[48];
	char why_disk[48], why_trust[128];
	bool trusted_word;
};

/*
 * Whether the role (PART_ROOT or PART_USR) has a set of partitions that the policy accepts; a
 * refusal is in the plan where the role is there but not as it must be. With `below`, only labels
 * that are older than it count, and to have none is no refusal yet.
 */
bool triple_choose(const struct facts *facts, struct plan *plan, enum designator role,
		   const char *arch, const char *below, struct triple *ret);

/* The same of an extension image's loop device: no word and no weaker level than signed counts. */
bool triple_of_image(const struct facts *facts, struct plan *plan, enum designator role,
		     const char *arch, const char *disk, struct triple *ret);

/* One version of the image: the root's set, /usr's, or both. */
struct version {
	struct triple *root, *usr; /* NULL: it has none, or one that has no versions */
	bool tmpfs;		   /* what /usr comes on top of */
	unsigned int number;	   /* 1: the newest */
	const struct fact *failed; /* an older one is to take its place */
	const struct triple *failed_set;
};

/* rules/version: root and usr become those of the newest version that has both; false: refused. */
bool version_settle(const struct facts *facts, struct plan *plan, const char *arch,
		    const struct version *version);
/* The steps of that version, and of older ones where it failed and may be replaced. */
void version_plan(const struct facts *facts, struct plan *plan, const char *arch,
		  struct version *version);

/* root=gpt-auto and root=dissect: what lintel does without any word. */
bool root_word_is_dps(const char *word);
/* Whether root=PARTUUID=…, PARTLABEL=… or /dev/… means the partition; an empty word means all. */
bool root_word_matches(const char *word, const struct fact *part);

/* Whether it is one of the forms that lintel knows; an empty word is. */
bool root_word_known(const char *word);

/* rules/unlock: the LUKS2 root of the boot disk, or NULL; two candidates are a refusal. */
const struct fact *luks_choose(const struct facts *facts, struct plan *plan, const char *arch);
/* All LUKS2 volumes to open; root: luks_choose()'s, or NULL. */
void plan_luks(const struct facts *facts, struct plan *plan, const struct fact *root);

/* rootfstype=, rootflags= or mount.usrfstype=, mount.usrflags= as arguments of the mount. */
void role_mount_words(const struct facts *facts, struct plan *plan, struct step *step,
		      const char *name);
