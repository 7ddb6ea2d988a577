/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_test.c: what an instance holds. Memories copied and mapped copy-on-write, reset, limits, tables that
 * are filled when looked at, items shared between instances, segments that do not fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/test_guest.h"

/* With address space reserved ahead, and without. */
static const struct skiff_config moving = {.size = sizeof(moving), .no_reservation = true};
static const struct skiff_config *const configs[] = {NULL, &moving};

/* table-like: a function a line. */
/*
 * r(at) byte · w(at, byte) · g: grow by one page · s: pages · b: the global, then one more · p: passive data to
 * 1000, dropped · t(i): is entry i null · l: table grown by two · e: passive element to 2, dropped · c: call
 * entry 1
 */
static const uint8_t stateful[] = {MODULE(
	SECTION(1, 4, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(2, I32, I32, 0),
		FUNC_TYPE(0, 0)),
	SECTION(3, 10, 1, 2, 0, 0, 0, 3, 1, 0, 3, 0), SECTION(4, 1, FUNCREF, 1, 4, 9),
	SECTION(5, 1, 1, 2, 4), SECTION(6, 1, I32, 1, 0x41, 7, END),
	LONG_SECTION(7, 12, EXPORT_FUNC('r', 0), EXPORT_FUNC('w', 1), EXPORT_FUNC('g', 2),
		     EXPORT_FUNC('s', 3), EXPORT_FUNC('b', 4), EXPORT_FUNC('p', 5),
		     EXPORT_FUNC('t', 6), EXPORT_FUNC('l', 7), EXPORT_FUNC('e', 8),
		     EXPORT_FUNC('c', 9), EXPORT_MEMORY('m', 0), EXPORT_TABLE('T', 0)),
	SECTION(9, 2, 0, C32(1), END, 3, 1, 2, 0, 1, 0, 2, 2, 0), SECTION(12, 3),
	LONG_SECTION(10, 10, BODY(0, GET(0), LOAD8, END), BODY(0, GET(0), GET(1), STORE8, END),
		     BODY(0, C32(1), MEMORY_GROW, END), BODY(0, MEMORY_SIZE, END),
		     BODY(0, GLOBAL_GET(0), GLOBAL_GET(0), C32(1), ADD, GLOBAL_SET(0), END),
		     BODY(0, 0x41, 0xe8, 7, C32(0), C32(3), MEMORY_INIT(1), DATA_DROP(1), END),
		     BODY(0, GET(0), TABLE_GET(0), REF_IS_NULL, END),
		     BODY(0, REF_FUNC(2), C32(2), TABLE_GROW(0), END),
		     BODY(0, C32(2), C32(0), C32(2), TABLE_INIT(1, 0), ELEM_DROP(1), END),
		     BODY(0, C32(1), CALL_INDIRECT(0, 0), END)),
	SECTION(11, 3, 0, C32(16), END, 5, 'h', 'e', 'l', 'l', 'o', 1, 3, 'x', 'y', 'z', 0, 0x41,
		0xff, 0x1f, END, 2, '!', '?'))};

/* Entry 1 is a function of type (i32 i32), entry 2 one of type (i32); w is func 1. */
static void assert_fresh(struct guest *g, struct skiff_instance *in)
{
	EXPECT(0, g, in, 'r', 15);
	EXPECT('h', g, in, 'r', 16);
	EXPECT('o', g, in, 'r', 20);
	EXPECT(0, g, in, 'r', 21);
	EXPECT('!', g, in, 'r', 4095);
	EXPECT('?', g, in, 'r', 4096);
	EXPECT(0, g, in, 'r', 65536);
	EXPECT(0, g, in, 'r', 1000);
	EXPECT(0, g, in, 'r', 131071);
	EXPECT_TRAP("out_of_bounds_memory", g, in, 'r', 131072);
	EXPECT(2, g, in, 's');
	EXPECT(1, g, in, 't', 0);
	EXPECT(0, g, in, 't', 1);
	EXPECT(0, g, in, 't', 3);
	EXPECT_TRAP("out_of_bounds_table", g, in, 't', 4);
	EXPECT_TRAP("indirect_call_type", g, in, 'c');
}

