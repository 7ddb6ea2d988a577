/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed-call.c: load a module, call one of its exports, print the result.
 *
 *	embed-call fib.wasm fib 30
 *
 * The function must take one i32 and give one i32 or i64. This is the whole way to a call:
 * engine, module, linker, prelinked, store, instance, function.
 */
#include "skiff.h"

#include <stdlib.h>

/* Every function that can fail returns 0 or a code, and writes one sentence. */
static void check(int r, const char *doing, const struct skiff_error *err)
{
	if (r == 0)
		return;
	fprintf(stderr, "embed-call: %s: %s\n", doing, err->text);
	exit(1);
}

static void call(struct skiff_store *store, struct skiff_instance *instance, const char *name,
		 size_t name_size, int argument)
{
	struct skiff_error err = {.text = ""};
	struct skiff_externtype type;
	struct skiff_extern item;
	struct skiff_val arg = {.type = SKIFF_I32, .of.i32 = (uint32_t)argument};
	struct skiff_val result;

	if (!skiff_instance_export(instance, name, name_size, &item) ||
	    item.kind != SKIFF_KIND_FUNC) {
		fprintf(stderr, "embed-call: there is no function '%s'\n", name);
		exit(1);
	}
	skiff_extern_type(item, &type);
	if (type.func.result_count != 1) {
		fprintf(stderr, "embed-call: '%s' does not give one result\n", name);
		exit(1);
	}

	/* Count and types of the arguments are checked: a mistake is told, not undefined. The NULLs are
	 * for the trap and the exit code, which embed-host.c shows. */
	check(skiff_call(store, item.of.func, &arg, 1, &result, 1, NULL, NULL, &err), name, &err);
	if (result.type == SKIFF_I64)
		printf("%s(%d) = %lld\n", name, argument, (long long)result.of.i64);
	else
		printf("%s(%d) = %d\n", name, argument, (int)result.of.i32);
}

int main(int argc, char **argv)
{
	struct skiff_error err = {.text = ""};
	struct skiff_engine *engine;
	struct skiff_module *module;
	struct skiff_linker *linker;
	struct skiff_prelinked *pre;
	struct skiff_store *store;
	struct skiff_instance *instance;
	size_t name_size = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: embed-call FILE FUNCTION NUMBER\n");
		return 2;
	}
	while (argv[2][name_size] != '\0')
		name_size++;

	/* One engine for the whole program; NULL: the default configuration. */
	check(skiff_engine_new(&engine, NULL, &err), "start the engine", &err);

	/* Decoded and validated here; it can be instantiated any number of times, in any thread. */
	check(skiff_module_open(&module, engine, argv[1], &err), argv[1], &err);

	/* This module may import nothing: the linker offers nothing. */
	check(skiff_linker_new(&linker, engine, &err), "make a linker", &err);
	check(skiff_prelink(&pre, linker, module, &err), argv[1], &err);

	/* A store holds instances, and belongs to one thread at a time. */
	check(skiff_store_new(&store, engine, &err), "make a store", &err);
	check(skiff_instance_new(&instance, store, pre, NULL, NULL, &err), argv[1], &err);

	call(store, instance, argv[2], name_size, atoi(argv[3]));

	/* In any order: what others still need stays alive. The store ends its instance. */
	skiff_store_free(store);
	skiff_prelinked_free(pre);
	skiff_linker_free(linker);
	skiff_module_free(module);
	skiff_engine_free(engine);
	return 0;
}
