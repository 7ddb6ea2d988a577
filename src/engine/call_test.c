/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_test.c: how calls end. Traps and the frames they name, host and guest calling each other in turns, exits
 * through all of them, start functions, tail calls of every kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/test_guest.h"

/* -- Calling back -------------------------------------------------------------------------- */

/* What the host function 'b' does: call back export `letter` of `instance` with the argument less one. */
struct back {
	struct guest *g;
	struct skiff_instance *instance;
	char letter;
	int outcome; /* of the innermost such call */
	int calls;
	bool swallow; /* go on after what ended the inner call */
	bool pass_exit; /* end by the code the inner call ended with */
	char inner_text[128];
};

static int after_inner(struct back *back, struct skiff_caller *caller, int outcome, int exit_code,
		       struct skiff_val *results)
{
	if (outcome == 0)
		return 0;
	if (back->swallow) {
		results[0].of.i32 = 1000 + (uint32_t)outcome;
		return 0;
	}
	if (outcome == SKIFF_EXIT && back->pass_exit)
		return skiff_caller_exit(caller, exit_code + 1);
	return skiff_caller_trap(caller, "the inner call failed");
}

static int call_back(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		     struct skiff_val *results)
{
	struct back *back = env;
	struct skiff_val arg = {.type = SKIFF_I32, .of.i32 = args[0].of.i32 - 1};
	struct skiff_trap *trap = NULL;
	int exit_code = 0, outcome;

	back->calls++;
	outcome = skiff_call(skiff_caller_store(caller),
			     guest_export(back->instance, back->letter).of.func, &arg, 1, results,
			     1, &trap, &exit_code, &back->g->err);
	back->outcome = outcome;
	if (trap != NULL)
		snprintf(back->inner_text, sizeof(back->inner_text), "%s", skiff_trap_code(trap));
	skiff_trap_free(trap);
	return after_inner(back, caller, outcome, exit_code, results);
}

static int exits(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		 struct skiff_val *results)
{
	(void)env;
	(void)results;
	return skiff_caller_exit(caller, (int)args[0].of.i32);
}

static int traps(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		 struct skiff_val *results)
{
	(void)env;
	(void)args;
	(void)results;
	return skiff_caller_trap(caller, "the host has had enough");
}

/*
 * f(n): 1 / n. d(n): n = 0: 100 / f(0), else 3 + d(n - 1). x(n): n = 0: h.x(21), else h.b(n) + 1. h(n): n = 0:
 * 100 / f(0), else h.b(n) + 1. t(n): h.t(n). Named m: div, deep, exit, half, trap.
 */
static const uint8_t calls[] = {
	MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)),
	       SECTION(2, 3, IMPORT_FUNC('b', 0), IMPORT_FUNC('x', 0), IMPORT_FUNC('t', 0)),
	       SECTION(3, 5, 0, 0, 0, 0, 0),
	       SECTION(7, 5, EXPORT_FUNC('f', 3), EXPORT_FUNC('d', 4), EXPORT_FUNC('x', 5),
		       EXPORT_FUNC('h', 6), EXPORT_FUNC('t', 7)),
	       LONG_SECTION(10, 5, BODY(0, C32(1), GET(0), DIV_S, END),
			    BODY(0, GET(0), EQZ, IF(I32), C32(33), GET(0), CALL(3), DIV_S, ELSE,
				 C32(3), GET(0), C32(1), SUB, CALL(4), ADD, END, END),
			    BODY(0, GET(0), EQZ, IF(I32), C32(21), CALL(1), ELSE, GET(0), CALL(0),
				 C32(1), ADD, END, END),
			    BODY(0, GET(0), EQZ, IF(I32), C32(33), GET(0), CALL(3), DIV_S, ELSE,
				 GET(0), CALL(0), C32(1), ADD, END, END),
			    BODY(0, GET(0), CALL(2), END)),
	       SECTION(0, 4, 'n', 'a', 'm', 'e', 0, 2, 1, 'm', 1, 30, 5, 3, 3, 'd', 'i', 'v', 4, 4,
		       'd', 'e', 'e', 'p', 5, 4, 'e', 'x', 'i', 't', 6, 4, 'h', 'a', 'l', 'f', 7, 4,
		       't', 'r', 'a', 'p'))};

