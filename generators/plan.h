/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What follows from the facts: steps, waits and refusals. A plan is recomputed from scratch by
 * decide() and holds no state; what is started or done is known from the facts.
 */
#pragma once

#include "generators/facts.h"
#include "generators/policy.h"

#define PLAN_STEPS_MAX 2048
#define PLAN_WAITS_MAX 8
#define PLAN_REFUSALS_MAX 8
#define PLAN_NOTES_MAX 16
#define STEP_AFTER_MAX 8
#define PLAN_BUCKETS 1024

enum verb {
	VERB_COLDPLUG, /* trigger every device's uevent */
	VERB_EFIVARS,  /* read the boot loader's EFI variables */
	VERB_DRIVERS, /* modalias= or module=: load it and what it depends on (?NAME: if it is there) */
	VERB_PROBE, /* disk=: read its partition table and signature partitions */
	VERB_VERITY, /* name= data= [crypt= closes=] hash= sig= roothash= trust=signed|cmdline first=mount */
	VERB_UNLOCK,   /* name= part=: find the volume key */
	VERB_ACTIVATE, /* name= part= uuid= cipher= keysize= sector= offset= size=: map it; drop= */
	VERB_MOUNT,    /* kind=verity|crypt|tmpfs|undo what= where= fstype= options= [scope=] */
	VERB_STORED,   /* list the extension images of the root's own folders */
	VERB_LOOP,     /* image= below /.extra or file= of the root: a loop device */
	VERB_EXTENSION,	    /* name= class= arch= image=|file=: match it; or refuse: code= text= */
	VERB_EXTEND_INITRD, /* names= [certificates=yes]: drivers and firmware, from now on */
	VERB_EXTEND,	    /* class= n= loops=: merge those that matched over the root */
	VERB_CREDENTIALS,   /* take=all|encrypted|none, to /run/credentials */
	VERB_STUB,	    /* what else the host takes of the stub, to /run/systemd */
	VERB_MEASURE,	    /* pcr= word=, or pcr= volume= uuid= digests= */
	VERB_HANDOVER,	    /* root= init= */
	VERB_CAP,	    /* required=: close volumes, "recovery" into PCR 11 and 15 */
	VERB_LOADER, /* do=record|fallback|clear|other|older [code= text= phone= count= name=]: EFI variables */
	VERB_PASSWORD, /* asks for the shell's; done: it was right */
	VERB_SHELL,    /* the recovery shell; how= of its result: reboot, poweroff or other */
	VERB_MAX_,
};

struct step {
	char id[FACT_NAME_MAX];
	enum verb verb;
	bool after_all; /* after every earlier step of the plan */
	bool late; /* a driver that probes slowly: only when the quick ones found no boot disk */
	uint16_t patience_s; /* beyond the verb's deadline: a person may be asked */
	uint8_t n_after;
	uint16_t next;			/* 1 + index of the next in the same bucket */
	uint16_t after[STEP_AFTER_MAX]; /* indices of earlier steps in the plan */
	struct fields args;
	char because[200];
};

/* Something that must turn up in time; if not, FACT_DEADLINE with this id is appended. */
struct wait {
	char id[32];
	char what[160];
	uint64_t deadline_usec; /* CLOCK_BOOTTIME */
};

struct plan {
	size_t n_steps, n_waits, n_refusals, n_notes;
	uint16_t heads[PLAN_BUCKETS]; /* of steps by id: 1 + index; 0: empty */
	struct step steps[PLAN_STEPS_MAX];
	struct wait waits[PLAN_WAITS_MAX];
	struct err refusals[PLAN_REFUSALS_MAX];
	char notes[PLAN_NOTES_MAX][200]; /* what was seen and left alone, and why */

	/* What one rule found and a later one in the table needs. */
	struct image_policy policy;
	char boot_disk[32]; /* "vda"; empty: not (yet) known */
	bool any_disk;	    /* root= or roothash= in the UKI's own line allows every disk */
	bool root_planned;  /* rules/root has planned /sysroot (and /sysroot/usr) */
	char root_mount[24], usr_mount[24]; /* the mounts that count; usr_mount may be empty */
	struct err fallback;		    /* why an older version is taken; E_NONE: it is not */
	bool initrd_pending; /* images may still bring what the way to the root needs */
	bool tpm_expected;   /* the stub measured: PCR 11 must follow */
	bool disks_read;     /* every known disk has been probed: none can be a second holder */
	bool asks;	     /* a person may be asked: keyboards are needed, too */
	bool enough;	     /* the way to the root is known: other devices are the host's */
	bool late_too;	     /* the late steps may start */
	bool recovery;	     /* it was asked for: nothing is booted */
};

/* Empties the plan. */
void plan_reset(struct plan *plan);

/* Appends a step and returns it with id, verb and reason set, or NULL (refused with E_LIMIT). */
struct step *plan_step(struct plan *plan, enum verb verb, const char *id, const char *fmt, ...)
	_printf_(4, 5);
/* Adds an argument; an overflow becomes a refusal with E_LIMIT. step may be NULL. */
void step_arg(struct plan *plan, struct step *step, const char *key, const char *value);
/* Orders step after another one that is in the plan already; unknown ids are a refusal. */
void step_after(struct plan *plan, struct step *step, const char *id);
void plan_wait(struct plan *plan, const char *id, uint64_t deadline_usec, const char *fmt, ...)
	_printf_(4, 5);
void plan_refuse(struct plan *plan, enum err_code code, const char *fmt, ...) _printf_(3, 4);
void plan_note(struct plan *plan, const char *fmt, ...) _printf_(2, 3);
const struct step *plan_find(const struct plan *plan, const char *id);
const char *verb_name(enum verb verb);

/* Whether the step only looks after one device: its failure stops nothing, and nothing waits. */
bool step_is_device(enum verb verb, const char *id);

/* Whether it is one of the steps that every extension image has: of those there may be dozens at once. */
bool step_is_image(enum verb verb, const char *id);

/*
 * What a new fact is to a plan that was made without it. A decision looks at all images: so that one more
 * makes none of them dearer, the result of an image's step waits for those of the same verb.
 */
enum news {
	NEWS_NONE,	  /* what counts is a result that comes after it */
	NEWS_WITH_OTHERS, /* when no image is at the stage of that step any more */
	NEWS_NOW,
};
enum news fact_news(const struct plan *plan, const struct fact *fact);

/* Whether all that step waits for is done. */
bool step_ready(const struct plan *plan, const struct step *step, const struct facts *facts);

/* The one entry: runs every rule in the order of the table in decide.c. */
void decide(const struct facts *facts, struct plan *plan);
