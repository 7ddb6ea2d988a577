/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.c: open, choose the export, link, instantiate, call, report.
 *
 * Each step returns an exit code; the first that is not EXIT_OK ends the run, and the process: what it
 * made goes with it. All that can be checked without running anything (the export's
 * name, number and form of the arguments) is checked before the instance is made.
 */
#include "cli/guest.h"

#include "base/err.h"
#include "base/text.h"
#include "cli/dump.h"
#include "cli/features.h"
#include "cli/fill.h"
#include "cli/limit.h"
#include "cli/say_error.h"
#include "cli/signals.h"
#include "cli/source.h"
#include "cli/trace.h"
#include "cli/value.h"
#include "command/exit.h"
#include "command/out.h"
#include "command/say.h"
#include "skiff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct guest {
	struct guest_plan *plan; /* borrowed */
	const char *name; /* of the file, in sentences; borrowed */
	const char *invoke; /* the export that was named, or NULL; borrowed, as are these */
	char **args;
	struct skiff_engine *engine; /* these are owned, until the process ends */
	struct skiff_module *module;
	struct skiff_linker *linker;
	struct skiff_prelinked *pre;
	struct skiff_store *store;
	struct skiff_instance *instance;
	struct skiff_export target; /* what to call */
	bool calls; /* target is set */
	struct skiff_export initialize; /* what to call before it */
	bool initializes; /* initialize is set */
	struct skiff_val *values; /* owned: the arguments, then the results */
	struct limit_memory memory;
	struct limit_time time;
	bool timed; /* time is running */
	int dump; /* owned descriptor, or -1 */
	struct skiff_error err;
};

/* Static so that a leak checker still sees everything it owns, and for leave_behind(). */
static struct guest the_guest;

/* -- What to call ------------------------------------------------------------------------- */

static bool find_export(const struct skiff_module *module, const char *name,
			struct skiff_export *ret)
{
	struct skiff_export item;
	size_t size = strlen(name);

	for (uint32_t i = 0; skiff_module_export(module, i, &item); i++) {
		if (item.name.size == size && memcmp(item.name.bytes, name, size) == 0) {
			*ret = item;
			return true;
		}
	}
	return false;
}

static int no_such_export(const struct guest *g, const char *wanted)
{
	struct text_nearest nearest;
	struct skiff_export item;

	text_nearest_init(&nearest, wanted, strlen(wanted));
	for (uint32_t i = 0; skiff_module_export(g->module, i, &item); i++)
		if (item.type.kind == SKIFF_KIND_FUNC)
			text_nearest_offer(&nearest, item.name.bytes, item.name.size);
	if (nearest.best == NULL)
		return say(EXIT_USAGE, g->name, "no export '%s'", wanted);
	return say(EXIT_USAGE, g->name, "no export '%s', did you mean '%.*s'?", wanted,
		   (int)nearest.best_size, nearest.best);
}

/* Nobody said what to call: no mistake where there is nothing to call. */
static int nothing_to_call(const struct guest *g)
{
	struct skiff_module_info info = {.size = sizeof(info)};
	struct skiff_export item;
	char names[256] = "";
	size_t used = 0;
	const char *more = "";

	skiff_module_info(g->module, &info);
	if (info.has_start)
		return EXIT_OK;
	for (uint32_t i = 0; skiff_module_export(g->module, i, &item); i++) {
		if (item.type.kind != SKIFF_KIND_FUNC)
			continue;
		if (used + item.name.size + 3 > sizeof(names)) {
			more = ", ...";
			break;
		}
		if (used > 0) {
			memcpy(names + used, ", ", 2);
			used += 2;
		}
		memcpy(names + used, item.name.bytes, item.name.size);
		used += item.name.size;
	}
	if (used == 0 && more[0] == '\0')
		return EXIT_OK;
	return say(EXIT_USAGE, g->name,
		   "no '_start' to run; --invoke calls one of its exports: %.*s%s", (int)used,
		   names, more);
}

static int parse_args(struct guest *g)
{
	const struct skiff_functype *type = &g->target.type.func;
	char **args = g->args;
	uint32_t given = 0;
	struct err err;

	while (args[given] != NULL)
		given++;
	if (given != type->param_count)
		return say(EXIT_USAGE, g->name, "'%s' takes %u argument%s, %u given", g->invoke,
			   type->param_count, type->param_count == 1 ? "" : "s", given);
	if (given + type->result_count == 0)
		return EXIT_OK;
	g->values = calloc((size_t)given + type->result_count, sizeof(*g->values));
	if (g->values == NULL)
		return say(EXIT_BAD, g->name, "%s", strerror(ENOMEM));
	for (uint32_t i = 0; i < given; i++)
		if (value_parse(&g->values[i], type->params[i], args[i], &err) != 0)
			return say(EXIT_USAGE, g->name, "argument %u of '%s': %s", i + 1, g->invoke,
				   err.text);
	return EXIT_OK;
}

