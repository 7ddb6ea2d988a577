/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exceptions_test.c: exceptions between modules and the host: thrown at the end of a chain of calls that goes through
 * all of them, and caught at each place in it; what the host sees, throws and passes on. Each in both interpreters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/test_guest.h"

enum { THROWN = 40, UNCAUGHT = 60 };

#define I32_NE 0x47
#define TAGS(...) SECTION(13, __VA_ARGS__)

/* What a host function of a test works with. */
struct world {
	struct guest g;
	struct skiff_tag *tag;   /* (i32), offered as 'h' 't' */
	struct skiff_func *next; /* what the host calls */
	int seen;                /* exceptions the host met */
};

static void world_open(struct world *w, bool fuel)
{
	struct skiff_config config = {.size = sizeof(config), .fuel = fuel};
	struct skiff_functype type = guest_type(1, 0);
	struct skiff_extern item = {.kind = SKIFF_KIND_TAG};

	memset(w, 0, sizeof(*w));
	guest_open(&w->g, &config);
	skiff_store_set_fuel(w->g.store, 100000);
	GUEST_OK(&w->g, skiff_tag_new(&w->tag, w->g.store, &type, &w->g.err));
	item.of.tag = w->tag;
	GUEST_OK(&w->g, skiff_linker_extern(w->g.linker, "h", 1, "t", 1, item, &w->g.err));
}

/* Offer function 'h' 'n'. */
static void offer(struct world *w, struct skiff_extern item)
{
	GUEST_OK(&w->g, skiff_linker_extern(w->g.linker, "h", 1, "n", 1, item, &w->g.err));
}

static void offer_host(struct world *w, skiff_host_fn *fn, uint32_t params, uint32_t results)
{
	struct skiff_functype type = guest_type(params, results);

	guest_host(&w->g, "n", fn, w, &type);
}

/* Run a test in the interpreter that counts fuel and in the one that does not. */
#define BOTH(test)                                     \
	static void test(void **state)                 \
	{                                              \
		(void)state;                           \
		for (int fuel = 0; fuel < 2; fuel++) { \
			struct world w;                \
			world_open(&w, fuel != 0);     \
			test##_in(&w);                 \
			guest_close(&w.g);             \
		}                                      \
	}

/* -- Through everything ---------------------------------------------------------------------- */

/*
 * f(n, c): with n 0 throws THROWN + c; else goes on with n - 1 by calling 'n': where n is c with a handler that adds
 * n to what was thrown, elsewhere for good.
 */
#define CHAIN(...)                                                                             \
	MODULE(SECTION(1, 2, FUNC_TYPE(2, I32, I32, 1, I32), FUNC_TYPE(1, I32, 0)),            \
	       SECTION(2, 2, IMPORT_FUNC('n', 0), IMPORT_TAG('t', 1)), SECTION(3, 1, 0),       \
	       SECTION(7, 1, EXPORT_FUNC('f', 1)),                                             \
	       SECTION(10, 1,                                                                  \
		       BODY(0, GET(0), EQZ, IF(VOID), C32(THROWN), GET(1), ADD, THROW(0), END, \
			    GET(0), GET(1), I32_NE, IF(VOID), GET(0), C32(1), SUB, GET(1),     \
			    RETURN_CALL(0), END, __VA_ARGS__, END)))
#define GO_ON GET(0), C32(1), SUB, GET(1), CALL(0)
#define BY_TABLE BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(0, 0)), GO_ON, END, RETURN, END, GET(0), ADD
#define BY_TRY TRY(I32), GO_ON, CATCH(0), GET(0), ADD, END
#define BY_RETHROW TRY(I32), TRY(I32), GO_ON, CATCH_ALL, RETHROW(0), END, CATCH(0), GET(0), ADD, END
#define BY_DELEGATE TRY(I32), TRY(I32), GO_ON, DELEGATE(0), CATCH(0), GET(0), ADD, END
#define BY_REF                                                                                 \
	BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(0, 0)), BLOCK(EXNREF),                            \
		TRY_TABLE(I32, 1, ON_ALL_REF(0)), GO_ON, END, BR(2), END, THROW_REF, END, END, \
		GET(0), ADD

