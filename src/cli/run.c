/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c: `skiff run [OPTIONS] FILE|IMAGE [--invoke NAME] [ARGS...]`: the command line as a plan.
 *
 * What follows FILE is the guest's, but for one --invoke directly behind it.
 */
#include "base/base.h"
#include "cli/contained.h"
#include "cli/features.h"
#include "cli/guest.h"
#include "cli/image_run.h"
#include "cli/node.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "skiff.h"

#include <stddef.h>
#include <string.h>

enum {
	INVOKE = 1,
	REACTOR,
	ARGV0,
	GRACE,
	STACK_LIMIT,
	MEMORY_LIMIT,
	TIME_LIMIT,
	FUEL,
	COREDUMP,
	CACHE,
	NO_CACHE,
	CONFIG,
	BUNDLE,
	CONSOLE_SOCKET,
	PID_FILE,
	CAGE,
	PULL,
	PLATFORM,
};

const struct option run_options[] = {
	{INVOKE, '\0', "invoke", "NAME", "call this export with ARGS and print its results"},
	{REACTOR, '\0', "reactor", NULL, "call '_initialize', then the export named behind FILE"},
	WASI_OPTIONS,
	{ARGV0, '\0', "argv0", "NAME", "what the guest is called, instead of FILE"},
	{GRACE, '\0', "grace", "TIME",
	 "seconds, or 500ms, 2m, ..., for a server to end (default 10)"},
	{STACK_LIMIT, '\0', "stack-limit", "SIZE", "bytes of stack for the guest (default 1M)"},
	{MEMORY_LIMIT, '\0', "memory-limit", "SIZE", "bytes of all memories and tables together"},
	{TIME_LIMIT, '\0', "time-limit", "MS", "stop the guest after so many milliseconds"},
	{FUEL, '\0', "fuel", "N", "stop the guest after so many instructions"},
	{COREDUMP, '\0', "coredump", "FILE", "write a core dump to FILE when the guest traps"},
	{CAGE, '\0', "cage", NULL, "run the guest in a container of its own"},
	{PULL, '\0', "pull", "missing|always|never", "when an image is fetched"},
	{PLATFORM, '\0', "platform", "OS/ARCH", "which one of an image (default: what suits best)"},
	CAGE_OPTIONS,
	{BUNDLE, '\0', "bundle", "DIR", "run the OCI bundle in DIR in a container; FILE is its ID"},
	{CONSOLE_SOCKET, '\0', "console-socket", "PATH",
	 "with --bundle: hand its terminal to who listens there"},
	{PID_FILE, '\0', "pid-file", "FILE",
	 "with --bundle: write the number of its process to FILE"},
	{CACHE, '\0', "cache", "DIR", "where modules seen before are kept"},
	{NO_CACHE, '\0', "no-cache", NULL, "neither look there nor add to it"},
	{CONFIG, '\0', "config", "FILE",
	 "the node's configuration (default /etc/skiff/config.toml)"},
	FEATURES_OPTIONS,
	{0},
};

const char run_details[] =
	"FILE is a module, or an image, which runs in a container: whatever is no file here and "
	"does not\n"
	"look like one (a path, a name that ends with .wasm or .wat) is an image's name. Options "
	"from\n"
	"--detach on are those of containers: of images, and of --cage.\n\n"
	"Without --invoke the export '_start' is called. FILE '-' is standard input. SIZE is a "
	"number\n"
	"of bytes, with K, M, G or T for powers of 1024.\n\n"
	"A guest has no directories and no variables but those given; what stands behind "
	"GUEST:HOST: is\n"
	"readonly (or ro), rw, root (absolute links begin again at the directory), or several of "
	"them.\n"
	"A signal ends the guest with exit code 128 + number; a guest that was handed a listening\n"
	"socket, or listens, first has the time of --grace to finish what it has begun.\n\n"
	"ARGS after --invoke are read by the type of the parameter: integers in decimal or 0x...,\n"
	"floats also as 0x1.8p3, inf, nan or nan:0x..., v128 as 0x and 32 digits, externref as a "
	"number\n"
	"or null, other references as null. Each result is printed on a line of its own.\n";

