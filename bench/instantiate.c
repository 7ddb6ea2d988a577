/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instantiate.c: how long it takes to make an instance of a module already decoded and linked.
 *
 * Usage: instantiate FILE RUNS. Prints lines of name, tab, minimum and median in microseconds:
 *
 *   first         the first instance of the module in the process; a run decodes it anew
 *   second        the second of that module, in another store
 *   fresh         every later one, each in a new store, the store before it gone
 *   reused        in a store whose only instance was just freed: its reservation can be used again
 *   reset         skiff_instance_reset() after eight pages of its memory were written
 *   many          RUNS instances that stay, in one store; per instance
 *   store         skiff_store_new() alone
 *
 * Making the store is not counted in the lines above "store".
 */
#include "bench.h"

enum { FIRST_RUNS = 15, TOUCHED = 8, PAGE = 4096 };

struct series {
	const char *name;
	uint64_t *times; /* owned */
	size_t count;
};

static struct series series_new(const char *name, size_t room)
{
	struct series s = {.name = name, .times = calloc(room, sizeof(uint64_t))};

	if (s.times == NULL)
		bench_die("no memory");
	return s;
}

static void series_end(struct series *s)
{
	uint64_t middle = bench_median(s->times, s->count);

	printf("%s\t%.2f\t%.2f\n", s->name, (double)s->times[0] / 1e3, (double)middle / 1e3);
	free(s->times);
}

static struct skiff_instance *timed(const struct bench_guest *guest, struct skiff_store *store,
				    struct series *s)
{
	uint64_t start = bench_now();
	struct skiff_instance *instance = bench_instantiate(guest, store);

	s->times[s->count++] = bench_now() - start;
	return instance;
}

/* The first two instances of a module: data may be copied for the first, mapped from then on. */
static void measure_first(const char *path)
{
	struct series first = series_new("first", FIRST_RUNS);
	struct series second = series_new("second", FIRST_RUNS);

	for (int r = 0; r < FIRST_RUNS; r++) {
		struct skiff_store *stores[2];
		struct bench_guest guest;

		bench_guest_init(&guest, path);
		stores[0] = bench_store(&guest);
		stores[1] = bench_store(&guest);
		timed(&guest, stores[0], &first);
		timed(&guest, stores[1], &second);
		skiff_store_free(stores[1]);
		skiff_store_free(stores[0]);
		bench_guest_deinit(&guest);
	}
	series_end(&first);
	series_end(&second);
}

static void measure_fresh(const struct bench_guest *guest, size_t runs)
{
	struct series fresh = series_new("fresh", runs);

	for (size_t r = 0; r < runs; r++) {
		struct skiff_store *store = bench_store(guest);

		timed(guest, store, &fresh);
		skiff_store_free(store);
	}
	series_end(&fresh);
}

static void measure_reused(const struct bench_guest *guest, size_t runs)
{
	struct series reused = series_new("reused", runs);
	struct skiff_store *store = bench_store(guest);
	struct skiff_instance *instance = bench_instantiate(guest, store);

	for (size_t r = 0; r < runs; r++) {
		skiff_instance_free(instance);
		instance = timed(guest, store, &reused);
	}
	skiff_store_free(store);
	series_end(&reused);
}

static void touch(struct skiff_instance *instance)
{
	struct skiff_extern item;
	uint8_t *data;
	uint64_t size;

	if (!skiff_instance_export(instance, "memory", 6, &item) || item.kind != SKIFF_KIND_MEMORY)
		return;
	data = skiff_memory_data(item.of.memory);
	size = skiff_memory_size(item.of.memory);
	for (uint64_t i = 0; i < TOUCHED && i * PAGE < size; i++)
		data[i * PAGE]++;
}

static void measure_reset(const struct bench_guest *guest, size_t runs)
{
	struct series reset = series_new("reset", runs);
	struct skiff_store *store = bench_store(guest);
	struct skiff_instance *instance = bench_instantiate(guest, store);
	struct skiff_error err;

	for (size_t r = 0; r < runs; r++) {
		uint64_t start;

		touch(instance);
		start = bench_now();
		bench_must(skiff_instance_reset(instance, &err), "reset", &err);
		reset.times[reset.count++] = bench_now() - start;
	}
	skiff_store_free(store);
	series_end(&reset);
}

static void measure_many(const struct bench_guest *guest, size_t runs)
{
	struct series many = series_new("many", runs);
	struct skiff_store *store = bench_store(guest);

	for (size_t r = 0; r < runs; r++)
		timed(guest, store, &many);
	skiff_store_free(store);
	series_end(&many);
}

static void measure_store(const struct bench_guest *guest, size_t runs)
{
	struct series series = series_new("store", runs);

	for (size_t r = 0; r < runs; r++) {
		uint64_t start = bench_now();
		struct skiff_store *store = bench_store(guest);

		series.times[series.count++] = bench_now() - start;
		skiff_store_free(store);
	}
	series_end(&series);
}

int main(int argc, char **argv)
{
	size_t runs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct bench_guest guest;

	if (runs == 0)
		bench_die("usage: instantiate FILE RUNS");
	measure_first(argv[1]);
	bench_guest_init(&guest, argv[1]);
	measure_fresh(&guest, runs);
	measure_reused(&guest, runs);
	measure_reset(&guest, runs);
	measure_many(&guest, runs);
	measure_store(&guest, runs);
	bench_guest_deinit(&guest);
	return 0;
}
