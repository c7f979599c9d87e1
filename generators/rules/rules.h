/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rule is a pure function from facts to steps; the table in decide.c runs all in order. */
#pragma once

#include "generators/crypttab.h"
#include "generators/plan.h"
#include "init/base/bytes.h"

void sources_decide(const struct facts *facts, struct plan *plan);
void failure_decide(const struct facts *facts, struct plan *plan);
void cmdline_decide(const struct facts *facts, struct plan *plan);
void policy_decide(const struct facts *facts, struct plan *plan);
void measure_decide(const struct facts *facts, struct plan *plan);
void drivers_decide(const struct facts *facts, struct plan *plan);
void recovery_decide(const struct facts *facts, struct plan *plan);
void images_decide(const struct facts *facts, struct plan *plan);
void bootdisk_decide(const struct facts *facts, struct plan *plan);
void root_decide(const struct facts *facts, struct plan *plan);
void extensions_decide(const struct facts *facts, struct plan *plan);
void handover_decide(const struct facts *facts, struct plan *plan);
void deadline_decide(const struct facts *facts, struct plan *plan);

/* rules/extension_policy: words that may narrow which signed images are taken, and nothing more. */
void extension_policy_decide(const struct facts *facts, struct plan *plan);
/* 0, or -EPERM with E_POLICY: the class may not have this partition. */
int extension_policy_check(const struct facts *facts, const char *class, enum designator part,
			   struct err *err);

/* rules/stored: the step that lists what the root keeps; all that is in its folders is told at once. */
#define STORED_STEP "stored:root"
void stored_decide(const struct facts *facts, struct plan *plan, bool refuse);
/*
 * rules/drivers: the one step for all that seem to hold one file system, whose driver can come while
 * dm-verity starts. False: the partition gives no hint. Where there is no such driver, the mount says so.
 */
#define FS_STEP_MAX 24
bool plan_filesystem(struct plan *plan, const struct fact *part, char ret_id[FS_STEP_MAX]);
/* Not before the driver of dm-verity is there; where the policy has the root encrypted, it comes only now. */
void step_after_verity(struct plan *plan, struct step *step);
/* Not before the root is mounted, and its /usr. */
void step_after_root(struct plan *plan, struct step *step);

/* What every rule may ask of the facts; in rules/ask.c. */

/* All sources, the EFI variables among them, have been read: absence now means absence. */
bool sources_settled(const struct facts *facts);

/*
 * The last value of a command-line word, "rd." forms before plain ones; but what was appended never
 * overrides a word of the UKI's own. False: not given.
 */
struct word {
	char value[FIELDS_MAX];
	bool trusted;
};
bool word_get(const struct facts *facts, const char *key, struct word *ret);
/*
 * The index of the strictest of three values, mildest first, that any line gives to the word or to its
 * rd. form; 0 without one. For words that only narrow, whoever gave them; another value is refused.
 */
size_t word_strictest(const struct facts *facts, struct plan *plan, const char *key,
		      const char *const values[3]);

/* rules/policy: refuses a data partition whose flags are not as the policy wants them. */
void policy_check_flags(struct plan *plan, enum designator part, const struct fact *data);

/* The value of a FACT_EFI or FACT_CONFIG, or an empty string. */
void value_get(const struct facts *facts, enum fact_kind kind, const char *subject, char *ret,
	       size_t size);

/* rules/volume: what words and crypttab say about one LUKS2 volume; false: refused. */
struct volume {
	char name[CRYPT_NAME_MAX];   /* of the mapping */
	char probed[UUID_TEXT_SIZE]; /* that the probe saw in its header; empty: nothing */
	char uuid[UUID_TEXT_SIZE];   /* that its header must have; empty: any */
	char key[CRYPT_KEY_MAX];     /* a file of the initrd; empty: none */
	unsigned int ask;	     /* ASK_… */
	struct crypt_options options;
};
bool volume_words(const struct facts *facts, struct plan *plan, const struct fact *part,
		  const char *name, struct volume *ret);
/* Whether rd.luks.uuid=, rd.luks.name= or crypttab names it: then it is opened, whatever its type. */
bool volume_named(const struct facts *facts, const struct fact *part);
/* Refuses where a word names a volume that is not there. */
void volume_words_met(const struct facts *facts, struct plan *plan);