/* f(n, c) of the host's. */
static int host_hop(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		    struct skiff_val *results)
{
	struct world *w = env;
	struct skiff_val next[2] = {args[0], args[1]}, value;
	struct skiff_trap *trap = NULL;
	int outcome;

	next[0].of.i32--;
	outcome = skiff_call(w->g.store, w->next, next, 2, results, 1, &trap, NULL, NULL);
	skiff_trap_free(trap);
	if (outcome != SKIFF_EXCEPTION)
		return 0;
	w->seen++;
	assert_ptr_equal(skiff_store_exception(w->g.store, &value, 1), w->tag);
	assert_int_equal(value.of.i32, THROWN + args[1].of.i32);
	if (args[0].of.i32 != args[1].of.i32)
		return skiff_caller_rethrow(caller);
	results[0] = value;
	results[0].of.i32 += args[0].of.i32;
	return 0;
}

/* A calls B calls the host calls A calls B calls the host calls A, which throws. */
static void chain(struct world *w, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	struct skiff_instance *instance;
	struct skiff_val value;

	offer_host(w, host_hop, 2, 1);
	offer(w, guest_export(guest_add(&w->g, b, b_size), 'f'));
	instance = guest_add(&w->g, a, a_size);
	w->next = guest_export(instance, 'f').of.func;
	for (int c = 1; c <= 6; c++)
		EXPECT(THROWN + 2 * c, &w->g, instance, 'f', 6, (uint32_t)c);
	/* The host is hops 4 and 1: it met what 2 to 4 caught, twice what 5 and 6 did. */
	assert_int_equal(w->seen, 1 + 1 + 1 + 2 + 2 + 2);
	assert_int_equal(RUN(&w->g, instance, 'f', 6, UNCAUGHT), SKIFF_EXCEPTION);
	assert_ptr_equal(skiff_store_exception(w->g.store, &value, 1), w->tag);
	assert_int_equal(value.of.i32, THROWN + UNCAUGHT);
	/* Nothing is left of it. */
	EXPECT(THROWN + 2, &w->g, instance, 'f', 1, 1);
	assert_null(skiff_store_exception(w->g.store, NULL, 0));
}

static const uint8_t by_table[] = {CHAIN(BY_TABLE)};
static const uint8_t by_try[] = {CHAIN(BY_TRY)};
static const uint8_t by_rethrow[] = {CHAIN(BY_RETHROW)};
static const uint8_t by_delegate[] = {CHAIN(BY_DELEGATE)};
static const uint8_t by_ref[] = {CHAIN(BY_REF)};

#define BETWEEN(a, b)                                 \
	static void a##_##b##_in(struct world *w)     \
	{                                             \
		chain(w, a, sizeof(a), b, sizeof(b)); \
	}                                             \
	BOTH(a##_##b)
BETWEEN(by_table, by_table)
BETWEEN(by_try, by_rethrow)
BETWEEN(by_ref, by_delegate)
BETWEEN(by_delegate, by_ref)
BETWEEN(by_rethrow, by_table)

/* -- The host throws --------------------------------------------------------------------------- */

static int host_throw(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		      struct skiff_val *results)
{
	(void)results;
	return skiff_caller_throw(caller, ((struct world *)env)->tag, args, 1);
}

/* f(x): 'n'(x) in a try; g: leaves a try by 'n' for good; k: calls g in a try; all give what was thrown. */
static const uint8_t calls_host[] = {
	MODULE(SECTION(1, 2, FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(1, I32, 0)),
	       SECTION(2, 2, IMPORT_FUNC('n', 0), IMPORT_TAG('t', 1)), SECTION(3, 3, 0, 0, 0),
	       SECTION(7, 3, EXPORT_FUNC('f', 1), EXPORT_FUNC('g', 2), EXPORT_FUNC('k', 3)),
	       SECTION(10, 3,
		       BODY(0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(0, 0)), GET(0), CALL(0), END,
			    DROP, C32(1), END, END),
		       BODY(0, TRY(I32), GET(0), RETURN_CALL(0), CATCH(0), DROP, C32(1), END, END),
		       BODY(0, TRY(I32), GET(0), CALL(2), DROP, C32(1), CATCH(0), END, END)))};

