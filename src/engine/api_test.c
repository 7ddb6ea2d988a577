/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_test.c: the public API from outside: host functions and their environment, names that do not link, values
 * of every type across the border, misuse. State is state_test.c's matter, how calls end call_test.c's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/test_guest.h"

/* -- Host functions ------------------------------------------------------------------------ */

struct counter {
	int calls, freed;
	int add;
};

static int add_host(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		    struct skiff_val *results)
{
	struct counter *counter = env;

	(void)caller;
	counter->calls++;
	assert_int_equal(results[0].type, SKIFF_I32);
	assert_int_equal(results[0].of.i64, 0);
	results[0].of.i32 = args[0].of.i32 + (uint32_t)counter->add;
	return 0;
}

static void count_free(void *env)
{
	((struct counter *)env)->freed++;
}

/* f(x) = h.a(x) */
static const uint8_t calls_a[] = {MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)),
					 SECTION(2, 1, IMPORT_FUNC('a', 0)), SECTION(3, 1, 0),
					 SECTION(7, 1, EXPORT_FUNC('f', 1)),
					 SECTION(10, 1, BODY(0, GET(0), CALL(0), END)))};

static int offer(struct guest *g, const char *name, struct counter *counter)
{
	struct skiff_functype type = guest_type(1, 1);

	return skiff_linker_func(g->linker, "h", name, &type, add_host, counter, count_free,
				 &g->err);
}

static void environment_is_freed_once(void **state)
{
	struct counter unused = {.add = 1}, used = {.add = 10};
	struct skiff_prelinked *pre;
	struct skiff_instance *one, *two;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(offer(&g, "a", &unused), 0);
	assert_int_equal(offer(&g, "a", &used), 0);
	pre = PRELINK(&g, calls_a);
	skiff_linker_free(g.linker);
	g.linker = NULL;
	/* Replaced, and nobody linked it. */
	assert_int_equal(unused.freed, 1);
	one = guest_make(&g, pre);
	two = guest_make(&g, pre);
	skiff_prelinked_free(pre);
	EXPECT(15, &g, one, 'f', 5);
	EXPECT(16, &g, two, 'f', 6);
	assert_int_equal(used.calls, 2);
	skiff_instance_free(one);
	assert_int_equal(used.freed, 0);
	EXPECT(17, &g, two, 'f', 7);
	guest_close(&g);
	assert_int_equal(used.freed, 1);
	assert_int_equal(unused.freed, 1);
	assert_int_equal(unused.calls, 0);
}

/* What was linked before a name is defined anew keeps the old definition. */
static void later_definition_replaces(void **state)
{
	struct counter first = {.add = 1}, second = {.add = 2};
	struct skiff_prelinked *old, *new;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(offer(&g, "a", &first), 0);
	old = PRELINK(&g, calls_a);
	assert_int_equal(offer(&g, "a", &second), 0);
	new = PRELINK(&g, calls_a);
	EXPECT(2, &g, guest_make(&g, new), 'f', 0);
	EXPECT(1, &g, guest_make(&g, old), 'f', 0);
	skiff_prelinked_free(old);
	skiff_prelinked_free(new);
	guest_close(&g);
	assert_int_equal(first.freed, 1);
	assert_int_equal(second.freed, 1);
}

/* A definition that was refused leaves its environment with the caller. */
static void refused_definition_keeps_environment(void **state)
{
	const uint32_t indexed = SKIFF_REF_NULL | 3u << 8;
	struct skiff_functype type = {.params = &indexed, .param_count = 1};
	struct counter counter = {0};
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(skiff_linker_func(g.linker, "h", "a", &type, add_host, &counter,
					   count_free, &g.err),
			 SKIFF_MISUSE);
	assert_non_null(strstr(g.err.text, "cannot be a host function's parameter"));
	type.param_count = 1001;
	assert_int_equal(skiff_linker_func(g.linker, "h", "a", &type, add_host, &counter,
					   count_free, &g.err),
			 SKIFF_MISUSE);
	guest_close(&g);
	assert_int_equal(counter.freed, 0);
}

