/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `lintel plan`: the rules of /init on any host, without root. */
#include "images/plan.h"
#include "generators/sources/dps.h"
#include "generators/sources/sources.h"
#include "images/predict.h"
#include "init/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define FACTS_FILE_MAX (4 * 1024 * 1024)

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_DOT, FORMAT_SVG };

struct options {
	enum format format;
	bool facts; /* print the facts instead of the plan */
	const char *facts_file, *image, *cmdline, *policy, *uki, *pcrs, *eventlog, *device,
		*pcrlock;
	const char *revoked[REVOKED_MAX];
	size_t n_revoked;
};

static struct facts facts;
static struct plan plan;

static const char help[] =
	"Usage: lintel plan [OPTION…] DISK.img\n"
	"       lintel plan [OPTION…] --facts FILE\n"
	"       lintel plan DISK --uki UKI [--tpm2-device=auto] [--tpm-eventlog FILE] [--pcrs "
	"FILE] "
	"[--tpm2-pcrlock FILE]\n"
	"                  [--json]\n\n"
	"Prints what /init would do, by the same rules: with a disk image, as booted from the ESP "
	"on\n"
	"it (measured, with a TPM, where a partition is encrypted), with every step assumed to "
	"succeed\n"
	"(no signature is checked); with the facts of a real boot (/run/lintel/facts), just as it "
	"was.\n\n"
	"With --uki it says instead for each TPM token of each LUKS2 partition whether it will "
	"unseal\n"
	"at the next boot of that UKI, on the TPM that it was sealed by.\n\n"
	"  --uki FILE       predict PCR 11 from this UKI (first profile), up to enter-initrd\n"
	"  --tpm2-device DEVICE  the firmware's PCRs as this machine's TPM has them and its event "
	"log "
	"explains\n"
	"                   them: auto, a node in /dev, or a folder as /sys/class/tpm/tpm0. By "
	"itself "
	"where\n"
	"                   DISK is a block device and no FILE is given\n"
	"  --tpm-eventlog FILE  the firmware's PCRs as in the boot that has this log\n"
	"                   (/sys/kernel/security/tpm0/binary_bios_measurements)\n"
	"  --pcrs FILE      values of other PCRs, one a line: 7:sha256=HEX\n"
	"  --tpm2-pcrlock FILE  the policy of systemd-pcrlock that the TPM's NV index has\n"
	"                   (/var/lib/systemd/pcrlock.json)\n"
	"  --facts FILE     replay these facts (- for standard input)\n"
	"  --cmdline TEXT   the UKI's own command line\n"
	"  --policy TEXT    the build's image policy\n"
	"  --revoke ROOTHASH|FILE  what `lintel initrd` is given\n"
	"  --json, --dot    as JSON, or as a graph for Graphviz\n"
	"  --svg            as a picture (needs Graphviz)\n"
	"  --print-facts    print the facts instead\n\n"
	"Exit status: 0 a plan, 1 it refuses, 2 usage, 3 unreadable, 4 malformed.\n"
	"With --uki: 0 each LUKS2 partition has a token that will unseal, 5 one has none, 6 it is "
	"not\n"
	"known; 2, 3 and 4 as above.\n";

static int add_config(const char *subject, const char *value, struct err *err)
{
	struct fact fact;
	int r = fact_init(&fact, FACT_CONFIG, "assumed", subject, err);

	if (r < 0)
		return r;
	if (fields_add(&fact.fields, "value", value) < 0)
		return err_set(err, E_LIMIT, E2BIG, "too long: %.60s", value);
	return facts_add(&facts, &fact, err);
}

/* What the machine that boots the image would know before it sees a disk. */
static int assume_machine(const struct options *options, struct err *err)
{
	int r = facts_parse(&facts,
			    "0 assumed settled sources\n"
			    "0 assumed block vda devtype=disk dev=254:0\n",
			    err);

	if (r == 0)
		r = add_config("arch", dps_native_arch(), err);
	if (r == 0 && options->policy)
		r = add_config("image-policy", options->policy, err);
	if (r == 0 && options->cmdline)
		r = cmdline_parse(options->cmdline, options->cmdline, &facts, err);
	return r;
}

/* Who encrypts a disk boots it measured, with the TPM that it is sealed to. */
static int assume_tpm(struct err *err)
{
	for (const struct fact *part = NULL; (part = facts_each(&facts, FACT_PART, part)) != NULL;)
		if (fields_are(&part->fields, "hint", "crypto_LUKS"))
			return facts_parse(&facts,
					   "0 assumed efi StubPcrKernelImage value=11\n"
					   "0 assumed tpm tpmrm0 dev=252:65536\n",
					   err);
	return 0;
}

/* Every step that could start is taken as done, until nothing is left to start. */
static int assume_success(struct err *err)
{
	bool more = true;

	while (more) {
		more = false;
		decide(&facts, &plan);
		for (size_t i = 0; i < plan.n_steps; i++) {
			const struct step *step = &plan.steps[i];
			struct fact fact;
			int r;

			if (facts_step_result(&facts, step->id) || !step_ready(&plan, step, &facts))
				continue;
			r = fact_init(&fact, FACT_RESULT, "assumed", step->id, err);
			if (r == 0)
				r = fields_add(&fact.fields, "status", "done");
			if (r == 0)
				r = facts_add(&facts, &fact, err);
			if (r < 0)
				return r;
			more = true;
		}
	}
	return 0;
}