static void change_everything(struct guest *g, struct skiff_instance *in)
{
	struct skiff_ref grows = skiff_ref_from_func(guest_export(in, 'g').of.func);

	GUEST_OK(g, RUN(g, in, 'w', 16, 'H'));
	GUEST_OK(g, RUN(g, in, 'w', 15, 1));
	GUEST_OK(g, RUN(g, in, 'w', 4096, 2));
	GUEST_OK(g, RUN(g, in, 'w', 131071, 3));
	GUEST_OK(g, RUN(g, in, 'p'));
	EXPECT('z', g, in, 'r', 1002);
	EXPECT(2, g, in, 'g');
	GUEST_OK(g, RUN(g, in, 'w', 131072, 4));
	GUEST_OK(g, RUN(g, in, 'w', 196607, 5));
	EXPECT('H', g, in, 'r', 16);
	EXPECT('e', g, in, 'r', 17);
	EXPECT(3, g, in, 'r', 131071);
	EXPECT(4, g, in, 'r', 131072);
	EXPECT_TRAP("out_of_bounds_memory", g, in, 'p');
	EXPECT(4, g, in, 'l');
	EXPECT(0, g, in, 't', 5);
	GUEST_OK(g, RUN(g, in, 'e'));
	EXPECT_TRAP("out_of_bounds_table", g, in, 'e');
	assert_true(skiff_table_set(guest_export(in, 'T').of.table, 1, grows));
	EXPECT(3, g, in, 'c');
	EXPECT(4, g, in, 's');
	EXPECT(7, g, in, 'b');
	EXPECT(8, g, in, 'b');
}

/* The first instance copies its segments, later ones map them; each has its own. */
static void many_of_one_module(const struct skiff_config *config)
{
	struct skiff_prelinked *pre;
	struct skiff_instance *in[4];
	struct guest g;

	guest_open(&g, config);
	pre = PRELINK(&g, stateful);
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		in[i] = guest_make(&g, pre);
		assert_fresh(&g, in[i]);
		if (i != 0)
			change_everything(&g, in[i]);
	}
	assert_fresh(&g, in[0]);
	change_everything(&g, in[0]);
	/* What was used before is clean again for the next. */
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		skiff_instance_free(in[i]);
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		in[i] = guest_make(&g, pre);
		assert_fresh(&g, in[i]);
		change_everything(&g, in[i]);
	}
	skiff_prelinked_free(pre);
	guest_close(&g);
}

static void instances_are_isolated(void **state)
{
	(void)state;
	many_of_one_module(configs[0]);
}

static void instances_are_isolated_without_reservation(void **state)
{
	(void)state;
	many_of_one_module(configs[1]);
}

static void reset_often(struct guest *g, struct skiff_instance *in)
{
	for (int i = 0; i < 3; i++) {
		change_everything(g, in);
		GUEST_OK(g, skiff_instance_reset(in, &g->err));
		assert_fresh(g, in);
		EXPECT(7, g, in, 'b');
		GUEST_OK(g, skiff_instance_reset(in, &g->err));
		assert_fresh(g, in);
	}
}

static void reset_with(const struct skiff_config *config)
{
	struct skiff_prelinked *pre;
	struct skiff_instance *copied, *mapped;
	struct guest g;

	guest_open(&g, config);
	pre = PRELINK(&g, stateful);
	copied = guest_make(&g, pre);
	mapped = guest_make(&g, pre);
	reset_often(&g, copied);
	reset_often(&g, mapped);
	assert_fresh(&g, copied);
	skiff_prelinked_free(pre);
	guest_close(&g);
}

static void reset_brings_back(void **state)
{
	(void)state;
	reset_with(configs[0]);
}

static void reset_brings_back_without_reservation(void **state)
{
	(void)state;
	reset_with(configs[1]);
}

static int resets(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		  struct skiff_val *results)
{
	struct guest *g = env;
	struct skiff_instance *in;

	(void)caller;
	memcpy(&in, &args[0].of.i64, sizeof(in));
	results[0].of.i32 = (uint32_t)skiff_instance_reset(in, &g->err);
	return 0;
}

static const uint8_t calls_reset[] = {MODULE(SECTION(1, 1, FUNC_TYPE(1, I64, 1, I32)),
					     SECTION(2, 1, IMPORT_FUNC('r', 0)), SECTION(3, 1, 0),
					     SECTION(7, 1, EXPORT_FUNC('f', 1)),
					     SECTION(10, 1, BODY(0, GET(0), CALL(0), END)))};

