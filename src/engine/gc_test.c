/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc_test.c: the objects of guests: kept by frames, tables, globals, segments and the host; a guest that makes a
 * hundred times its limit lives, one that keeps too much traps. All with both interpreters, and collecting always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/test_guest.h"

enum { LIMIT = 1 << 20, NODE_BYTES = 32 };

#define ANYREF 0x6e
#define REF_NULL_TO(type) 0x63, type
#define UNTIL_ZERO(...)                                                                           \
	BLOCK(VOID), LOOP(VOID), GET(0), EQZ, BR_IF(1), __VA_ARGS__, GET(0), C32(1), SUB, SET(0), \
		BR(0), END, END

/*
 * A node (type 0) has a next and a number. k(n): n nodes more in the list of global 0 · c: its length · z: forget it ·
 * w(n): n nodes for nothing · s(n): the same with one in a local, whose number 42 is given back · t(i): a node of
 * number i in the table at i, g(i): its number · r: a node of number 9 · v(any): a node's number · h: a node of
 * number 5 through the host · a(n): an array of n KiB · e: is the segment's node always the same
 */
static const uint8_t nodes[] = {MODULE(
	LONG_SECTION(1, 8, STRUCT_TYPE(2, REF_NULL_TO(0), 1, I32, 1), FUNC_TYPE(1, I32, 0),
		     FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32),
		     FUNC_TYPE(0, 1, REF_NULL_TO(0)), FUNC_TYPE(1, ANYREF, 1, I32),
		     FUNC_TYPE(1, ANYREF, 1, ANYREF), ARRAY_TYPE(I8, 1)),
	SECTION(2, 1, IMPORT_FUNC('h', 6)), SECTION(3, 12, 1, 2, 2, 1, 3, 1, 3, 4, 5, 2, 3, 2),
	SECTION(4, 1, REF_NULL_TO(0), 0, 10),
	SECTION(6, 2, REF_NULL_TO(0), 1, REF_NULL(0), END, REF_NULL_TO(0), 0, REF_NULL(0), C32(13),
		STRUCT_NEW(0), END),
	LONG_SECTION(7, 14, EXPORT_FUNC('k', 1), EXPORT_FUNC('c', 2), EXPORT_FUNC('z', 3),
		     EXPORT_FUNC('w', 4), EXPORT_FUNC('s', 5), EXPORT_FUNC('t', 6),
		     EXPORT_FUNC('g', 7), EXPORT_FUNC('r', 8), EXPORT_FUNC('v', 9),
		     EXPORT_FUNC('h', 10), EXPORT_FUNC('a', 11), EXPORT_FUNC('e', 12),
		     EXPORT_GLOBAL('G', 1), EXPORT_TABLE('T', 0)),
	SECTION(9, 1, 5, REF_NULL_TO(0), 1, REF_NULL(0), C32(17), STRUCT_NEW(0), END),
	LONG_SECTION(10, 12,
		     BODY(0, UNTIL_ZERO(GLOBAL_GET(0), GET(0), STRUCT_NEW(0), GLOBAL_SET(0)), END),
		     BODY(2, 1, REF_NULL_TO(0), 1, I32, GLOBAL_GET(0), SET(0), BLOCK(VOID),
			  LOOP(VOID), GET(0), REF_IS_NULL, BR_IF(1), GET(1), C32(1), ADD, SET(1),
			  GET(0), STRUCT_GET(0, 0), SET(0), BR(0), END, END, GET(1), END),
		     BODY(0, REF_NULL(0), GLOBAL_SET(0), C32(0), END),
		     BODY(0, UNTIL_ZERO(REF_NULL(0), GET(0), STRUCT_NEW(0), DROP), END),
		     BODY(1, 1, REF_NULL_TO(0), REF_NULL(0), C32(42), STRUCT_NEW(0), SET(1), GET(0),
			  CALL(4), GET(1), STRUCT_GET(0, 1), END),
		     BODY(0, GET(0), REF_NULL(0), GET(0), STRUCT_NEW(0), TABLE_SET(0), END),
		     BODY(0, GET(0), TABLE_GET(0), STRUCT_GET(0, 1), END),
		     BODY(0, REF_NULL(0), C32(9), STRUCT_NEW(0), END),
		     BODY(0, GET(0), REF_CAST(0), STRUCT_GET(0, 1), END),
		     BODY(0, REF_NULL(0), C32(5), STRUCT_NEW(0), CALL(0), REF_CAST(0),
			  STRUCT_GET(0, 1), END),
		     BODY(0, GET(0), C32(10), 0x74, ARRAY_NEW_DEFAULT(7), ARRAY_LEN, END),
		     BODY(0, C32(0), C32(0), C32(1), TABLE_INIT(0, 0), C32(1), C32(0), C32(1),
			  TABLE_INIT(0, 0), C32(0), TABLE_GET(0), C32(1), TABLE_GET(0), REF_EQ,
			  END)))};