/* Stores, prelinked modules and linkers keep what they need, freed in any order. */
static void any_order_of_freeing(void **state)
{
	struct counter counter = {.add = 3};
	struct skiff_prelinked *pre;
	struct skiff_store *other;
	struct skiff_instance *instance;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(offer(&g, "a", &counter), 0);
	pre = PRELINK(&g, calls_a);
	GUEST_OK(&g, skiff_store_new(&other, g.engine, &g.err));
	skiff_engine_free(g.engine);
	skiff_store_free(g.store);
	skiff_linker_free(g.linker);
	g.store = other;
	instance = guest_make(&g, pre);
	skiff_prelinked_free(pre);
	EXPECT(4, &g, instance, 'f', 1);
	skiff_trap_free(g.trap);
	skiff_store_free(other);
	assert_int_equal(counter.freed, 1);
}

static int wrong_type(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		      struct skiff_val *results)
{
	(void)env;
	(void)caller;
	(void)args;
	results[0].type = SKIFF_F64;
	return 0;
}

static int odd_code(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		    struct skiff_val *results)
{
	(void)caller;
	(void)args;
	(void)results;
	return *(int *)env;
}

/* A callback that breaks the rules traps. */
static void callbacks_that_break_rules(void **state)
{
	struct skiff_functype type = guest_type(1, 1);
	int code = 77;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	guest_host(&g, "a", wrong_type, NULL, &type);
	EXPECT_TRAP("host", &g, ADD_MODULE(&g, calls_a), 'f', 1);
	assert_string_equal(skiff_trap_text(g.trap),
			    "a host function returned a value of the wrong type");
	guest_host(&g, "a", odd_code, &code, &type);
	EXPECT_TRAP("host", &g, ADD_MODULE(&g, calls_a), 'f', 1);
	assert_string_equal(skiff_trap_text(g.trap), "a host function returned an unknown code");
	/* Even a code that means something, unless the caller was asked for it. */
	code = SKIFF_EXIT;
	EXPECT_TRAP("host", &g, ADD_MODULE(&g, calls_a), 'f', 1);
	guest_close(&g);
}

/* -- What does not link -------------------------------------------------------------------- */

static void assert_unlinkable(struct guest *g, const uint8_t *bytes, size_t size, const char *text)
{
	struct skiff_prelinked *pre = NULL;
	struct skiff_module *module;

	GUEST_OK(g, skiff_module_new(&module, g->engine, bytes, size, &g->err));
	assert_int_equal(skiff_prelink(&pre, g->linker, module, &g->err), SKIFF_UNLINKABLE);
	assert_null(pre);
	assert_string_equal(g->err.text, text);
	skiff_module_free(module);
}
#define UNLINKABLE(g, bytes, text) assert_unlinkable(g, bytes, sizeof(bytes), text)

static const uint8_t wants_memory[] = {MODULE(SECTION(2, 1, IMPORT_MEMORY('m', 1, 2, 3)))};
static const uint8_t wants_table[] = {MODULE(SECTION(2, 1, IMPORT_TABLE('t', FUNCREF, 0, 5)))};
static const uint8_t wants_mutable[] = {MODULE(SECTION(2, 1, IMPORT_GLOBAL('g', I32, 1)))};
static const uint8_t wants_longer[] = {MODULE(
	SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(2, 1, 1, 'h', 5, 'p', 'r', 'i', 'n', 't', 0, 0))};

/* One item that fits each of the modules above. */
static void offer_item(struct guest *g, const char *name, struct skiff_extern item)
{
	GUEST_OK(g, skiff_linker_extern(g->linker, "h", 1, name, 1, item, &g->err));
}