static struct skiff_instance *open_calls(struct guest *g, struct back *back, char letter)
{
	struct skiff_functype type = guest_type(1, 1);

	guest_open(g, NULL);
	*back = (struct back){.g = g, .letter = letter};
	guest_host(g, "b", call_back, back, &type);
	guest_host(g, "x", exits, NULL, &type);
	guest_host(g, "t", traps, NULL, &type);
	back->instance = ADD_MODULE(g, calls);
	return back->instance;
}

/* Where these bytes are in the module; they are there once. */
static size_t place(const uint8_t *bytes, size_t size, const uint8_t *wanted, size_t wanted_size)
{
	const uint8_t *at = memmem(bytes, size, wanted, wanted_size);

	assert_non_null(at);
	assert_null(memmem(at + 1, size - (size_t)(at + 1 - bytes), wanted, wanted_size));
	return (size_t)(at - bytes);
}
#define PLACE(module, ...)                                            \
	place(module, sizeof(module), (const uint8_t[]){__VA_ARGS__}, \
	      sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_frame(struct guest *g, uint32_t i, const char *name, uint32_t index,
			 size_t offset)
{
	struct skiff_frame frame;

	assert_true(skiff_trap_frame(g->trap, i, &frame));
	assert_int_equal(frame.function.size, strlen(name));
	assert_memory_equal(frame.function.bytes, name, strlen(name));
	if (*name != '\0') {
		assert_int_equal(frame.index, index);
		assert_int_equal(frame.module.size, 1);
		assert_int_equal(frame.module.bytes[0], 'm');
	}
	assert_int_equal(frame.offset, offset);
}

#define AT_DIVISION (PLACE(calls, C32(1), GET(0), DIV_S) + 4)
#define AT_DEEP (PLACE(calls, SUB, CALL(4), ADD) + 1)
#define AT_HALF \
	(PLACE(calls, GET(0), CALL(0), C32(1), ADD, END, END, BODY(0, GET(0), CALL(2), END)) + 2)

static void frames_of_a_trap(void **state)
{
	struct skiff_frame frame;
	struct back back;
	struct guest g;
	size_t bottom;

	(void)state;
	open_calls(&g, &back, 'f');
	bottom = PLACE(calls, SUB, CALL(4), ADD) - 13;
	EXPECT_TRAP("integer_divide_by_zero", &g, back.instance, 'd', 2);
	assert_string_equal(skiff_trap_text(g.trap), "integer divide by zero");
	assert_string_equal(g.err.text, "integer divide by zero");
	assert_int_equal(skiff_trap_depth(g.trap), 4);
	assert_frame(&g, 0, "div", 3, AT_DIVISION);
	assert_true(skiff_trap_frame(g.trap, 1, &frame));
	assert_int_equal(calls[frame.offset], 0x10);
	assert_in_range(frame.offset, bottom - 4, bottom + 4);
	assert_frame(&g, 2, "deep", 4, AT_DEEP);
	assert_frame(&g, 3, "deep", 4, AT_DEEP);
	assert_false(skiff_trap_frame(g.trap, 4, &frame));
	guest_close(&g);
}

static void frames_of_the_host_between(void **state)
{
	struct back back;
	struct guest g;

	(void)state;
	open_calls(&g, &back, 'f');
	/* half -> h.b -> half -> h.b: the host's own trap, seen with both its frames. */
	back.letter = 't';
	EXPECT_TRAP("host", &g, back.instance, 'h', 2);
	assert_string_equal(skiff_trap_text(g.trap), "the inner call failed");
	assert_string_equal(back.inner_text, "host");
	assert_int_equal(skiff_trap_depth(g.trap), 2);
	assert_frame(&g, 0, "", 0, 0);
	assert_frame(&g, 1, "half", 6, AT_HALF);
	/* The inner trap saw the frames of all levels. */
	back.letter = 'h';
	EXPECT_TRAP("host", &g, back.instance, 'h', 3);
	assert_int_equal(back.calls, 4);
	guest_close(&g);
}

static struct skiff_trap *inner_trap;

static int keep_trap(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		     struct skiff_val *results)
{
	struct back *back = env;
	struct skiff_val arg = {.type = SKIFF_I32};

	(void)args;
	assert_int_equal(skiff_call(skiff_caller_store(caller),
				    guest_export(back->instance, 'd').of.func, &arg, 1, results, 1,
				    &inner_trap, NULL, &back->g->err),
			 SKIFF_TRAP);
	results[0].of.i32 = 5;
	return 0;
}

/* A trap in an inner call shows the frames outside of it; the outer call goes on. */
static void inner_traps_show_all_levels(void **state)
{
	struct skiff_functype type = guest_type(1, 1);
	struct back back;
	struct guest g;

	(void)state;
	open_calls(&g, &back, 'f');
	guest_host(&g, "b", keep_trap, &back, &type);
	back.instance = ADD_MODULE(&g, calls);
	EXPECT(6, &g, back.instance, 'h', 1);
	g.trap = inner_trap;
	assert_int_equal(skiff_trap_depth(g.trap), 4);
	assert_frame(&g, 0, "div", 3, AT_DIVISION);
	assert_frame(&g, 2, "", 0, 0);
	assert_frame(&g, 3, "half", 6, AT_HALF);
	guest_close(&g);
}

static void only_innermost_frames_are_kept(void **state)
{
	struct skiff_frame frame;
	struct back back;
	struct guest g;

	(void)state;
	open_calls(&g, &back, 'f');
	EXPECT_TRAP("integer_divide_by_zero", &g, back.instance, 'd', 998);
	assert_int_equal(skiff_trap_depth(g.trap), 1000);
	assert_frame(&g, 63, "deep", 4, AT_DEEP);
	assert_false(skiff_trap_frame(g.trap, 64, &frame));
	EXPECT_TRAP("stack_exhausted", &g, back.instance, 'd', 1000000);
	assert_string_equal(skiff_trap_text(g.trap), "call stack exhausted");
	assert_true(skiff_trap_depth(g.trap) > 1000);
	EXPECT(1, &g, back.instance, 'f', 1);
	guest_close(&g);
}

static void host_and_guest_in_turns(void **state)
{
	struct back back;
	struct guest g;

	(void)state;
	open_calls(&g, &back, 'h');
	/* Each level swallows nothing; the innermost call divides by zero. */
	back.swallow = true;
	EXPECT(1000 + SKIFF_TRAP + 5, &g, back.instance, 'h', 5);
	assert_int_equal(back.calls, 5);
	assert_string_equal(back.inner_text, "integer_divide_by_zero");
	/* Many levels; too many end by a trap that the host can catch, in bounded stack. */
	EXPECT(1000 + SKIFF_TRAP + 50, &g, back.instance, 'h', 50);
	back.calls = 0;
	GUEST_OK(&g, RUN(&g, back.instance, 'h', 1000000));
	assert_true(back.calls > 100);
	assert_string_equal(back.inner_text, "stack_exhausted");
	EXPECT(1, &g, back.instance, 'f', 1);
	guest_close(&g);
}

static void exit_through_levels(void **state)
{
	struct back back;
	struct guest g;

	(void)state;
	open_calls(&g, &back, 'x');
	assert_int_equal(RUN(&g, back.instance, 'x', 0), SKIFF_EXIT);
	assert_int_equal(g.exit_code, 21);
	assert_null(g.trap);
	assert_string_equal(g.err.text, "the guest exited with code 21");
	/* Four levels, each adds one. */
	back.pass_exit = true;
	assert_int_equal(RUN(&g, back.instance, 'x', 4), SKIFF_EXIT);
	assert_int_equal(g.exit_code, 25);
	assert_int_equal(back.calls, 4);
	/* A level may also go on. */
	back.swallow = true;
	EXPECT(1000 + SKIFF_EXIT + 2, &g, back.instance, 'x', 2);
	EXPECT(1, &g, back.instance, 'f', 1);
	guest_close(&g);
}

/* A memory of its own, seen by the host as the caller's; 'm' is called directly, 't' by a tail call. */
static int read_byte(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		     struct skiff_val *results)
{
	struct skiff_memory *memory = skiff_caller_memory(caller);

	(void)env;
	results[0].of.i32 = memory != NULL ? skiff_memory_data(memory)[args[0].of.i32] : 999;
	return 0;
}

static const uint8_t with_memory[] = {
	MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)), SECTION(2, 1, IMPORT_FUNC('r', 0)),
	       SECTION(3, 2, 0, 0), SECTION(5, 1, 0, 1),
	       SECTION(7, 2, EXPORT_FUNC('m', 1), EXPORT_FUNC('t', 2)),
	       SECTION(10, 2, BODY(0, GET(0), CALL(0), END), BODY(0, GET(0), RETURN_CALL(0), END)),
	       SECTION(11, 1, 0, C32(5), END, 1, 'M'))};
