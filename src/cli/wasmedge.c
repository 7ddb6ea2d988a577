/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasmedge.c: the roles `wasmedge` and `wasmedgec`: WasmEdge's command line over the same run.
 *
 * The options are those of 0.17, with its meanings: the exit code is 1 for a mistake and 134 for a limit that ran
 * out, a module without '_start' is a reactor, the guest is called by the last part of its path, a directory
 * that is not there is told and left out, and a limit of 0 milliseconds is none. Statistics, ways of compiling and
 * plugins have no counterpart: their options are taken without effect. The rest is as in run.c.
 */
#include "cli/features.h"
#include "cli/guest.h"
#include "cli/node.h"
#include "command/exit.h"
#include "command/help.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "skiff.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int wasmedge_main(char **args);
int wasmedgec_main(char **args);

/* Whose options these are. */
#define FOLLOWED "0.17.1"

enum {
	VERSION = 1,
	REACTOR,
	TIME_LIMIT,
	GAS_LIMIT,
	PAGE_LIMIT,
	COREDUMP,
	STANDARD_1,
	STANDARD_2,
	STANDARD_3,
	PROPOSAL_ON,
	PROPOSAL_OFF,
	IGNORED,
};

/* clang-format off */
#define OFF(name) {PROPOSAL_OFF, '\0', "disable-" name, NULL, NULL}
#define ON(name) {PROPOSAL_ON, '\0', "enable-" name, NULL, NULL}
#define NO_EFFECT(name, value) {IGNORED, '\0', name, value, "taken without effect"}
/* clang-format on */

static const struct option options[] = {
	{VERSION, 'v', "version", NULL, "show the version"},
	{REACTOR, '\0', "reactor", NULL,
	 "call '_initialize', then the export that the first ARG names"},
	{WASI_DIR, '\0', "dir", "[GUEST:]HOST[:readonly]", "give the guest this directory"},
	{WASI_ENV, '\0', "env", "NAME=VALUE", "set a variable of the guest"},
	{TIME_LIMIT, '\0', "time-limit", "MS",
	 "stop the guest after so many milliseconds; 0: never"},
	{GAS_LIMIT, '\0', "gas-limit", "N", "stop the guest after so many instructions"},
	{PAGE_LIMIT, '\0', "memory-page-limit", "N", "pages of 64 KiB that each memory may have"},
	{COREDUMP, '\0', "enable-coredump", NULL, "write coredump.SECONDS when the guest traps"},
	{COREDUMP, '\0', "coredump-for-wasmgdb", NULL, "the same"},
	{STANDARD_1, '\0', "wasm-1", NULL, "the proposals of WebAssembly 1.0 only"},
	{STANDARD_2, '\0', "wasm-2", NULL, "those of WebAssembly 2.0 only"},
	{STANDARD_3, '\0', "wasm-3", NULL, "all (default)"},
	OFF("import-export-mut-globals"),
	OFF("non-trap-float-to-int"),
	OFF("sign-extension-operators"),
	OFF("multi-value"),
	OFF("bulk-memory"),
	OFF("reference-types"),
	OFF("simd"),
	OFF("tail-call"),
	OFF("extended-const"),
	OFF("function-reference"),
	OFF("gc"),
	OFF("multi-memory"),
	OFF("relaxed-simd"),
	OFF("exception-handling"),
	OFF("memory64"),
	ON("tail-call"),
	ON("extended-const"),
	ON("function-reference"),
	ON("gc"),
	ON("multi-memory"),
	ON("relaxed-simd"),
	ON("exception-handling"),
	ON("threads"),
	ON("all"),
	NO_EFFECT("enable-component", NULL),
	NO_EFFECT("enable-jit", NULL),
	NO_EFFECT("force-interpreter", NULL),
	NO_EFFECT("run-mode", "MODE"),
	NO_EFFECT("enable-instruction-count", NULL),
	NO_EFFECT("enable-gas-measuring", NULL),
	NO_EFFECT("enable-time-measuring", NULL),
	NO_EFFECT("enable-all-statistics", NULL),
	NO_EFFECT("allow-af-unix", NULL),
	NO_EFFECT("forbidden-plugin", "NAME"),
	NO_EFFECT("log-level", "LEVEL"),
	{0},
};