static struct skiff_memory *offer_memory(struct guest *g, uint64_t min, uint64_t max)
{
	struct skiff_limits limits = {.min = min, .max = max};
	struct skiff_extern item = {.kind = SKIFF_KIND_MEMORY};

	GUEST_OK(g, skiff_memory_new(&item.of.memory, g->store, &limits, &g->err));
	offer_item(g, "m", item);
	return item.of.memory;
}

static struct skiff_table *offer_table(struct guest *g, uint32_t type, uint64_t min)
{
	struct skiff_limits limits = {.min = min, .max = UINT64_MAX};
	struct skiff_extern item = {.kind = SKIFF_KIND_TABLE};

	GUEST_OK(g, skiff_table_new(&item.of.table, g->store, type, &limits, (struct skiff_ref){0},
				    &g->err));
	offer_item(g, "t", item);
	return item.of.table;
}

static struct skiff_global *offer_global(struct guest *g, bool is_mutable, struct skiff_val value)
{
	struct skiff_extern item = {.kind = SKIFF_KIND_GLOBAL};

	GUEST_OK(g, skiff_global_new(&item.of.global, g->store, is_mutable, value, &g->err));
	offer_item(g, "g", item);
	return item.of.global;
}

static void unknown_names(void **state)
{
	struct skiff_functype type = guest_type(0, 0);
	struct guest g;
	int code = 0;

	(void)state;
	guest_open(&g, NULL);
	UNLINKABLE(&g, wants_longer, "unknown import: nobody offers 'h' 'print'");
	guest_host(&g, "zebra", odd_code, &code, &type);
	UNLINKABLE(&g, wants_longer, "unknown import: nobody offers 'h' 'print'");
	guest_host(&g, "printf", odd_code, &code, &type);
	UNLINKABLE(&g, wants_longer,
		   "unknown import: nobody offers 'h' 'print'; the nearest is 'h' 'printf'");
	guest_host(&g, "print", odd_code, &code, &type);
	ADD_MODULE(&g, wants_longer);
	guest_close(&g);
}

static void wrong_kinds_and_types(void **state)
{
	struct skiff_functype type = guest_type(2, 1);
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	guest_host(&g, "a", odd_code, NULL, &type);
	UNLINKABLE(&g, calls_a,
		   "incompatible import type: 'h' 'a' must be (func (param i32) (result i32)), "
		   "offered is (func (param i32 i32) (result i32))");
	guest_host(&g, "m", odd_code, NULL, &type);
	UNLINKABLE(&g, wants_memory,
		   "incompatible import type: 'h' 'm' must be a memory, offered is a function");
	offer_memory(&g, 1, 3);
	UNLINKABLE(&g, wants_memory,
		   "incompatible import type: 'h' 'm' must be a memory of 2 to 3, offered is a "
		   "memory of 1 to 3");
	offer_memory(&g, 2, UINT64_MAX);
	UNLINKABLE(&g, wants_memory,
		   "incompatible import type: 'h' 'm' must be a memory of 2 to 3, offered is a "
		   "memory of 2 and more");
	offer_table(&g, SKIFF_EXTERNREF, 5);
	UNLINKABLE(&g, wants_table,
		   "incompatible import type: 'h' 't' must be a table of funcref, offered is a "
		   "table of externref");
	offer_table(&g, SKIFF_FUNCREF, 4);
	UNLINKABLE(&g, wants_table,
		   "incompatible import type: 'h' 't' must be a table of 5 and more, offered is a "
		   "table of 4 and more");
	offer_global(&g, false, (struct skiff_val){.type = SKIFF_I32});
	UNLINKABLE(&g, wants_mutable,
		   "incompatible import type: 'h' 'g' must be a mutable global of i32, offered is "
		   "an immutable global of i32");
	guest_close(&g);
}

