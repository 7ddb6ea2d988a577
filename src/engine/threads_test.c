/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads_test.c: shared memories in several stores, and guests that start threads: that they share what they
 * should, end together whatever the reason, and leave nothing behind.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/test_guest.h"

#define NE 0x47
#define EQ 0x46
#define LE_S 0x4c
#define NOTIFY(offset) 0xfe, 0x00, 2, offset
#define WAIT32(offset) 0xfe, 0x01, 2, offset
#define ATOMIC_LOAD(offset) 0xfe, 0x10, 2, offset
#define ATOMIC_STORE(offset) 0xfe, 0x17, 2, offset
#define ATOMIC_ADD(offset) 0xfe, 0x1e, 2, offset
#define ATOMIC_CMPXCHG(offset) 0xfe, 0x48, 2, offset

/* Where things are in the guest's memory. */
enum { COUNTER = 0, LOCK = 4, GUARDED = 8, DONE = 12, NEVER = 16 };

/* What a thread is told to do. */
enum { RETURNS, COUNTS, TRAPS, SPINS, WAITS, EXITS, GROWS };

#define EXPORT_START                                                                             \
	17, 'w', 'a', 's', 'i', '_', 't', 'h', 'r', 'e', 'a', 'd', '_', 's', 't', 'a', 'r', 't', \
		0, 7
#define IMPORT_SPAWN \
	4, 'w', 'a', 's', 'i', 12, 't', 'h', 'r', 'e', 'a', 'd', '-', 's', 'p', 'a', 'w', 'n', 0, 1
#define IMPORT_EXIT                                                                              \
	22, 'w', 'a', 's', 'i', '_', 's', 'n', 'a', 'p', 's', 'h', 'o', 't', '_', 'p', 'r', 'e', \
		'v', 'i', 'e', 'w', '1', 9, 'p', 'r', 'o', 'c', '_', 'e', 'x', 'i', 't', 0, 2

/*
 * s(what) starts a thread; j(n) waits until n are done; m(n) starts n that return, each after the last is done; a()
 * counts as threads do; i(what) is the import that starts one; d(what) does that itself; c() and g() read the counters. Functions 2 and 3 lock and
 * unlock; 4 says that one more is done; 5 counts to 1000; 6 does what it is told.
 */
static const uint8_t crowd[] = {MODULE(
	LONG_SECTION(1, 5, FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(1, I32, 0),
		     FUNC_TYPE(2, I32, I32, 0), FUNC_TYPE(0, 1, I32)),
	LONG_SECTION(2, 3, IMPORT_SPAWN, IMPORT_EXIT, 1, 'e', 1, 'm', 2, 3, 1, 4),
	SECTION(3, 11, 0, 0, 0, 0, 2, 3, 2, 2, 4, 4, 1),
	LONG_SECTION(7, 9, EXPORT_START, EXPORT_FUNC('s', 12), EXPORT_FUNC('i', 0),
		     EXPORT_FUNC('j', 8), EXPORT_FUNC('m', 9), EXPORT_FUNC('a', 5),
		     EXPORT_FUNC('d', 6), EXPORT_FUNC('c', 10), EXPORT_FUNC('g', 11)),
	LONG_SECTION(10, 11,
		     BODY(0, LOOP(VOID), C32(0), C32(0), C32(1), ATOMIC_CMPXCHG(LOCK), IF(VOID),
			  C32(0), C32(1), C64(0x7f), WAIT32(LOCK), DROP, BR(1), END, END, END),
		     BODY(0, C32(0), C32(0), ATOMIC_STORE(LOCK), C32(0), C32(1), NOTIFY(LOCK), DROP,
			  END),
		     BODY(0, C32(0), C32(1), ATOMIC_ADD(DONE), DROP, C32(0), C32(0x7f),
			  NOTIFY(DONE), DROP, END),
		     BODY(1, 1, I32, LOOP(VOID), C32(0), C32(1), ATOMIC_ADD(COUNTER), DROP, CALL(2),
			  C32(0), C32(0), 0x28, 2, GUARDED, C32(1), ADD, 0x36, 2, GUARDED, CALL(3),
			  GET(0), C32(1), ADD, TEE(0), 0x41, 0xe8, 7, NE, BR_IF(0), END, END),
		     BODY(0, GET(0), C32(COUNTS), EQ, IF(VOID), CALL(5), END, GET(0), C32(TRAPS),
			  EQ, IF(VOID), UNREACHABLE, END, GET(0), C32(SPINS), EQ, IF(VOID),
			  LOOP(VOID), BR(0), END, END, GET(0), C32(WAITS), EQ, IF(VOID), C32(0),
			  C32(0), C64(0x7f), WAIT32(NEVER), DROP, END, GET(0), C32(EXITS), EQ,
			  IF(VOID), C32(7), CALL(1), END, GET(0), C32(GROWS), EQ, IF(VOID), C32(1),
			  MEMORY_GROW, DROP, END, END),
		     BODY(0, GET(1), CALL(6), CALL(4), END),
		     BODY(1, 1, I32, LOOP(VOID), C32(0), ATOMIC_LOAD(DONE), TEE(1), GET(0), NE,
			  IF(VOID), C32(0), GET(1), C64(0x7f), WAIT32(DONE), DROP, BR(1), END, END,
			  END),
		     BODY(1, 1, I32, LOOP(VOID), C32(RETURNS), CALL(0), C32(0), LE_S, IF(VOID),
			  UNREACHABLE, END, GET(1), C32(1), ADD, TEE(1), CALL(8), GET(1), GET(0),
			  NE, BR_IF(0), END, END),
		     BODY(0, C32(0), ATOMIC_LOAD(COUNTER), END),
		     BODY(0, C32(0), 0x28, 2, GUARDED, END), BODY(0, GET(0), CALL(0), END)))};

