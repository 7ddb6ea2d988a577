/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far_test.c: instructions on several memories and tables, of which some have 64-bit addresses and indices: what
 * moves, grows and calls, and the places of accesses. operand_test.c does each load and store.
 */
/* table-like: a case a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "interp/test_machine.h"
#include "wasm/code_bytes.h"

/*
 * The world a function under test (0) lives in. Types: 0 its own, 1 () -> i32. Function 1 gives 11, 2 gives 12.
 * Memories: 0 with 32 bits, one page, "abcd" at 4; 1 with 64 bits, one page of up to three, "efgh" at 8; 2 with 32
 * bits, two pages, 1 2 3 4 at 16. Tables of functions: 0 with 64 bits, 4 entries, - 1 2 -; 1 with 32 bits, 3
 * entries, 2 - -. Passive: element 2 (1, 2), data 3 "xyz".
 */
/* clang-format off */
#define WORLD(type, ...) MODULE( \
	SECTION(1, 2, FUNC_TYPE type, FUNC_TYPE(0, 1, I32)), \
	SECTION(3, 3, 0, 1, 1), \
	SECTION(4, 2, FUNCREF, 5, 4, 6, FUNCREF, 1, 3, 5), \
	SECTION(5, 3, 0, 1, 5, 1, 3, 0, 2), \
	SECTION(9, 3, 2, 0, C64(1), END, 0, 2, 1, 2, 2, 1, C32(0), END, 0, 1, 2, 1, 0, 2, 1, 2), \
	SECTION(12, 4), \
	LONG_SECTION(10, 3, BODY(__VA_ARGS__), BODY(0, C32(11), END), BODY(0, C32(12), END)), \
	SECTION(11, 4, 0, C32(4), END, 4, 'a', 'b', 'c', 'd', 2, 1, C64(8), END, 4, 'e', 'f', 'g', 'h', \
		2, 2, C32(16), END, 4, 1, 2, 3, 4, 1, 3, 'x', 'y', 'z'))

#define TO_I32 (0, 1, I32)
#define TO_I64 (0, 1, I64)
#define I64_TO_I32 (1, I64, 1, I32)

/* Of memory m: a byte, a word. */
#define BYTE_OF(m) 0x2d, 0x40, m, 0
#define WORD_OF(m) 0x28, 0x40, m, 0
#define SIZE_OF(m) 0x3f, m
#define GROW_OF(m) 0x40, m
#define COPY_OF(to, from) 0xfc, 10, to, from
#define FILL_OF(m) 0xfc, 11, m
#define INIT_OF(data, m) 0xfc, 8, data, m
/* 2^32, 2^32 + 1: what is left of them in 32 bits would be right */
#define C64_4G 0x42, 0x80, 0x80, 0x80, 0x80, 0x10
#define C64_4G_1 0x42, 0x81, 0x80, 0x80, 0x80, 0x10

struct example {
	const char *name;
	const uint8_t *bytes;
	size_t size;
	uint64_t arg, result, mask; /* of the result: an i32's upper half means nothing */
	enum trap trap;
};

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define GIVES(name, result, ...) {name, CODE(WORLD(TO_I32, 0, __VA_ARGS__)), 0, result, UINT32_MAX, TRAP_NONE}
#define GIVES64(name, result, ...) {name, CODE(WORLD(TO_I64, 0, __VA_ARGS__)), 0, result, UINT64_MAX, TRAP_NONE}
#define TAKES(name, arg, result, ...) {name, CODE(WORLD(I64_TO_I32, 0, __VA_ARGS__)), arg, result, UINT32_MAX, TRAP_NONE}
#define TRAPS(name, trap, ...) {name, CODE(WORLD(TO_I32, 0, __VA_ARGS__)), 0, 0, 0, TRAP_##trap}
#define TAKES_TRAPS(name, trap, arg, ...) {name, CODE(WORLD(I64_TO_I32, 0, __VA_ARGS__)), arg, 0, 0, TRAP_##trap}

