/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi_test.c: the layouts and numbers docs/abi.md promises to compiled code.
 *
 * The rows below are the tables of that page. A field that moves does not compile here; then change the page,
 * and raise the version of the artifact once there is one. What cannot be told at compile time (how a reference
 * looks, where a gate shows) is tested by running it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exec/ref.h"
#include "exec/runtime.h"
#include "exec/store.h"

#define FIELD(type, field, offset, size)                                         \
	_Static_assert(offsetof(struct type, field) == (offset), "docs/abi.md"); \
	_Static_assert(sizeof(((struct type *)0)->field) == (size), "docs/abi.md")
#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), "docs/abi.md")

/* -- Layouts ----------------------------------------------------------------------------- */

FIELD(func, entry, 0, 8);
FIELD(func, of, 8, 8);
FIELD(func, code, 16, 8);
FIELD(func, side, 24, 8);
FIELD(func, local_map, 32, 8);
FIELD(func, registers, 40, 8);
FIELD(func, type, 48, 4);
FIELD(func, index, 52, 4);
FIELD(func, params, 56, 2);
FIELD(func, results, 58, 2);
FIELD(func, locals, 60, 2);
FIELD(func, frame, 62, 2);
SIZE(func, 64);

FIELD(thread, limit, 0, 8);
FIELD(thread, interrupt, 8, 4);
FIELD(thread, trap, 12, 4);
FIELD(thread, frame, 16, 8);
FIELD(thread, call_pc, 24, 8);
FIELD(thread, top, 32, 8);
FIELD(thread, fuel, 40, 8);

FIELD(instance, memory, 0, 8);
FIELD(instance, globals, 8, 8);
FIELD(instance, func_base, 16, 8);
FIELD(instance, imports, 24, 8);
FIELD(instance, tables, 32, 8);
FIELD(instance, type_ids, 40, 8);
FIELD(instance, image, 48, 8);
FIELD(instance, store, 56, 8);
FIELD(instance, memories, 64, 8);
FIELD(instance, funcs, 72, 8);
FIELD(instance, tags, 80, 8);

FIELD(memory, base, 0, 8);
FIELD(memory, size, 8, 8);
FIELD(table, entries, 0, 8);
FIELD(table, size, 8, 8);
FIELD(global, cell, 0, 16);
_Static_assert(_Alignof(struct global) == 16, "docs/abi.md: a v128 is moved aligned");

FIELD(frame, ret_pc, 0, 8);
FIELD(frame, ret_side, 8, 8);
FIELD(frame, caller, 16, 8);
FIELD(frame, func, 24, 8);
FIELD(frame, locals, 32, 8);
SIZE(frame, 8 * FRAME_RECORD_SLOTS);

SIZE(image_side, 12);
FIELD(image_side, pc, 0, 4);
FIELD(image_side, side, 4, 4);
FIELD(image_side, keep, 8, 2);
FIELD(image_side, drop, 10, 2);

/* -- Numbers ----------------------------------------------------------------------------- */

#define NUMBER(name, value) _Static_assert((int)(name) == (value), "docs/abi.md")

NUMBER(STATUS_OK, 0);
NUMBER(STATUS_EXCEPTION, 1);
NUMBER(STATUS_TRAP, 2);
NUMBER(STATUS_EXIT, 3);
_Static_assert(sizeof(enum status) == 4, "the low half of a register");