static const char details[] =
	"--disable-NAME and --enable-NAME switch a proposal: import-export-mut-globals,\n"
	"non-trap-float-to-int, sign-extension-operators, multi-value, bulk-memory,\n"
	"reference-types, simd, tail-call, extended-const, function-reference, gc,\n"
	"multi-memory, relaxed-simd, exception-handling, memory64, threads;\n"
	"--enable-all switches all on.\n\n"
	"This is skiff under the name wasmedge. What follows FILE is the guest's. A module\n"
	"without '_start' is called as with --reactor. Exit codes: 1 for a mistake or a bad\n"
	"module, 134 when the guest traps or a limit runs out, else the guest's. More can be\n"
	"said with 'skiff run'.\n";

/* WasmEdge's names of proposals, ours, and the first version of WebAssembly that has them. */
static const struct proposal {
	const char *name;
	const char *ours;
	unsigned standard;
} proposals[] = {
	{"import-export-mut-globals", "mutable-globals", 1},
	{"non-trap-float-to-int", "sat-float-to-int", 2},
	{"sign-extension-operators", "sign-ext", 2},
	{"multi-value", "multi-value", 2},
	{"bulk-memory", "bulk-memory", 2},
	{"reference-types", "reference-types", 2},
	{"simd", "simd", 2},
	{"tail-call", "tail-call", 3},
	{"extended-const", "extended-const", 3},
	{"function-reference", "function-references", 3},
	{"gc", "gc", 3},
	{"multi-memory", "multi-memory", 3},
	{"relaxed-simd", "relaxed-simd", 3},
	{"exception-handling", "exceptions", 3},
	{"memory64", "memory64", 3},
	{"threads", "threads", 4},
	{"all", "all", 4},
};

struct wishes {
	struct guest_plan plan;
	uint64_t standard; /* the proposals of --wasm-N */
	uint64_t on;
	uint64_t off;
	char dump[32]; /* the path of the core dump, where one is wanted */
};

/* -- Options -------------------------------------------------------------------------------- */

static uint64_t proposal_bits(const char *option)
{
	const char *name = strchr(option, '-') + 1;

	for (size_t i = 0; i < sizeof(proposals) / sizeof(proposals[0]); i++)
		if (strcmp(proposals[i].name, name) == 0)
			return features_find(proposals[i].ours, strlen(proposals[i].ours));
	return 0;
}

static uint64_t standard_bits(unsigned standard)
{
	uint64_t bits = 0;

	if (standard == 3)
		return skiff_features_default();
	for (size_t i = 0; i < sizeof(proposals) / sizeof(proposals[0]); i++)
		if (proposals[i].standard <= standard)
			bits |= features_find(proposals[i].ours, strlen(proposals[i].ours));
	return bits;
}

static int show_version(void)
{
	struct out out;

	out_init(&out, STDOUT_FILENO);
	out_format(&out, "wasmedge version %s\n (skiff %s, with the options of that version)\n",
		   FOLLOWED, skiff_version());
	return out_end(&out, EXIT_OK);
}

static bool take_limit(struct options *o, int id, struct guest_plan *plan)
{
	if (id == GAS_LIMIT) {
		plan->has_fuel = true;
		return options_u64(o, &plan->fuel);
	}
	if (id == PAGE_LIMIT) {
		plan->has_pages = true;
		return options_u64(o, &plan->memory_pages);
	}
	if (!options_u64(o, &plan->time_ms))
		return false;
	plan->has_time = plan->time_ms != 0;
	return true;
}

