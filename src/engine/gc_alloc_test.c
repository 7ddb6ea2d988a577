/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc_alloc_test.c: guests that make objects when the 1st, the 2nd, the 3rd... allocation of the engine fails: the
 * instance is not made, or the guest traps with "out of memory"; a reference that cannot be noted as the host's is
 * good all the same. What is not given back the sanitizer's build finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_refuse.h"
#include "engine/test_guest.h"

#define REF_NULL_TO(type) 0x63, type
#define TEN(...)                                                                                   \
	__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, \
		__VA_ARGS__, __VA_ARGS__, __VA_ARGS__

/*
 * A node (type 0) has a next and a number; type 1 is an array of nodes. Global 0 is an array of twenty: more than fit
 * the first stack of a constant expression. n: a node · a(n): an array of n KiB · m(n): an array of n nodes, the first
 * global's length added.
 */
static const uint8_t nodes[] = {MODULE(
	LONG_SECTION(1, 5, STRUCT_TYPE(2, REF_NULL_TO(0), 1, I32, 1), ARRAY_TYPE(REF_NULL_TO(0), 1),
		     FUNC_TYPE(0, 1, REF_NULL_TO(0)), FUNC_TYPE(1, I32, 1, I32), ARRAY_TYPE(I8, 1)),
	SECTION(3, 3, 2, 3, 3),
	LONG_SECTION(6, 1, REF_NULL_TO(1), 1, TEN(REF_NULL(0), C32(1), STRUCT_NEW(0)),
		     TEN(STRUCT_NEW_DEFAULT(0)), ARRAY_NEW_FIXED(1, 20), END),
	SECTION(7, 3, EXPORT_FUNC('n', 0), EXPORT_FUNC('a', 1), EXPORT_FUNC('m', 2)),
	SECTION(9, 1, 5, REF_NULL_TO(0), 1, STRUCT_NEW_DEFAULT(0), END),
	LONG_SECTION(10, 3, BODY(0, STRUCT_NEW_DEFAULT(0), END),
		     BODY(0, GET(0), C32(10), 0x74, ARRAY_NEW_DEFAULT(4), ARRAY_LEN, END),
		     BODY(0, STRUCT_NEW_DEFAULT(0), GET(0), ARRAY_NEW(1), ARRAY_LEN, GLOBAL_GET(0),
			  ARRAY_LEN, ADD, END)))};

struct world {
	struct guest g;
	struct skiff_prelinked *pre;
	struct skiff_instance *in;
};

typedef int attempt_fn(struct world *w);

static int make_instance(struct world *w)
{
	struct skiff_instance *in = NULL;

	return guest_try(&w->g, w->pre, &in);
}

static int trap_or(struct world *w, int outcome)
{
	if (outcome == SKIFF_TRAP && w->g.trap != NULL)
		assert_string_equal(skiff_trap_code(w->g.trap), "out_of_memory");
	return outcome;
}

/* Forty results that the host holds, each the only way to its node. */
static int make_nodes(struct world *w)
{
	struct skiff_ref refs[40];
	int outcome = 0;

	for (int i = 0; outcome == 0 && i < 40; i++) {
		outcome = trap_or(w, RUN(&w->g, w->in, 'n'));
		if (outcome != 0)
			break;
		refs[i] = w->g.results[0].of.ref;
		skiff_store_collect(w->g.store);
		for (int k = 0; k <= i; k++)
			assert_int_equal(skiff_ref_kind(w->g.store, refs[k]), SKIFF_REF_IS_STRUCT);
	}
	return outcome;
}

/* Ever more large objects at once: the set of granules grows. */
static int make_arrays(struct world *w)
{
	int outcome = 0;

	for (uint32_t i = 1; outcome == 0 && i < 0x8000; i *= 2)
		outcome = trap_or(w, RUN(&w->g, w->in, 'a', i));
	return outcome;
}

/* Thousands of references in one array are looked into. */
static int make_wide(struct world *w)
{
	int outcome = trap_or(w, RUN(&w->g, w->in, 'm', 10000));

	skiff_store_collect(w->g.store);
	return outcome;
}

static void open_world(struct world *w)
{
	struct skiff_config config = {.size = sizeof(config), .gc_bytes = 64 << 20};

	memset(w, 0, sizeof(*w));
	guest_open(&w->g, &config);
	w->pre = PRELINK(&w->g, nodes);
}

static void close_world(struct world *w)
{
	skiff_prelinked_free(w->pre);
	guest_close(&w->g);
}

/* A world each: what one attempt has made the next would find there. */
static void attempt_each(attempt_fn *attempt, bool wants_instance, unsigned least)
{
	for (refuse_at = 1;; refuse_at++) {
		struct world w;
		int outcome;

		open_world(&w);
		if (wants_instance)
			w.in = guest_make(&w.g, w.pre);
		calls = 0;
		counting = true;
		outcome = attempt(&w);
		counting = false;
		if (outcome != 0)
			assert_string_not_equal(w.g.err.text, "");
		close_world(&w);
		if (calls < refuse_at) {
			assert_int_equal(outcome, 0);
			break;
		}
	}
	assert_true(refuse_at > least);
}

static void instances(void **state)
{
	(void)state;
	attempt_each(make_instance, false, 6);
}

static void results(void **state)
{
	(void)state;
	attempt_each(make_nodes, true, 2);
}

static void large_objects(void **state)
{
	(void)state;
	attempt_each(make_arrays, true, 1);
}

static void wide_objects(void **state)
{
	(void)state;
	attempt_each(make_wide, true, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instances),
		cmocka_unit_test(results),
		cmocka_unit_test(large_objects),
		cmocka_unit_test(wide_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
