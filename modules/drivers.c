/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads modules of the initrd through libkmod, which honours modprobe.d, modprobe.blacklist= and
 * module.param= words. Nothing is executed: see no_command().
 */
#include "init/base/attr.h"
#include "init/base/fs.h"
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

/* The initrd's own index first, then those that extension images have brought. */
struct indexes {
	size_t n; /* 0: libkmod cannot be used */
	struct kmod_ctx *list[1 + DRIVERS_INDEXES_MAX];
};

static void close_indexes(struct indexes *indexes)
{
	while (indexes->n > 0)
		kmod_unref(indexes->list[--indexes->n]);
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

static void open_index(struct indexes *indexes, const char *folder)
{
	struct kmod_ctx *ctx = kmod_new(folder, NULL);

	if (!ctx)
		return;
	kmod_set_log_fn(ctx, quiet, NULL);
	indexes->list[indexes->n++] = ctx;
}

/* Anew in each child: what an image has brought meanwhile is seen by the next one. */
static void open_indexes(struct indexes *ret)
{
	_closedir_ DIR *dir = opendir(DRIVERS_INDEXES);

	ret->n = 0;
	open_index(ret, NULL);
	for (struct dirent *entry; ret->n > 0 && dir && (entry = readdir(dir)) != NULL;) {
		char path[160];

		if (entry->d_name[0] != '.' && ret->n < ARRAY_SIZE(ret->list) &&
		    text_format(path, sizeof(path), DRIVERS_INDEXES "/%s", entry->d_name) == 0)
			open_index(ret, path);
	}
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

/* The first index that knows the name. */
static int look_up(const struct indexes *indexes, const char *name, struct kmod_list **ret)
{
	int r = -ENOENT;

	*ret = NULL;
	for (size_t i = 0; i < indexes->n && !*ret; i++)
		r = kmod_module_new_from_lookup(indexes->list[i], name, ret);
	return r;
}

static int load_named(const struct indexes *indexes, const char *name, struct loaded *loaded,
		      struct err *err)
{
	_cleanup_(close_list) struct kmod_list *list = NULL;
	struct kmod_list *item;
	int r = look_up(indexes, name, &list);

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
	_cleanup_(close_indexes) struct indexes indexes = { .n = 0 };
	struct loaded loaded = { .n = 0 };

	open_indexes(&indexes);
	if (indexes.n == 0)
		return err_set(err, E_DRIVER, ENOMEM, "libkmod: no context");
	return load_named(&indexes, name, &loaded, err);
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

static int load_from(struct kmod_ctx *ctx, const char *modalias, unsigned int *n,
		     struct loaded *loaded, struct err *err)
{
	_cleanup_(close_list) struct kmod_list *list = NULL;
	struct kmod_list *item;
	int failed = 0;

	if (kmod_module_new_from_lookup(ctx, modalias, &list) < 0)
		return 0;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);
		int r = 0;

		if ((*n)++ >= MODULES_MAX)
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

/* A device that no module of the initrd suits is left to the new root. */
static int load_for_device(const struct indexes *indexes, const char *modalias,
			   struct loaded *loaded, struct err *err)
{
	unsigned int n = 0;
	int failed = 0;

	for (size_t i = 0; i < indexes->n; i++) {
		int r = load_from(indexes->list[i], modalias, &n, loaded, err);

		failed = r < 0 ? r : failed;
	}
	return failed;
}

static int run_modules(const struct indexes *indexes, char *names, struct loaded *loaded,
		       struct err *err)
{
	int r = 0;

	for (char *save, *name = strtok_r(names, " ", &save); name && r == 0;
	     name = strtok_r(NULL, " ", &save)) {
		bool optional = name[0] == '?';

		r = load_named(indexes, name + optional, loaded, err);
		if (optional)
			r = 0; /* another form of the same thing, or built in */
	}
	return r;
}

static bool all_there(struct kmod_ctx *ctx, const char *modalias)
{
	_cleanup_(close_list) struct kmod_list *list = NULL;
	struct kmod_list *item;
	bool there = true;

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

/* Returns whether nothing is left to do: no module suits, or all that do are there already. */
static bool settled(const struct indexes *indexes, const struct step *step)
{
	char modalias[FIELDS_MAX];
	bool there = true;

	if (fields_get(&step->args, "modalias", modalias, sizeof(modalias)) < 0)
		return false;
	for (size_t i = 0; i < indexes->n; i++)
		there = there && all_there(indexes->list[i], modalias);
	return there;
}

static int load_step(const struct indexes *indexes, const struct step *step, struct fields *result,
		     struct err *err)
{
	struct loaded loaded = { .n = 0 };
	char names[FIELDS_MAX];
	int r;

	if (fields_get(&step->args, "modalias", names, sizeof(names)) == 0) {
		r = load_for_device(indexes, names, &loaded, err);
	} else {
		r = step_get(step, "module", names, sizeof(names), err);
		if (r == 0)
			r = run_modules(indexes, names, &loaded, err);
	}
	if (r == 0 && loaded.n > 0)
		r = fields_add(result, "modules", loaded.names);
	return r < 0 ? r : fields_addf(result, "loaded", "%u", loaded.n);
}

/* Loads for one step and reports it. */
static void run_step(const struct indexes *indexes, const struct step *step,
		     const struct report *report)
{
	struct fields result = { .text = "" };
	struct err err = { .code = E_NONE };
	int r = load_step(indexes, step, &result, &err);

	report_result(report, step->id, r, &result, &err);
}

/*
 * Most devices need no module of the initrd: their steps end at once, with one look into the index.
 * For the others a slow driver must not hold up the next one: each but the last has a process.
 */
void drivers_run_batch(const struct step *steps, size_t n, const struct report *report)
{
	_cleanup_(close_indexes) struct indexes indexes = { .n = 0 };
	const struct step *left[BATCH_MAX];
	struct fields none = { .text = "loaded=0" };
	struct err err = { .code = E_NONE };
	size_t n_left = 0;

	open_indexes(&indexes);
	if (indexes.n == 0)
		err_set(&err, E_DRIVER, ENOMEM, "libkmod: no context");
	for (size_t i = 0; i < indexes.n; i++)
		kmod_load_resources(indexes.list[i]);
	for (size_t i = 0; i < n; i++) {
		if (indexes.n == 0 || settled(&indexes, &steps[i]))
			report_result(report, steps[i].id, indexes.n > 0 ? 0 : -ENOMEM, &none,
				      &err);
		else
			left[n_left++] = &steps[i];
	}
	for (size_t i = 0; i < n_left; i++) {
		pid_t pid = i + 1 < n_left ? fork() : -1;

		if (pid > 0)
			continue;
		if (pid == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_step(&indexes, left[i], report);
		if (pid == 0)
			_exit(0);
	}
	while (wait(NULL) > 0)
		;
}