static int check_function(const struct guest *g, const struct skiff_export *item, const char *name)
{
	static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};

	if (item->type.kind == SKIFF_KIND_FUNC)
		return EXIT_OK;
	return say(EXIT_USAGE, g->name, "export '%s' is a %s, not a function", name,
		   kinds[item->type.kind]);
}

static bool is_plain(const struct skiff_export *item)
{
	return item->type.func.param_count + item->type.func.result_count == 0;
}

/* A library: find what prepares it, and take the name of what to call from the arguments. */
static int choose_reactor(struct guest *g)
{
	static const char prepares[] = "_initialize";
	int code;

	if (g->invoke == NULL && g->args[0] == NULL)
		return g->plan->reactor == GUEST_EITHER
			       ? EXIT_OK
			       : say(EXIT_USAGE, g->name,
				     "--reactor needs the NAME of an export behind FILE");
	if (g->invoke == NULL)
		g->invoke = *g->args++;
	g->initializes = find_export(g->module, prepares, &g->initialize);
	if (!g->initializes)
		return EXIT_OK;
	code = check_function(g, &g->initialize, prepares);
	if (code == EXIT_OK && !is_plain(&g->initialize))
		return say(EXIT_USAGE, g->name, "'%s' has parameters or results", prepares);
	return code;
}

static int choose(struct guest *g)
{
	const char *entry = g->plan->entry != NULL ? g->plan->entry : "_start";
	bool start = g->invoke == NULL;
	int code = EXIT_OK;

	g->calls = start && find_export(g->module, entry, &g->target);
	if (g->plan->reactor == GUEST_REACTOR || (g->plan->reactor == GUEST_EITHER && !g->calls))
		code = choose_reactor(g);
	if (code != EXIT_OK)
		return code;
	start = g->invoke == NULL;
	if (!start)
		g->calls = find_export(g->module, g->invoke, &g->target);
	if (!g->calls)
		return !start                   ? no_such_export(g, g->invoke)
		       : g->plan->entry != NULL ? no_such_export(g, entry)
						: nothing_to_call(g);
	code = check_function(g, &g->target, start ? entry : g->invoke);
	if (code != EXIT_OK || !start)
		return code == EXIT_OK ? parse_args(g) : code;
	if (!is_plain(&g->target))
		return say(EXIT_USAGE, g->name,
			   "'%s' has parameters or results; call it with --invoke %s", entry,
			   entry);
	return EXIT_OK;
}

/* -- What came of it ---------------------------------------------------------------------- */

static int trapped(struct guest *g, const struct skiff_trap *trap)
{
	const char *code;
	char reason[64];

	if (g->dump >= 0)
		dump_check(g->dump, g->plan->coredump);
	if (trap == NULL)
		return say(EXIT_TRAP, NULL, "trap: %s", g->err.text);
	code = skiff_trap_code(trap);
	if (strcmp(code, "interrupted") == 0 && g->timed && g->time.expired) {
		snprintf(reason, sizeof(reason), "the time of %s ran out",
			 g->plan->manner.time_option);
		trace_say(reason, trap);
		return g->plan->manner.time_code;
	}
	if (strcmp(code, "out_of_fuel") == 0) {
		snprintf(reason, sizeof(reason), "the fuel of %s ran out",
			 g->plan->manner.fuel_option);
		trace_say(reason, trap);
		return g->plan->manner.fuel_code;
	}
	trace_say(NULL, trap);
	return EXIT_TRAP;
}

/* Takes the trap. */
static int outcome(struct guest *g, int r, struct skiff_trap *trap, int exit_code)
{
	int code;

	switch (r) {
	case 0:
		return EXIT_OK;
	case SKIFF_EXIT:
		return exit_code & 0xff;
	case SKIFF_TRAP:
		code = trapped(g, trap);
		skiff_trap_free(trap);
		return code;
	case SKIFF_EXCEPTION:
		if (trap == NULL)
			return say(EXIT_TRAP, g->name, "%s", g->err.text);
		trace_say(skiff_trap_text(trap), trap);
		skiff_trap_free(trap);
		return EXIT_TRAP;
	default:
		return say_error(g->name, r, &g->err);
	}
}