/* An item's size when it is linked counts, not the one it was made with. */
static void grown_items_fit(void **state)
{
	struct skiff_memory *memory;
	struct skiff_table *table;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	memory = offer_memory(&g, 1, 3);
	assert_true(skiff_memory_grow(memory, 1, NULL));
	ADD_MODULE(&g, wants_memory);
	table = offer_table(&g, SKIFF_FUNCREF, 0);
	assert_true(skiff_table_grow(table, 5, (struct skiff_ref){0}, NULL));
	ADD_MODULE(&g, wants_table);
	guest_close(&g);
}

/* -- Stores apart -------------------------------------------------------------------------- */

static const uint8_t reexports_host[] = {MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)),
						SECTION(2, 1, IMPORT_FUNC('a', 0)),
						SECTION(7, 1, EXPORT_FUNC('a', 0)))};

static void assert_other_store_refused(struct guest *g, const struct skiff_prelinked *pre,
				       struct skiff_store *other)
{
	struct skiff_instance *instance = NULL;

	assert_int_equal(skiff_instance_new(&instance, other, pre, NULL, NULL, &g->err),
			 SKIFF_UNLINKABLE);
	assert_null(instance);
	assert_non_null(strstr(g->err.text, "another store"));
}

static void items_stay_in_their_store(void **state)
{
	struct skiff_prelinked *pre;
	struct skiff_store *other;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_store_new(&other, g.engine, &g.err));
	offer_memory(&g, 2, 3);
	pre = PRELINK(&g, wants_memory);
	guest_make(&g, pre);
	assert_other_store_refused(&g, pre, other);
	skiff_prelinked_free(pre);
	skiff_store_free(other);
	guest_close(&g);
}

/* A host function as an instance exports it belongs to the instance's store: it ends with that. */
static void host_functions_of_a_store(void **state)
{
	struct counter counter = {.add = 1};
	struct skiff_instance *instance;
	struct skiff_prelinked *pre;
	struct skiff_store *other;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_store_new(&other, g.engine, &g.err));
	assert_int_equal(offer(&g, "a", &counter), 0);
	instance = ADD_MODULE(&g, reexports_host);
	EXPECT(8, &g, instance, 'a', 7);
	GUEST_OK(&g, skiff_linker_instance(g.linker, "h", 1, instance, &g.err));
	pre = PRELINK(&g, calls_a);
	EXPECT(10, &g, guest_make(&g, pre), 'f', 9);
	assert_other_store_refused(&g, pre, other);
	skiff_prelinked_free(pre);
	skiff_store_free(other);
	guest_close(&g);
}

static void calls_of_another_store(void **state)
{
	struct counter counter = {.add = 1};
	struct skiff_val arg = {.type = SKIFF_I32}, result;
	struct skiff_store *other;
	struct skiff_instance *instance;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_store_new(&other, g.engine, &g.err));
	assert_int_equal(offer(&g, "a", &counter), 0);
	instance = ADD_MODULE(&g, calls_a);
	assert_int_equal(skiff_call(other, guest_export(instance, 'f').of.func, &arg, 1, &result, 1,
				    NULL, NULL, &g.err),
			 SKIFF_MISUSE);
	assert_string_equal(g.err.text, "the function is of another store");
	skiff_store_free(other);
	guest_close(&g);
}

/* A function as a value: of another store it would run there, with objects nobody here keeps. */
static void functions_of_another_store(void **state)
{
	struct skiff_limits limits = {.min = 1, .max = 1};
	struct counter counter = {.add = 1};
	struct skiff_val func = {.type = SKIFF_FUNCREF};
	struct skiff_store *other;
	struct skiff_table *table;
	struct skiff_global *global;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_store_new(&other, g.engine, &g.err));
	assert_int_equal(offer(&g, "a", &counter), 0);
	func.of.ref = skiff_ref_from_func(guest_export(ADD_MODULE(&g, calls_a), 'f').of.func);
	assert_int_equal(skiff_global_new(&global, other, true, func, &g.err), SKIFF_MISUSE);
	assert_int_equal(
		skiff_table_new(&table, other, SKIFF_FUNCREF, &limits, func.of.ref, &g.err),
		SKIFF_MISUSE);
	GUEST_OK(&g, skiff_table_new(&table, other, SKIFF_FUNCREF, &limits, (struct skiff_ref){0},
				     &g.err));
	assert_false(skiff_table_set(table, 0, func.of.ref));
	GUEST_OK(&g, skiff_global_new(&global, g.store, true, func, &g.err));
	skiff_store_free(other);
	guest_close(&g);
}

