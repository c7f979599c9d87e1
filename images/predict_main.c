/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `lintel plan DISK --uki UKI`: each TPM token of each LUKS2 partition, and an exit status. */
#include "generators/sources/luks2.h"
#include "images/plan.h"
#include "images/predict.h"
#include "init/base/fs.h"
#include "init/base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KDF_MEMORY_KIB (4U << 20) /* the most that cryptsetup uses: the machine is not known */

struct report {
	const struct prediction *prediction;
	bool json, comma;
	struct out *out;
	enum verdict verdict; /* of the worst partition */
};

static void print_token(struct report *report, const char *part, int id, enum verdict verdict,
			const struct err *why)
{
	static const char *const words[] = { "yes", "no", "unknown" };
	bool yes = verdict == VERDICT_YES;

	if (report->json) {
		out_printf(report->out,
			   "%s\n    {\"partition\": \"%s\", \"token\": %d, \"unseals\": \"%s\"",
			   report->comma ? "," : "", part, id, words[verdict]);
		if (!yes) {
			out_printf(report->out,
				   ", \"code\": \"%s\", \"why\": ", err_name(why->code));
			out_json(report->out, why->text);
		}
		out_printf(report->out, "}");
		report->comma = true;
		return;
	}
	out_printf(report->out, "%s  token %d  %s", part, id, words[verdict]);
	out_printf(report->out, yes ? "\n" : "  %s: %s\n", err_name(why->code), why->text);
}

static void judge_header(struct report *report, const char *part, const struct luks2_header *header)
{
	enum verdict best = VERDICT_NO;

	for (size_t i = 0; i < header->n_tokens; i++) {
		const struct luks2_token *token = &header->tokens[i];
		struct err why = { .code = E_NONE };
		enum verdict verdict;

		if (strcmp(token->type, "systemd-tpm2") != 0)
			continue;
		verdict = predict_token(report->prediction, token->json, token->json_size, &why);
		print_token(report, part, (int)token->id, verdict, &why);
		if (verdict == VERDICT_YES || (verdict == VERDICT_UNKNOWN && best == VERDICT_NO))
			best = verdict;
	}
	if (best == VERDICT_NO || report->verdict == VERDICT_YES)
		report->verdict = best;
}

/* 1 where the partition is LUKS2, 0 where not. */
static int judge_part(struct report *report, int fd, const struct fact *part, struct err *err)
{
	static uint8_t bytes[LUKS2_HEADER_MAX];
	struct luks2_limits limits = { .kdf_memory_kib = KDF_MEMORY_KIB };
	struct luks2_header header;
	struct err why = { .code = E_NONE };
	uint64_t start, size;
	ssize_t n;
	int r;

	if (fields_get_u64(&part->fields, "start", &start) < 0 ||
	    fields_get_u64(&part->fields, "size", &size) < 0)
		return err_set(err, E_INTERNAL, EINVAL, "%s: no place", part->subject);
	limits.device_bytes = size * 512;
	n = fs_pread(fd, bytes, size * 512 < LUKS2_HEADER_MAX ? size * 512 : LUKS2_HEADER_MAX,
		     start * 512);
	if (n < 0)
		return err_set(err, E_IO, (int)-n, "%s: %s", part->subject, strerror((int)-n));
	r = luks2_header_parse(bytes, (size_t)n, &limits, &header, &why);
	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		judge_header(report, part->subject, &header);
		return 1;
	}
	print_token(report, part->subject, -1, VERDICT_NO, &why);
	report->verdict = VERDICT_NO;
	return 1;
}

static int judge_disk(struct report *report, const char *path, struct err *err)
{
	static struct facts facts;
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = image_read(path, "vda", &facts, err), found = 0;

	if (r == 0 && fd < 0)
		r = err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	for (const struct fact *part = NULL;
	     r >= 0 && (part = facts_each(&facts, FACT_PART, part)) != NULL; found += r)
		r = judge_part(report, fd, part, err);
	if (r < 0)
		return r;
	if (found == 0)
		return err_set(err, E_LUKS_HEADER, EINVAL, "%s: no LUKS2 partition", path);
	return 0;
}

/* A file that says what PCRs will hold, or may; 0 where none is given. */
static int load(struct prediction *prediction, const char *path,
		int (*take)(struct prediction *, uint8_t *, size_t, struct err *), struct err *err)
{
	static uint8_t bytes[EVENTLOG_BYTES_MAX];
	ssize_t n;
	int r;

	if (!path)
		return 0;
	n = fs_read(AT_FDCWD, path, bytes, sizeof(bytes));
	if (n < 0)
		return err_set(err, E_IO, (int)-n, "%s: %s", path, strerror((int)-n));
	r = take(prediction, bytes, (size_t)n, err);
	if (r < 0)
		err_wrap(err, "%s", path);
	return r;
}

/* The machine's own TPM, where that is asked for, or its own disk and nothing else is. */
static int load_host(struct prediction *prediction, const struct predict_files *files,
		     struct err *err)
{
	char folder[PATH_MAX];
	struct stat st;
	int r;

	if (!predict_host_folder(files, stat(files->disk, &st) == 0 && S_ISBLK(st.st_mode), folder,
				 sizeof(folder)))
		return 0;
	r = predict_host(prediction, folder, err);
	return r == -ENODEV && !files->device ? 0 : r;
}

static void print_pcr(const struct report *report)
{
	for (size_t i = 0; i < PREDICT_BANKS; i++) {
		const struct predict_bank *bank = &report->prediction->banks[i];
		char text[129];

		hex_encode(bank->values[11], bank->bank.size, text);
		if (report->json)
			out_printf(report->out, "%s\"%s\": \"%s\"", i ? ", " : "{\"pcr11\": {",
				   bank->bank.name, text);
		else
			out_printf(report->out, "11:%s=%s\n", bank->bank.name, text);
	}
	if (report->json)
		out_printf(report->out, "},\n \"tokens\": [");
}

static int predict_mapped(const struct predict_files *files, const uint8_t *bytes, size_t size,
			  bool json, struct err *err)
{
	static struct prediction prediction;
	struct out out;
	struct report report = { .prediction = &prediction, .json = json, .out = &out };
	int r = predict_uki(bytes, size, &prediction, err);

	/* a value that is given counts more than one that was */
	if (r == 0)
		r = load_host(&prediction, files, err);
	if (r == 0)
		r = load(&prediction, files->eventlog, predict_eventlog, err);
	if (r == 0)
		r = load(&prediction, files->pcrs, predict_pcrs, err);
	if (r == 0)
		r = load(&prediction, files->pcrlock, predict_pcrlock, err);
	if (r < 0)
		return r;
	out_init(&out, STDOUT_FILENO);
	print_pcr(&report);
	r = judge_disk(&report, files->disk, err);
	if (json)
		out_printf(&out, "\n]}\n");
	out_flush(&out);
	if (r < 0)
		return r;
	return report.verdict == VERDICT_YES ? 0 : report.verdict == VERDICT_NO ? 5 : 6;
}

int predict_main(const struct predict_files *files, bool json, struct err *err)
{
	_close_ int fd = open(files->uki, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *map;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, E_IO, errno, "%s: %s", files->uki, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return err_set(err, E_UKI, EINVAL, "%s: no PE file", files->uki);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_set(err, E_IO, errno, "%s: %s", files->uki, strerror(errno));
	r = predict_mapped(files, map, (size_t)st.st_size, json, err);
	munmap(map, (size_t)st.st_size);
	return r;
}
