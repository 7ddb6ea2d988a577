/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_alloc_test.c: each constructor of the API when the 1st, the 2nd, the 3rd... allocation fails.
 *
 * Linked so that the engine's allocations come through here (meson.build, tests called *_alloc_test.c). Each
 * refusal must give a negative errno and a sentence, leave nothing behind (the sanitizer's build sees to that), and
 * leave what was there as it was: the next attempt succeeds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_refuse.h"
#include "engine/test_guest.h"

/* -- What is made -------------------------------------------------------------------------- */

/* table-like: a section a line. Something of everything; f traps. */
static const uint8_t module_bytes[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32)),
	SECTION(2, 2, IMPORT_FUNC('a', 1), IMPORT_FUNC('b', 0)), SECTION(3, 1, 0),
	SECTION(4, 1, FUNCREF, 0, 3), SECTION(5, 1, 0, 1), SECTION(6, 1, I32, 1, C32(7), END),
	SECTION(7, 1, EXPORT_FUNC('f', 2)), SECTION(9, 1, 0, C32(0), END, 2, 0, 2),
	SECTION(10, 1, BODY(0, C32(1), C32(0), DIV_S, END)),
	SECTION(11, 1, 0, C32(4), END, 2, 'o', 'k'))};

/* What a constructor works in, and what it made. */
struct world {
	struct guest g;
	struct skiff_engine *engine;
	struct skiff_module *module;
	struct skiff_store *store;
	struct skiff_linker *linker;
	struct skiff_prelinked *pre;
	struct skiff_func *func;
	int freed;
};

static int host(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		struct skiff_val *results)
{
	(void)env;
	(void)caller;
	(void)args;
	(void)results;
	return 0;
}

static void count_free(void *env)
{
	++*(int *)env;
}

static int define(struct world *w, const char *name, uint32_t params)
{
	struct skiff_functype type = guest_type(params, 1);

	return skiff_linker_func(w->g.linker, "h", name, &type, host, &w->freed, count_free,
				 &w->g.err);
}

/* A linker that offers what the module wants, the module, and it linked. */
static void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	guest_open(&w->g, NULL);
	GUEST_OK(&w->g, define(w, "a", 1));
	GUEST_OK(&w->g, define(w, "b", 0));
	GUEST_OK(&w->g, skiff_module_new(&w->module, w->g.engine, module_bytes,
					 sizeof(module_bytes), &w->g.err));
	GUEST_OK(&w->g, skiff_prelink(&w->pre, w->g.linker, w->module, &w->g.err));
}

static void world_close(struct world *w)
{
	skiff_prelinked_free(w->pre);
	skiff_module_free(w->module);
	guest_close(&w->g);
}

static int make_engine(struct world *w)
{
	int r = skiff_engine_new(&w->engine, NULL, &w->g.err);

	if (r == 0)
		skiff_engine_free(w->engine);
	return r;
}

static int make_module(struct world *w)
{
	struct skiff_module *module = NULL;
	int r = skiff_module_new(&module, w->g.engine, module_bytes, sizeof(module_bytes),
				 &w->g.err);

	assert_true((module != NULL) == (r == 0));
	skiff_module_free(module);
	return r;
}

static int make_store(struct world *w)
{
	struct skiff_store *store = NULL;
	int r = skiff_store_new(&store, w->g.engine, &w->g.err);

	assert_true((store != NULL) == (r == 0));
	skiff_store_free(store);
	return r;
}

static int make_linker(struct world *w)
{
	struct skiff_linker *linker = NULL;
	int r = skiff_linker_new(&linker, w->g.engine, &w->g.err);

	assert_true((linker != NULL) == (r == 0));
	skiff_linker_free(linker);
	return r;
}

/* A type and a name the engine has not seen; what is refused stays the caller's. */
static int make_linker_func(struct world *w)
{
	int r = define(w, "new", 7);

	assert_int_equal(w->freed, 0);
	return r;
}

static int make_func(struct world *w)
{
	struct skiff_functype type = guest_type(3, 2);
	struct skiff_func *func = NULL;
	int r = skiff_func_new(&func, w->g.store, &type, host, &w->freed, count_free, &w->g.err);

	assert_true((func != NULL) == (r == 0));
	assert_int_equal(w->freed, 0);
	return r;
}

static int make_prelinked(struct world *w)
{
	struct skiff_prelinked *pre = NULL;
	int r = skiff_prelink(&pre, w->g.linker, w->module, &w->g.err);

	assert_true((pre != NULL) == (r == 0));
	skiff_prelinked_free(pre);
	return r;
}

static int make_instance(struct world *w)
{
	struct skiff_instance *instance = NULL;
	int r = skiff_instance_new(&instance, w->g.store, w->pre, NULL, NULL, &w->g.err);

	assert_true((instance != NULL) == (r == 0));
	return r;
}

static int make_memory(struct world *w)
{
	struct skiff_limits limits = {.min = 1, .max = 2};
	struct skiff_memory *memory = NULL;

	return skiff_memory_new(&memory, w->g.store, &limits, &w->g.err);
}

static int make_table(struct world *w)
{
	struct skiff_limits limits = {.min = 5, .max = 9};
	struct skiff_table *table = NULL;

	return skiff_table_new(&table, w->g.store, SKIFF_EXTERNREF, &limits, skiff_ref_from_host(3),
			       &w->g.err);
}