/* Numbers of types that there are not. */
static void types_of_nobody(void **state)
{
	const uint32_t type = SKIFF_REF_NULL | 5000 << 8;
	struct skiff_limits limits = {.min = 1, .max = 1};
	struct skiff_val value = {.type = type};
	struct skiff_global *global;
	struct skiff_table *table;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(skiff_global_new(&global, g.store, true, value, &g.err), SKIFF_MISUSE);
	assert_int_equal(skiff_table_new(&table, g.store, type, &limits, value.of.ref, &g.err),
			 SKIFF_MISUSE);
	guest_close(&g);
}

/* A memory that became smaller, by a reset, between linking and instantiating. */
static const uint8_t has_memory[] = {
	MODULE(SECTION(5, 1, 1, 1, 3), SECTION(7, 1, EXPORT_MEMORY('m', 0)))};

static void memory_shrunk_since_linked(void **state)
{
	struct skiff_instance *owner, *instance = NULL;
	struct skiff_prelinked *pre;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	owner = ADD_MODULE(&g, has_memory);
	assert_true(skiff_memory_grow(guest_export(owner, 'm').of.memory, 1, NULL));
	GUEST_OK(&g, skiff_linker_instance(g.linker, "h", 1, owner, &g.err));
	pre = PRELINK(&g, wants_memory);
	GUEST_OK(&g, skiff_instance_reset(owner, &g.err));
	assert_int_equal(guest_try(&g, pre, &instance), SKIFF_UNLINKABLE);
	skiff_prelinked_free(pre);
	guest_close(&g);
}

/* -- Misuse -------------------------------------------------------------------------------- */

static void wrong_arguments(void **state)
{
	struct counter counter = {.add = 1};
	struct skiff_val args[2] = {{.type = SKIFF_I32}, {.type = SKIFF_I32}}, results[2];
	struct skiff_func *func;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(offer(&g, "a", &counter), 0);
	func = guest_export(ADD_MODULE(&g, calls_a), 'f').of.func;
#define CALL_WITH(n, m) skiff_call(g.store, func, args, n, results, m, NULL, NULL, &g.err)
	assert_int_equal(CALL_WITH(0, 1), SKIFF_MISUSE);
	assert_string_equal(g.err.text, "0 arguments given, the function has 1");
	assert_int_equal(CALL_WITH(2, 1), SKIFF_MISUSE);
	assert_int_equal(CALL_WITH(1, 0), SKIFF_MISUSE);
	assert_string_equal(g.err.text, "0 places for results given, the function has 1");
	assert_int_equal(CALL_WITH(1, 2), SKIFF_MISUSE);
	args[0].type = SKIFF_I64;
	assert_int_equal(CALL_WITH(1, 1), SKIFF_MISUSE);
	assert_string_equal(g.err.text, "value 0 is no i32");
	args[0].type = SKIFF_FUNCREF;
	assert_int_equal(CALL_WITH(1, 1), SKIFF_MISUSE);
	assert_int_equal(counter.calls, 0);
	guest_close(&g);
}