static const struct example accesses[] = {
	GIVES("memory 0 by name", 'a', C32(4), BYTE_OF(0), END),
	GIVES("memory 1", 'e', C64(8), BYTE_OF(1), END),
	GIVES("memory 2", 0x04030201, C32(16), WORD_OF(2), END),
	GIVES("an index in five bytes", 1, C32(16), 0x2d, 0x40, 0x82, 0x80, 0x80, 0x80, 0, 0, END),
	GIVES("flags in two bytes", 1, C32(16), 0x2d, 0xc0, 0, 2, 0, END),
	GIVES("an offset of one byte", 'h', C64(0), 0x2d, 0x40, 1, 11, END),
	GIVES("of two", 0, C64(0), 0x2d, 0x40, 1, 0x80, 1, END),
	GIVES("of three", 0, C64(8), 0x2d, 0x40, 1, 0xf7, 0xff, 3, END),
	GIVES("of ten", 'h', C64(0), 0x2d, 0x40, 1, 0x8b, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, END),
	TRAPS("an offset at the end", OUT_OF_BOUNDS_MEMORY, C64(8), 0x2d, 0x40, 1, 0xf8, 0xff, 3, END),
	TRAPS("an offset of 2^32", OUT_OF_BOUNDS_MEMORY, C64(8), 0x2d, 0x40, 1, 0x80, 0x80, 0x80, 0x80, 0x10, END),
	TAKES_TRAPS("the greatest offset and address", OUT_OF_BOUNDS_MEMORY, UINT64_MAX, GET(0),
		0x2d, 0x40, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, END),
	TAKES_TRAPS("a sum of 2^64 + 8", OUT_OF_BOUNDS_MEMORY, UINT64_MAX - 7, GET(0), 0x2d, 0x40, 1, 16, END),
	TAKES_TRAPS("2^32 is not 0", OUT_OF_BOUNDS_MEMORY, UINT64_C(1) << 32, GET(0), BYTE_OF(1), END),
	TAKES("upper half of an i32", UINT64_C(1) << 32 | 16, 1, GET(0), 0xa7, BYTE_OF(2), END),
	GIVES("a store", 0x23030201, C32(16), C32(0), 0x36, 0x40, 0, 0, C32(19), C32(0x23), 0x3a, 0x40, 2, 0, C32(16), WORD_OF(2), END),
	GIVES("a store beside others", 'a', C64(4), C32(0), 0x3a, 0x40, 1, 0, C32(4), C32(0), 0x3a, 0x40, 2, 0, C32(4), LOAD8, END),
	GIVES("a float", 0x41, C64(8), 0x2a, 0x40, 1, 0, 0x8c, 0x8c, 0xbc, DROP, C64(24), 0x43, 0, 0, 0x50, 0x41, 0x38, 0x40, 1, 3, C64(30), BYTE_OF(1), END),
	GIVES("a vector", 'h', C64(8), 0xfd, 0, 0x40, 1, 0, 0xfd, 22, 3, END),
	GIVES("a vector in two places", 'h', C64(32), C64(8), 0xfd, 0, 0x40, 1, 0, 0xfd, 11, 0x40, 1, 1, C64(36), BYTE_OF(1), END),
	GIVES("padded vectors", 4, C32(0), 0xfd, 0x80, 0, 0xc0, 0x80, 0, 0x82, 0, 0x90, 0, 0xfd, 22, 3, END),
	GIVES("after a branch", 'e', BLOCK(VOID), C32(1), BR_IF(0), UNREACHABLE, END, C64(8), BYTE_OF(1), END),
};

