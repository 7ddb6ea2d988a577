/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smith-run.c: many modules in one process, and what each did, a line a call.
 *
 *	smith-run [-v] [-g] [-n] [-f] PROVIDER PACK [FIRST]
 *
 * PACK is modules one after the other, each behind its size (32 bits, little-endian), from number FIRST on.
 * PROVIDER is the module they import from. For each is printed, as run.mjs prints it of V8:
 *
 *	module 7
 *	start ok | trap CODE | exception TAG VALUE... | refused SENTENCE
 *	NAME ok VALUE... | trap ...
 *	end
 *
 * The exports called are those whose names begin with "sk."; wrap.py has put them in: they take nothing and give i64s.
 * With -v modules are only validated ("start valid"). -g collects before each object is made, -n takes no
 * address space ahead for memories, -f counts instructions: three ways to run that must not be seen in the results.
 */
#include <errno.h>
#include <inttypes.h>
#include <skiff.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { MOST_RESULTS = 256, MOST_VALUES = 64 };

struct runner {
	struct skiff_engine *engine;
	struct skiff_module *provider;
	bool only_validate;
	bool fuel;
};

/* One module's run. */
struct run {
	struct runner *runner;
	struct skiff_store *store;
	struct skiff_linker *linker;
	struct skiff_module *module;
	struct skiff_instance *instance;
};

static void fail(const char *what, const struct skiff_error *err)
{
	fprintf(stderr, "smith-run: %s: %s\n", what, err->text);
	exit(2);
}

/* -- Printing -------------------------------------------------------------------------------- */

/* A number as JavaScript has it: i64 in full, the others as doubles; anything else has no value. */
static void print_value(const struct skiff_val *value)
{
	union {
		double number;
		uint64_t bits;
	} as = {.bits = 0};

	switch (value->type) {
	case SKIFF_I32:
		as.number = (int32_t)value->of.i32;
		break;
	case SKIFF_I64:
		printf(" i%" PRIx64, value->of.i64);
		return;
	case SKIFF_F32:
		as.number = (double)value->of.f32;
		break;
	case SKIFF_F64:
		as.number = value->of.f64;
		break;
	default:
		printf(" -");
		return;
	}
	if (as.number != as.number)
		printf(" nan");
	else
		printf(" %" PRIx64, as.bits);
}

/* Which exported tag it is, or "?", and what it carries. */
static void print_exception(struct run *run)
{
	struct skiff_val values[MOST_VALUES];
	struct skiff_tag *tag = skiff_store_exception(run->store, values, MOST_VALUES);
	struct skiff_externtype type;
	struct skiff_extern item;
	char name[32];

	for (int i = 0;; i++) {
		int size = snprintf(name, sizeof(name), "tag.%d", i);

		if (!skiff_instance_export(run->instance, name, (size_t)size, &item)) {
			printf(" ?\n");
			return;
		}
		if (item.of.tag == tag)
			break;
	}
	printf(" %s", name);
	skiff_extern_type(item, &type);
	for (uint32_t i = 0; i < type.func.param_count && i < MOST_VALUES; i++)
		print_value(&values[i]);
	printf("\n");
}

static void print_failure(struct run *run, int outcome, struct skiff_trap *trap,
			  const struct skiff_error *err)
{
	if (outcome == SKIFF_TRAP) {
		printf(" trap %s\n", skiff_trap_code(trap));
	} else if (outcome == SKIFF_EXCEPTION) {
		printf(" exception");
		if (run->instance != NULL)
			print_exception(run);
		else
			printf("\n");
	} else {
		printf(" refused %s\n", err->text);
	}
	skiff_trap_free(trap);
}

/* -- Running ----------------------------------------------------------------------------------- */

static int host_mix(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		    struct skiff_val *results)
{
	(void)env;
	(void)caller;
	results[0].of.i32 = args[0].of.i32 * 3 + 1;
	return 0;
}

static void provide(struct run *run)
{
	static const uint32_t i32 = SKIFF_I32;
	static const struct skiff_functype mix = {&i32, &i32, 1, 1};
	struct skiff_instance *provider = NULL;
	struct skiff_prelinked *pre = NULL;
	struct skiff_error err;

	if (skiff_store_new(&run->store, run->runner->engine, &err) != 0)
		fail("store", &err);
	if (run->runner->fuel)
		skiff_store_set_fuel(run->store, UINT64_MAX / 2);
	if (skiff_linker_new(&run->linker, run->runner->engine, &err) != 0 ||
	    skiff_linker_func(run->linker, "host", "mix", &mix, host_mix, NULL, NULL, &err) != 0 ||
	    skiff_prelink(&pre, run->linker, run->runner->provider, &err) != 0 ||
	    skiff_instance_new(&provider, run->store, pre, NULL, NULL, &err) != 0 ||
	    skiff_linker_instance(run->linker, "p", 1, provider, &err) != 0)
		fail("provider", &err);
	skiff_prelinked_free(pre);
}