static int print_results(const struct guest *g, const struct skiff_val *results, size_t count)
{
	struct out out;

	signals_pipe_ends();
	out_init(&out, STDOUT_FILENO);
	for (size_t i = 0; i < count; i++) {
		value_print(&out, g->store, &results[i]);
		out_text(&out, "\n");
	}
	return out_end(&out, EXIT_OK);
}

/* -- The steps ---------------------------------------------------------------------------- */

/* What is in the cache was validated with all proposals on. */
static bool uses_cache(const struct guest_plan *plan)
{
	struct stat st;

	/* Whether the cache's directory can be trusted takes longer to find out than a small module to validate. */
	return !plan->no_cache && strcmp(plan->file, "-") != 0 &&
	       plan->features == skiff_features_default() && stat(plan->file, &st) == 0 &&
	       st.st_size >= SKIFF_CACHE_LEAST;
}

static int load_cached(struct guest *g)
{
	const struct guest_plan *plan = g->plan;
	struct skiff_cache *cache = NULL;
	bool missing = false;
	int r = skiff_cache_new(&cache, plan->cache, &g->err);

	if (r == 0)
		r = skiff_cache_module_open(cache, &g->module, g->engine, plan->file, &missing,
					    &g->err);
	if (r == 0 && skiff_cache_complaint(cache) != NULL)
		say_note(SAY_WARNING, NULL, "%s", skiff_cache_complaint(cache));
	if (r == 0 && missing)
		fill_wanted(plan->cache, plan->file, plan->has_fuel);
	skiff_cache_free(cache);
	return r;
}

/*
 * A module is not to be trusted: it is read, decoded and validated behind the closed door. Nor is what the cache has of it believed
 * in front of that, beyond that its parts lie in the file: it was written by a process that had decoded it.
 */
static int load_caged(struct guest *g)
{
	const struct guest_cage *cage = g->plan->closing;
	struct skiff_cached *cached = NULL;
	bool missing = false;
	int r = 0, code;

	if (cage->cache != NULL && g->plan->features == skiff_features_default())
		r = skiff_cache_find(cage->cache, &cached, g->engine, cage->module, &missing,
				     &g->err);
	if (r == 0 && cage->cache != NULL && skiff_cache_complaint(cage->cache) != NULL)
		say_note(SAY_WARNING, NULL, "%s", skiff_cache_complaint(cage->cache));
	if (r != 0)
		return say_error(g->name, r, &g->err);
	code = cage->before_reading(missing);
	if (code != EXIT_OK) {
		skiff_cached_free(cached);
		return code;
	}
	if (cached != NULL)
		r = skiff_cached_module(cached, &g->module, &g->err);
	else
		r = skiff_module_open_fd(&g->module, g->engine, cage->module, &g->err);
	close(cage->module);
	return r == 0 ? EXIT_OK : say_error(g->name, r, &g->err);
}

static int load(struct guest *g)
{
	struct skiff_config config = {
		.size = sizeof(config),
		.features = features_config(g->plan->features),
		.stack_bytes = (size_t)g->plan->stack_bytes,
		.fuel = g->plan->has_fuel,
	};
	int r = skiff_engine_new(&g->engine, &config, &g->err);

	if (r != 0)
		return say_error(NULL, r, &g->err);
	if (g->plan->closing != NULL)
		return load_caged(g);
	r = uses_cache(g->plan) ? load_cached(g)
				: source_open(&g->module, g->engine, g->plan->file, &g->err);
	return r == 0 ? EXIT_OK : say_error(g->name, r, &g->err);
}

static int link_wasi(struct guest *g)
{
	struct guest_plan *plan = g->plan;
	int code;

	if (!wasi_wanted(g->module))
		return EXIT_OK;
	code = wasi_link(&plan->wasi, g->linker, plan->argv0 != NULL ? plan->argv0 : plan->file,
			 g->args);
	if (code == EXIT_OK)
		signals_grace(plan->wasi.wasi, plan->grace_ms);
	return code;
}

static int link_store(struct guest *g)
{
	int r = skiff_linker_new(&g->linker, g->engine, &g->err);
	int code = r == 0 ? link_wasi(g) : EXIT_OK;

	if (code != EXIT_OK)
		return code;
	if (r == 0)
		r = skiff_prelink(&g->pre, g->linker, g->module, &g->err);
	if (r == 0)
		r = skiff_store_new(&g->store, g->engine, &g->err);
	return r == 0 ? EXIT_OK : say_error(g->name, r, &g->err);
}