static void impossible_items(void **state)
{
	struct skiff_ref object = skiff_ref_from_host(1), null = {0};
	struct skiff_limits limits = {.min = 2, .max = 1};
	struct skiff_memory *memory = NULL;
	struct skiff_table *table = NULL;
	struct skiff_global *global = NULL;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(skiff_memory_new(&memory, g.store, &limits, &g.err), SKIFF_MISUSE);
	limits = (struct skiff_limits){.min = 65537, .max = UINT64_MAX};
	assert_int_equal(skiff_memory_new(&memory, g.store, &limits, &g.err), SKIFF_MISUSE);
	limits = (struct skiff_limits){.min = (1 << 24) + 1, .max = UINT64_MAX, .is64 = true};
	assert_int_equal(skiff_memory_new(&memory, g.store, &limits, &g.err), SKIFF_MISUSE);
	limits = (struct skiff_limits){.min = 1, .max = 1};
	assert_int_equal(skiff_table_new(&table, g.store, SKIFF_FUNCREF, &limits, object, &g.err),
			 SKIFF_MISUSE);
	assert_int_equal(skiff_table_new(&table, g.store, SKIFF_I32, &limits, null, &g.err),
			 SKIFF_MISUSE);
	assert_int_equal(skiff_global_new(&global, g.store, false,
					  (struct skiff_val){SKIFF_FUNCREF, {.ref = object}},
					  &g.err),
			 SKIFF_MISUSE);
	assert_true(memory == NULL && table == NULL && global == NULL);
	guest_close(&g);
}

static void odd_configurations(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .stack_bytes = 1};
	struct skiff_engine *engine = NULL;
	struct skiff_error err;

	(void)state;
	assert_int_equal(skiff_engine_new(&engine, &config, &err), -EINVAL);
	assert_null(engine);
	/* What an older caller does not know is as if zero. */
	config.size = offsetof(struct skiff_config, stack_bytes);
	assert_int_equal(skiff_engine_new(&engine, &config, &err), 0);
	skiff_engine_free(engine);
	skiff_engine_free(NULL);
	skiff_module_free(NULL);
	skiff_store_free(NULL);
	skiff_linker_free(NULL);
	skiff_prelinked_free(NULL);
	skiff_instance_free(NULL);
	skiff_trap_free(NULL);
}

/* -- Values -------------------------------------------------------------------------------- */

static int swap_values(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		       struct skiff_val *results)
{
	(void)env;
	(void)caller;
	for (int i = 0; i < 6; i++)
		results[i] = args[5 - i];
	return 0;
}

static const uint32_t six[] = {SKIFF_I32, SKIFF_V128, SKIFF_F32, SKIFF_F64, SKIFF_I64, SKIFF_V128};
static const uint32_t six_back[] = {SKIFF_V128, SKIFF_I64,  SKIFF_F64,
				    SKIFF_F32,  SKIFF_V128, SKIFF_I32};

/* Passes six values through the host, which turns them round; before that through locals of its own. */
static const uint8_t six_values[] = {MODULE(
	SECTION(1, 1,
		FUNC_TYPE(6, I32, V128, F32, F64, I64, V128, 6, V128, I64, F64, F32, V128, I32)),
	SECTION(2, 1, IMPORT_FUNC('s', 0)), SECTION(3, 1, 0), SECTION(7, 1, EXPORT_FUNC('f', 1)),
	SECTION(10, 1,
		BODY(2, 1, V128, 2, F64, GET(0), GET(1), TEE(6), GET(2), GET(3), TEE(8), SET(7),
		     GET(7), GET(4), GET(5), CALL(0), END)))};