static void no_reset_while_called(void **state)
{
	const uint32_t param = SKIFF_I64;
	struct skiff_functype type = {&param, guest_i32s, 1, 1};
	struct skiff_val arg = {.type = SKIFF_I64};
	struct skiff_instance *in;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	guest_host(&g, "r", resets, &g, &type);
	in = ADD_MODULE(&g, calls_reset);
	memcpy(&arg.of.i64, &in, sizeof(in));
	GUEST_OK(&g, guest_call(&g, guest_export(in, 'f').of.func, &arg, 1));
	assert_int_equal(g.results[0].of.i32, SKIFF_MISUSE);
	assert_non_null(strstr(g.err.text, "while its store is being called"));
	GUEST_OK(&g, skiff_instance_reset(in, &g.err));
	guest_close(&g);
}

/* -- What is shared ------------------------------------------------------------------------ */

/* Imports a memory, a table and a global; data at 32, an element at 3. */
static const uint8_t sharing[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32)),
	SECTION(2, 3, IMPORT_MEMORY('m', 0, 1), IMPORT_TABLE('T', FUNCREF, 0, 4),
		IMPORT_GLOBAL('g', I32, 1)),
	SECTION(3, 3, 0, 1, 0),
	SECTION(7, 3, EXPORT_FUNC('f', 0), EXPORT_FUNC('r', 1), EXPORT_FUNC('c', 2)),
	SECTION(9, 1, 0, C32(3), END, 1, 0),
	SECTION(10, 3, BODY(0, GLOBAL_GET(0), C32(1), ADD, GLOBAL_SET(0), GLOBAL_GET(0), END),
		BODY(0, GET(0), LOAD8, END), BODY(0, C32(3), CALL_INDIRECT(0, 0), END)),
	SECTION(11, 1, 0, C32(32), END, 2, 'o', 'k'))};

static struct skiff_global *share(struct guest *g, struct skiff_instance *owner)
{
	struct skiff_extern item = {.kind = SKIFF_KIND_GLOBAL};

	GUEST_OK(g, skiff_linker_instance(g->linker, "h", 1, owner, &g->err));
	GUEST_OK(g, skiff_global_new(&item.of.global, g->store, true,
				     (struct skiff_val){SKIFF_I32, {.i32 = 40}}, &g->err));
	GUEST_OK(g, skiff_linker_extern(g->linker, "h", 1, "g", 1, item, &g->err));
	return item.of.global;
}

static void shared_between_instances(void **state)
{
	struct skiff_instance *owner, *one, *two;
	struct skiff_prelinked *pre;
	struct skiff_global *global;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	owner = ADD_MODULE(&g, stateful);
	global = share(&g, owner);
	pre = PRELINK(&g, sharing);
	one = guest_make(&g, pre);
	two = guest_make(&g, pre);
	EXPECT('o', &g, owner, 'r', 32);
	EXPECT('k', &g, one, 'r', 33);
	EXPECT('h', &g, one, 'r', 16);
	GUEST_OK(&g, RUN(&g, owner, 'w', 32, 'O'));
	EXPECT('O', &g, two, 'r', 32);
	EXPECT(41, &g, one, 'f');
	EXPECT(42, &g, two, 'f');
	assert_int_equal(skiff_global_get(global).of.i32, 42);
	/* Entry 3 is two's f: the later instance wrote last. */
	EXPECT(43, &g, one, 'c');
	assert_true(skiff_global_set(global, (struct skiff_val){SKIFF_I32, {.i32 = 9}}));
	/* The owner's own global is another. */
	EXPECT(7, &g, owner, 'b');
	skiff_prelinked_free(pre);
	guest_close(&g);
}

static void grown_by_one_seen_by_all(void **state)
{
	struct skiff_instance *owner, *one;
	struct guest g;

	(void)state;
	guest_open(&g, &moving);
	owner = ADD_MODULE(&g, stateful);
	share(&g, owner);
	one = ADD_MODULE(&g, sharing);
	EXPECT_TRAP("out_of_bounds_memory", &g, one, 'r', 131072);
	EXPECT(2, &g, owner, 'g');
	GUEST_OK(&g, RUN(&g, owner, 'w', 131072, 77));
	EXPECT(77, &g, one, 'r', 131072);
	assert_true(skiff_memory_grow(guest_export(owner, 'm').of.memory, 1, NULL));
	EXPECT(4, &g, owner, 's');
	EXPECT(0, &g, one, 'r', 196608);
	guest_close(&g);
}