/* Calls the other module's m and t; has another memory. */
static const uint8_t with_other_memory[] = {
	MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)),
	       SECTION(2, 2, IMPORT_FUNC('m', 0), IMPORT_FUNC('t', 0)), SECTION(3, 2, 0, 0),
	       SECTION(5, 1, 0, 1), SECTION(7, 2, EXPORT_FUNC('m', 2), EXPORT_FUNC('t', 3)),
	       SECTION(10, 2, BODY(0, GET(0), CALL(0), END), BODY(0, GET(0), CALL(1), END)),
	       SECTION(11, 1, 0, C32(5), END, 1, 'O'))};

static void open_memories(struct guest *g, struct skiff_instance **inner,
			  struct skiff_instance **outer)
{
	struct skiff_functype type = guest_type(1, 1);

	guest_open(g, NULL);
	guest_host(g, "r", read_byte, NULL, &type);
	*inner = ADD_MODULE(g, with_memory);
	GUEST_OK(g, skiff_linker_instance(g->linker, "h", 1, *inner, &g->err));
	*outer = ADD_MODULE(g, with_other_memory);
}

static void callers_memory(void **state)
{
	struct skiff_instance *inner, *outer;
	struct guest g;

	(void)state;
	open_memories(&g, &inner, &outer);
	EXPECT('M', &g, inner, 'm', 5);
	EXPECT('M', &g, outer, 'm', 5);
	guest_close(&g);
}

