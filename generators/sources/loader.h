/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What passes from a boot to the next through EFI variables: the Boot Loader Interface's entries,
 * and why lintel refused. Whoever is root in the host can write all of it.
 */
#pragma once

#include "init/base/err.h"
#include "init/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOADER_GUID "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
/* lintel's own, made at random */
#define LINTEL_GUID "5d1f3c6e-88a4-4d0b-9b67-2f0f7a1e93c5"
#define REFUSAL_VARIABLE "LintelLastRefusal"
#define FALLBACK_VARIABLE "LintelLastFallback" /* the same form; its count is always 1 */
#define EFI_ATTRIBUTES_SIZE 4
#define EFI_PERSISTENT 7 /* non-volatile, boot and runtime access (UEFI 2.10 section 8.2) */
#define ENTRY_MAX 128	 /* of a loader entry's name, with its NUL */
#define ENTRIES_SIZE_MAX 8192
#define REFUSAL_SIZE_MAX 240 /* of the variable, attributes included */
#define REFUSAL_COUNT_MAX 1000000
#define PHONE_SIZE 10 /* "ABC-DEFGH" */

/* Printable ASCII in UTF-16 that ends with one NUL; 0 or -EINVAL. */
int utf16_decode(const uint8_t *data, size_t size, char *ret, size_t max);

/*
 * The newest of LoaderEntries (UTF-16 names, a NUL after each) that is older than the one that was
 * booted or, where older is not asked for and there is none, the newest of all others. The loader's
 * own "auto-" entries (firmware setup, other systems) never count. 0, -ENOENT or -EINVAL.
 */
int loader_choose(const uint8_t *data, size_t size, const char *current, bool older,
		  char ret[ENTRY_MAX]);

/*
 * Boot assessment (systemd's docs/AUTOMATIC_BOOT_ASSESSMENT.md): how many tries the entry has in all, from
 * LoaderBootCountPath, /EFI/Linux/os_2+LEFT-DONE.efi with backslashes; 0: its tries are not counted. The loader takes
 * an older entry when none is left, so reboots up to there are bounded by the loader.
 */
#define LOADER_TRIES_MAX 10
unsigned int loader_tries(const char *path);

/* The variable with its attributes: "count=N phone=… code=… text=…", the text cut where too long. */
size_t refusal_format(uint64_t count, const char *code, const char *phone, const char *text,
		      uint8_t ret[REFUSAL_SIZE_MAX]);
/* Strict; 0 or -EINVAL. */
int refusal_parse(const uint8_t *data, size_t size, struct fields *ret, uint64_t *ret_count);

/* To be read over the telephone: three letters for the code, five for its text. */
void refusal_phone(const char *code, const char *text, char ret[PHONE_SIZE]);