struct scene {
	struct guest g;
	struct skiff_wasi *wasi;
	struct skiff_instance *instance;
};

static void open_scene(struct scene *s, const struct skiff_config *config, uint32_t most)
{
	guest_open(&s->g, config);
	GUEST_OK(&s->g, skiff_wasi_new(&s->wasi, &s->g.err));
	if (most != 0)
		GUEST_OK(&s->g, skiff_wasi_threads(s->wasi, most, &s->g.err));
	GUEST_OK(&s->g, skiff_linker_wasi(s->g.linker, s->wasi, &s->g.err));
	if (config != NULL && config->fuel)
		skiff_store_set_fuel(s->g.store, 10000000);
	s->instance = ADD_MODULE(&s->g, crowd);
}

static void close_scene(struct scene *s)
{
	guest_close(&s->g);
	skiff_wasi_free(s->wasi);
}

/* The thread's number, or what it is instead. */
static int32_t start(struct scene *s, uint32_t what)
{
	GUEST_OK(&s->g, RUN(&s->g, s->instance, 's', what));
	return (int32_t)s->g.results[0].of.i32;
}

/* -- Working together ----------------------------------------------------------------------- */

static void threads_count_together(void **state)
{
	enum { COUNT = 4 };
	struct scene s;

	(void)state;
	open_scene(&s, NULL, 0);
	for (int32_t i = 1; i <= COUNT; i++)
		assert_int_equal(start(&s, COUNTS), i);
	GUEST_OK(&s.g, RUN(&s.g, s.instance, 'a'));
	GUEST_OK(&s.g, RUN(&s.g, s.instance, 'j', COUNT));
	EXPECT((COUNT + 1) * 1000, &s.g, s.instance, 'c');
	EXPECT((COUNT + 1) * 1000, &s.g, s.instance, 'g');
	close_scene(&s);
}

static void a_thousand_come_and_go(void **state)
{
	struct scene s;

	(void)state;
	/* Fewer than come; more than can be ending at a time, on a slow machine. */
	open_scene(&s, NULL, 256);
	GUEST_OK(&s.g, RUN(&s.g, s.instance, 'm', 1000));
	close_scene(&s);
}

static void numbers_are_limited(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, NULL, 2);
	assert_int_equal(start(&s, WAITS), 1);
	assert_int_equal(start(&s, WAITS), 2);
	assert_true(start(&s, WAITS) < 0);
	skiff_store_end_threads(s.g.store);
	/* From outside nobody says what is to be started. */
	GUEST_OK(&s.g, RUN(&s.g, s.instance, 'i', WAITS));
	assert_true((int32_t)s.g.results[0].of.i32 < 0);
	/* With their places theirs is free again. */
	assert_int_equal(start(&s, WAITS), 3);
	close_scene(&s); /* the store waits for it */
}

/* -- Ending together ------------------------------------------------------------------------- */

