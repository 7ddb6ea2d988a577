/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_call.c: time one exported function of a module, in process.
 *
 * Usage: bench_call FILE REPS
 *
 * The module exports run, taking a count of repetitions or nothing, or else _start. Prints
 * nanoseconds of REPS repetitions and the result ("-": none; integers unsigned). A run that takes
 * no count is called REPS times; _start is called once in each of REPS fresh instances, their
 * making not timed. One repetition goes first, untimed.
 */
#include "bench.h"

#include <inttypes.h>

struct target {
	struct bench_guest guest;
	struct skiff_store *store; /* owned */
	struct skiff_func *func;   /* borrowed from the store */
	bool counts;               /* takes the count of repetitions */
	bool start;                /* is _start: one call in the life of an instance */
	uint32_t result;           /* type of the result; 0: none */
};

static void target_refresh(struct target *t)
{
	struct skiff_instance *instance;

	skiff_store_free(t->store);
	t->store = bench_store(&t->guest);
	instance = bench_instantiate(&t->guest, t->store);
	t->func = bench_function(instance, "run");
	t->start = t->func == NULL;
	if (t->start)
		t->func = bench_function(instance, "_start");
	if (t->func == NULL)
		bench_die("the module exports neither run nor _start");
}

static void target_init(struct target *t, const char *path)
{
	struct skiff_externtype type;

	*t = (struct target){0};
	bench_guest_init(&t->guest, path);
	target_refresh(t);
	skiff_extern_type((struct skiff_extern){.kind = SKIFF_KIND_FUNC, .of.func = t->func},
			  &type);
	if (type.func.param_count > 1 || type.func.result_count > 1 ||
	    (type.func.param_count == 1 && type.func.params[0] != SKIFF_I32))
		bench_die("the function must take an i32 or nothing, and give at most one result");
	t->counts = type.func.param_count == 1;
	t->result = type.func.result_count == 1 ? type.func.results[0] : 0;
}

static struct skiff_val call(struct target *t, uint32_t reps)
{
	struct skiff_val argument = {.type = SKIFF_I32, .of.i32 = reps};
	struct skiff_val result = {.type = t->result};
	struct skiff_error err;

	bench_must(skiff_call(t->store, t->func, &argument, t->counts ? 1 : 0, &result,
			      t->result != 0 ? 1 : 0, NULL, NULL, &err),
		   "call", &err);
	return result;
}

static uint64_t repeat(struct target *t, uint32_t reps, struct skiff_val *result)
{
	uint64_t time = 0, start;

	if (t->counts) {
		start = bench_now();
		*result = call(t, reps);
		return bench_now() - start;
	}
	for (uint32_t r = 0; r < reps; r++) {
		if (t->start)
			target_refresh(t);
		start = bench_now();
		*result = call(t, 0);
		time += bench_now() - start;
	}
	return time;
}

static void print(uint64_t time, const struct skiff_val *result)
{
	printf("%" PRIu64 " ", time);
	switch (result->type) {
	case SKIFF_I32:
		printf("%" PRIu32 "\n", result->of.i32);
		break;
	case SKIFF_I64:
		printf("%" PRIu64 "\n", result->of.i64);
		break;
	case SKIFF_F32:
		printf("%.17g\n", (double)result->of.f32);
		break;
	case SKIFF_F64:
		printf("%.17g\n", result->of.f64);
		break;
	default:
		printf("-\n");
		break;
	}
}

int main(int argc, char **argv)
{
	struct skiff_val result = {0};
	struct target target;
	uint64_t time;

	if (argc != 3)
		bench_die("usage: bench_call FILE REPS");
	target_init(&target, argv[1]);
	repeat(&target, 1, &result);
	time = repeat(&target, (uint32_t)strtoul(argv[2], NULL, 10), &result);
	print(time, &result);
	skiff_store_free(target.store);
	bench_guest_deinit(&target.guest);
	return 0;
}