/* -- Worlds -------------------------------------------------------------------------------- */

struct world {
	struct guest g;
	struct skiff_instance *in;
	struct skiff_ref seen; /* by the host function */
	bool keep;
};

static void work(struct world *w)
{
	skiff_store_collect(w->g.store);
	GUEST_OK(&w->g, RUN(&w->g, w->in, 'w', 1000));
}

/* Objects come and go while the guest's argument is here; then it goes back. */
static int host(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		struct skiff_val *results)
{
	struct world *w = env;

	work(w);
	w->seen = args[0].of.ref;
	if (w->keep)
		skiff_ref_keep(skiff_caller_store(caller), w->seen);
	results[0] = args[0];
	return 0;
}

static void open_world(struct world *w, bool fuel, bool always)
{
	static const uint32_t anyref[] = {SKIFF_ABSTRACT(SKIFF_REF_NULL, ANYREF)};
	static const struct skiff_functype type = {anyref, anyref, 1, 1};
	struct skiff_config config = {
		.size = sizeof(config), .fuel = fuel, .gc_always = always, .gc_bytes = LIMIT};

	memset(w, 0, sizeof(*w));
	guest_open(&w->g, &config);
	guest_host(&w->g, "h", host, w, &type);
	skiff_store_set_fuel(w->g.store, UINT64_MAX);
	w->in = ADD_MODULE(&w->g, nodes);
}

typedef void world_test(struct world *w);

static void in_each_world(world_test *test, bool always)
{
	struct world w;

	for (unsigned i = 0; i < (always ? 4 : 2); i++) {
		open_world(&w, i & 1, i & 2);
		test(&w);
		guest_close(&w.g);
	}
}

/* -- Tests --------------------------------------------------------------------------------- */

static void roots(struct world *w)
{
	struct guest *g = &w->g;

	GUEST_OK(g, RUN(g, w->in, 'k', 500));
	for (uint32_t i = 2; i < 10; i++)
		GUEST_OK(g, RUN(g, w->in, 't', i));
	EXPECT(42, g, w->in, 's', 2000);
	skiff_store_collect(g->store);
	EXPECT(1, g, w->in, 'e');
	EXPECT(17, g, w->in, 'g', 1);
	EXPECT(500, g, w->in, 'c');
	for (uint32_t i = 2; i < 10; i++)
		EXPECT(i, g, w->in, 'g', i);
	EXPECT(5, g, w->in, 'h');
}

static void frames_and_items_keep_objects(void **state)
{
	(void)state;
	in_each_world(roots, true);
}

static void hundredfold(struct world *w)
{
	struct guest *g = &w->g;

	GUEST_OK(g, RUN(g, w->in, 'k', 5000));
	EXPECT(42, g, w->in, 's', 100 * LIMIT / NODE_BYTES);
	for (int i = 0; i < 400; i++)
		EXPECT(256 << 10, g, w->in, 'a', 256);
	EXPECT(5000, g, w->in, 'c');
}

static void a_hundred_times_the_limit(void **state)
{
	(void)state;
	in_each_world(hundredfold, false);
}

/* And what is let go makes room again. */
static void full(struct world *w)
{
	struct guest *g = &w->g;

	for (int i = 0; i < 3; i++) {
		EXPECT_TRAP("out_of_memory", g, w->in, 'k', 10 * LIMIT / NODE_BYTES);
		EXPECT_TRAP("out_of_memory", g, w->in, 'a', 512);
		EXPECT_TRAP("out_of_memory", g, w->in, 'a', 0x100000);
		GUEST_OK(g, RUN(g, w->in, 'c'));
		assert_true(g->results[0].of.i32 > LIMIT / NODE_BYTES * 8 / 10);
		EXPECT(0, g, w->in, 'z');
		EXPECT(512 << 10, g, w->in, 'a', 512);
	}
}