static const struct example memories[] = {
	GIVES("memory.size", 1, SIZE_OF(0), END),
	GIVES64("memory.size of 64 bits", 1, SIZE_OF(1), END),
	GIVES("memory.size of another", 2, SIZE_OF(2), END),
	GIVES("memory.grow", 1, C32(1), GROW_OF(0), END),
	GIVES64("memory.grow of 64 bits", 1, C64(2), GROW_OF(1), END),
	GIVES64("memory.grow over the maximum", UINT64_MAX, C64(3), GROW_OF(1), END),
	GIVES64("memory.grow by 2^32", UINT64_MAX, C64_4G, GROW_OF(1), END),
	GIVES64("memory.grow by all", UINT64_MAX, C64(0x7f), GROW_OF(1), END),
	GIVES("memory.grow by -1", UINT32_MAX, C32(0x7f), GROW_OF(2), END),
	GIVES64("what has grown", 3, C64(2), GROW_OF(1), DROP, SIZE_OF(1), END),
	GIVES("what has grown is used", 33, C64(2), GROW_OF(1), DROP, 0x42, 0xf8, 0xff, 0xb, C32(33), 0x3a, 0x40, 1, 0, 0x42, 0xf8, 0xff, 0xb, BYTE_OF(1), END),
	GIVES("memory 0 while another grows", 'a', C32(1), GROW_OF(2), DROP, C32(4), LOAD8, END),
	GIVES("memory.fill", 7, C64(8), C32(7), C64(2), FILL_OF(1), C64(9), BYTE_OF(1), END),
	GIVES("memory.fill ends", 'g', C64(8), C32(7), C64(2), FILL_OF(1), C64(10), BYTE_OF(1), END),
	TRAPS("memory.fill at 2^32", OUT_OF_BOUNDS_MEMORY, C64_4G, C32(7), C64(0), FILL_OF(1), C32(0), END),
	TRAPS("memory.fill of 2^32", OUT_OF_BOUNDS_MEMORY, C64(0), C32(7), C64_4G, FILL_OF(1), C32(0), END),
	GIVES("memory.copy from 64 to 32", 'h', C32(0), C64(8), C32(4), COPY_OF(0, 1), C32(3), LOAD8, END),
	GIVES("memory.copy from 32 to 64", 'd', C64(0), C32(4), C32(4), COPY_OF(1, 0), C64(3), BYTE_OF(1), END),
	GIVES("memory.copy from 64 to 64", 'h', C64(0), C64(8), C64(4), COPY_OF(1, 1), C64(3), BYTE_OF(1), END),
	GIVES("memory.copy of two others", 4, C64(0), C32(16), C32(4), COPY_OF(1, 2), C64(3), BYTE_OF(1), END),
	TRAPS("memory.copy from 2^32", OUT_OF_BOUNDS_MEMORY, C32(0), C64_4G, C32(0), COPY_OF(0, 1), C32(0), END),
	TRAPS("memory.copy to 2^32", OUT_OF_BOUNDS_MEMORY, C64_4G, C32(0), C32(0), COPY_OF(1, 0), C32(0), END),
	TRAPS("memory.copy of 2^32", OUT_OF_BOUNDS_MEMORY, C64(0), C64(0), C64_4G, COPY_OF(1, 1), C32(0), END),
	GIVES("memory.init", 'z', C64(0), C32(0), C32(3), INIT_OF(3, 1), C64(2), BYTE_OF(1), END),
	TRAPS("memory.init at 2^32", OUT_OF_BOUNDS_MEMORY, C64_4G, C32(0), C32(0), INIT_OF(3, 1), C32(0), END),
};