static void one_traps(void **state)
{
	static const uint32_t mains[] = {WAITS, SPINS};
	struct skiff_frame frame;
	struct scene s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mains); i++) {
		open_scene(&s, NULL, 0);
		start(&s, SPINS);
		start(&s, WAITS);
		assert_int_equal(RUN(&s.g, s.instance, 's', TRAPS) & ~SKIFF_TRAP, 0);
		if (s.g.trap == NULL)
			EXPECT_TRAP("unreachable", &s.g, s.instance, 'd', mains[i]);
		assert_non_null(s.g.trap);
		/* It is the thread's: 6 called by 7. */
		assert_true(skiff_trap_frame(s.g.trap, 0, &frame));
		assert_int_equal(frame.index, 6);
		assert_true(skiff_trap_frame(s.g.trap, 1, &frame));
		assert_int_equal(frame.index, 7);
		assert_int_equal(skiff_trap_depth(s.g.trap), 2);
		/* Told once; nothing runs any more, and the store can be used. */
		EXPECT(0, &s.g, s.instance, 'c');
		close_scene(&s);
	}
}

static void one_exits(void **state)
{
	struct scene s;
	int outcome;

	(void)state;
	open_scene(&s, NULL, 0);
	start(&s, WAITS);
	outcome = RUN(&s.g, s.instance, 's', EXITS);
	if (outcome == 0)
		outcome = RUN(&s.g, s.instance, 'd', SPINS);
	assert_int_equal(outcome, SKIFF_EXIT);
	assert_int_equal(s.g.exit_code, 7);
	close_scene(&s);
}

static void the_first_ends(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, NULL, 0);
	start(&s, SPINS);
	start(&s, WAITS);
	EXPECT_TRAP("unreachable", &s.g, s.instance, 'd', TRAPS);
	assert_true(start(&s, SPINS) > 0);
	assert_int_equal(RUN(&s.g, s.instance, 'd', EXITS), SKIFF_EXIT);
	close_scene(&s);
}

static void *interrupt_soon(void *env)
{
	struct timespec wait = {.tv_nsec = 20000000};

	nanosleep(&wait, NULL);
	skiff_store_interrupt(env);
	return NULL;
}

static void is_interrupted(void **state)
{
	static const uint32_t mains[] = {WAITS, SPINS};
	struct scene s;
	pthread_t other;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mains); i++) {
		open_scene(&s, NULL, 0);
		start(&s, SPINS);
		start(&s, WAITS);
		assert_int_equal(pthread_create(&other, NULL, interrupt_soon, s.g.store), 0);
		EXPECT_TRAP("interrupted", &s.g, s.instance, 'd', mains[i]);
		pthread_join(other, NULL);
		EXPECT(0, &s.g, s.instance, 'c');
		close_scene(&s);
	}
}

static void fuel_is_one_for_all(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .fuel = true};
	struct scene s;
	uint64_t before;

	(void)state;
	open_scene(&s, &config, 0);
	before = skiff_store_fuel(s.g.store);
	start(&s, COUNTS);
	GUEST_OK(&s.g, RUN(&s.g, s.instance, 'j', 1));
	skiff_store_end_threads(s.g.store); /* what it has left it gives back when it goes */
	assert_true(before - skiff_store_fuel(s.g.store) > 10000);
	assert_true(before - skiff_store_fuel(s.g.store) < 1000000);
	start(&s, SPINS);
	EXPECT_TRAP("out_of_fuel", &s.g, s.instance, 'd', WAITS);
	close_scene(&s);
}

/* -- What they share ------------------------------------------------------------------------- */

static bool refuse_more(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	uint32_t *asked = env;

	(void)now;
	if (kind == SKIFF_KIND_MEMORY)
		++*asked;
	return wanted <= 2 * 65536;
}

static void limiter_is_asked(void **state)
{
	struct scene s;
	uint32_t asked = 0;

	(void)state;
	open_scene(&s, NULL, 0);
	skiff_store_limiter(s.g.store, refuse_more, &asked);
	for (uint32_t i = 1; i <= 3; i++) {
		start(&s, GROWS);
		GUEST_OK(&s.g, RUN(&s.g, s.instance, 'j', i));
	}
	assert_int_equal(asked, 3);
	close_scene(&s);
}

/* Two stores without WASI, with one memory: s() sets a word, l(at) waits for it and then loads. */
static const uint8_t neighbour[] = {
	MODULE(LONG_SECTION(1, 2, FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 1, I32)),
	       SECTION(2, 1, IMPORT_MEMORY('m', 3, 1, 2)), SECTION(3, 2, 0, 1),
	       SECTION(7, 2, EXPORT_FUNC('s', 0), EXPORT_FUNC('l', 1)),
	       LONG_SECTION(10, 2,
			    BODY(0, C32(1), MEMORY_GROW, DROP, 0x41, 0x80, 0x80, 4, C32(42),
				 STORE32, C32(0), C32(1), ATOMIC_STORE(0), END),
			    BODY(0, LOOP(VOID), C32(0), ATOMIC_LOAD(0), EQZ, BR_IF(0), END, GET(0),
				 LOAD32, END)))};