/* False: the program ends with o->code. */
static bool take(struct options *o, int id, struct wishes *w)
{
	switch (id) {
	case VERSION:
		o->code = show_version();
		return false;
	case REACTOR:
		w->plan.reactor = GUEST_REACTOR;
		return true;
	case COREDUMP:
		snprintf(w->dump, sizeof(w->dump), "coredump.%lld", (long long)time(NULL));
		w->plan.coredump = w->dump;
		return true;
	case STANDARD_1:
	case STANDARD_2:
	case STANDARD_3:
		w->standard = standard_bits((unsigned)(id - STANDARD_1) + 1);
		return true;
	case PROPOSAL_ON:
		w->on |= proposal_bits(o->name);
		return true;
	case PROPOSAL_OFF:
		w->off |= proposal_bits(o->name);
		return true;
	case IGNORED:
		return true;
	case WASI_DIR:
	case WASI_ENV:
		return wasi_option(&w->plan.wasi, o, id);
	default:
		return take_limit(o, id, &w->plan);
	}
}

static int ending(int code)
{
	return code == EXIT_USAGE ? EXIT_BAD : code;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int run(const struct verb *verb, char **args)
{
	static struct wishes w; /* static so that a leak checker sees what it owns */
	const struct config *config;
	struct options o;
	int id;

	w = (struct wishes){
		.plan = {.manner = {.mistake_code = EXIT_BAD,
				    .time_code = EXIT_TRAP,
				    .fuel_code = EXIT_TRAP,
				    .fuel_option = "--gas-limit",
				    .time_option = "--time-limit",
				    .memory_option = "--memory-page-limit"},
			 .wasi = {.forgiving = true},
			 .reactor = GUEST_EITHER,
			 .grace_ms = GUEST_GRACE_MS},
		.standard = skiff_features_default(),
	};
	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_WORD) {
		if (id == OPTIONS_STOP)
			return ending(o.code);
		if (id == OPTIONS_END) {
			help_show(verb);
			return EXIT_BAD;
		}
		if (!take(&o, id, &w))
			return ending(o.code);
	}
	w.plan.file = o.value;
	w.plan.argv0 = last_part(o.value);
	w.plan.args = o.next;
	w.plan.features = (w.standard | features_known(w.on)) & ~w.off;
	if (node_read(&config, NULL) != EXIT_OK)
		return EXIT_BAD;
	node_cache(config, &w.plan.cache, &w.plan.no_cache);
	return guest_run(&w.plan);
}

/* -- The compiler ----------------------------------------------------------------------------- */

static const struct option no_options[] = {{0}};
static const char compiler_details[] = "The compiler comes with a later version of skiff. Until "
				       "then run the module itself: it needs no\n"
				       "compiled form. Options are not looked at.\n";

static const struct verb compilers[] = {
	{"compile", "wasmedge compile", "[OPTIONS] WASM OUT", "compile a module ahead of time",
	 NULL, no_options, compiler_details},
	{"wasmedgec", "wasmedgec", "[OPTIONS] WASM OUT", "compile a module ahead of time", NULL,
	 no_options, compiler_details},
};

static int compile(const struct verb *verb, char **args)
{
	for (; *args != NULL; args++) {
		if (strcmp(*args, "--help") == 0 || strcmp(*args, "-h") == 0)
			return help_show(verb);
		if (strcmp(*args, "--version") == 0 || strcmp(*args, "-v") == 0)
			return show_version();
	}
	return say(EXIT_BAD, verb->command,
		   "the compiler comes with a later version; run the module itself, it needs no "
		   "compiled form");
}

/* -- The roles ---------------------------------------------------------------------------------- */

int wasmedge_main(char **args)
{
	static const struct verb verb = {
		"wasmedge",
		"wasmedge",
		"[run] [OPTIONS] FILE [ARGS...]\n       wasmedge compile [OPTIONS] WASM OUT",
		"run a WebAssembly module",
		NULL,
		options,
		details,
	};

	if (args[0] != NULL && strcmp(args[0], "compile") == 0)
		return compile(&compilers[0], args + 1);
	if (args[0] != NULL && strcmp(args[0], "run") == 0)
		args++;
	return run(&verb, args);
}

int wasmedgec_main(char **args)
{
	return compile(&compilers[1], args);
}