static void six_values_and_back(void **state)
{
	struct skiff_functype type = {six, six_back, 6, 6};
	struct skiff_val args[6];
	struct skiff_func *func;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	guest_host(&g, "s", swap_values, NULL, &type);
	func = guest_export(ADD_MODULE(&g, six_values), 'f').of.func;
	for (uint32_t i = 0; i < 6; i++) {
		memset(&args[i], 0, sizeof(args[i]));
		args[i].type = six[i];
		memset(args[i].of.v128, (int)(0x11 * (i + 1)),
		       six[i] == SKIFF_V128                         ? 16
		       : six[i] == SKIFF_I32 || six[i] == SKIFF_F32 ? 4
								    : 8);
	}
	args[1].of.v128[3] = args[5].of.v128[12] = 0xee;
	GUEST_OK(&g, guest_call(&g, func, args, 6));
	for (uint32_t i = 0; i < 6; i++)
		assert_memory_equal(&g.results[i], &args[5 - i], sizeof(args[0]));
	guest_close(&g);
}

/* f: externref through a table and a global; n: is it null. */
static const uint8_t externrefs[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(1, EXTERNREF, 1, EXTERNREF), FUNC_TYPE(1, EXTERNREF, 1, I32)),
	SECTION(3, 2, 0, 1), SECTION(4, 1, EXTERNREF, 0, 3),
	SECTION(6, 1, EXTERNREF, 1, REF_NULL(EXTERNREF), END),
	SECTION(7, 3, EXPORT_FUNC('f', 0), EXPORT_FUNC('n', 1), EXPORT_GLOBAL('g', 0)),
	SECTION(10, 2,
		BODY(0, C32(2), GET(0), TABLE_SET(0), C32(2), TABLE_GET(0), GLOBAL_SET(0),
		     GLOBAL_GET(0), END),
		BODY(0, GET(0), REF_IS_NULL, END)))};

static void externrefs_round_trip(void **state)
{
	static const uint64_t objects[] = {0, 1, 0x7fffffffffff, (UINT64_C(1) << 62) - 1};
	struct skiff_val arg = {.type = SKIFF_EXTERNREF};
	struct skiff_instance *instance;
	uint64_t object;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	instance = ADD_MODULE(&g, externrefs);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		arg.of.ref = skiff_ref_from_host(objects[i]);
		assert_true(arg.of.ref.word != 0);
		GUEST_OK(&g, guest_call(&g, guest_export(instance, 'f').of.func, &arg, 1));
		assert_true(skiff_ref_to_host(g.results[0].of.ref, &object));
		assert_true(object == objects[i]);
		assert_null(skiff_ref_to_func(g.results[0].of.ref));
		assert_true(skiff_global_get(guest_export(instance, 'g').of.global).of.ref.word ==
			    arg.of.ref.word);
		GUEST_OK(&g, guest_call(&g, guest_export(instance, 'n').of.func, &arg, 1));
		assert_int_equal(g.results[0].of.i32, 0);
	}
	arg.of.ref.word = 0;
	GUEST_OK(&g, guest_call(&g, guest_export(instance, 'f').of.func, &arg, 1));
	assert_false(skiff_ref_to_host(g.results[0].of.ref, &object));
	GUEST_OK(&g, guest_call(&g, guest_export(instance, 'n').of.func, &arg, 1));
	assert_int_equal(g.results[0].of.i32, 1);
	/* A function is no externref. */
	arg.of.ref = skiff_ref_from_func(guest_export(instance, 'f').of.func);
	assert_int_equal(guest_call(&g, guest_export(instance, 'f').of.func, &arg, 1),
			 SKIFF_MISUSE);
	guest_close(&g);
}

/* r: ref.func 0, c: call_indirect through entry 0, which 's' set to its argument. */
static const uint8_t funcrefs[] = {
	MODULE(SECTION(1, 4, FUNC_TYPE(0, 1, I32), FUNC_TYPE(0, 1, FUNCREF),
		       FUNC_TYPE(1, FUNCREF, 0), FUNC_TYPE(1, I32, 1, I32)),
	       SECTION(3, 4, 0, 1, 2, 0), SECTION(4, 1, FUNCREF, 0, 1),
	       SECTION(7, 5, EXPORT_FUNC('x', 0), EXPORT_FUNC('r', 1), EXPORT_FUNC('s', 2),
		       EXPORT_FUNC('c', 3), EXPORT_TABLE('t', 0)),
	       SECTION(10, 4, BODY(0, C32(42), END), BODY(0, REF_FUNC(0), END),
		       BODY(0, C32(0), GET(0), TABLE_SET(0), END),
		       BODY(0, C32(0), CALL_INDIRECT(0, 0), END)))};