static void host_throws_in(struct world *w)
{
	struct skiff_instance *instance;
	struct skiff_functype type = guest_type(1, 1);
	struct skiff_val arg = {.type = SKIFF_I32, .of.i32 = 9}, value;
	struct skiff_func *func;

	offer_host(w, host_throw, 1, 1);
	instance = ADD_MODULE(&w->g, calls_host);
	EXPECT(5, &w->g, instance, 'f', 5);
	EXPECT(6, &w->g, instance, 'k', 6);
	assert_int_equal(RUN(&w->g, instance, 'g', 7), SKIFF_EXCEPTION);
	/* And with no guest at all. */
	GUEST_OK(&w->g, skiff_func_new(&func, w->g.store, &type, host_throw, w, NULL, &w->g.err));
	assert_int_equal(guest_call(&w->g, func, &arg, 1), SKIFF_EXCEPTION);
	assert_ptr_equal(skiff_store_exception(w->g.store, &value, 1), w->tag);
	assert_int_equal(value.of.i32, 9);
	assert_int_equal(skiff_trap_depth(w->g.trap), 0);
}
BOTH(host_throws)

static int host_throw_wrong(void *env, struct skiff_caller *caller, const struct skiff_val *args,
			    struct skiff_val *results)
{
	struct skiff_val wide = {.type = SKIFF_I64};
	struct world *w = env;

	(void)results;
	switch (args[0].of.i32) {
	case 0:
		return skiff_caller_throw(caller, w->tag, args, 0);
	case 1:
		return skiff_caller_throw(caller, w->tag, &wide, 1);
	case 2:
		return skiff_caller_rethrow(caller);
	}
	return SKIFF_EXCEPTION; /* not asked for */
}

/* It cannot be caught: it is the host's mistake, not an exception. */
static void host_throws_wrong_in(struct world *w)
{
	static const char *const reasons[] = {"threw 0 values; its tag has 1", "is no i32",
					      "threw nothing", "returned an unknown code"};
	struct skiff_instance *instance;

	offer_host(w, host_throw_wrong, 1, 1);
	instance = ADD_MODULE(&w->g, calls_host);
	for (uint32_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		EXPECT_TRAP("host", &w->g, instance, 'f', i);
		if (strstr(skiff_trap_text(w->g.trap), reasons[i]) == NULL)
			fail_msg("%s", skiff_trap_text(w->g.trap));
	}
}
BOTH(host_throws_wrong)

/* -- Nobody catches ---------------------------------------------------------------------------- */

/* Tag 0 'oops' (i32 i64), tag 1 (); f(x) throws the first from two frames up, g the second. */
static const uint8_t throws[] = {MODULE(
	SECTION(1, 3, FUNC_TYPE(1, I32, 0), FUNC_TYPE(2, I32, I64, 0), FUNC_TYPE(0, 0)),
	SECTION(3, 3, 0, 0, 2), TAGS(2, 0, 1, 0, 2),
	SECTION(7, 3, EXPORT_FUNC('f', 1), EXPORT_FUNC('g', 2), 4, 'o', 'o', 'p', 0x1b, 4, 0),
	SECTION(10, 3, BODY(0, GET(0), C64(5), THROW(0), END), BODY(0, GET(0), CALL(0), END),
		BODY(0, THROW(1), END)))};

static void uncaught_in(struct world *w)
{
	struct skiff_instance *instance = ADD_MODULE(&w->g, throws);
	struct skiff_val values[3] = {{.type = 0}};
	struct skiff_extern tag = {.kind = SKIFF_KIND_TAG};
	struct skiff_externtype type;
	struct skiff_frame frame;

	assert_int_equal(RUN(&w->g, instance, 'f', 0xffffffff), SKIFF_EXCEPTION);
	assert_string_equal(w->g.err.text, "uncaught exception: tag 0 'oop?', with i32 -1 i64 5");
	assert_string_equal(skiff_trap_text(w->g.trap), w->g.err.text);
	assert_string_equal(skiff_trap_code(w->g.trap), "exception");
	assert_int_equal(skiff_trap_depth(w->g.trap), 2);
	assert_true(skiff_trap_frame(w->g.trap, 0, &frame));
	assert_int_equal(frame.index, 0);
	assert_true(skiff_trap_frame(w->g.trap, 1, &frame));
	assert_int_equal(frame.index, 1);
	tag.of.tag = skiff_store_exception(w->g.store, values, 3);
	assert_non_null(tag.of.tag);
	assert_int_equal(values[0].type, SKIFF_I32);
	assert_int_equal(values[1].of.i64, 5);
	assert_int_equal(values[2].type, 0);
	skiff_extern_type(tag, &type);
	assert_int_equal(type.func.param_count, 2);
	assert_int_equal(type.func.params[1], SKIFF_I64);
	assert_int_equal(RUN(&w->g, instance, 'g'), SKIFF_EXCEPTION);
	assert_string_equal(w->g.err.text, "uncaught exception: tag 1");
}
BOTH(uncaught)