static const struct example tables[] = {
	GIVES("call_indirect", 11, C64(1), CALL_INDIRECT(1, 0), END),
	GIVES("call_indirect of 32 bits", 12, C32(0), CALL_INDIRECT(1, 1), END),
	GIVES("return_call_indirect", 12, C64(2), RETURN_CALL_INDIRECT(1, 0), END),
	TRAPS("call_indirect at 2^32 + 1", UNDEFINED_ELEMENT, C64_4G_1, CALL_INDIRECT(1, 0), END),
	TRAPS("return_call_indirect at 2^32 + 1", UNDEFINED_ELEMENT, C64_4G_1, RETURN_CALL_INDIRECT(1, 0), END),
	TAKES("upper half of an i32 index", UINT64_C(1) << 32, 12, GET(0), 0xa7, CALL_INDIRECT(1, 1), END),
	TRAPS("call_indirect of null", UNINITIALIZED_ELEMENT, C64(0), CALL_INDIRECT(1, 0), END),
	GIVES("table.get", 0, C64(1), TABLE_GET(0), REF_IS_NULL, END),
	TRAPS("table.get at 2^32 + 1", OUT_OF_BOUNDS_TABLE, C64_4G_1, TABLE_GET(0), REF_IS_NULL, END),
	GIVES("table.set", 11, C64(0), C64(1), TABLE_GET(0), TABLE_SET(0), C64(0), CALL_INDIRECT(1, 0), END),
	TRAPS("table.set at 2^32", OUT_OF_BOUNDS_TABLE, C64_4G, REF_NULL(FUNCREF), TABLE_SET(0), C32(0), END),
	GIVES64("table.size", 4, TABLE_SIZE(0), END),
	GIVES64("table.grow", 4, REF_NULL(FUNCREF), C64(2), TABLE_GROW(0), END),
	GIVES64("table.grow over the maximum", UINT64_MAX, REF_NULL(FUNCREF), C64(3), TABLE_GROW(0), END),
	GIVES64("table.grow by 2^32", UINT64_MAX, REF_NULL(FUNCREF), C64_4G, TABLE_GROW(0), END),
	GIVES("table.grow of 32 bits over the maximum", UINT32_MAX, REF_NULL(FUNCREF), C32(3), TABLE_GROW(1), END),
	GIVES("table.fill", 11, C64(2), C64(1), TABLE_GET(0), C64(2), TABLE_FILL(0), C64(3), CALL_INDIRECT(1, 0), END),
	TRAPS("table.fill of 2^32", OUT_OF_BOUNDS_TABLE, C64(0), REF_NULL(FUNCREF), C64_4G, TABLE_FILL(0), C32(0), END),
	GIVES("table.copy from 64 to 32", 11, C32(1), C64(1), C32(2), TABLE_COPY(1, 0), C32(1), CALL_INDIRECT(1, 1), END),
	GIVES("table.copy from 32 to 64", 12, C64(3), C32(0), C32(1), TABLE_COPY(0, 1), C64(3), CALL_INDIRECT(1, 0), END),
	GIVES("table.copy from 64 to 64", 11, C64(0), C64(1), C64(2), TABLE_COPY(0, 0), C64(0), CALL_INDIRECT(1, 0), END),
	TRAPS("table.copy from 2^32", OUT_OF_BOUNDS_TABLE, C32(1), C64_4G, C32(0), TABLE_COPY(1, 0), C32(0), END),
	GIVES("table.init", 12, C64(0), C32(1), C32(1), TABLE_INIT(2, 0), C64(0), CALL_INDIRECT(1, 0), END),
	TRAPS("table.init at 2^32", OUT_OF_BOUNDS_TABLE, C64_4G, C32(0), C32(0), TABLE_INIT(2, 0), C32(0), END),
};
/* clang-format on */

static void run_example(const struct example *e, bool fuel)
{
	slot slots[4] = {e->arg};
	struct machine m;
	enum trap trap;

	machine_open(&m, fuel);
	trap = machine_call(machine_load(&m, e->bytes, e->size), 0, slots, 1, 1);
	if (trap != e->trap)
		fail_msg("%s: %s, should be %s", e->name, trap_text(trap), trap_text(e->trap));
	if (trap == TRAP_NONE && (slots[0] & e->mask) != e->result)
		fail_msg("%s: %llx, should be %llx", e->name, (unsigned long long)slots[0],
			 (unsigned long long)e->result);
	machine_close(&m);
}

/* Without and with fuel. */
#define RUN_ALL(examples)                                     \
	for (size_t i = 0; i < 2 * ARRAY_SIZE(examples); i++) \
	run_example(&(examples)[i / 2], i % 2 != 0)

static void places_of_accesses(void **state)
{
	(void)state;
	RUN_ALL(accesses);
}

static void instructions_on_memories(void **state)
{
	(void)state;
	RUN_ALL(memories);
}

static void instructions_on_tables(void **state)
{
	(void)state;
	RUN_ALL(tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_of_accesses),
		cmocka_unit_test(instructions_on_memories),
		cmocka_unit_test(instructions_on_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