static void funcrefs_are_one(void **state)
{
	struct skiff_instance *one, *two;
	struct skiff_extern x, t;
	struct skiff_val arg = {.type = SKIFF_FUNCREF};
	struct skiff_ref ref;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	one = ADD_MODULE(&g, funcrefs);
	two = ADD_MODULE(&g, funcrefs);
	x = guest_export(one, 'x');
	t = guest_export(one, 't');
	GUEST_OK(&g, RUN(&g, one, 'r'));
	assert_ptr_equal(skiff_ref_to_func(g.results[0].of.ref), x.of.func);
	assert_ptr_equal(guest_export(one, 'x').of.func, x.of.func);
	assert_ptr_not_equal(guest_export(two, 'x').of.func, x.of.func);
	/* Another instance's function through a table. */
	EXPECT_TRAP("uninitialized_element", &g, two, 'c');
	arg.of.ref = skiff_ref_from_func(x.of.func);
	GUEST_OK(&g, guest_call(&g, guest_export(two, 's').of.func, &arg, 1));
	EXPECT(42, &g, two, 'c');
	assert_true(skiff_table_get(guest_export(two, 't').of.table, 0, &ref));
	assert_true(ref.word == arg.of.ref.word);
	assert_false(skiff_table_get(t.of.table, 1, &ref));
	assert_false(skiff_table_set(t.of.table, 1, ref));
	assert_false(skiff_table_set(t.of.table, 0, skiff_ref_from_host(3)));
	assert_true(skiff_table_set(t.of.table, 0,
				    skiff_ref_from_func(guest_export(two, 'r').of.func)));
	EXPECT_TRAP("indirect_call_type", &g, one, 'c');
	guest_close(&g);
}

/* A host function as a reference: in a table, called indirectly, found again. */
static void host_functions_as_references(void **state)
{
	struct counter counter = {.add = 5};
	struct skiff_instance *instance, *plain;
	struct skiff_extern a;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	assert_int_equal(offer(&g, "a", &counter), 0);
	plain = ADD_MODULE(&g, reexports_host);
	instance = ADD_MODULE(&g, funcrefs);
	a = guest_export(plain, 'a');
	assert_true(skiff_table_set(guest_export(instance, 't').of.table, 0,
				    skiff_ref_from_func(a.of.func)));
	EXPECT_TRAP("indirect_call_type", &g, instance, 'c');
	assert_ptr_equal(guest_export(ADD_MODULE(&g, reexports_host), 'a').of.func, a.of.func);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_is_freed_once),
		cmocka_unit_test(later_definition_replaces),
		cmocka_unit_test(refused_definition_keeps_environment),
		cmocka_unit_test(any_order_of_freeing),
		cmocka_unit_test(callbacks_that_break_rules),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(wrong_kinds_and_types),
		cmocka_unit_test(grown_items_fit),
		cmocka_unit_test(items_stay_in_their_store),
		cmocka_unit_test(host_functions_of_a_store),
		cmocka_unit_test(calls_of_another_store),
		cmocka_unit_test(functions_of_another_store),
		cmocka_unit_test(types_of_nobody),
		cmocka_unit_test(memory_shrunk_since_linked),
		cmocka_unit_test(wrong_arguments),
		cmocka_unit_test(impossible_items),
		cmocka_unit_test(odd_configurations),
		cmocka_unit_test(six_values_and_back),
		cmocka_unit_test(externrefs_round_trip),
		cmocka_unit_test(funcrefs_are_one),
		cmocka_unit_test(host_functions_as_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