/* The module that tail-calls is the caller, though its frame is gone. */
static void callers_memory_after_a_tail_call(void **state)
{
	struct skiff_instance *inner, *outer;
	struct guest g;

	(void)state;
	open_memories(&g, &inner, &outer);
	EXPECT('M', &g, inner, 't', 5);
	EXPECT('M', &g, outer, 't', 5);
	guest_close(&g);
}

/* -- Start functions ----------------------------------------------------------------------- */

/* Global 0 becomes 9, then h.x(3) or h.t(3). */
#define STARTS(letter)                                                                   \
	MODULE(SECTION(1, 2, FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(0, 0)),                \
	       SECTION(2, 1, IMPORT_FUNC(letter, 0)), SECTION(3, 1, 1),                  \
	       SECTION(6, 1, I32, 1, C32(1), END), SECTION(7, 1, EXPORT_GLOBAL('g', 0)), \
	       SECTION(8, 1),                                                            \
	       SECTION(10, 1, BODY(0, C32(9), GLOBAL_SET(0), C32(3), CALL(0), DROP, END)))
static const uint8_t start_exits[] = {STARTS('x')};
static const uint8_t start_traps[] = {STARTS('t')};
static const uint8_t start_fine[] = {MODULE(SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(3, 1, 0),
					    SECTION(6, 1, I32, 1, C32(1), END),
					    SECTION(7, 1, EXPORT_GLOBAL('g', 0)), SECTION(8, 0),
					    SECTION(10, 1, BODY(0, C32(9), GLOBAL_SET(0), END)))};