/* A memory that is mapped from its module's image takes other modules' data all the same. */
static void data_into_a_mapped_memory(void **state)
{
	struct skiff_instance *mapped, *one;
	struct skiff_prelinked *pre;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	pre = PRELINK(&g, stateful);
	guest_make(&g, pre);
	mapped = guest_make(&g, pre);
	share(&g, mapped);
	one = ADD_MODULE(&g, sharing);
	EXPECT('h', &g, one, 'r', 16);
	EXPECT('o', &g, one, 'r', 32);
	EXPECT('k', &g, mapped, 'r', 33);
	skiff_prelinked_free(pre);
	guest_close(&g);
}

/* "Imported items are not touched" (skiff.h). */
static void reset_leaves_imports(void **state)
{
	struct skiff_instance *owner, *one;
	struct skiff_global *global;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	owner = ADD_MODULE(&g, stateful);
	global = share(&g, owner);
	one = ADD_MODULE(&g, sharing);
	EXPECT(41, &g, one, 'f');
	GUEST_OK(&g, RUN(&g, owner, 'w', 32, 'X'));
	assert_true(skiff_table_set(guest_export(owner, 'T').of.table, 3, (struct skiff_ref){0}));
	GUEST_OK(&g, skiff_instance_reset(one, &g.err));
	assert_int_equal(skiff_global_get(global).of.i32, 41);
	EXPECT('X', &g, one, 'r', 32);
	EXPECT_TRAP("uninitialized_element", &g, one, 'c');
	guest_close(&g);
}

/* -- Limits -------------------------------------------------------------------------------- */

struct limits {
	uint64_t bytes, entries, last_now, last_wanted;
	int asked;
};

static bool limit(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	struct limits *limits = env;

	limits->asked++;
	limits->last_now = now;
	limits->last_wanted = wanted;
	return wanted <= (kind == SKIFF_KIND_MEMORY ? limits->bytes : limits->entries);
}

static void limiter_refuses_growth(void **state)
{
	struct limits limits = {.bytes = 131072, .entries = 4};
	struct skiff_instance *in;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	skiff_store_limiter(g.store, limit, &limits);
	in = ADD_MODULE(&g, stateful);
	assert_int_equal(limits.asked, 2);
	EXPECT(UINT32_MAX, &g, in, 'g');
	assert_true(limits.last_now == 131072 && limits.last_wanted == 196608);
	EXPECT(UINT32_MAX, &g, in, 'l');
	assert_true(limits.last_now == 4 && limits.last_wanted == 6);
	assert_false(skiff_memory_grow(guest_export(in, 'm').of.memory, 1, NULL));
	assert_false(
		skiff_table_grow(guest_export(in, 'T').of.table, 1, (struct skiff_ref){0}, NULL));
	assert_fresh(&g, in);
	limits.bytes = UINT64_MAX;
	limits.entries = UINT64_MAX;
	change_everything(&g, in);
	/* The declared maximum is not the limiter's to lift. */
	EXPECT(4, &g, in, 's');
	limits.asked = 0;
	EXPECT(UINT32_MAX, &g, in, 'g');
	assert_int_equal(limits.asked, 0);
	guest_close(&g);
}

static void limiter_refuses_instances(void **state)
{
	struct limits limits = {.bytes = 131071, .entries = 4};
	struct skiff_limits one = {.min = 3, .max = UINT64_MAX};
	struct skiff_instance *in = NULL;
	struct skiff_memory *memory;
	struct skiff_table *table;
	struct skiff_prelinked *pre;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	skiff_store_limiter(g.store, limit, &limits);
	pre = PRELINK(&g, stateful);
	assert_true(guest_try(&g, pre, &in) < 0);
	assert_non_null(strstr(g.err.text, "refused by a limit"));
	limits = (struct limits){.bytes = 131072, .entries = 3};
	assert_true(guest_try(&g, pre, &in) < 0);
	assert_null(in);
	limits.entries = 2;
	assert_true(skiff_memory_new(&memory, g.store, &one, &g.err) < 0);
	assert_true(skiff_table_new(&table, g.store, SKIFF_FUNCREF, &one, (struct skiff_ref){0},
				    &g.err) < 0);
	limits.entries = 4;
	assert_fresh(&g, guest_make(&g, pre));
	skiff_prelinked_free(pre);
	guest_close(&g);
}

