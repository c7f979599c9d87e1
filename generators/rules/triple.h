/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choosing the data, verity and signature partitions of one role; a part of rules/root. */
#pragma once

#include "generators/crypttab.h"
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

/* Half of a root hash as a UUID: its first (0) or last (1) 128 bits; false where it is no hash. */
bool roothash_half(const char *roothash, int half, char ret[UUID_TEXT_SIZE]);

/* Makes it the next older one that is complete; false: there is none. */
bool version_older(const struct facts *facts, struct plan *plan, const char *arch,
		   const struct version *version);

/* A LUKS2 volume that root or /usr is in. */
struct sealed {
	const struct fact *part;
	char name[24];	   /* of its mapping, where no word gives another */
	bool below_verity; /* else what it decrypts to is the root's file system */
	bool spare; /* an older version's: its key may be found or not, and nobody is asked */
};
struct sealed_list {
	struct sealed volumes[4];
	size_t n;
};

/*
 * rules/unlock: the LUKS2 root of the boot disk, where the policy asks for encryption and not for verity,
 * or NULL; two candidates are a refusal.
 */
const struct fact *luks_choose(const struct facts *facts, struct plan *plan, const char *arch);
/* All LUKS2 volumes to open: these, and others. False: not yet, or refused. */
bool plan_luks(const struct facts *facts, struct plan *plan, const struct sealed_list *sealed);
/* Whether the key of that partition's volume was found for fallback, and nothing else has mapped it. */
bool luks_spare_found(const struct facts *facts, const struct plan *plan, const struct fact *part);
/* What may be replaced by a spare volume's version is not verified before that one's key was looked for. */
void luks_after_spare(struct plan *plan, struct step *step);
/* The step "open-NAME" that maps it, read-only; false where there is none that finds its key. */
bool luks_open(const struct facts *facts, struct plan *plan, const struct fact *part,
	       char ret_name[CRYPT_NAME_MAX]);

/* The steps "drop-NAME" that forget the keys of spare volumes, when the root is mounted without them. */
void luks_drop(const struct facts *facts, struct plan *plan);

/* rules/layers: whether the set's data partition is a LUKS2 volume, by the probe's hint. */
bool triple_encrypted(const struct triple *triple);
/*
 * Appends those of the version's sets, and where fallback is asked for those of the next older one;
 * E_POLICY or E_BOOTDISK_UNSET where one may not be opened.
 */
void layers_choose(const struct facts *facts, struct plan *plan, const char *arch,
		   const struct version *version, struct sealed_list *list);

/* rootfstype=, rootflags= or mount.usrfstype=, mount.usrflags= as arguments of the mount. */
void role_mount_words(const struct facts *facts, struct plan *plan, struct step *step,
		      const char *name);
