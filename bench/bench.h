/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h: clock, median and error exit for the C programs of this folder that use the engine. They
 * are short programs that stop at the first failure, so the helpers end the process themselves.
 */
#ifndef BENCH_H
#define BENCH_H

#include "skiff.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int bench_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts `times` and gives the one in the middle. */
static inline uint64_t bench_median(uint64_t *times, size_t count)
{
	qsort(times, count, sizeof(*times), bench_order);
	return times[count / 2];
}

static inline __attribute__((format(printf, 1, 2), noreturn)) void bench_die(const char *format,
									     ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* End the process unless an engine call returned 0. */
static inline void bench_must(int code, const char *what, const struct skiff_error *err)
{
	if (code != 0)
		bench_die("%s: %s (code %d)", what, err->text, code);
}

static inline uint8_t *bench_read(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
		bench_die("cannot read '%s'", path);
	rewind(file);
	bytes = malloc((size_t)size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		bench_die("cannot read '%s'", path);
	fclose(file);
	*ret_size = (size_t)size;
	return bytes;
}

/* Module and imports resolved, ready to instantiate. */
struct bench_guest {
	struct skiff_engine *engine;   /* owned */
	struct skiff_module *module;   /* owned */
	struct skiff_linker *linker;   /* owned */
	struct skiff_prelinked *pre;   /* owned */
};

static inline void bench_guest_init(struct bench_guest *guest, const char *path)
{
	struct skiff_error err;

	bench_must(skiff_engine_new(&guest->engine, NULL, &err), "engine", &err);
	bench_must(skiff_module_open(&guest->module, guest->engine, path, &err), path, &err);
	bench_must(skiff_linker_new(&guest->linker, guest->engine, &err), "linker", &err);
	bench_must(skiff_prelink(&guest->pre, guest->linker, guest->module, &err), path, &err);
}

static inline void bench_guest_deinit(struct bench_guest *guest)
{
	skiff_prelinked_free(guest->pre);
	skiff_linker_free(guest->linker);
	skiff_module_free(guest->module);
	skiff_engine_free(guest->engine);
}

static inline struct skiff_instance *bench_instantiate(const struct bench_guest *guest,
						       struct skiff_store *store)
{
	struct skiff_instance *instance;
	struct skiff_error err;

	bench_must(skiff_instance_new(&instance, store, guest->pre, NULL, NULL, &err),
		   "instantiate", &err);
	return instance;
}

static inline struct skiff_store *bench_store(const struct bench_guest *guest)
{
	struct skiff_store *store;
	struct skiff_error err;

	bench_must(skiff_store_new(&store, guest->engine, &err), "store", &err);
	return store;
}

/* The exported function of that name, or NULL. */
static inline struct skiff_func *bench_function(struct skiff_instance *instance, const char *name)
{
	struct skiff_extern item;

	if (!skiff_instance_export(instance, name, strlen(name), &item) ||
	    item.kind != SKIFF_KIND_FUNC)
		return NULL;
	return item.of.func;
}

#endif