/* -- Segments that do not fit -------------------------------------------------------------- */

/* Data: at 0 of the memory 'a', beyond its end, at 1 'b'. Elements come before data. */
static const uint8_t data_beyond[] = {
	MODULE(SECTION(2, 1, IMPORT_MEMORY('m', 0, 1)),
	       SECTION(11, 3, 0, C32(0), END, 1, 'a', 0, 0x41, 0xff, 0xff, 7, END, 2, 'x', 'x', 0,
		       C32(1), END, 1, 'b'))};
static const uint8_t element_beyond[] = {MODULE(
	SECTION(1, 1, FUNC_TYPE(0, 0)),
	SECTION(2, 2, IMPORT_MEMORY('m', 0, 1), IMPORT_TABLE('T', FUNCREF, 0, 1)), SECTION(3, 1, 0),
	SECTION(9, 3, 0, C32(0), END, 1, 0, 0, C32(3), END, 2, 0, 0, 0, C32(2), END, 1, 0),
	SECTION(10, 1, BODY(0, END)), SECTION(11, 1, 0, C32(2), END, 1, 'c'))};

static void later_segments_are_not_applied(void **state)
{
	struct skiff_instance *owner, *in = NULL;
	struct skiff_prelinked *pre;
	struct skiff_ref ref;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	owner = ADD_MODULE(&g, stateful);
	GUEST_OK(&g, RUN(&g, owner, 'r', 0));
	GUEST_OK(&g, skiff_linker_instance(g.linker, "h", 1, owner, &g.err));
	pre = PRELINK(&g, data_beyond);
	assert_int_equal(guest_try(&g, pre, &in), SKIFF_TRAP);
	assert_string_equal(skiff_trap_code(g.trap), "out_of_bounds_memory");
	skiff_prelinked_free(pre);
	EXPECT('a', &g, owner, 'r', 0);
	EXPECT(0, &g, owner, 'r', 131071);
	EXPECT(0, &g, owner, 'r', 1);
	pre = PRELINK(&g, element_beyond);
	assert_int_equal(guest_try(&g, pre, &in), SKIFF_TRAP);
	assert_string_equal(skiff_trap_code(g.trap), "out_of_bounds_table");
	skiff_prelinked_free(pre);
	assert_true(skiff_table_get(guest_export(owner, 'T').of.table, 0, &ref) && ref.word != 0);
	assert_ptr_not_equal(skiff_ref_to_func(ref), NULL);
	EXPECT(0, &g, owner, 't', 2);
	EXPECT(0, &g, owner, 'r', 2);
	assert_null(in);
	guest_close(&g);
}

/* -- Tables filled when looked at ---------------------------------------------------------- */

/*
 * Functions 0 to 4 return their number. A table of 8: 0 1 2 3 at 1; 4 at 2, over what was; 0 at 7; the rest
 * null. A passive element of 3, null, 4. A second table of 4, all function 2.
 * c(i): call entry i · g: entries 0 to 7 as bits, not null · s(i): entry i becomes 0 · f: fill 2 from 1 with 2 ·
 * y: copy 3 from 1 to 5 · z: copy 3 from 0 to 1 · i: passive element to 4 · d: drop it · l: grow by 2 with 1
 * x: copy 2 of the second table's to 0 · n(i): entry i becomes null · t(i): call of the second table's
 */