static void call(struct run *run, const struct skiff_name *name)
{
	struct skiff_val results[MOST_RESULTS];
	struct skiff_trap *trap = NULL;
	struct skiff_externtype type;
	struct skiff_error err;
	struct skiff_extern item;
	int exit_code;
	int outcome;

	if (!skiff_instance_export(run->instance, name->bytes, name->size, &item))
		abort();
	skiff_extern_type(item, &type);
	outcome = skiff_call(run->store, item.of.func, NULL, 0, results, type.func.result_count,
			     &trap, &exit_code, &err);
	printf("%.*s", (int)name->size, name->bytes);
	if (outcome != 0) {
		print_failure(run, outcome, trap, &err);
		return;
	}
	printf(" ok");
	for (uint32_t i = 0; i < type.func.result_count; i++)
		printf(" %" PRIx64, results[i].of.i64);
	printf("\n");
}

static void instantiate(struct run *run)
{
	struct skiff_prelinked *pre = NULL;
	struct skiff_trap *trap = NULL;
	struct skiff_export export;
	struct skiff_error err;
	int exit_code;
	int outcome;

	provide(run);
	outcome = skiff_prelink(&pre, run->linker, run->module, &err);
	if (outcome == 0)
		outcome = skiff_instance_new(&run->instance, run->store, pre, &trap, &exit_code,
					     &err);
	printf("start");
	if (outcome != 0) {
		print_failure(run, outcome, trap, &err);
	} else {
		printf(" ok\n");
		for (uint32_t i = 0; skiff_module_export(run->module, i, &export); i++) {
			if (export.name.size > 3 && memcmp(export.name.bytes, "sk.", 3) == 0)
				call(run, &export.name);
		}
	}
	skiff_prelinked_free(pre);
	skiff_linker_free(run->linker);
	skiff_store_free(run->store);
}

static void run_module(struct runner *runner, const uint8_t *bytes, size_t size)
{
	struct run run = {.runner = runner};
	struct skiff_error err;

	if (skiff_module_new(&run.module, runner->engine, bytes, size, &err) != 0) {
		printf("start refused %s\n", err.text);
		return;
	}
	if (runner->only_validate)
		printf("start valid\n");
	else
		instantiate(&run);
	skiff_module_free(run.module);
}

/* -- Files ----------------------------------------------------------------------------------- */

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	off_t size = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0)
		size = ftello(file);
	if (size >= 0)
		bytes = malloc((size_t)size + 1);
	if (bytes == NULL || fseek(file, 0, SEEK_SET) != 0 ||
	    fread(bytes, 1, (size_t)size, file) != (size_t)size) {
		fprintf(stderr, "smith-run: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	fclose(file);
	*ret_size = (size_t)size;
	return bytes;
}

static void run_pack(struct runner *runner, const uint8_t *pack, size_t size, unsigned first)
{
	size_t at = 0;

	for (unsigned i = 0; at + 4 <= size; i++) {
		uint32_t bytes = pack[at] | (uint32_t)pack[at + 1] << 8 |
				 (uint32_t)pack[at + 2] << 16 | (uint32_t)pack[at + 3] << 24;

		if (i >= first) {
			printf("module %u\n", i);
			fflush(stdout);
			run_module(runner, pack + at + 4, bytes);
			printf("end\n");
		}
		at += 4 + bytes;
	}
}

int main(int argc, char **argv)
{
	struct skiff_config config = {.size = sizeof(config), .gc_bytes = 64u << 20};
	struct runner runner = {0};
	struct skiff_error err;
	uint8_t *bytes;
	size_t size;
	int arg = 1;

	for (; arg < argc && argv[arg][0] == '-'; arg++) {
		runner.only_validate |= strcmp(argv[arg], "-v") == 0;
		config.gc_always |= strcmp(argv[arg], "-g") == 0;
		config.no_reservation |= strcmp(argv[arg], "-n") == 0;
		config.fuel |= strcmp(argv[arg], "-f") == 0;
	}
	if (argc - arg < 2) {
		fprintf(stderr, "usage: smith-run [-v] [-g] [-n] [-f] PROVIDER PACK [FIRST]\n");
		return 2;
	}
	runner.fuel = config.fuel;
	if (skiff_engine_new(&runner.engine, &config, &err) != 0)
		fail("engine", &err);
	bytes = read_file(argv[arg], &size);
	if (skiff_module_new(&runner.provider, runner.engine, bytes, size, &err) != 0)
		fail("provider", &err);
	free(bytes);
	bytes = read_file(argv[arg + 1], &size);
	run_pack(&runner, bytes, size, argc - arg > 2 ? (unsigned)atoi(argv[arg + 2]) : 0);
	free(bytes);
	skiff_module_free(runner.provider);
	skiff_engine_free(runner.engine);
	return 0;
}