static int make_global(struct world *w)
{
	struct skiff_global *global = NULL;

	return skiff_global_new(&global, w->g.store, true,
				(struct skiff_val){SKIFF_I64, {.i64 = 5}}, &w->g.err);
}

static int make_tag(struct world *w)
{
	struct skiff_functype type = guest_type(7, 0);
	struct skiff_tag *tag = NULL;

	return skiff_tag_new(&tag, w->g.store, &type, &w->g.err);
}

/* -- Refusing ------------------------------------------------------------------------------ */

typedef int make_fn(struct world *w);

static int make_refusing(make_fn *make, struct world *w, unsigned n)
{
	int r;

	w->g.err.text[0] = '\0';
	calls = 0;
	refuse_at = n;
	counting = true;
	r = make(w);
	counting = false;
	return r;
}

/* In a fresh world each time: what one attempt left in the engine would spare the next its allocation. */
static unsigned each_fails(make_fn *make)
{
	struct world w;
	unsigned n;

	for (n = 1;; n++) {
		int r;

		world_open(&w);
		r = make_refusing(make, &w, n);
		if (r != 0) {
			if (r >= 0 || w.g.err.text[0] == '\0')
				fail_msg("allocation %u refused: %d '%s'", n, r, w.g.err.text);
			/* Nothing is broken by it. */
			GUEST_OK(&w.g, make_refusing(make, &w, 0));
		}
		world_close(&w);
		if (r == 0)
			break;
	}
	assert_int_equal(calls, n - 1);
	return n - 1;
}

static void constructors(void **state)
{
	(void)state;
	assert_true(each_fails(make_engine) >= 1);
	assert_true(each_fails(make_module) >= 5);
	assert_true(each_fails(make_store) >= 1);
	assert_true(each_fails(make_linker) >= 1);
	assert_true(each_fails(make_linker_func) >= 2);
	assert_true(each_fails(make_func) >= 2);
	assert_true(each_fails(make_prelinked) >= 1);
	assert_true(each_fails(make_instance) >= 1);
	assert_true(each_fails(make_memory) >= 1);
	assert_true(each_fails(make_table) >= 2);
	assert_true(each_fails(make_global) >= 1);
	assert_true(each_fails(make_tag) >= 2);
}

/* More than 64 imports are gathered in memory of their own. */
static void many_imports(void **state)
{
	struct buf module = {0}, imports = {0};
	struct skiff_instance *instance = NULL;
	struct world w;

	(void)state;
	BYTES(&module, MODULE(SECTION(1, 1, FUNC_TYPE(0, 1, I32))));
	BYTES(&imports, 100);
	for (int i = 0; i < 100; i++)
		BYTES(&imports, IMPORT_FUNC('b', 0));
	bytes_section(&module, 2, &imports);
	world_open(&w);
	skiff_prelinked_free(w.pre);
	w.pre = guest_prelink(&w.g, module.data, module.size);
	buf_deinit(&module);
	for (unsigned n = 1;; n++) {
		int r = make_refusing(make_instance, &w, n);

		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
	}
	assert_int_equal(skiff_instance_new(&instance, w.g.store, w.pre, NULL, NULL, &w.g.err), 0);
	world_close(&w);
}

/* -- Calls --------------------------------------------------------------------------------- */

/* A trap is a trap, also when there is no memory to describe it in. */
static void a_trap_without_memory(void **state)
{
	struct skiff_instance *instance;
	struct skiff_trap *trap = NULL;
	struct skiff_val result;
	struct world w;
	int r;

	(void)state;
	world_open(&w);
	instance = guest_make(&w.g, w.pre);
	for (unsigned n = 1; n < 3; n++) {
		calls = 0;
		refuse_at = n;
		counting = true;
		r = skiff_call(w.g.store, guest_export(instance, 'f').of.func, NULL, 0, &result, 1,
			       &trap, NULL, &w.g.err);
		counting = false;
		assert_int_equal(r, SKIFF_TRAP);
		assert_string_equal(w.g.err.text, "integer divide by zero");
		assert_true((trap == NULL) == (n == 1));
		assert_int_equal(calls, 1);
	}
	assert_string_equal(skiff_trap_code(trap), "integer_divide_by_zero");
	skiff_trap_free(trap);
	world_close(&w);
}

/* Growth that finds no memory gives -1 or false, and changes nothing. */
static void growth_without_memory(void **state)
{
	struct skiff_limits limits = {.min = 2, .max = UINT64_MAX};
	struct skiff_ref one = skiff_ref_from_host(1), ref;
	struct skiff_table *table;
	struct guest g;
	uint64_t old = 7;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_table_new(&table, g.store, SKIFF_EXTERNREF, &limits, one, &g.err));
	calls = 0;
	refuse_at = 1;
	counting = true;
	assert_false(skiff_table_grow(table, 1000, one, &old));
	counting = false;
	assert_int_equal(old, 7);
	assert_int_equal(skiff_table_size(table), 2);
	assert_true(skiff_table_grow(table, 1000, one, &old));
	assert_true(skiff_table_get(table, 1001, &ref) && ref.word == one.word);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constructors),
		cmocka_unit_test(many_imports),
		cmocka_unit_test(a_trap_without_memory),
		cmocka_unit_test(growth_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