struct neighbour {
	struct skiff_engine *engine;
	struct skiff_memory *memory;
	uint32_t result;
};

static void *live_next_door(void *env)
{
	struct neighbour *n = env;
	struct guest g = {.engine = n->engine};
	struct skiff_extern item = {.kind = SKIFF_KIND_MEMORY, .of.memory = n->memory};

	GUEST_OK(&g, skiff_linker_new(&g.linker, g.engine, &g.err));
	GUEST_OK(&g, skiff_store_new(&g.store, g.engine, &g.err));
	GUEST_OK(&g, skiff_linker_extern(g.linker, "h", 1, "m", 1, item, &g.err));
	GUEST_OK(&g, RUN(&g, ADD_MODULE(&g, neighbour), 'l', 65536));
	n->result = g.results[0].of.i32;
	skiff_store_free(g.store);
	skiff_linker_free(g.linker);
	return NULL;
}

/* Who looks never left its loop, so the size it knows is the old one. */
static void growth_is_seen(void **state)
{
	struct skiff_limits limits = {.min = 1, .max = 2, .shared = true};
	struct skiff_extern item = {.kind = SKIFF_KIND_MEMORY};
	struct skiff_externtype type;
	struct timespec wait = {.tv_nsec = 20000000};
	struct neighbour n;
	struct guest g;
	pthread_t other;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_shared_memory_new(&item.of.memory, g.engine, &limits, &g.err));
	n = (struct neighbour){g.engine, item.of.memory, 0};
	assert_int_equal(pthread_create(&other, NULL, live_next_door, &n), 0);
	nanosleep(&wait, NULL);
	GUEST_OK(&g, skiff_linker_extern(g.linker, "h", 1, "m", 1, item, &g.err));
	GUEST_OK(&g, RUN(&g, ADD_MODULE(&g, neighbour), 's'));
	pthread_join(other, NULL);
	assert_int_equal(n.result, 42);
	skiff_extern_type(item, &type);
	assert_true(type.limits.shared);
	assert_int_equal(skiff_memory_size(item.of.memory), 2 * 65536);
	assert_false(skiff_memory_grow(item.of.memory, 1, NULL));
	/* The linker and the instance hold it without us. */
	skiff_shared_memory_free(item.of.memory);
	GUEST_OK(&g, RUN(&g, ADD_MODULE(&g, neighbour), 'l', 65536));
	assert_int_equal(g.results[0].of.i32, 42);
	EXPECT_TRAP("out_of_bounds_memory", &g, ADD_MODULE(&g, neighbour), 'l', 2 * 65536 - 3);
	guest_close(&g);
}

static void limits_make_sense(void **state)
{
	struct skiff_limits limits = {.min = 1, .max = UINT64_MAX, .shared = true};
	struct skiff_memory *memory;
	struct skiff_table *table;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(skiff_shared_memory_new(&memory, g.engine, &limits, &g.err), SKIFF_MISUSE);
	limits = (struct skiff_limits){.min = 1, .max = 2, .is64 = true, .shared = true};
	GUEST_OK(&g, skiff_shared_memory_new(&memory, g.engine, &limits, &g.err));
	skiff_shared_memory_free(memory);
	GUEST_OK(&g, skiff_memory_new(&memory, g.store, &limits, &g.err));
	assert_int_equal(skiff_table_new(&table, g.store, SKIFF_EXTERNREF, &limits,
					 skiff_ref_from_host(1), &g.err),
			 SKIFF_MISUSE);
	limits.max = 0;
	assert_int_equal(skiff_shared_memory_new(&memory, g.engine, &limits, &g.err), SKIFF_MISUSE);
	limits = (struct skiff_limits){.min = 0, .max = 0, .shared = true};
	GUEST_OK(&g, skiff_shared_memory_new(&memory, g.engine, &limits, &g.err));
	skiff_shared_memory_free(memory);
	limits.shared = false;
	assert_int_equal(skiff_shared_memory_new(&memory, g.engine, &limits, &g.err), SKIFF_MISUSE);
	/* Shared and not are two kinds of memory. */
	limits = (struct skiff_limits){.min = 1, .max = 2};
	GUEST_OK(&g, skiff_memory_new(&memory, g.store, &limits, &g.err));
	GUEST_OK(&g, skiff_linker_extern(
			     g.linker, "h", 1, "m", 1,
			     (struct skiff_extern){.kind = SKIFF_KIND_MEMORY, .of.memory = memory},
			     &g.err));
	{
		struct skiff_module *module;
		struct skiff_prelinked *pre;

		GUEST_OK(&g,
			 skiff_module_new(&module, g.engine, neighbour, sizeof(neighbour), &g.err));
		assert_int_equal(skiff_prelink(&pre, g.linker, module, &g.err), SKIFF_UNLINKABLE);
		assert_non_null(strstr(g.err.text, "must be a shared memory"));
		skiff_module_free(module);
	}
	guest_close(&g);
}