static void start_throws_in(struct world *w)
{
	static const uint8_t bytes[] = {MODULE(SECTION(1, 2, FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 0)),
					       SECTION(2, 1, IMPORT_TAG('t', 1)), SECTION(3, 1, 0),
					       SECTION(8, 0),
					       SECTION(10, 1, BODY(0, C32(3), THROW(0), END)))};
	struct skiff_prelinked *pre = PRELINK(&w->g, bytes);
	struct skiff_instance *instance = NULL;

	assert_int_equal(guest_try(&w->g, pre, &instance), SKIFF_EXCEPTION);
	assert_string_equal(w->g.err.text, "uncaught exception: a tag of the host, with i32 3");
	assert_null(instance);
	skiff_prelinked_free(pre);
}
BOTH(start_throws)

/* -- Tags and references ----------------------------------------------------------------------- */

/* Imports 't' and defines one like it, 'u'; f catches what 'n' throws: 1 by 't', 2 by 'u', 3 by neither. */
static const uint8_t tells_tags[] = {
	MODULE(SECTION(1, 2, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 0)),
	       SECTION(2, 2, IMPORT_FUNC('n', 1), IMPORT_TAG('t', 1)), SECTION(3, 1, 0),
	       TAGS(1, 0, 1), SECTION(7, 2, EXPORT_FUNC('f', 1), EXPORT_TAG('u', 1)),
	       SECTION(10, 1,
		       BODY(0, TRY(I32), C32(0), CALL(0), C32(0), CATCH(1), DROP, C32(2), CATCH(0),
			    DROP, C32(1), CATCH_ALL, C32(3), END, END)))};

static void tags_are_not_types_in(struct world *w)
{
	struct skiff_functype type = guest_type(1, 0);
	struct skiff_instance *instance;

	offer_host(w, host_throw, 1, 0);
	instance = ADD_MODULE(&w->g, tells_tags);
	EXPECT(1, &w->g, instance, 'f');
	w->tag = guest_export(instance, 'u').of.tag;
	EXPECT(2, &w->g, instance, 'f');
	GUEST_OK(&w->g, skiff_tag_new(&w->tag, w->g.store, &type, &w->g.err));
	EXPECT(3, &w->g, instance, 'f');
}
BOTH(tags_are_not_types)

/* Gives back the exception it gets; but a function if told so. */
static int host_echo(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		     struct skiff_val *results)
{
	struct world *w = env;

	(void)caller;
	assert_null(skiff_ref_to_func(args[0].of.ref));
	results[0] = args[0];
	if (w->next != NULL)
		results[0].of.ref = skiff_ref_from_func(w->next);
	return 0;
}

/* f: an exception goes to the host and back, is thrown again and caught by its tag. */
static const uint8_t echoes[] = {MODULE(
	SECTION(1, 3, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, EXNREF, 1, EXNREF), FUNC_TYPE(1, I32, 0)),
	SECTION(2, 2, IMPORT_FUNC('n', 1), IMPORT_TAG('t', 2)), SECTION(3, 1, 0),
	SECTION(7, 1, EXPORT_FUNC('f', 1)),
	SECTION(10, 1,
		BODY(0, TRY(I32), BLOCK(EXNREF), TRY_TABLE(VOID, 1, ON_ALL_REF(0)), C32(7),
		     THROW(0), END, UNREACHABLE, END, CALL(0), THROW_REF, CATCH(0), END, END)))};

static void references_in(struct world *w)
{
	static const uint32_t exnref[] = {SKIFF_EXNREF};
	const struct skiff_functype type = {exnref, exnref, 1, 1};
	struct skiff_instance *instance;

	guest_host(&w->g, "n", host_echo, w, &type);
	instance = ADD_MODULE(&w->g, echoes);
	EXPECT(7, &w->g, instance, 'f');
	w->next = guest_export(instance, 'f').of.func;
	EXPECT_TRAP("host", &w->g, instance, 'f');
}
BOTH(references)