static void what_keeps_too_much_traps(void **state)
{
	(void)state;
	in_each_world(full, false);
}

static struct skiff_val any(struct skiff_ref ref)
{
	return (struct skiff_val){.type = SKIFF_ABSTRACT(SKIFF_REF_NULL, ANYREF), .of.ref = ref};
}

static void expect_node(struct world *w, uint32_t number, struct skiff_ref ref)
{
	struct skiff_val arg = any(ref);

	assert_int_equal(skiff_ref_kind(w->g.store, ref), SKIFF_REF_IS_STRUCT);
	assert_null(skiff_ref_to_func(ref));
	GUEST_OK(&w->g, guest_call(&w->g, guest_export(w->in, 'v').of.func, &arg, 1));
	assert_int_equal(w->g.results[0].of.i32, number);
}

/* Is there nothing at this word any more: a call refuses it. */
static void expect_gone(struct world *w, struct skiff_ref ref)
{
	struct skiff_val arg = any(ref);

	skiff_store_collect(w->g.store);
	assert_int_equal(guest_call(&w->g, guest_export(w->in, 'v').of.func, &arg, 1),
			 SKIFF_MISUSE);
}

static void held(struct world *w)
{
	struct guest *g = &w->g;
	struct skiff_ref result, entry, again;
	struct skiff_val global;

	GUEST_OK(g, RUN(g, w->in, 'r'));
	result = g->results[0].of.ref;
	GUEST_OK(g, RUN(g, w->in, 't', 3));
	assert_true(skiff_table_get(guest_export(w->in, 'T').of.table, 3, &entry));
	assert_true(skiff_table_get(guest_export(w->in, 'T').of.table, 3, &again));
	assert_true(skiff_table_set(guest_export(w->in, 'T').of.table, 3, (struct skiff_ref){0}));
	global = skiff_global_get(guest_export(w->in, 'G').of.global);
	work(w);
	expect_node(w, 9, result);
	expect_node(w, 3, entry);
	expect_node(w, 13, global.of.ref);
	skiff_ref_release(g->store, result);
	skiff_ref_release(g->store, entry);
	expect_gone(w, result);
	expect_node(w, 3, again);
	skiff_ref_release(g->store, again);
	expect_gone(w, entry);
}

static void handed_out_is_held(void **state)
{
	(void)state;
	in_each_world(held, true);
}

static void argument(struct world *w)
{
	w->keep = true;
	EXPECT(5, &w->g, w->in, 'h');
	work(w);
	expect_node(w, 5, w->seen);
	skiff_ref_release(w->g.store, w->seen);
	expect_gone(w, w->seen);
	w->keep = false;
	EXPECT(5, &w->g, w->in, 'h');
	work(w);
	expect_gone(w, w->seen);
}

static void arguments_are_held_during_the_call(void **state)
{
	(void)state;
	in_each_world(argument, true);
}

static void start_again(struct world *w)
{
	struct guest *g = &w->g;

	GUEST_OK(g, RUN(g, w->in, 'k', 100));
	EXPECT(1, g, w->in, 'e');
	GUEST_OK(g, skiff_instance_reset(w->in, &g->err));
	work(w);
	EXPECT(0, g, w->in, 'c');
	EXPECT(1, g, w->in, 'e');
	EXPECT(17, g, w->in, 'g', 0);
}

static void reset(void **state)
{
	(void)state;
	in_each_world(start_again, true);
}

/*
 * Nodes (type 0) of two numbers are as large as arrays of two nodes (type 1). Of what the segment, the global and the table
 * begin with: n(): the segment's nodes' numbers as 10 a + b, x(): drop it, t(): the number of the table's node, m():
 * change that
 */