/* rules/unlock: what LUKS2 needs of the kernel, once. */
void plan_crypt_drivers(struct plan *plan, const char *why);

/* Whether the disk's partitions are known and may be used. */
bool disk_usable(const struct facts *facts, const char *disk);

/* A loop device: of an extension image, and never one of the machine's disks. */
bool disk_is_image(const char *disk);

/* "probe:vda" */
void probe_id(const char *disk, char *ret, size_t size);

/* Of all names that are added, in any order, the two that sort first; empty: none. */
struct pair {
	char a[FACT_NAME_MAX], b[FACT_NAME_MAX];
};
void pair_add(struct pair *pair, const char *name);

/* The code and text that a failure's fact has; otherwise: where the code is none that is known. */
void fact_err(const struct fact *fact, enum err_code otherwise, struct err *ret);

/* Refuses with what is wrong with each malformed table; false where there is none. */
bool refuse_bad_tables(const struct facts *facts, struct plan *plan);

/* What on_failure asks for. An appended word may choose none but the plain ends. */
enum action { ACTION_POWEROFF, ACTION_REBOOT, ACTION_HALT, ACTION_RECOVER, ACTION_FALLBACK };
enum action action_choose(const struct facts *facts);

/* Whether the UKI's profile "recovery" was chosen. */
bool recovery_asked(const struct facts *facts);

/* Whether the UKI's own line or profile allows a shell, after a password, when the boot was refused. */
bool shell_allowed(const struct facts *facts);

/* Whether a failed step's result means "try an older version": rules/root does that, or refuses. */
bool fallback_takes(const struct facts *facts, const struct fact *result);

/* That result of the verity step with this id or of its mount; or NULL. */
const struct fact *fallback_failure(const struct facts *facts, const char *id);

/* What stands behind the label's last '_', or an empty string. */
const char *label_version(const char *label);

/* Whether that is not below the signed minimum, if any. */
bool version_allowed(const struct facts *facts, const char *label);

/* Whether the signed initrd's list of revoked root hashes has it. */
bool roothash_revoked(const struct facts *facts, const char *roothash);

/* rules/images: the extension images of /.extra. */
#define IMAGES_MAX 64 /* as the source has it */
struct image {
	const struct fact *fact;
	const char *class;     /* "sysext" or "confext" */
	char name[72], id[88]; /* "foo", "sysext-foo" */
	uint32_t hash;	       /* of the name */
};
enum extension_mode { EXTENSIONS_MERGE, EXTENSIONS_REFUSE, EXTENSIONS_OFF };

/* The strictest of all that any line says: lintel.extensions= only narrows, whoever gave it. */
enum extension_mode extensions_mode(const struct facts *facts, struct plan *plan);
struct images {
	struct image list[IMAGES_MAX];
	size_t n;
};

/*
 * Adds those of the kind. By path, so that the order of arrival is nothing; "global_…" comes before
 * "sysext/…". More than the source of the one or the other kind lets through alone is too much.
 */
void images_collect(const struct facts *facts, struct plan *plan, enum fact_kind kind,
		    const char *class, struct images *images);
/* Those of the stub, which images_decide() has collected for this plan. */
const struct images *images_of_stub(const char *class);
/* All steps of those of the kind, up to their mounts: each, or why it is skipped. */
void images_plan(const struct facts *facts, struct plan *plan, const struct images *images,
		 enum fact_kind kind);
/* Another image of the same name that is not behind it, one of its own folder rather than others. */
const struct image *image_twin(const struct images *images, const struct image *of);
/* rules/images_initrd: those of the initrd's own scope, when all have ended. */
void images_plan_initrd(const struct facts *facts, struct plan *plan);
/* Whether it said so when it was mounted, and for "initrd" whether it is for this one. */
bool image_has_scope(const struct facts *facts, const struct image *image, const char *scope);
/* A step "prefix:id", and one that waits for such a step. */
struct step *image_step(struct plan *plan, enum verb verb, const char *prefix, const char *id,
			const char *because);
void image_after(struct plan *plan, struct step *step, const char *prefix, const char *id);
/* Whether a step from the plan's index on has no result yet, or has failed. */
bool steps_pending(const struct facts *facts, const struct plan *plan, size_t from);
bool steps_failed(const struct facts *facts, const struct plan *plan, size_t from);
