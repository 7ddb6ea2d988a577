/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle_instance.c: a process that embeds the engine, makes one instance, calls it once and waits.
 *
 * Usage: idle_instance FILE. Says "ready" when it waits; bench/memory reads its pages and ends it.
 */
#include "bench.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	struct skiff_val count = {.type = SKIFF_I32, .of.i32 = 1}, result = {.type = SKIFF_I32};
	struct skiff_instance *instance;
	struct bench_guest guest;
	struct skiff_store *store;
	struct skiff_func *func;
	struct skiff_error err;

	if (argc != 2)
		bench_die("usage: idle_instance FILE");
	bench_guest_init(&guest, argv[1]);
	store = bench_store(&guest);
	instance = bench_instantiate(&guest, store);
	func = bench_function(instance, "run");
	if (func == NULL)
		bench_die("the module exports no run");
	bench_must(skiff_call(store, func, &count, 1, &result, 1, NULL, NULL, &err), "call", &err);
	printf("ready\n");
	fflush(stdout);
	pause();
	skiff_store_free(store);
	bench_guest_deinit(&guest);
	return 0;
}