static bool take_pull(struct options *o, enum local_pull *ret)
{
	static const char *const words[] = {"missing", "always", "never"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(o->value, words[i]) == 0) {
			*ret = (enum local_pull)i;
			return true;
		}
	o->code = say(EXIT_USAGE, NULL, "option '--pull': '%s' is not missing, always or never",
		      o->value);
	return false;
}

/* Of an option that only containers have, where there is none. */
static bool take_outside(struct options *o, int id, struct guest_plan *plan)
{
	if (id < CAGE_DETACH)
		return wasi_option(&plan->wasi, o, id);
	o->code = say(EXIT_USAGE, NULL,
		      "option '--%s' is one of containers: it goes with an image, or with --cage",
		      o->name);
	return false;
}

static bool take(struct options *o, int id, struct guest_plan *plan)
{
	switch (id) {
	case INVOKE:
		plan->invoke = o->value;
		return true;
	case REACTOR:
		plan->reactor = GUEST_REACTOR;
		return true;
	case ARGV0:
		plan->argv0 = o->value;
		return true;
	case GRACE:
		plan->has_grace = true;
		return options_duration(o, &plan->grace_ms);
	case STACK_LIMIT:
		return options_size(o, &plan->stack_bytes);
	case MEMORY_LIMIT:
		plan->has_memory = true;
		return options_size(o, &plan->memory_bytes);
	case TIME_LIMIT:
		plan->has_time = true;
		return options_u64(o, &plan->time_ms);
	case FUEL:
		plan->has_fuel = true;
		return options_u64(o, &plan->fuel);
	case COREDUMP:
		plan->coredump = o->value;
		return true;
	case CAGE:
		return true;
	case BUNDLE:
		plan->bundle = o->value;
		return true;
	case CONSOLE_SOCKET:
		plan->console_socket = o->value;
		return true;
	case PID_FILE:
		plan->pid_file = o->value;
		return true;
	case CACHE:
		plan->cache = o->value;
		return true;
	case NO_CACHE:
		plan->no_cache = true;
		return true;
	case CONFIG:
		plan->config = o->value;
		return true;
	case PULL:
		return take_pull(o, &plan->wish.pull);
	case PLATFORM:
		plan->wish.platform = o->value;
		return true;
	case FEATURES_ENABLE:
	case FEATURES_DISABLE:
		return features_switch(o, id, &plan->features);
	default:
		if (plan->cage.wanted)
			return cage_option(&plan->cage, o, id);
		return take_outside(o, id, plan);
	}
}

/* Behind FILE; true unless the name is missing. */
static bool take_invoke(char **args, struct guest_plan *plan)
{
	static const char option[] = "--invoke";
	size_t size = sizeof(option) - 1;

	plan->args = args;
	if (plan->invoke != NULL || args[0] == NULL || strncmp(args[0], option, size) != 0)
		return true;
	if (args[0][size] == '=') {
		plan->invoke = args[0] + size + 1;
		plan->args = args + 1;
	} else if (args[0][size] == '\0') {
		if (args[1] == NULL)
			return false;
		plan->invoke = args[1];
		plan->args = args + 2;
	}
	return true;
}

/* What of the plan goes along with a container. */
static struct contained_plan contain(const struct guest_plan *plan, const struct config *config)
{
	struct contained_plan c = {
		.config = config,
		.root = -1,
		.lock = -1,
		.cache = plan->cache,
		.no_cache = plan->no_cache,
		.coredump = plan->coredump,
		.limits = {.of = {plan->memory_bytes, plan->fuel, plan->time_ms, plan->stack_bytes,
				  plan->grace_ms},
			   .asked = {plan->has_memory, plan->has_fuel, plan->has_time,
				     plan->stack_bytes != 0, plan->has_grace}},
	};

	c.terms.features = plan->features ^ skiff_features_default();
	c.terms.invoke = plan->invoke;
	c.terms.argv0 = plan->argv0;
	c.terms.reactor = plan->reactor == GUEST_REACTOR;
	return c;
}

