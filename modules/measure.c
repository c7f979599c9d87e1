/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extends one event into one PCR: a boot phase, as systemd-pcrextend does (the digest of the word
 * without a NUL), or a volume key, by the digests that the step which found it has reported.
 */
#include "init/base/bytes.h"
#include "init/base/text.h"
#include "modules/tpm2_measure.h"
#include "modules/verb.h"

#include <errno.h>
#include <string.h>

struct arguments {
	char word[TPM2_EVENT_SIZE], digests[TPM2_DIGESTS_TEXT];
	struct tpm2_event event;
};

static int phase(const struct step *step, struct arguments *args, struct err *err)
{
	int r = step_get(step, "word", args->word, sizeof(args->word), err);

	args->event.type = "phase";
	if (r == 0 && (!args->word[0] ||
		       args->word[strspn(args->word, "abcdefghijklmnopqrstuvwxyz-")] != '\0'))
		r = err_set(err, E_INTERNAL, EINVAL, "word=%s", args->word);
	return r;
}

static int volume(const struct step *step, const char *name, struct arguments *args,
		  struct err *err)
{
	char uuid[UUID_TEXT_SIZE];
	int r = step_get(step, "uuid", uuid, sizeof(uuid), err);

	if (r == 0)
		r = step_get(step, "digests", args->digests, sizeof(args->digests), err);
	if (r == 0 && tpm2_volume_word(name, uuid, args->word) < 0)
		r = err_set(err, E_LIMIT, E2BIG, "the volume's name is too long");
	args->event.type = "volume-key";
	args->event.digests = args->digests;
	return r;
}

static int read_arguments(const struct step *step, struct arguments *args, struct err *err)
{
	char name[64];
	uint64_t pcr = 0;
	int r = fields_get(&step->args, "volume", name, sizeof(name)) == 0
			? volume(step, name, args, err)
			: phase(step, args, err);

	if (r < 0)
		return r;
	if (fields_get_u64(&step->args, "pcr", &pcr) < 0 || pcr > TPM2_PCR_MAX)
		return err_set(err, E_INTERNAL, EINVAL, "pcr= is missing or no PCR");
	args->event.string = args->word;
	args->event.pcr = (unsigned int)pcr;
	return 0;
}

int measure_run(const struct step *step, const struct report *report, struct fields *result,
		struct err *err)
{
	static struct arguments args; /* of this child */
	char names[TPM2_BANKS_MAX * 8] = "";
	struct tpm2_bank banks[TPM2_BANKS_MAX];
	struct tpm2 tpm;
	size_t n = 0;
	int r = read_arguments(step, &args, err);

	(void)report;
	if (r < 0)
		return r;
	if (!tpm2_present()) {
		if (!fields_are(&step->args, "required", "yes"))
			return fields_add(result, "skipped", "no-tpm");
		return err_set(err, E_MEASURE, ENODEV, "there is no TPM to measure into");
	}
	r = tpm2_open(&tpm, err);
	if (r == 0)
		r = tpm2_measure(&tpm, &args.event, banks, &n, err);
	tpm2_close(&tpm);
	for (size_t i = 0; i < n && r == 0; i++) {
		size_t used = strlen(names);

		r = text_format(names + used, sizeof(names) - used, "%s%s", i ? "," : "",
				banks[i].name);
	}
	return r < 0 ? r : fields_add(result, "banks", names);
}
