/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.c: the items of "spectest", made by hand or by spectest.wasm.
 *
 * The print functions print nothing: they check that their arguments arrive as declared, and trap if
 * they do not. table64 and shared_memory are offered where the engine makes them.
 */
#include "hosts.h"

#include <stdio.h>
#include <string.h>

static const char module_name[] = "spectest";

/* -- Functions --------------------------------------------------------------------------- */

struct print {
	const char *name;
	uint32_t params[2];
	uint32_t count;
};

static const struct print prints[] = {
	{"print", {0}, 0},
	{"print_i32", {SKIFF_I32}, 1},
	{"print_i64", {SKIFF_I64}, 1},
	{"print_f32", {SKIFF_F32}, 1},
	{"print_f64", {SKIFF_F64}, 1},
	{"print_i32_f32", {SKIFF_I32, SKIFF_F32}, 2},
	{"print_f64_f64", {SKIFF_F64, SKIFF_F64}, 2},
};

static int print(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		 struct skiff_val *results)
{
	const struct print *self = env;

	(void)results;
	for (uint32_t i = 0; i < self->count; i++)
		if (args[i].type != self->params[i])
			return skiff_caller_trap(caller, "a print function got another type");
	return 0;
}

static int define_prints(struct skiff_linker *linker, struct skiff_error *err)
{
	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++) {
		struct skiff_functype type = {
			.params = prints[i].params,
			.param_count = prints[i].count,
		};
		int rc = skiff_linker_func(linker, module_name, prints[i].name, &type, print,
					   (void *)&prints[i], NULL, err);

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* -- Items ------------------------------------------------------------------------------- */

static void add(struct hosts *hosts, const char *name, struct skiff_extern item)
{
	hosts->items[hosts->item_count++] = (struct hosts_item){name, item};
}

static int make_globals(struct hosts *hosts, struct skiff_store *store, struct skiff_error *err)
{
	static const struct {
		const char *name;
		struct skiff_val value;
	} globals[] = {
		{"global_i32", {.type = SKIFF_I32, .of.i32 = 666}},
		{"global_i64", {.type = SKIFF_I64, .of.i64 = 666}},
		{"global_f32", {.type = SKIFF_F32, .of.f32 = 666.6f}},
		{"global_f64", {.type = SKIFF_F64, .of.f64 = 666.6}},
	};

	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		struct skiff_extern item = {.kind = SKIFF_KIND_GLOBAL};
		int rc = skiff_global_new(&item.of.global, store, false, globals[i].value, err);

		if (rc != 0)
			return rc;
		add(hosts, globals[i].name, item);
	}
	return 0;
}

static int make_table(struct hosts *hosts, struct skiff_store *store, bool is64,
		      struct skiff_error *err)
{
	struct skiff_limits limits = {.min = 10, .max = 20, .is64 = is64};
	struct skiff_extern item = {.kind = SKIFF_KIND_TABLE};
	int rc = skiff_table_new(&item.of.table, store, SKIFF_FUNCREF, &limits,
				 (struct skiff_ref){0}, err);

	if (rc == 0)
		add(hosts, is64 ? "table64" : "table", item);
	return rc;
}

static int make_memory(struct hosts *hosts, struct skiff_store *store, bool shared,
		       struct skiff_error *err)
{
	struct skiff_limits limits = {.min = 1, .max = 2, .shared = shared};
	struct skiff_extern item = {.kind = SKIFF_KIND_MEMORY};
	int rc = skiff_memory_new(&item.of.memory, store, &limits, err);

	if (rc == 0)
		add(hosts, shared ? "shared_memory" : "memory", item);
	return rc;
}

int hosts_make(struct hosts *hosts, struct skiff_store *store, struct skiff_error *err)
{
	int rc = make_globals(hosts, store, err);

	if (rc == 0)
		rc = make_table(hosts, store, false, err);
	if (rc == 0)
		rc = make_memory(hosts, store, false, err);
	if (rc != 0)
		return rc;
	hosts->no_table64 = make_table(hosts, store, true, NULL) != 0;
	hosts->no_shared_memory = make_memory(hosts, store, true, NULL) != 0;
	return 0;
}

/* -- The same as a module ---------------------------------------------------------------- */

static int instantiate(struct hosts *hosts, struct skiff_engine *engine, struct skiff_store *store,
		       struct skiff_module *module, struct skiff_error *err)
{
	struct skiff_linker *linker = NULL;
	struct skiff_prelinked *pre = NULL;
	int rc = skiff_linker_new(&linker, engine, err);

	if (rc == 0)
		rc = skiff_prelink(&pre, linker, module, err);
	if (rc == 0)
		rc = skiff_instance_new(&hosts->instance, store, pre, NULL, NULL, err);
	skiff_prelinked_free(pre);
	skiff_linker_free(linker);
	return rc;
}

int hosts_load(struct hosts *hosts, struct skiff_engine *engine, struct skiff_store *store,
	       const char *suite, struct skiff_error *err)
{
	struct skiff_module *module = NULL;
	char path[4096];
	int rc;

	snprintf(path, sizeof(path), "%s/spectest_all.wasm", suite);
	rc = skiff_module_open(&module, engine, path, err);
	if (rc != 0) {
		hosts->no_table64 = hosts->no_shared_memory = true;
		snprintf(path, sizeof(path), "%s/spectest.wasm", suite);
		rc = skiff_module_open(&module, engine, path, err);
	}
	if (rc == 0)
		rc = instantiate(hosts, engine, store, module, err);
	skiff_module_free(module);
	return rc;
}

/* -- Linking ----------------------------------------------------------------------------- */

int hosts_define(const struct hosts *hosts, struct skiff_linker *linker, struct skiff_error *err)
{
	int rc;

	if (hosts->instance != NULL)
		return skiff_linker_instance(linker, module_name, strlen(module_name),
					     hosts->instance, err);
	rc = define_prints(linker, err);
	for (size_t i = 0; rc == 0 && i < hosts->item_count; i++)
		rc = skiff_linker_extern(linker, module_name, strlen(module_name),
					 hosts->items[i].name, strlen(hosts->items[i].name),
					 hosts->items[i].item, err);
	return rc;
}

static bool is(struct skiff_name name, const char *text)
{
	return name.size == strlen(text) && memcmp(name.bytes, text, name.size) == 0;
}

const char *hosts_missing(const struct hosts *hosts, const struct skiff_import *import)
{
	if (!is(import->module, module_name))
		return NULL;
	if (hosts->no_table64 && is(import->name, "table64"))
		return "memory64";
	if (hosts->no_shared_memory && is(import->name, "shared_memory"))
		return "shared memory";
	return NULL;
}
