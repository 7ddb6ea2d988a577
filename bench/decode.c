/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.c: time of decoding and validating a module.
 *
 * Usage: decode FILE RUNS
 *
 * Prints minimum and median of RUNS runs in nanoseconds, the bytes of the code section, and what
 * the module then occupies. A run is skiff_module_new() from bytes in memory; skiff_module_free()
 * is not timed.
 */
#include "bench.h"

#include <inttypes.h>

int main(int argc, char **argv)
{
	size_t runs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, size;
	struct skiff_module_info info = {.size = sizeof(info)};
	struct skiff_engine *engine;
	struct skiff_module *module;
	struct skiff_error err;
	uint64_t *times, middle;
	uint8_t *bytes;

	if (runs == 0)
		bench_die("usage: decode FILE RUNS");
	bytes = bench_read(argv[1], &size);
	times = calloc(runs, sizeof(*times));
	if (times == NULL)
		bench_die("no memory");
	bench_must(skiff_engine_new(&engine, NULL, &err), "engine", &err);
	for (size_t r = 0; r < runs; r++) {
		uint64_t start = bench_now();

		bench_must(skiff_module_new(&module, engine, bytes, size, &err), argv[1], &err);
		times[r] = bench_now() - start;
		if (r + 1 == runs)
			skiff_module_info(module, &info);
		skiff_module_free(module);
	}
	middle = bench_median(times, runs);
	printf("%" PRIu64 " %" PRIu64 " %zu %zu\n", times[0], middle, info.code_bytes,
	       info.image_bytes);
	skiff_engine_free(engine);
	free(times);
	free(bytes);
	return 0;
}