static void start_functions(void **state)
{
	struct skiff_instance *in = NULL;
	struct skiff_prelinked *pre;
	struct back back;
	struct guest g;

	(void)state;
	open_calls(&g, &back, 'f');
	pre = PRELINK(&g, start_exits);
	assert_int_equal(guest_try(&g, pre, &in), SKIFF_EXIT);
	assert_int_equal(g.exit_code, 3);
	skiff_prelinked_free(pre);
	pre = PRELINK(&g, start_traps);
	assert_int_equal(guest_try(&g, pre, &in), SKIFF_TRAP);
	assert_string_equal(skiff_trap_text(g.trap), "the host has had enough");
	assert_int_equal(skiff_trap_depth(g.trap), 2);
	skiff_prelinked_free(pre);
	assert_null(in);
	in = ADD_MODULE(&g, start_fine);
	assert_int_equal(skiff_global_get(guest_export(in, 'g').of.global).of.i32, 9);
	/* A reset goes back to before the start function. */
	GUEST_OK(&g, skiff_instance_reset(in, &g.err));
	assert_int_equal(skiff_global_get(guest_export(in, 'g').of.global).of.i32, 1);
	guest_close(&g);
}

/* -- Tail calls ---------------------------------------------------------------------------- */

/*
 * e(n), o(n): is n even; each asks the other of n - 1 by a tail call: direct, indirect (table entry 1), by
 * reference. m(n): the same through w(n, 8 more), which has more parameters and a v128 of its own, and returns the
 * sum of them when n is 0. h(n): tail-calls the host.
 */
#define ZERO(...) GET(0), EQZ, IF(VOID), __VA_ARGS__, RETURN, END
#define LESS GET(0), C32(1), SUB
static const uint8_t tails[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(1, I32, 1, I32),
		FUNC_TYPE(9, I32, I32, I32, I32, I32, I32, I32, I32, I32, 1, I32)),
	SECTION(2, 1, IMPORT_FUNC('x', 0)), SECTION(3, 8, 0, 0, 0, 0, 0, 0, 0, 1),
	SECTION(4, 1, FUNCREF, 0, 2),
	SECTION(7, 6, EXPORT_FUNC('e', 1), EXPORT_FUNC('i', 3), EXPORT_FUNC('r', 5),
		EXPORT_FUNC('m', 7), EXPORT_FUNC('h', 6), EXPORT_TABLE('t', 0)),
	SECTION(9, 2, 0, C32(1), END, 1, 4, 3, 0, 2, 5, 6),
	LONG_SECTION(10, 8, BODY(0, ZERO(C32(1)), LESS, RETURN_CALL(2), END),
		     BODY(0, ZERO(C32(0)), LESS, RETURN_CALL(1), END),
		     BODY(0, ZERO(C32(1)), LESS, C32(1), RETURN_CALL_INDIRECT(0, 0), END),
		     BODY(0, ZERO(C32(0)), LESS, RETURN_CALL(3), END),
		     BODY(0, ZERO(C32(1)), LESS, REF_FUNC(5), RETURN_CALL_REF(0), END),
		     BODY(0, GET(0), RETURN_CALL(0), END),
		     BODY(0, ZERO(C32(7)), LESS, C32(1), C32(2), C32(3), C32(4), C32(5), C32(6),
			  C32(7), C32(8), RETURN_CALL(8), END),
		     BODY(2, 1, V128, 3, I64, ZERO(GET(1), GET(2), ADD, GET(3), ADD, GET(8), ADD),
			  LESS, RETURN_CALL(7), END)))};

static void tail_calls_take_no_stack(void **state)
{
	struct back back;
	struct guest g;
	struct skiff_instance *in;

	(void)state;
	open_calls(&g, &back, 'f');
	in = ADD_MODULE(&g, tails);
	for (uint32_t n = 1000000; n < 1000002; n++) {
		EXPECT(n % 2 == 0, &g, in, 'e', n);
		EXPECT(n % 2 == 0, &g, in, 'i', n);
		EXPECT(1, &g, in, 'r', n);
		EXPECT(n % 2 == 0 ? 7 : 14, &g, in, 'm', n);
	}
	guest_close(&g);
}