/* As `neighbour`, of a memory with 64-bit addresses: s writes 42 behind the first page it makes, l(a) reads at a. */
static const uint8_t far_neighbour[] = {
	MODULE(SECTION(1, 2, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32)),
	       SECTION(2, 1, IMPORT_MEMORY('m', 7, 1, 3)), SECTION(3, 2, 0, 1),
	       SECTION(7, 2, EXPORT_FUNC('s', 0), EXPORT_FUNC('l', 1)),
	       SECTION(10, 2,
		       BODY(0, C64(1), MEMORY_GROW, DROP, 0x42, 0x80, 0x80, 4, C32(42),
			    ATOMIC_STORE(0), C32(1), END),
		       BODY(0, GET(0), 0xad, LOAD32, END)))};

/* By both functions that make one, in two stores. */
static void shared_with_64_bits(void **state)
{
	struct skiff_limits limits = {.min = 1, .max = 3, .is64 = true, .shared = true};
	struct skiff_extern item = {.kind = SKIFF_KIND_MEMORY};
	struct skiff_externtype type;

	(void)state;
	for (int own = 0; own < 2; own++) {
		struct skiff_store *other;
		struct guest g;

		guest_open(&g, NULL);
		GUEST_OK(&g, skiff_store_new(&other, g.engine, &g.err));
		if (own)
			GUEST_OK(&g, skiff_memory_new(&item.of.memory, other, &limits, &g.err));
		else
			GUEST_OK(&g, skiff_shared_memory_new(&item.of.memory, g.engine, &limits,
							     &g.err));
		GUEST_OK(&g, skiff_linker_extern(g.linker, "h", 1, "m", 1, item, &g.err));
		EXPECT(1, &g, ADD_MODULE(&g, far_neighbour), 's');
		EXPECT(42, &g, ADD_MODULE(&g, far_neighbour), 'l', 65536);
		EXPECT_TRAP("out_of_bounds_memory", &g, ADD_MODULE(&g, far_neighbour), 'l',
			    2 * 65536 - 3);
		skiff_extern_type(item, &type);
		assert_true(type.limits.shared && type.limits.is64);
		assert_true(skiff_memory_grow(item.of.memory, 1, NULL));
		assert_false(skiff_memory_grow(item.of.memory, 1, NULL));
		if (!own)
			skiff_shared_memory_free(item.of.memory);
		skiff_store_free(other);
		guest_close(&g);
	}
}

/* What the addresses cannot reach is no maximum, and tables are not shared. */
static void limits_of_64_bits(void **state)
{
	struct skiff_limits limits = {.min = 1, .max = 65537, .shared = true};
	struct skiff_memory *memory;
	struct skiff_table *table;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(skiff_shared_memory_new(&memory, g.engine, &limits, &g.err), SKIFF_MISUSE);
	assert_non_null(strstr(g.err.text, "a maximum of 65537 pages"));
	assert_int_equal(skiff_memory_new(&memory, g.store, &limits, &g.err), SKIFF_MISUSE);
	limits.is64 = true;
	GUEST_OK(&g, skiff_shared_memory_new(&memory, g.engine, &limits, &g.err));
	skiff_shared_memory_free(memory);
	limits.max = UINT64_MAX;
	assert_int_equal(skiff_memory_new(&memory, g.store, &limits, &g.err), SKIFF_MISUSE);
	assert_non_null(strstr(g.err.text, "must have a maximum"));
	limits.max = 2;
	assert_int_equal(skiff_table_new(&table, g.store, SKIFF_FUNCREF, &limits,
					 (struct skiff_ref){0}, &g.err),
			 SKIFF_MISUSE);
	assert_non_null(strstr(g.err.text, "only memories"));
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_count_together),
		cmocka_unit_test(a_thousand_come_and_go),
		cmocka_unit_test(numbers_are_limited),
		cmocka_unit_test(one_traps),
		cmocka_unit_test(one_exits),
		cmocka_unit_test(the_first_ends),
		cmocka_unit_test(is_interrupted),
		cmocka_unit_test(fuel_is_one_for_all),
		cmocka_unit_test(limiter_is_asked),
		cmocka_unit_test(growth_is_seen),
		cmocka_unit_test(limits_make_sense),
		cmocka_unit_test(shared_with_64_bits),
		cmocka_unit_test(limits_of_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
