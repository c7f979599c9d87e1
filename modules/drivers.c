/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads modules of the initrd through libkmod, which honours modprobe.d, modprobe.blacklist= and
 * module.param= words. Nothing is executed: see no_command().
 */
#include "init/base/text.h"
#include "modules/drivers.h"
#include "modules/verb.h"

#include <errno.h>
#include <libkmod.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MODULES_MAX 64 /* that suit one device */

static void close_kmod(struct kmod_ctx **ctx)
{
	kmod_unref(*ctx);
}

static void close_list(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

/* libkmod talks to standard error otherwise; a failure is told by its return value. */
static void quiet(void *data, int priority, const char *file, int line, const char *fn,
		  const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	(void)format;
	(void)args;
}

static struct kmod_ctx *open_kmod(void)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);

	if (ctx)
		kmod_set_log_fn(ctx, quiet, NULL);
	return ctx;
}

/* An install command would be code run before anything is verified: its module stays out. */
static int no_command(struct kmod_module *module, const char *command, void *data)
{
	(void)module;
	(void)command;
	*(bool *)data = true;
	return -EPERM;
}

static int insert(struct kmod_module *module, unsigned int flags, bool *ret_command)
{
	int r;

	*ret_command = false;
	r = kmod_module_probe_insert_module(module, flags, NULL, no_command, ret_command, NULL);
	return r == -EEXIST ? 0 : r;
}

static int insert_error(struct err *err, const char *name, int r, bool command)
{
	const char *why = strerror(-r);

	if (command)
		why = "modprobe.d has an install command for it, which is not run";
	else if (r == -EKEYREJECTED || r == -ENOKEY || r == -EBADMSG)
		why = "its signature is missing or was rejected";
	else if (r == -EPERM)
		why = "the kernel does not permit it (lockdown, modules_disabled)";
	else if (r == -ENOEXEC)
		why = "it is not made for this kernel";
	return err_set(err, E_DRIVER, -r, "module %s: %s", name, why);
}

/* Code that the kernel has without any index of the initrd saying so. */
static bool built_in(const char *name)
{
	char path[96];

	return text_format(path, sizeof(path), "/sys/module/%s", name) == 0 &&
	       access(path, F_OK) == 0;
}

/* What one step loaded: names for the record, as many as fit. */
struct loaded {
	unsigned int n;
	char names[FIELDS_MAX / 2];
};

static void note_loaded(struct loaded *loaded, const char *name)
{
	size_t used = strlen(loaded->names);

	loaded->n++;
	text_format(loaded->names + used, sizeof(loaded->names) - used, "%s%s", used ? "," : "",
		    name);
}

static int load_named(struct kmod_ctx *ctx, const char *name, struct loaded *loaded,
		      struct err *err)
{
	_cleanup_(close_list) struct kmod_list *list = NULL;
	struct kmod_list *item;
	int r = kmod_module_new_from_lookup(ctx, name, &list);

	if ((r < 0 || !list) && built_in(name))
		return 0;
	if (r < 0 || !list)
		return err_set(err, E_DRIVER, ENOENT, "module %s is not in the initrd", name);
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);
		bool there = kmod_module_get_initstate(module) >= 0, command;

		r = insert(module, 0, &command);
		if (r == 0 && !there)
			note_loaded(loaded, kmod_module_get_name(module));
		kmod_module_unref(module);
		if (r < 0)
			return insert_error(err, name, r, command);
	}
	return 0;
}

int drivers_load_module(const char *name, struct err *err)
{
	_cleanup_(close_kmod) struct kmod_ctx *ctx = open_kmod();
	struct loaded loaded = { .n = 0 };

	if (!ctx)
		return err_set(err, E_DRIVER, ENOMEM, "libkmod: no context");
	return load_named(ctx, name, &loaded, err);
}

/*
 * Loads one candidate for a device. Blacklisted, kept out by an install command, or with nothing
 * to drive (-ENODEV): modprobe.d's and the module's own right, no failure.
 */
static int load_candidate(struct kmod_module *module, struct loaded *loaded, struct err *err)
{
	bool there = kmod_module_get_initstate(module) >= 0, command;
	int r = insert(module, KMOD_PROBE_APPLY_BLACKLIST, &command);

	if (r < 0 && r != -ENODEV && !command)
		return insert_error(err, kmod_module_get_name(module), r, command);
	if (r == 0 && !there)
		note_loaded(loaded, kmod_module_get_name(module));
	return 0;
}