static const uint8_t begins[] = {MODULE(
	SECTION(1, 4, STRUCT_TYPE(2, I64, 1, I32, 1), ARRAY_TYPE(REF_NULL_TO(0), 1),
		FUNC_TYPE(0, 1, I32), FUNC_TYPE(0, 0)),
	SECTION(3, 4, 2, 3, 2, 3),
	SECTION(4, 1, 0x40, 0, REF_NULL_TO(0), 0, 3, C64(0), C32(5), STRUCT_NEW(0), END),
	SECTION(6, 1, REF_NULL_TO(1), 1, C32(2), ARRAY_NEW_DEFAULT(1), END),
	SECTION(7, 4, EXPORT_FUNC('n', 0), EXPORT_FUNC('x', 1), EXPORT_FUNC('t', 2),
		EXPORT_FUNC('m', 3)),
	SECTION(9, 1, 5, REF_NULL_TO(0), 3, C64(0), C32(3), STRUCT_NEW(0), END, C64(0), C32(4),
		STRUCT_NEW(0), END, C64(0), C32(6), STRUCT_NEW(0), END),
	SECTION(10, 4,
		BODY(0, C32(0), C32(2), ARRAY_NEW_ELEM(1, 0), GLOBAL_SET(0), GLOBAL_GET(0), C32(0),
		     ARRAY_GET(1), STRUCT_GET(0, 1), C32(10), MUL, GLOBAL_GET(0), C32(1),
		     ARRAY_GET(1), STRUCT_GET(0, 1), ADD, END),
		BODY(0, ELEM_DROP(0), END), BODY(0, C32(1), TABLE_GET(0), STRUCT_GET(0, 1), END),
		BODY(0, C32(2), TABLE_GET(0), C32(7), STRUCT_SET(0, 1), END)))};

static void reset_of_objects(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .gc_always = true};
	struct skiff_instance *in;
	struct guest g;

	(void)state;
	guest_open(&g, &config);
	in = ADD_MODULE(&g, begins);
	for (int i = 0; i < 3; i++) {
		EXPECT(34, &g, in, 'n');
		EXPECT(5, &g, in, 't');
		GUEST_OK(&g, RUN(&g, in, 'm'));
		EXPECT(7, &g, in, 't');
		GUEST_OK(&g, RUN(&g, in, 'x'));
		EXPECT_TRAP("out_of_bounds_table", &g, in, 'n');
		skiff_store_collect(g.store);
		GUEST_OK(&g, skiff_instance_reset(in, &g.err));
	}
	guest_close(&g);
}

/*
 * Making this one ends by a trap at its second segment, when the first has put its function where others reach it. The third
 * is still there for that: it makes an array of it, two nodes, and gives their numbers as 10 a + b.
 */
static const uint8_t half_made[] = {MODULE(
	SECTION(1, 3, STRUCT_TYPE(2, I64, 1, I32, 1), ARRAY_TYPE(REF_NULL_TO(0), 1),
		FUNC_TYPE(0, 1, I32)),
	SECTION(2, 1, IMPORT_TABLE('t', FUNCREF, 0, 1)), SECTION(3, 1, 2),
	SECTION(4, 1, REF_NULL_TO(0), 0, 2),
	SECTION(9, 3, 0, C32(0), END, 1, 0, 0, C32(9), END, 1, 0, 6, 1, C32(0), END, REF_NULL_TO(0),
		2, C64(0), C32(3), STRUCT_NEW(0), END, C64(0), C32(4), STRUCT_NEW(0), END),
	SECTION(10, 1,
		BODY(1, 1, REF_NULL_TO(1), C32(0), C32(2), ARRAY_NEW_ELEM(1, 2), SET(0), GET(0),
		     C32(0), ARRAY_GET(1), STRUCT_GET(0, 1), C32(10), MUL, GET(0), C32(1),
		     ARRAY_GET(1), STRUCT_GET(0, 1), ADD, END)))};

static void segments_of_a_half_made_instance(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .gc_always = true};
	struct skiff_limits limits = {.min = 1, .max = UINT64_MAX};
	struct skiff_extern item = {.kind = SKIFF_KIND_TABLE};
	struct skiff_prelinked *pre;
	struct skiff_instance *in = NULL;
	struct skiff_ref ref = {0};
	struct guest g;

	(void)state;
	guest_open(&g, &config);
	GUEST_OK(&g, skiff_table_new(&item.of.table, g.store, SKIFF_FUNCREF, &limits, ref, &g.err));
	GUEST_OK(&g, skiff_linker_extern(g.linker, "h", 1, "t", 1, item, &g.err));
	pre = PRELINK(&g, half_made);
	assert_int_equal(guest_try(&g, pre, &in), SKIFF_TRAP);
	assert_true(skiff_table_get(item.of.table, 0, &ref));
	for (int i = 0; i < 3; i++) {
		GUEST_OK(&g, guest_call(&g, skiff_ref_to_func(ref), NULL, 0));
		assert_int_equal(g.results[0].of.i32, 34);
	}
	skiff_prelinked_free(pre);
	guest_close(&g);
}