static void tags_of_hosts_in(struct world *w)
{
	static const uint32_t bad[] = {SKIFF_REF | 3 << 8};
	const struct skiff_functype indexed = {bad, NULL, 1, 0}, results = guest_type(1, 1);
	struct skiff_tag *tag = NULL;

	assert_int_equal(skiff_tag_new(&tag, w->g.store, &indexed, &w->g.err), SKIFF_MISUSE);
	assert_int_equal(skiff_tag_new(&tag, w->g.store, &results, &w->g.err), SKIFF_MISUSE);
	assert_null(tag);
}
BOTH(tags_of_hosts)

/* -- Stopping ---------------------------------------------------------------------------------- */

static int host_interrupt(void *env, struct skiff_caller *caller, const struct skiff_val *args,
			  struct skiff_val *results)
{
	(void)caller;
	(void)args;
	(void)results;
	skiff_store_interrupt(((struct world *)env)->g.store);
	return 0;
}

/* A loop that only a catch closes ends where a branch would. */
static void loops_stop_in(struct world *w)
{
	static const uint8_t bytes[] = {
		MODULE(SECTION(1, 2, FUNC_TYPE(1, I32, 0), FUNC_TYPE(0, 0)),
		       SECTION(2, 2, IMPORT_FUNC('n', 1), IMPORT_TAG('t', 0)), SECTION(3, 1, 1),
		       SECTION(7, 1, EXPORT_FUNC('f', 1)),
		       SECTION(10, 1,
			       BODY(0, LOOP(VOID), TRY_TABLE(VOID, 1, ON_ALL(0)), CALL(0), C32(1),
				    THROW(0), END, END, END)))};

	offer_host(w, host_interrupt, 0, 0);
	EXPECT_TRAP("interrupted", &w->g, ADD_MODULE(&w->g, bytes), 'f');
}
BOTH(loops_stop)

/* So does the search for who catches; the exception is gone then. */
static void searches_stop_in(struct world *w)
{
	static const uint8_t bytes[] = {
		MODULE(SECTION(1, 2, FUNC_TYPE(1, I32, 0), FUNC_TYPE(0, 0)),
		       SECTION(2, 2, IMPORT_FUNC('n', 1), IMPORT_TAG('t', 0)), SECTION(3, 2, 1, 1),
		       SECTION(7, 2, EXPORT_FUNC('f', 1), EXPORT_FUNC('g', 2)),
		       SECTION(10, 2, BODY(0, CALL(0), C32(1), THROW(0), END),
			       BODY(0, C32(1), THROW(0), END)))};
	struct skiff_instance *instance;

	offer_host(w, host_interrupt, 0, 0);
	instance = ADD_MODULE(&w->g, bytes);
	EXPECT_TRAP("interrupted", &w->g, instance, 'f');
	assert_null(skiff_store_exception(w->g.store, NULL, 0));
	assert_int_equal(RUN(&w->g, instance, 'g'), SKIFF_EXCEPTION);
}
BOTH(searches_stop)

/* Its tag goes with the instance. */
static void freed_with_an_exception_in(struct world *w)
{
	struct skiff_instance *instance = ADD_MODULE(&w->g, throws);

	assert_int_equal(RUN(&w->g, instance, 'f', 1), SKIFF_EXCEPTION);
	assert_non_null(skiff_store_exception(w->g.store, NULL, 0));
	skiff_instance_free(instance);
	assert_null(skiff_store_exception(w->g.store, NULL, 0));
}
BOTH(freed_with_an_exception)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_table_by_table),
		cmocka_unit_test(by_try_by_rethrow),
		cmocka_unit_test(by_ref_by_delegate),
		cmocka_unit_test(by_delegate_by_ref),
		cmocka_unit_test(by_rethrow_by_table),
		cmocka_unit_test(host_throws),
		cmocka_unit_test(host_throws_wrong),
		cmocka_unit_test(uncaught),
		cmocka_unit_test(start_throws),
		cmocka_unit_test(tags_are_not_types),
		cmocka_unit_test(references),
		cmocka_unit_test(tags_of_hosts),
		cmocka_unit_test(loops_stop),
		cmocka_unit_test(searches_stop),
		cmocka_unit_test(freed_with_an_exception),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
