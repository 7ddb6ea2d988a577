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
#include "cli/exit.h"
#include "cli/features.h"
#include "cli/limit.h"
#include "cli/out.h"
#include "cli/say.h"
#include "cli/source.h"
#include "cli/trace.h"
#include "cli/value.h"
#include "skiff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct guest {
	const struct guest_plan *plan; /* borrowed */
	const char *name; /* of the file, in sentences; borrowed */
	struct skiff_engine *engine; /* these are owned, until the process ends */
	struct skiff_module *module;
	struct skiff_linker *linker;
	struct skiff_prelinked *pre;
	struct skiff_store *store;
	struct skiff_instance *instance;
	struct skiff_export target; /* what to call */
	bool calls; /* target is set */
	struct skiff_val *values; /* owned: the arguments, then the results */
	struct limit_memory memory;
	struct limit_time time;
	bool timed; /* time is running */
	int dump; /* owned descriptor, or -1 */
	struct skiff_error err;
};

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

static int no_such_export(const struct guest *g)
{
	const char *wanted = g->plan->invoke;
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
	char **args = g->plan->args;
	uint32_t given = 0;
	struct err err;

	while (args[given] != NULL)
		given++;
	if (given != type->param_count)
		return say(EXIT_USAGE, g->name, "'%s' takes %u argument%s, %u given",
			   g->plan->invoke, type->param_count, type->param_count == 1 ? "" : "s",
			   given);
	if (given + type->result_count == 0)
		return EXIT_OK;
	g->values = calloc((size_t)given + type->result_count, sizeof(*g->values));
	if (g->values == NULL)
		return say(EXIT_BAD, g->name, "%s", strerror(ENOMEM));
	for (uint32_t i = 0; i < given; i++)
		if (value_parse(&g->values[i], type->params[i], args[i], &err) != 0)
			return say(EXIT_USAGE, g->name, "argument %u of '%s': %s", i + 1,
				   g->plan->invoke, err.text);
	return EXIT_OK;
}

static int choose(struct guest *g)
{
	static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
	bool start = g->plan->invoke == NULL;
	const struct skiff_functype *type = &g->target.type.func;

	g->calls = find_export(g->module, start ? "_start" : g->plan->invoke, &g->target);
	if (!g->calls)
		return start ? nothing_to_call(g) : no_such_export(g);
	if (g->target.type.kind != SKIFF_KIND_FUNC)
		return say(EXIT_USAGE, g->name, "export '%s' is a %s, not a function",
			   start ? "_start" : g->plan->invoke, kinds[g->target.type.kind]);
	if (!start)
		return parse_args(g);
	if (type->param_count + type->result_count != 0)
		return say(EXIT_USAGE, g->name,
			   "'_start' has parameters or results; call it with --invoke _start");
	return EXIT_OK;
}

/* -- What came of it ---------------------------------------------------------------------- */

static int trapped(struct guest *g, const struct skiff_trap *trap)
{
	const char *code;

	if (g->dump >= 0)
		dump_check(g->dump, g->plan->coredump);
	if (trap == NULL)
		return say(EXIT_TRAP, NULL, "trap: %s", g->err.text);
	code = skiff_trap_code(trap);
	if (strcmp(code, "interrupted") == 0 && g->timed && g->time.expired) {
		trace_say("the time of --time-limit ran out", trap);
		return EXIT_TIME;
	}
	if (strcmp(code, "out_of_fuel") == 0) {
		trace_say("the fuel of --fuel ran out", trap);
		return EXIT_FUEL;
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
		return say(EXIT_TRAP, g->name, "%s",
			   g->err.text[0] != '\0' ? g->err.text : "uncaught exception");
	default:
		return say_error(g->name, r, &g->err);
	}
}

static int print_results(const struct skiff_val *results, size_t count)
{
	struct out out;

	out_init(&out, STDOUT_FILENO);
	for (size_t i = 0; i < count; i++) {
		value_print(&out, &results[i]);
		out_text(&out, "\n");
	}
	return out_end(&out, EXIT_OK);
}

/* -- The steps ---------------------------------------------------------------------------- */

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
	r = source_open(&g->module, g->engine, g->plan->file, &g->err);
	return r == 0 ? EXIT_OK : say_error(g->name, r, &g->err);
}

static int link_store(struct guest *g)
{
	int r = skiff_linker_new(&g->linker, g->engine, &g->err);

	if (r == 0)
		r = skiff_prelink(&g->pre, g->linker, g->module, &g->err);
	if (r == 0)
		r = skiff_store_new(&g->store, g->engine, &g->err);
	return r == 0 ? EXIT_OK : say_error(g->name, r, &g->err);
}

static int set_limits(struct guest *g)
{
	int r;

	if (g->plan->has_memory)
		limit_memory_init(&g->memory, g->store, g->plan->memory_bytes);
	if (g->plan->has_fuel)
		skiff_store_set_fuel(g->store, g->plan->fuel);
	if (g->plan->coredump != NULL) {
		g->dump = dump_open(g->plan->coredump);
		if (g->dump < 0)
			return say(EXIT_BAD, g->plan->coredump, "%s", strerror(-g->dump));
		skiff_store_coredump(g->store, g->dump);
	}
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
		return say(EXIT_BAD, g->name,
			   "its memories and tables need more than --memory-limit allows");
	return outcome(g, r, trap, exit_code);
}

static int call(struct guest *g)
{
	const struct skiff_functype *type = &g->target.type.func;
	struct skiff_val *results = g->values + (g->values != NULL ? type->param_count : 0);
	struct skiff_trap *trap = NULL;
	struct skiff_extern item;
	int exit_code = 0;
	int r;

	if (!skiff_instance_export(g->instance, g->target.name.bytes, g->target.name.size, &item))
		return say(EXIT_BAD, g->name, "its export has gone");
	r = skiff_call(g->store, item.of.func, g->values, type->param_count, results,
		       type->result_count, &trap, &exit_code, &g->err);
	if (r == 0 && type->result_count > 0)
		return print_results(results, type->result_count);
	return outcome(g, r, trap, exit_code);
}

/*
 * The process ends next, and the kernel takes an address space down faster than we could piece by piece: what
 * is freed here is what others would miss. The guest is static so that a leak checker still sees
 * everything it owns.
 */
static void leave(struct guest *g)
{
	if (g->timed)
		limit_time_stop(&g->time);
	dump_close(g->dump, g->plan->coredump);
}

int guest_run(const struct guest_plan *plan)
{
	static int (*const steps[])(struct guest *) = {load, choose, link_store, set_limits,
						       instantiate};
	static struct guest g;
	int code = EXIT_OK;

	g = (struct guest){.plan = plan, .name = source_name(plan->file), .dump = -1};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && code == EXIT_OK; i++)
		code = steps[i](&g);
	if (code == EXIT_OK && g.instance != NULL && g.calls)
		code = call(&g);
	leave(&g);
	return code;
}