static void tail_calls_of_the_host(void **state)
{
	struct skiff_functype type = guest_type(1, 1);
	struct back back;
	struct guest g;
	struct skiff_instance *in;

	(void)state;
	open_calls(&g, &back, 'f');
	assert_int_equal(RUN(&g, ADD_MODULE(&g, tails), 'h', 17), SKIFF_EXIT);
	assert_int_equal(g.exit_code, 17);
	guest_host(&g, "x", call_back, &back, &type);
	in = ADD_MODULE(&g, tails);
	EXPECT(1, &g, in, 'h', 2);
	EXPECT_TRAP("host", &g, in, 'h', 1);
	assert_int_equal(skiff_trap_depth(g.trap), 1);
	guest_close(&g);
}

/* One module tail-calls the other, whose memory and functions are its own. */
static const uint8_t tails_out[] = {
	MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)), SECTION(2, 1, IMPORT_FUNC('m', 0)),
	       SECTION(3, 3, 0, 0, 0), SECTION(5, 1, 0, 1),
	       SECTION(7, 2, EXPORT_FUNC('f', 1), EXPORT_FUNC('g', 3)),
	       SECTION(10, 3, BODY(0, GET(0), RETURN_CALL(0), END),
		       BODY(0, GET(0), C32(11), STORE8, GET(0), CALL(1), GET(0), LOAD8, ADD, END),
		       BODY(0, GET(0), CALL(2), C32(1), ADD, END)))};
static const uint8_t loads[] = {MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)), SECTION(3, 1, 0),
				       SECTION(5, 1, 0, 1), SECTION(7, 1, EXPORT_FUNC('m', 0)),
				       SECTION(10, 1, BODY(0, GET(0), LOAD8, END)),
				       SECTION(11, 1, 0, C32(5), END, 1, 50))};

static void tail_calls_between_instances(void **state)
{
	struct skiff_instance *in;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_linker_instance(g.linker, "h", 1, ADD_MODULE(&g, loads), &g.err));
	in = ADD_MODULE(&g, tails_out);
	EXPECT(50, &g, in, 'f', 5);
	EXPECT(62, &g, in, 'g', 5);
	guest_close(&g);
}

/*
 * f tail-calls a function with ten parameters and so many locals that the stack has no room for it: the
 * arguments lie where f's record was.
 */
static const uint8_t too_large[] = {
	MODULE(SECTION(1, 2, FUNC_TYPE(0, 0),
		       FUNC_TYPE(10, I64, I64, I64, I64, I64, I64, I64, I64, I64, I64, 0)),
	       SECTION(3, 3, 0, 1, 0), SECTION(7, 2, EXPORT_FUNC('f', 0), EXPORT_FUNC('g', 2)),
	       SECTION(10, 3,
		       BODY(0, C64(1), C64(2), C64(3), C64(4), C64(5), C64(6), C64(7), C64(8),
			    C64(9), C64(10), RETURN_CALL(1), END),
		       BODY(1, 0xb0, 0xea, 1, I64, END), BODY(0, CALL(0), END)))};

static void tail_call_without_room(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .stack_bytes = 192 * 1024};
	struct skiff_instance *in;
	struct guest g;

	(void)state;
	guest_open(&g, &config);
	in = ADD_MODULE(&g, too_large);
	EXPECT_TRAP("stack_exhausted", &g, in, 'f');
	EXPECT_TRAP("stack_exhausted", &g, in, 'g');
	assert_in_range(skiff_trap_depth(g.trap), 1, 2);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_a_trap),
		cmocka_unit_test(frames_of_the_host_between),
		cmocka_unit_test(inner_traps_show_all_levels),
		cmocka_unit_test(only_innermost_frames_are_kept),
		cmocka_unit_test(host_and_guest_in_turns),
		cmocka_unit_test(exit_through_levels),
		cmocka_unit_test(callers_memory),
		cmocka_unit_test(callers_memory_after_a_tail_call),
		cmocka_unit_test(start_functions),
		cmocka_unit_test(tail_calls_take_no_stack),
		cmocka_unit_test(tail_calls_of_the_host),
		cmocka_unit_test(tail_calls_between_instances),
		cmocka_unit_test(tail_call_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