/* A device that no module of the initrd suits is left to the new root. */
static int load_for_device(struct kmod_ctx *ctx, const char *modalias, struct loaded *loaded,
			   struct err *err)
{
	_cleanup_(close_list) struct kmod_list *list = NULL;
	unsigned int n = 0;
	struct kmod_list *item;
	int failed = 0;

	if (kmod_module_new_from_lookup(ctx, modalias, &list) < 0)
		return 0;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);
		int r = 0;

		if (n++ >= MODULES_MAX)
			r = err_set(err, E_LIMIT, E2BIG, "more than %d modules for %.100s",
				    MODULES_MAX, modalias);
		else
			r = load_candidate(module, loaded, err);
		kmod_module_unref(module);
		if (r < 0)
			failed = r; /* the others may still be what the device needs */
		if (r == -E2BIG)
			break;
	}
	return failed;
}

static int run_modules(struct kmod_ctx *ctx, char *names, struct loaded *loaded, struct err *err)
{
	int r = 0;

	for (char *save, *name = strtok_r(names, " ", &save); name && r == 0;
	     name = strtok_r(NULL, " ", &save)) {
		bool optional = name[0] == '?';

		r = load_named(ctx, name + optional, loaded, err);
		if (optional)
			r = 0; /* another form of the same thing, or built in */
	}
	return r;
}

/* Returns whether nothing is left to do: no module suits, or all that do are there already. */
static bool settled(struct kmod_ctx *ctx, const struct step *step)
{
	_cleanup_(close_list) struct kmod_list *list = NULL;
	struct kmod_list *item;
	char modalias[FIELDS_MAX];
	bool there = true;

	if (fields_get(&step->args, "modalias", modalias, sizeof(modalias)) < 0)
		return false;
	if (kmod_module_new_from_lookup(ctx, modalias, &list) < 0)
		return true;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		there = there && kmod_module_get_initstate(module) >= 0;
		kmod_module_unref(module);
	}
	return there;
}

static int load_step(struct kmod_ctx *ctx, const struct step *step, struct fields *result,
		     struct err *err)
{
	struct loaded loaded = { .n = 0 };
	char names[FIELDS_MAX];
	int r;

	if (fields_get(&step->args, "modalias", names, sizeof(names)) == 0) {
		r = load_for_device(ctx, names, &loaded, err);
	} else {
		r = step_get(step, "module", names, sizeof(names), err);
		if (r == 0)
			r = run_modules(ctx, names, &loaded, err);
	}
	if (r == 0 && loaded.n > 0)
		r = fields_add(result, "modules", loaded.names);
	return r < 0 ? r : fields_addf(result, "loaded", "%u", loaded.n);
}

/* Loads for one step and reports it. */
static void run_step(struct kmod_ctx *ctx, const struct step *step, const struct report *report)
{
	struct fields result = { .text = "" };
	struct err err = { .code = E_NONE };
	int r = load_step(ctx, step, &result, &err);

	report_result(report, step->id, r, &result, &err);
}

/*
 * Most devices need no module of the initrd: their steps end at once, with one look into the index.
 * For the others a slow driver must not hold up the next one: each but the last has a process.
 */
void drivers_run_batch(const struct step *steps, size_t n, const struct report *report)
{
	_cleanup_(close_kmod) struct kmod_ctx *ctx = open_kmod();
	const struct step *left[BATCH_MAX];
	struct fields none = { .text = "loaded=0" };
	struct err err = { .code = E_NONE };
	size_t n_left = 0;

	if (!ctx)
		err_set(&err, E_DRIVER, ENOMEM, "libkmod: no context");
	else
		kmod_load_resources(ctx);
	for (size_t i = 0; i < n; i++) {
		if (!ctx || settled(ctx, &steps[i]))
			report_result(report, steps[i].id, ctx ? 0 : -ENOMEM, &none, &err);
		else
			left[n_left++] = &steps[i];
	}
	for (size_t i = 0; i < n_left; i++) {
		pid_t pid = i + 1 < n_left ? fork() : -1;

		if (pid > 0)
			continue;
		if (pid == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_step(ctx, left[i], report);
		if (pid == 0)
			_exit(0);
	}
	while (wait(NULL) > 0)
		;
}