static int load_facts(const char *path, struct err *err)
{
	_close_ int fd =
		strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	static char text[FACTS_FILE_MAX + 1];
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	while (len < FACTS_FILE_MAX && (n = read(fd, text + len, FACTS_FILE_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_set(err, E_IO, errno, "%s: %s", path, strerror(errno));
	if (len == FACTS_FILE_MAX)
		return err_set(err, E_LIMIT, E2BIG, "%s: larger than %d bytes", path,
			       FACTS_FILE_MAX);
	text[len] = '\0';
	return facts_parse(&facts, text, err);
}

static int load(const struct options *options, struct err *err)
{
	int r = options->facts_file ? load_facts(options->facts_file, err)
				    : assume_machine(options, err);

	for (size_t i = 0; r == 0 && i < options->n_revoked; i++)
		r = revoke_given(options->revoked[i], &facts, err);
	if (options->facts_file) {
		decide(&facts, &plan);
		return r;
	}
	if (r == 0)
		r = image_read(options->image, "vda", &facts, err);
	if (r == 0)
		r = assume_tpm(err);
	return r < 0 ? r : assume_success(err);
}

static int show_svg(void)
{
	FILE *dot;

	fflush(stdout);
	dot = popen("dot -Tsvg", "w");
	if (!dot)
		return 3;
	explain_dot(fileno(dot), &facts, &plan);
	if (pclose(dot) == 0)
		return 0;
	fprintf(stderr, "lintel plan: --svg needs dot (package graphviz)\n");
	return 3;
}

static int show(const struct options *options)
{
	if (options->facts) {
		explain_facts(STDOUT_FILENO, &facts);
		return 0;
	}
	switch (options->format) {
	case FORMAT_TEXT:
		explain_plan(STDOUT_FILENO, &facts, &plan, options->facts_file != NULL);
		break;
	case FORMAT_JSON:
		explain_json(STDOUT_FILENO, &facts, &plan);
		break;
	case FORMAT_DOT:
		explain_dot(STDOUT_FILENO, &facts, &plan);
		break;
	case FORMAT_SVG:
		if (show_svg() != 0)
			return 3;
		break;
	}
	return plan.n_refusals > 0;
}

/* 0, or the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "facts", required_argument, NULL, 'f' },
		{ "cmdline", required_argument, NULL, 'c' },
		{ "policy", required_argument, NULL, 'p' },
		{ "revoke", required_argument, NULL, 'R' },
		{ "uki", required_argument, NULL, 'u' },
		{ "pcrs", required_argument, NULL, 'P' },
		{ "tpm-eventlog", required_argument, NULL, 'l' },
		{ "tpm2-device", required_argument, NULL, 't' },
		{ "tpm2-pcrlock", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ "dot", no_argument, NULL, 'd' },
		{ "svg", no_argument, NULL, 's' },
		{ "print-facts", no_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'f':
			options->facts_file = optarg;
			break;
		case 'c':
			options->cmdline = optarg;
			break;
		case 'p':
			options->policy = optarg;
			break;
		case 'R':
			if (options->n_revoked == REVOKED_MAX)
				return 2;
			options->revoked[options->n_revoked++] = optarg;
			break;
		case 'u':
			options->uki = optarg;
			break;
		case 'P':
			options->pcrs = optarg;
			break;
		case 'l':
			options->eventlog = optarg;
			break;
		case 't':
			options->device = optarg;
			break;
		case 'k':
			options->pcrlock = optarg;
			break;
		case 'j':
			options->format = FORMAT_JSON;
			break;
		case 'd':
			options->format = FORMAT_DOT;
			break;
		case 's':
			options->format = FORMAT_SVG;
			break;
		case 'F':
			options->facts = true;
			break;
		default:
			return 2;
		}
	}
	if (optind < argc)
		options->image = argv[optind++];
	if (optind == argc && !options->image != !options->facts_file &&
	    (options->uki ? !options->facts_file
			  : !options->pcrs && !options->eventlog && !options->device &&
				    !options->pcrlock))
		return 0;
	fprintf(stderr,
		"lintel plan: give a disk image, or --facts FILE; see lintel plan --help\n");
	return 2;
}

int plan_main(int argc, char **argv)
{
	struct options options = { .format = FORMAT_TEXT };
	struct err err = { .code = E_NONE };
	int r;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	r = parse_options(argc, argv, &options);
	if (r != 0)
		return r;
	r = options.uki ? predict_main(&(struct predict_files){ .disk = options.image,
								.uki = options.uki,
								.pcrs = options.pcrs,
								.eventlog = options.eventlog,
								.device = options.device,
								.pcrlock = options.pcrlock },
				       options.format == FORMAT_JSON, &err)
			: load(&options, &err);
	if (r < 0) {
		fprintf(stderr, "lintel plan: %s: %s\n", err_name(err.code), err.text);
		return err.code == E_IO ? 3 : 4;
	}
	return options.uki ? r : show(&options);
}