static const uint8_t lazily[] = {MODULE(
	SECTION(1, 3, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(1, I32, 0)),
	SECTION(3, 17, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 2, 1),
	SECTION(4, 2, FUNCREF, 0, 8, 0x40, 0, FUNCREF, 0, 4, REF_FUNC(2), END),
	SECTION(7, 13, EXPORT_FUNC('c', 5), EXPORT_FUNC('g', 6), EXPORT_FUNC('s', 7),
		EXPORT_FUNC('f', 8), EXPORT_FUNC('y', 9), EXPORT_FUNC('z', 10),
		EXPORT_FUNC('i', 11), EXPORT_FUNC('d', 12), EXPORT_FUNC('l', 13),
		EXPORT_FUNC('x', 14), EXPORT_FUNC('n', 15), EXPORT_FUNC('t', 16),
		EXPORT_TABLE('T', 0)),
	SECTION(9, 4, 0, C32(1), END, 4, 0, 1, 2, 3, 0, C32(2), END, 1, 4, 0, C32(7), END, 1, 0, 5,
		FUNCREF, 3, REF_FUNC(3), END, REF_NULL(FUNCREF), END, REF_FUNC(4), END),
	LONG_SECTION(10, 17, BODY(0, C32(0), END), BODY(0, C32(1), END), BODY(0, C32(2), END),
		     BODY(0, C32(3), END), BODY(0, C32(4), END),
		     BODY(0, GET(0), CALL_INDIRECT(0, 0), END),
		     BODY(0, GET(0), TABLE_GET(0), REF_IS_NULL, END),
		     BODY(0, GET(0), REF_FUNC(0), TABLE_SET(0), END),
		     BODY(0, C32(1), REF_FUNC(2), C32(2), TABLE_FILL(0), C32(0), END),
		     BODY(0, C32(5), C32(1), C32(3), TABLE_COPY(0, 0), C32(0), END),
		     BODY(0, C32(1), C32(0), C32(3), TABLE_COPY(0, 0), C32(0), END),
		     BODY(0, C32(4), C32(0), C32(3), TABLE_INIT(3, 0), C32(0), END),
		     BODY(0, ELEM_DROP(3), ELEM_DROP(0), C32(0), END),
		     BODY(0, REF_FUNC(1), C32(2), TABLE_GROW(0), END),
		     BODY(0, C32(0), C32(1), C32(2), TABLE_COPY(0, 1), C32(0), END),
		     BODY(0, GET(0), REF_NULL(FUNCREF), TABLE_SET(0), END),
		     BODY(0, GET(0), CALL_INDIRECT(0, 1), END)))};

enum { NONE = -1, BEYOND = -2 };

