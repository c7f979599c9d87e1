/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known: an append-only list of facts, each with its origin and time. Sources and finished
 * steps append; rules read. The text form is one line a fact,
 *
 *	USEC ORIGIN KIND SUBJECT [key=value …]
 *
 * which stands in /run/lintel/facts and is what `lintel plan --facts` replays.
 */
#pragma once

#include "init/base/err.h"
#include "init/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_MAX 20480 /* 64 disks of 128 partitions: two facts each, and 512 devices */
#define FACT_NAME_MAX 96
#define FACT_LINE_MAX 1024

enum fact_kind {
	FACT_CMDLINE, /* subject: word; value= trusted= (yes: the UKI's own) */
	FACT_EFI,     /* subject: variable; value= */
	FACT_CONFIG, /* subject: image-policy, cmdline, arch …; value= (from the signed initrd) */
	FACT_DEVICE, /* subject: modalias, encoded */
	FACT_BLOCK, /* subject: vda; devtype= dev= size= (512-byte sectors) [disk= partn= start=] */
	FACT_GONE,  /* subject: vda: the block device vanished */
	FACT_SETTLED, /* subject: sources or coldplug: all that was there is known */
	FACT_TPM,     /* subject: tpmrm0: a TPM 2.0 resource manager device */
	FACT_GPT,     /* subject: vda; state=ok|none|bad uuid= code= text= */
	FACT_PART,    /* subject: vda2; disk= n= type= uuid= start= size= flags= label= [hint=] */
	FACT_SIG,     /* subject: vda4; disk= roothash= fingerprint= or code= text= */
	FACT_EXTRA,   /* subject: path below /.extra; [class= name= size= | refused=] or n= */
	FACT_STORED, /* subject: entry of the root's own folders; class= folder= [name= file= | refused=] */
	FACT_CRYPTTAB,	 /* subject: name of the mapping; device= [key=] [options=] */
	FACT_CREDENTIAL, /* subject: its name; source= why=: it was left out */
	FACT_PCR, /* subject: PCR; step= token= bank= value= [expected=] [event=] [log=disagrees] */
	FACT_START,    /* subject: step id */
	FACT_RESULT,   /* subject: step id; status=done|failed ms= code= text= … */
	FACT_DEADLINE, /* subject: wait id: it passed */
	FACT_KIND_MAX_,
};

/*
 * Three indices keep decide() from walking what it has no use for: by kind, by subject, and by the
 * few fields that rules look facts up with (see the table in facts.c).
 */
enum fact_link { LINK_KIND, LINK_SUBJECT, LINK_FIELD, LINK_FIELD_2, LINK_FIELD_3, FACT_LINKS };

struct fact {
	uint64_t usec; /* CLOCK_BOOTTIME */
	enum fact_kind kind;
	uint16_t next[FACT_LINKS]; /* 1 + index of the next in the same bucket of each index */
	char origin[32];
	char subject[FACT_NAME_MAX];
	struct fields fields;
};

#define FACTS_BUCKETS 4096

struct facts {
	size_t n;
	uint16_t head[FACT_LINKS][FACTS_BUCKETS], tail[FACT_LINKS][FACTS_BUCKETS]; /* 0: empty */
	struct fact list[FACTS_MAX];
};

const char *fact_kind_name(enum fact_kind kind);

/* Empties a list. */
void facts_clear(struct facts *facts);

/* Appends a copy. 0, or -ENOSPC with E_LIMIT, or -EINVAL where a name is empty or has blanks. */
int facts_add(struct facts *facts, const struct fact *fact, struct err *err);

/* Fills in a fact to append; the origin, subject and fields may be completed by the caller. */
int fact_init(struct fact *fact, enum fact_kind kind, const char *origin, const char *subject,
	      struct err *err);

/* The first or, with the earlier one given, the next fact of that kind and subject; or NULL. */
const struct fact *facts_find(const struct facts *facts, enum fact_kind kind, const char *subject);
const struct fact *facts_next(const struct facts *facts, const struct fact *fact);

/* The last one of that kind and subject: later facts override earlier ones. */
const struct fact *facts_last(const struct facts *facts, enum fact_kind kind, const char *subject);

/* Walks all facts of a kind in order of arrival; start with NULL. */
const struct fact *facts_each(const struct facts *facts, enum fact_kind kind,
			      const struct fact *after);

/* Walks those of a kind whose field has that value; key must be in the table of indexed fields. */
const struct fact *facts_with(const struct facts *facts, enum fact_kind kind, const char *key,
			      const char *value, const struct fact *after);

/* Whether a step has a result, and whether it is done. */
bool facts_step_started(const struct facts *facts, const char *id);
bool facts_step_done(const struct facts *facts, const char *id);
const struct fact *facts_step_result(const struct facts *facts, const char *id);

/* Text form: one line without newline. -E2BIG where it does not fit. */
int fact_format(const struct fact *fact, char *ret, size_t size);
/* Strict; -EINVAL with E_FACTS. Does not append. */
int fact_parse(const char *line, struct fact *ret, struct err *err);
/* Parses lines and appends each; blank lines and '#' comments are skipped. */
int facts_parse(struct facts *facts, const char *text, struct err *err);