NUMBER(TRAP_UNREACHABLE, 1);
NUMBER(TRAP_INTEGER_DIVIDE_BY_ZERO, 2);
NUMBER(TRAP_INTEGER_OVERFLOW, 3);
NUMBER(TRAP_INVALID_CONVERSION, 4);
NUMBER(TRAP_OUT_OF_BOUNDS_MEMORY, 5);
NUMBER(TRAP_OUT_OF_BOUNDS_TABLE, 6);
NUMBER(TRAP_UNDEFINED_ELEMENT, 7);
NUMBER(TRAP_UNINITIALIZED_ELEMENT, 8);
NUMBER(TRAP_INDIRECT_CALL_TYPE, 9);
NUMBER(TRAP_STACK_EXHAUSTED, 10);
NUMBER(TRAP_NULL_REFERENCE, 11);
NUMBER(TRAP_NULL_FUNCTION, 12);
NUMBER(TRAP_CAST_FAILURE, 13);
NUMBER(TRAP_OUT_OF_BOUNDS_ARRAY, 14);
NUMBER(TRAP_UNALIGNED_ATOMIC, 15);
NUMBER(TRAP_EXPECTED_SHARED, 16);
NUMBER(TRAP_OUT_OF_MEMORY, 17);
NUMBER(TRAP_INTERRUPTED, 18);
NUMBER(TRAP_OUT_OF_FUEL, 19);
NUMBER(TRAP_HOST, 20);

/* The table of out-of-line functions: positions, in words. */
#define POSITION(name, position) \
	_Static_assert(offsetof(struct runtime_table, name) == 8 * (position), "docs/abi.md")

POSITION(memory_grow, 0);
POSITION(memory_fill, 1);
POSITION(memory_copy, 2);
POSITION(memory_init, 3);
POSITION(data_drop, 4);
POSITION(table_get, 5);
POSITION(table_set, 6);
POSITION(table_grow, 7);
POSITION(table_fill, 8);
POSITION(table_copy, 9);
POSITION(table_init, 10);
POSITION(elem_drop, 11);
POSITION(callee, 12);
POSITION(struct_new, 13);
POSITION(ref_test, 22);
POSITION(memory_wait32, 23);
POSITION(memory_wait64, 24);
POSITION(memory_notify, 25);

/* Arguments that overflow the registers are written unchecked behind the value stack's top: 64 KiB of guard. */
_Static_assert(2 * LIMIT_PARAMS * sizeof(slot) < 64 * 1024, "docs/abi.md");
_Static_assert(2 * LIMIT_RESULTS * sizeof(slot) < 64 * 1024, "docs/abi.md");

/* -- What runs --------------------------------------------------------------------------- */

/* In a table of functions everything above 7 is one: one comparison tells. */
static void words_of_references(void **state)
{
	static struct func func;
	slot ref = ref_from_func(&func);

	(void)state;
	assert_true(ref_is_pointer(ref));
	assert_true(ref > 7);
	assert_false(ref_is_pointer(0));
	assert_false(ref_is_pointer(TABLE_NULL));
	assert_true(TABLE_NULL < 8);
	assert_false(ref_is_pointer(ref_from_host(0)));
	assert_true(ref_is_host(ref_from_host(0)));
	assert_int_equal(ref_to_host(ref_from_host((UINT64_C(1) << 62) - 1)),
			 (UINT64_C(1) << 62) - 1);
}

static void table_is_whole(void **state)
{
	void *const *words = (void *const *)(const void *)&runtime_table;

	(void)state;
	for (size_t i = 0; i < sizeof(runtime_table) / sizeof(*words); i++)
		assert_non_null(words[i]);
}

/* A C function called by thread_call() finds itself on the thread's native stack, with the reserve left. */
static enum status on_guest_stack(struct thread *thread, struct func *self, slot *frame)
{
	uint64_t left = thread_native_left(thread);

	(void)self;
	frame[0] = left != UINT64_MAX && left > HOST_STACK_RESERVE;
	return STATUS_EXIT;
}

static void calls_leave_the_stack(void **state)
{
	struct store store = {0};
	struct thread *thread = &store.thread;
	struct func func = {.entry = on_guest_stack};
	slot *top;

	(void)state;
	assert_int_equal(thread_init(thread, &store, UINT64_C(1) << 20, false), 0);
	top = thread->top;
	top[0] = 0;
	assert_int_equal(thread_call(thread, &func, top), STATUS_EXIT);
	assert_ptr_equal(thread->top, top);
	assert_null(thread->frame);
	assert_int_equal(thread->depth, 0);
#if defined(__x86_64__)
	assert_int_equal(top[0], 1);
#endif
	thread_deinit(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_references),
		cmocka_unit_test(table_is_whole),
		cmocka_unit_test(calls_leave_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
