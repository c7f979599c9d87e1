/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks for the recovery shell's password, in a child that does nothing else: three tries, each with the
 * whole cost of the hash, which is compared in constant time. The hash is of the signed initrd.
 */
#include "generators/phc.h"
#include "generators/sources/sources.h"
#include "init/base/fs.h"
#include "modules/argon2.h"
#include "modules/prompt.h"
#include "modules/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define TRIES 3
#define SPARE_BYTES                                                                                \
	(UINT64_C(128) << 20) /* beyond the hash's own: PID 1's tables are this child's, too */

struct secrets {
	char typed[PROMPT_LINE_MAX];
	struct prompt_lines lines;
	uint8_t hash[PHC_BYTES_MAX];
};

static int read_hash(struct phc *ret, struct err *err)
{
	char text[PHC_TEXT_MAX];
	ssize_t n = fs_read_line(AT_FDCWD, "/" SHELL_PASSWORD, text, sizeof(text));

	if (n < 0)
		return err_set(err, E_IO, (int)-n, "/" SHELL_PASSWORD ": %s", strerror((int)-n));
	return phc_parse(text, ret, err);
}

/* Locked, in no core, and the child's memory bounded by what the hash says it needs. */
static struct secrets *make_secrets(const struct phc *phc, struct err *err)
{
	const struct rlimit none = { 0, 0 };
	const rlim_t bytes = (rlim_t)phc->memory_kib * 1024 + SPARE_BYTES;
	const struct rlimit memory = { bytes, bytes };
	void *map = mmap(NULL, sizeof(struct secrets), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map != MAP_FAILED && mlock(map, sizeof(struct secrets)) == 0 &&
	    madvise(map, sizeof(struct secrets), MADV_DONTDUMP) == 0 &&
	    setrlimit(RLIMIT_CORE, &none) == 0 && setrlimit(RLIMIT_DATA, &memory) == 0)
		return map;
	err_set(err, E_INTERNAL, errno, "memory for a password: %s", strerror(errno));
	return NULL;
}

/* Every byte counts, wherever the first difference is. */
static bool same(const uint8_t *a, const uint8_t *b, size_t size)
{
	volatile uint8_t differs = 0;

	for (size_t i = 0; i < size; i++)
		differs |= a[i] ^ b[i];
	return differs == 0;
}

/* 1: right, 0: wrong, or -ENOMEM. */
static int check(const struct phc *phc, struct secrets *secrets, struct err *err)
{
	int r = argon2id_hash_raw(phc->passes, phc->memory_kib, phc->lanes, secrets->typed,
				  strlen(secrets->typed), phc->salt, phc->salt_size, secrets->hash,
				  phc->hash_size);

	explicit_bzero(secrets->typed, sizeof(secrets->typed));
	if (r != 0)
		return err_set(err, E_LIMIT, ENOMEM, "the password's hash wants %" PRIu32 " KiB",
			       phc->memory_kib);
	r = same(secrets->hash, phc->hash, phc->hash_size);
	explicit_bzero(secrets->hash, sizeof(secrets->hash));
	return r;
}

static int ask(const struct phc *phc, struct secrets *secrets, const struct consoles *consoles,
	       uint64_t end_usec, struct err *err)
{
	char question[80];
	const struct prompt prompt = { .consoles = consoles,
				       .question = question,
				       .end_usec = end_usec };
	int r;

	for (int n = 1; n <= TRIES; n++) {
		text_format(question, sizeof(question),
			    "Password of the recovery shell, try %d of %d: ", n, TRIES);
		r = prompt_read(&prompt, &secrets->lines, secrets->typed);
		if (r < 0)
			return err_set(err, E_KEY_NONE, -r, "nobody typed a password in time");
		r = check(phc, secrets, err);
		if (r != 0)
			return r < 0 ? r : 0;
		consoles_print(consoles, "Wrong.\n");
	}
	return err_set(err, E_KEY_WRONG, EACCES, "%d wrong passwords of the recovery shell", TRIES);
}

int password_run(const struct step *step, const struct report *report, struct fields *result,
		 struct err *err)
{
	struct consoles consoles;
	struct secrets *secrets;
	uint64_t seconds = 0;
	struct phc phc = { .memory_kib = 0 };
	int r = read_hash(&phc, err);

	(void)report;
	(void)result;
	if (r < 0)
		return r;
	secrets = make_secrets(&phc, err);
	if (!secrets)
		return -ENOMEM;
	fields_get_u64(&step->args, "seconds", &seconds);
	prompt_begin(&consoles);
	r = ask(&phc, secrets, &consoles, clock_usec() + seconds * 1000000, err);
	prompt_end(&consoles);
	explicit_bzero(secrets, sizeof(*secrets));
	return r;
}