/* What each entry of the first table is, asked by calling it. */
static void assert_entries(struct guest *g, struct skiff_instance *in, const int *wanted,
			   uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (wanted[i] == NONE)
			EXPECT_TRAP("uninitialized_element", g, in, 'c', i);
		else if (wanted[i] == BEYOND)
			EXPECT_TRAP("undefined_element", g, in, 'c', i);
		else
			EXPECT(wanted[i], g, in, 'c', i);
		if (wanted[i] != BEYOND)
			EXPECT(wanted[i] == NONE, g, in, 'g', i);
	}
}
#define ENTRIES(g, in, ...)                               \
	assert_entries(g, in, (const int[]){__VA_ARGS__}, \
		       sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

#define FRESH_ENTRIES NONE, 0, 4, 2, 3, NONE, NONE, 0, BEYOND

/* Each change in an instance nobody has looked into yet. */
static void tables_when_looked_at(void **state)
{
	struct skiff_prelinked *pre;
	struct skiff_instance *in;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	pre = PRELINK(&g, lazily);
	ENTRIES(&g, guest_make(&g, pre), FRESH_ENTRIES);
#define CHANGED(arguments, ...)      \
	in = guest_make(&g, pre);    \
	GUEST_OK(&g, RUN arguments); \
	ENTRIES(&g, in, __VA_ARGS__)
	CHANGED((&g, in, 's', 3), NONE, 0, 4, 0, 3, NONE, NONE, 0, BEYOND);
	CHANGED((&g, in, 'n', 2), NONE, 0, NONE, 2, 3, NONE, NONE, 0, BEYOND);
	CHANGED((&g, in, 'f'), NONE, 2, 2, 2, 3, NONE, NONE, 0, BEYOND);
	CHANGED((&g, in, 'y'), NONE, 0, 4, 2, 3, 0, 4, 2, BEYOND);
	CHANGED((&g, in, 'z'), NONE, NONE, 0, 4, 3, NONE, NONE, 0, BEYOND);
	CHANGED((&g, in, 'i'), NONE, 0, 4, 2, 3, NONE, 4, 0, BEYOND);
	CHANGED((&g, in, 'd'), FRESH_ENTRIES);
	EXPECT_TRAP("out_of_bounds_table", &g, in, 'i');
	CHANGED((&g, in, 'l'), NONE, 0, 4, 2, 3, NONE, NONE, 0, 1, 1, BEYOND);
	CHANGED((&g, in, 'x'), 2, 2, 4, 2, 3, NONE, NONE, 0, BEYOND);
	GUEST_OK(&g, skiff_instance_reset(in, &g.err));
	ENTRIES(&g, in, FRESH_ENTRIES);
	for (uint32_t i = 0; i < 4; i++)
		EXPECT(2, &g, in, 't', i);
	EXPECT_TRAP("undefined_element", &g, in, 't', 4);
	skiff_prelinked_free(pre);
	guest_close(&g);
}

/* Every change after the other, and the host's view of it. */
static void tables_changed_often(void **state)
{
	struct skiff_instance *in;
	struct skiff_table *table;
	struct skiff_ref ref;
	uint64_t old;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	in = ADD_MODULE(&g, lazily);
	table = guest_export(in, 'T').of.table;
	assert_true(skiff_table_get(table, 0, &ref) && ref.word == 0);
	assert_true(skiff_table_get(table, 4, &ref) && skiff_ref_to_func(ref) != NULL);
	GUEST_OK(&g, RUN(&g, in, 'l'));
	assert_true(skiff_table_grow(table, 3, ref, &old));
	assert_true(old == 10 && skiff_table_size(table) == 13);
	ENTRIES(&g, in, NONE, 0, 4, 2, 3, NONE, NONE, 0, 1, 1, 3, 3, 3, BEYOND);
	GUEST_OK(&g, RUN(&g, in, 'i'));
	GUEST_OK(&g, RUN(&g, in, 'y'));
	GUEST_OK(&g, RUN(&g, in, 'n', 12));
	ENTRIES(&g, in, NONE, 0, 4, 2, 3, 0, 4, 2, 1, 1, 3, 3, NONE, BEYOND);
	GUEST_OK(&g, skiff_instance_reset(in, &g.err));
	ENTRIES(&g, in, FRESH_ENTRIES);
	guest_close(&g);
}

/* A table of the host's, empty at first, grown and filled. */
static void tables_of_the_host(void **state)
{
	struct skiff_limits limits = {.min = 0, .max = 10};
	struct skiff_ref one = skiff_ref_from_host(1), two = skiff_ref_from_host(2), ref;
	struct skiff_table *table;
	uint64_t old = 9;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_table_new(&table, g.store, SKIFF_EXTERNREF, &limits, one, &g.err));
	assert_true(skiff_table_grow(table, 3, two, &old) && old == 0);
	assert_true(skiff_table_grow(table, 4, (struct skiff_ref){0}, &old) && old == 3);
	assert_false(skiff_table_grow(table, 4, two, &old));
	assert_true(skiff_table_get(table, 2, &ref) && ref.word == two.word);
	assert_true(skiff_table_get(table, 3, &ref) && ref.word == 0);
	limits.min = 2;
	GUEST_OK(&g, skiff_table_new(&table, g.store, SKIFF_EXTERNREF, &limits, one, &g.err));
	assert_true(skiff_table_grow(table, 8, (struct skiff_ref){0}, &old));
	assert_true(skiff_table_get(table, 1, &ref) && ref.word == one.word);
	assert_true(skiff_table_get(table, 9, &ref) && ref.word == 0);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instances_are_isolated),
		cmocka_unit_test(instances_are_isolated_without_reservation),
		cmocka_unit_test(reset_brings_back),
		cmocka_unit_test(reset_brings_back_without_reservation),
		cmocka_unit_test(no_reset_while_called),
		cmocka_unit_test(shared_between_instances),
		cmocka_unit_test(grown_by_one_seen_by_all),
		cmocka_unit_test(data_into_a_mapped_memory),
		cmocka_unit_test(reset_leaves_imports),
		cmocka_unit_test(limiter_refuses_growth),
		cmocka_unit_test(limiter_refuses_instances),
		cmocka_unit_test(later_segments_are_not_applied),
		cmocka_unit_test(tables_when_looked_at),
		cmocka_unit_test(tables_changed_often),
		cmocka_unit_test(tables_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