/* Also called by a signal's handler: an empty dump does not outlast the process. */
static void leave_behind(void)
{
	dump_close(the_guest.dump, the_guest.plan->coredump);
	fill_now();
}

static int set_limits(struct guest *g)
{
	if (g->plan->has_memory)
		limit_memory_init(&g->memory, g->store, g->plan->memory_bytes);
	if (g->plan->has_pages)
		limit_memory_pages(&g->memory, g->store, g->plan->memory_pages);
	if (g->plan->has_fuel)
		skiff_store_set_fuel(g->store, g->plan->fuel);
	if (g->plan->dump > 0)
		g->dump = g->plan->dump;
	if (g->plan->coredump != NULL) {
		g->dump = dump_open(g->plan->coredump);
		if (g->dump < 0)
			return say(EXIT_BAD, g->plan->coredump, "%s", strerror(-g->dump));
	}
	if (g->dump >= 0)
		skiff_store_coredump(g->store, g->dump);
	return EXIT_OK;
}

/* Who makes a container may take its time until it is started. */
static int start_time(struct guest *g)
{
	int r;

	if (!g->plan->has_time)
		return EXIT_OK;
	r = limit_time_start(&g->time, g->store, g->plan->time_ms);
	if (r < 0)
		return say(EXIT_BAD, NULL, "start a timer: %s", strerror(-r));
	g->timed = true;
	return EXIT_OK;
}

static int instantiate(struct guest *g)
{
	struct skiff_trap *trap = NULL;
	int exit_code = 0;
	int r = skiff_instance_new(&g->instance, g->store, g->pre, &trap, &exit_code, &g->err);

	if (g->memory.refused && (r < 0 || r == SKIFF_UNLINKABLE))
		return say(EXIT_BAD, g->name, "%s more than %s allows",
			   g->plan->has_pages ? "a memory needs" : "its memories and tables need",
			   g->plan->manner.memory_option);
	return outcome(g, r, trap, exit_code);
}

static int call(struct guest *g, const struct skiff_export *target)
{
	const struct skiff_functype *type = &target->type.func;
	struct skiff_val *results = g->values != NULL ? g->values + type->param_count : NULL;
	struct skiff_trap *trap = NULL;
	struct skiff_extern item;
	int exit_code = 0;
	int r;

	if (!skiff_instance_export(g->instance, target->name.bytes, target->name.size, &item))
		return say(EXIT_BAD, g->name, "its export has gone");
	r = skiff_call(g->store, item.of.func, g->values, type->param_count, results,
		       type->result_count, &trap, &exit_code, &g->err);
	if (r == 0 && type->result_count > 0)
		return print_results(g, results, type->result_count);
	return outcome(g, r, trap, exit_code);
}

static int run(struct guest *g)
{
	int code;

	fill_later();
	signals_before_exit(leave_behind);
	code = g->plan->closing != NULL ? g->plan->closing->before_run() : EXIT_OK;
	if (code == EXIT_OK)
		code = start_time(g);
	if (code == EXIT_OK)
		code = instantiate(g);
	if (code == EXIT_OK && g->instance != NULL && g->initializes)
		code = call(g, &g->initialize);
	if (code == EXIT_OK && g->instance != NULL && g->calls)
		code = call(g, &g->target);
	if (g->store != NULL)
		skiff_store_end_threads(g->store); /* a command ends with its first thread */
	return code;
}

/*
 * The process ends next, and the kernel takes an address space down faster than we could piece by piece: what
 * is freed here is what others would miss.
 */
static void leave(struct guest *g)
{
	if (g->timed)
		limit_time_stop(&g->time);
	signals_before_exit(NULL);
	leave_behind();
}

int guest_run(struct guest_plan *plan)
{
	static int (*const steps[])(struct guest *) = {load, choose, link_store, set_limits};
	struct guest *g = &the_guest;
	int code = EXIT_OK;

	*g = (struct guest){.plan = plan,
			    .name = source_name(plan->file),
			    .invoke = plan->invoke,
			    .args = plan->args,
			    .dump = -1};
	signals_install();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && code == EXIT_OK; i++)
		code = steps[i](g);
	if (code == EXIT_USAGE)
		code = plan->manner.mistake_code;
	else if (code == EXIT_OK)
		code = run(g);
	leave(g);
	return code;
}