/* `o` stands at the ID; NULL: none is given. */
static int run_bundle(const struct guest_plan *plan, const struct config *config,
		      const struct options *o)
{
	struct contained_plan contained = contain(plan, config);

	if (o != NULL && o->next[0] != NULL)
		return say(EXIT_USAGE, NULL,
			   "with --bundle there is an ID and nothing behind it, not '%s'",
			   o->next[0]);
	if (plan->wasi.wasi != NULL)
		return say(EXIT_USAGE, NULL,
			   "with --bundle directories, variables and sockets are those of its "
			   "config.json, no options");
	contained.bundle = plan->bundle;
	contained.console_socket = plan->console_socket;
	contained.pid_file = plan->pid_file;
	contained.id = o != NULL ? o->value : NULL;
	return contained_run(&contained);
}

static int run_cage(struct guest_plan *plan, const struct config *config)
{
	struct contained_plan contained = contain(plan, config);

	plan->cage.no_network = config->policy_network == CONFIG_NETWORK_NONE;
	return plan->is_image ? image_run(plan, &contained) : image_run_file(plan, &contained);
}

/*
 * What other options mean depends on whether there is a container, wherever it is said: by --cage, or by an image in the place of FILE.
 * False: a mistake was told, and o->code is set.
 */
static bool look_ahead(struct options *o, struct guest_plan *plan)
{
	struct options ahead = *o;
	bool is_bundle = false;
	int id;

	while ((id = options_next(&ahead)) > 0) {
		plan->cage.wanted |= id == CAGE;
		is_bundle |= id == BUNDLE;
	}
	if (id == OPTIONS_STOP)
		o->code = ahead.code;
	plan->is_image = id == OPTIONS_WORD && !plan->cage.wanted && !is_bundle &&
			 !local_is_file(ahead.value);
	plan->cage.wanted |= plan->is_image;
	return id != OPTIONS_STOP;
}

/* What the command line says, in `plan`; OPTIONS_WORD where `o` stands at FILE or ID, OPTIONS_END, or OPTIONS_STOP. */
static int take_all(struct options *o, struct guest_plan *plan)
{
	int id;

	if (!look_ahead(o, plan))
		return OPTIONS_STOP;
	while ((id = options_next(o)) > 0)
		if (!take(o, id, plan))
			return OPTIONS_STOP;
	if (id == OPTIONS_END && plan->bundle == NULL) {
		o->code = options_missing(o, "FILE");
		return OPTIONS_STOP;
	}
	if (id == OPTIONS_WORD && plan->bundle == NULL && o->value[0] == '\0') {
		o->code = say(EXIT_USAGE, NULL, "run: FILE is empty");
		return OPTIONS_STOP;
	}
	return id;
}

static int run(struct guest_plan *plan, struct options *o, bool has_word)
{
	const struct config *config;
	int code = node_read(&config, plan->config);

	if (code != EXIT_OK)
		return code;
	node_cache(config, &plan->cache, &plan->no_cache);
	if (plan->bundle != NULL)
		return run_bundle(plan, config, has_word ? o : NULL);
	return plan->cage.wanted ? run_cage(plan, config) : guest_run(plan);
}

int run_verb(const struct verb *verb, char **args)
{
	static struct guest_plan plan; /* static so that a leak checker sees what it owns */
	struct options o;
	int id;

	plan = (struct guest_plan){
		.features = skiff_features_default(),
		.grace_ms = GUEST_GRACE_MS,
		.manner = {.mistake_code = EXIT_USAGE,
			   .time_code = EXIT_TIME,
			   .fuel_code = EXIT_FUEL,
			   .fuel_option = "--fuel",
			   .time_option = "--time-limit",
			   .memory_option = "--memory-limit"},
	};
	options_init(&o, verb, args);
	id = take_all(&o, &plan);
	if (id == OPTIONS_STOP)
		return o.code;
	if (plan.bundle != NULL && plan.cage.wanted)
		return say(EXIT_USAGE, NULL, "option '--bundle' does not go with --cage");
	if (plan.bundle == NULL) {
		if (plan.console_socket != NULL || plan.pid_file != NULL)
			return say(EXIT_USAGE, NULL, "option '--%s' goes with --bundle only",
				   plan.pid_file != NULL ? "pid-file" : "console-socket");
		plan.file = o.value;
		if (!take_invoke(o.next, &plan))
			return options_missing(&o, "the NAME of --invoke");
	}
	return run(&plan, &o, id == OPTIONS_WORD);
}