/* Numbers and host objects seen as references. */
static void other_references(void **state)
{
	struct skiff_val arg;
	struct world w;
	int32_t number = 0;

	(void)state;
	open_world(&w, false, false);
	arg = any(skiff_ref_from_i31((uint32_t)-5));
	assert_true(skiff_ref_to_i31(arg.of.ref, &number));
	assert_int_equal(number, -5);
	assert_int_equal(skiff_ref_kind(w.g.store, arg.of.ref), SKIFF_REF_IS_I31);
	assert_int_equal(guest_call(&w.g, guest_export(w.in, 'v').of.func, &arg, 1), SKIFF_TRAP);
	assert_string_equal(skiff_trap_code(w.g.trap), "cast_failure");
	arg = any(skiff_ref_from_host(8));
	assert_false(skiff_ref_to_i31(arg.of.ref, &number));
	assert_int_equal(skiff_ref_kind(w.g.store, arg.of.ref), SKIFF_REF_IS_HOST);
	assert_int_equal(guest_call(&w.g, guest_export(w.in, 'v').of.func, &arg, 1), SKIFF_TRAP);
	arg = any(skiff_ref_from_func(guest_export(w.in, 'v').of.func));
	assert_int_equal(skiff_ref_kind(w.g.store, arg.of.ref), SKIFF_REF_IS_FUNC);
	assert_int_equal(guest_call(&w.g, guest_export(w.in, 'v').of.func, &arg, 1), SKIFF_MISUSE);
	/* A number that only looks like an object. */
	arg = any((struct skiff_ref){0x1008});
	assert_int_equal(guest_call(&w.g, guest_export(w.in, 'v').of.func, &arg, 1), SKIFF_MISUSE);
	guest_close(&w.g);
}

static bool refuse(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	(void)now;
	return (int)kind != SKIFF_KIND_HEAP || wanted <= *(uint64_t *)env;
}

/* A limiter far below the heap's own limit: what it leaves is collected as often as need be. */
static void narrow_limiter(void **state)
{
	uint64_t most = 4 << 20;
	struct guest g;
	struct skiff_instance *in;
	struct world w = {.keep = false};
	static const uint32_t anyref[] = {SKIFF_ABSTRACT(SKIFF_REF_NULL, ANYREF)};
	static const struct skiff_functype type = {anyref, anyref, 1, 1};

	(void)state;
	guest_open(&g, NULL);
	guest_host(&g, "h", host, &w, &type);
	skiff_store_limiter(g.store, refuse, &most);
	in = ADD_MODULE(&g, nodes);
	GUEST_OK(&g, RUN(&g, in, 'k', (3 << 20) / NODE_BYTES));
	GUEST_OK(&g, RUN(&g, in, 'w', (200 << 20) / NODE_BYTES));
	EXPECT_TRAP("out_of_memory", &g, in, 'k', (2 << 20) / NODE_BYTES);
	guest_close(&g);
}

static void limiter(void **state)
{
	uint64_t most = LIMIT / 2;
	struct world w;

	(void)state;
	open_world(&w, false, false);
	skiff_store_limiter(w.g.store, refuse, &most);
	GUEST_OK(&w.g, RUN(&w.g, w.in, 'w', 100000));
	EXPECT_TRAP("out_of_memory", &w.g, w.in, 'k', LIMIT * 3 / 4 / NODE_BYTES);
	EXPECT(0, &w.g, w.in, 'z');
	GUEST_OK(&w.g, RUN(&w.g, w.in, 'w', 100000));
	guest_close(&w.g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_and_items_keep_objects),
		cmocka_unit_test(a_hundred_times_the_limit),
		cmocka_unit_test(what_keeps_too_much_traps),
		cmocka_unit_test(handed_out_is_held),
		cmocka_unit_test(arguments_are_held_during_the_call),
		cmocka_unit_test(reset),
		cmocka_unit_test(reset_of_objects),
		cmocka_unit_test(segments_of_a_half_made_instance),
		cmocka_unit_test(other_references),
		cmocka_unit_test(limiter),
		cmocka_unit_test(narrow_limiter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
