/* SPDX-License-Identifier: Apache-2.0 */
/*
 * families_test.c: what instructions without a signature of their own do: control, calls, locals, references,
 * tables, bulk memory. Small functions against expected values, so that this is covered without the suite of
 * the specification. operand_test.c does the rest of the opcodes; together they run each that has a body.
 */
/* table-like: a case a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "interp/test_machine.h"
#include "wasm/code_bytes.h"
#include "wasm/skip.h"

/*
 * The world a function under test (0) lives in. Types: 0 its own, 1 () -> i32, 2 (i32) -> i32, 3 () -> (i32 i64),
 * 4 (i32 i32) -> (i32 i32), 5 (v128) -> v128. Functions: 1 gives 11, 2 adds one, 3 gives 5 and 6, 4 swaps, 5
 * gives its vector. Table 0 of 6 functions: 1 2 - - 4 -; table 1 of 3 externrefs. Globals: 0 i32 7, 1 v128
 * bytes 1 to 16, 2 i64 -3; all mutable. Memory: one page, 0 to 7 at 8. Passive: element 2 (2, 1), data 1 "abc".
 */
/* clang-format off */
#define WORLD(type, ...) MODULE( \
	SECTION(1, 6, FUNC_TYPE type, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(0, 2, I32, I64), \
		FUNC_TYPE(2, I32, I32, 2, I32, I32), FUNC_TYPE(1, V128, 1, V128)), \
	SECTION(3, 6, 0, 1, 2, 3, 4, 5), \
	SECTION(4, 2, FUNCREF, 1, 6, 8, EXTERNREF, 0, 3), \
	SECTION(5, 1, 1, 1, 2), \
	SECTION(6, 3, I32, 1, C32(7), END, V128, 1, 0xfd, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, END, \
		I64, 1, C64(0x7d), END), \
	SECTION(9, 3, 0, C32(0), END, 2, 1, 2, 0, C32(4), END, 1, 4, 1, 0, 2, 2, 1), \
	SECTION(12, 2), \
	LONG_SECTION(10, 6, BODY(__VA_ARGS__), BODY(0, C32(11), END), BODY(0, GET(0), C32(1), ADD, END), \
		BODY(0, C32(5), C64(6), END), BODY(0, GET(1), GET(0), END), BODY(0, GET(0), END)), \
	SECTION(11, 2, 0, C32(8), END, 8, 0, 1, 2, 3, 4, 5, 6, 7, 1, 3, 'a', 'b', 'c'))

#define TO_I32 (0, 1, I32)
#define I32_TO_I32 (1, I32, 1, I32)
#define V128_TO_I32 (1, V128, 1, I32)
#define I64_TO_I64 (1, I64, 1, I64)
#define SELECT_AS(type) 0x1c, 1, type
#define V128_CONST 0xfd, 12
#define LANE0_U8 0xfd, 0x16, 0
#define LANE15_U8 0xfd, 0x16, 15
#define WRAP 0xa7
#define EXTEND_U 0xad
#define BYTES14 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define BYTES16(n) n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n
/* (ref null func), (ref 2), as types of blocks and locals */
#define REF_NULL_FUNC 0x63, 0x70
#define REF_TO(type) 0x64, type

struct example {
	const char *name;
	const uint8_t *bytes;
	size_t size;
	uint64_t arg, result, mask; /* of the result: an i32's upper half means nothing */
	enum trap trap;
};

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define GIVES(name, result, ...) {name, CODE(WORLD(TO_I32, __VA_ARGS__)), 0, result, UINT32_MAX, TRAP_NONE}
#define TURNS(name, arg, result, ...) {name, CODE(WORLD(I32_TO_I32, __VA_ARGS__)), arg, result, UINT32_MAX, TRAP_NONE}
#define TURNS64(name, arg, result, ...) {name, CODE(WORLD(I64_TO_I64, __VA_ARGS__)), arg, result, UINT64_MAX, TRAP_NONE}
#define TRAPS(name, trap, ...) {name, CODE(WORLD(TO_I32, __VA_ARGS__)), 0, 0, 0, TRAP_##trap}

static const struct example control[] = {
	GIVES("nop", 3, 0, NOP, C32(3), NOP, END),
	TRAPS("unreachable", UNREACHABLE, 0, UNREACHABLE, END),
	GIVES("unreachable code", 4, 0, C32(4), RETURN, ADD, DROP, C32(1), END),
	GIVES("unreachable blocks", 4, 0, C32(4), BR(0), BLOCK(I32), C32(1), IF(I32), C32(1), ELSE, C32(1), BR(1), END, END, END),
	GIVES("block", 5, 0, BLOCK(I32), C32(5), END, END),
	GIVES("empty block", 5, 0, C32(5), BLOCK(VOID), END, END),
	GIVES("block with params", 6, 0, C32(5), BLOCK(2), C32(1), ADD, END, END),
	GIVES("br drops", 5, 0, BLOCK(I32), C32(1), C32(2), C32(5), BR(0), END, END),
	GIVES("br out of two", 5, 0, BLOCK(I32), C32(1), BLOCK(I32), C32(9), C32(5), BR(1), END, ADD, END, END),
	GIVES("br with two values", 12, 0, C32(2), BLOCK(3), C32(9), C32(4), C64(6), BR(0), END, WRAP, ADD, ADD, END),
	GIVES("br out of the body", 5, 0, C32(1), C32(5), BR(0), END),
	TURNS("br_if taken", 1, 5, 0, BLOCK(I32), C32(3), C32(5), GET(0), BR_IF(0), DROP, DROP, C32(8), END, END),
	TURNS("br_if not taken", 0, 8, 0, BLOCK(I32), C32(3), C32(5), GET(0), BR_IF(0), DROP, DROP, C32(8), END, END),
	TURNS("br_if plain", 1, 0, 0, BLOCK(VOID), GET(0), BR_IF(0), C32(9), SET(0), END, GET(0), C32(1), SUB, END),
	TURNS("br_if plain, not taken", 0, 8, 0, BLOCK(VOID), GET(0), BR_IF(0), C32(9), SET(0), END, GET(0), C32(1), SUB, END),
	TURNS("loop", 10, 55, 1, 1, I32, LOOP(VOID), GET(1), GET(0), ADD, SET(1), GET(0), C32(1), SUB, TEE(0), BR_IF(0), END, GET(1), END),
	TURNS("loop with params", 5, 120, 0, C32(1), LOOP(2), GET(0), MUL, GET(0), C32(1), SUB, TEE(0), BR_IF(0), END, END),
	TURNS("if", 1, 3, 0, GET(0), IF(I32), C32(3), ELSE, C32(4), END, END),
	TURNS("else", 0, 4, 0, GET(0), IF(I32), C32(3), ELSE, C32(4), END, END),
	TURNS("if alone", 0, 0, 0, GET(0), IF(VOID), C32(3), SET(0), END, GET(0), END),
	TURNS("if alone, taken", 1, 3, 0, GET(0), IF(VOID), C32(3), SET(0), END, GET(0), END),
	TURNS("if with params", 1, 11, 0, C32(10), GET(0), IF(2), C32(1), ADD, ELSE, C32(2), ADD, END, END),
	TURNS("else with params", 0, 12, 0, C32(10), GET(0), IF(2), C32(1), ADD, ELSE, C32(2), ADD, END, END),
	TURNS("a condition is 32 bits", UINT64_C(1) << 32, 4, 0, GET(0), IF(I32), C32(3), ELSE, C32(4), END, END),
	TURNS("br_table 0", 0, 10, 0, BLOCK(VOID), BLOCK(VOID), BLOCK(VOID), GET(0), 0x0e, 2, 0, 1, 2, END, C32(10), RETURN, END, C32(20), RETURN, END, C32(30), END),
	TURNS("br_table 1", 1, 20, 0, BLOCK(VOID), BLOCK(VOID), BLOCK(VOID), GET(0), 0x0e, 2, 0, 1, 2, END, C32(10), RETURN, END, C32(20), RETURN, END, C32(30), END),
	TURNS("br_table default", 2, 30, 0, BLOCK(VOID), BLOCK(VOID), BLOCK(VOID), GET(0), 0x0e, 2, 0, 1, 2, END, C32(10), RETURN, END, C32(20), RETURN, END, C32(30), END),
	TURNS("br_table far", UINT32_MAX, 30, 0, BLOCK(VOID), BLOCK(VOID), BLOCK(VOID), GET(0), 0x0e, 2, 0, 1, 2, END, C32(10), RETURN, END, C32(20), RETURN, END, C32(30), END),
	TURNS("br_table with a value", 0, 8, 0, BLOCK(I32), BLOCK(I32), C32(1), C32(7), GET(0), 0x0e, 1, 0, 1, END, C32(1), ADD, END, END),
	TURNS("br_table with a value, out", 1, 7, 0, BLOCK(I32), BLOCK(I32), C32(1), C32(7), GET(0), 0x0e, 1, 0, 1, END, C32(1), ADD, END, END),
	GIVES("return drops", 5, 0, C32(1), C32(2), BLOCK(VOID), C32(3), C32(5), RETURN, END, DROP, END),
	GIVES("br_on_null taken", 2, 0, BLOCK(VOID), REF_NULL(FUNCREF), 0xd5, 0, DROP, C32(1), RETURN, END, C32(2), END),
	GIVES("br_on_null not taken", 1, 0, BLOCK(VOID), REF_FUNC(1), 0xd5, 0, DROP, C32(1), RETURN, END, C32(2), END),
	GIVES("br_on_non_null taken", 11, 0, BLOCK(REF_TO(1)), REF_FUNC(1), 0xd6, 0, C32(2), RETURN, END, CALL_REF(1), END),
	GIVES("br_on_non_null not taken", 2, 0, BLOCK(REF_NULL_FUNC), REF_NULL(FUNCREF), 0xd6, 0, C32(2), RETURN, END, DROP, C32(1), END),
	GIVES("loop and if of a reference", 0, 1, 1, I32, LOOP(REF_NULL_FUNC), GET(0), IF(REF_NULL_FUNC), REF_NULL(FUNCREF), ELSE, REF_FUNC(1), END, END, REF_IS_NULL, END),
};

static const struct example calls[] = {
	GIVES("call", 11, 0, CALL(1), END),
	GIVES("call between operands", 3, 0, C32(1), C32(2), CALL(2), MUL, END),
	GIVES("call with two results", 11, 0, CALL(3), WRAP, ADD, END),
	GIVES("call with two of each", 3, 0, C32(7), C32(4), CALL(4), SUB, C32(6), ADD, END),
	GIVES("call with a vector", 9, 0, V128_CONST, BYTES16(9), CALL(5), LANE15_U8, END),
	GIVES("call_indirect", 31, 0, C32(30), C32(1), CALL_INDIRECT(2, 0), END),
	TRAPS("call_indirect of null", UNINITIALIZED_ELEMENT, 0, C32(3), CALL_INDIRECT(1, 0), END),
	TRAPS("call_indirect beyond", UNDEFINED_ELEMENT, 0, C32(6), CALL_INDIRECT(1, 0), END),
	TRAPS("call_indirect far beyond", UNDEFINED_ELEMENT, 0, C32(0x7f), CALL_INDIRECT(1, 0), END),
	TRAPS("call_indirect of another type", INDIRECT_CALL_TYPE, 0, C32(1), CALL_INDIRECT(1, 0), END),
	GIVES("call_ref", 31, 0, C32(30), REF_FUNC(2), CALL_REF(2), END),
	TRAPS("call_ref of null", NULL_FUNCTION, 0, REF_NULL(1), CALL_REF(1), END),
	GIVES("return_call", 11, 0, C32(3), RETURN_CALL(1), END),
	GIVES("return_call with operands below", 43, 0, C32(3), C32(4), C32(42), RETURN_CALL(2), END),
	GIVES("return_call_indirect", 31, 0, C32(9), C32(30), C32(1), RETURN_CALL_INDIRECT(2, 0), END),
	TRAPS("return_call_indirect of null", UNINITIALIZED_ELEMENT, 0, C32(3), RETURN_CALL_INDIRECT(1, 0), END),
	TRAPS("return_call_indirect of another type", INDIRECT_CALL_TYPE, 0, C32(1), RETURN_CALL_INDIRECT(1, 0), END),
	GIVES("return_call_ref", 31, 0, C32(9), C32(30), REF_FUNC(2), RETURN_CALL_REF(2), END),
	TRAPS("return_call_ref of null", NULL_FUNCTION, 0, REF_NULL(1), RETURN_CALL_REF(1), END),
	GIVES("ref.as_non_null", 11, 0, REF_FUNC(1), 0xd4, CALL_REF(1), END),
	TRAPS("ref.as_non_null of null", NULL_REFERENCE, 0, REF_NULL(1), 0xd4, DROP, C32(1), END),
};

static const struct example variables[] = {
	GIVES("i32.const", 0xffffff80, 0, 0x41, 0x80, 0x7f, END),
	GIVES("i32.const, padded", 1, 0, 0x41, 0x81, 0x80, 0x80, 0x80, 0, END),
	TURNS64("i64.const", 0, 0x8000000000000000, 0, C64(0), DROP, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, END),
	GIVES("f32.const", 0x3fc00000, 0, 0x43, 0, 0, 0xc0, 0x3f, 0xbc, END),
	TURNS64("f64.const", 0, 0x3ff8000000000000, 0, 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0xbd, END),
	GIVES("locals are zero", 0, 2, 2, I32, 1, I64, GET(1), GET(2), WRAP, ADD, END),
	TURNS("local.set and tee", 4, 12, 1, 1, I32, GET(0), TEE(1), GET(0), SET(0), GET(1), ADD, C32(4), ADD, END),
	TURNS("local.tee stays", 4, 8, 1, 1, I32, GET(0), TEE(1), GET(1), ADD, END),
	TURNS("locals behind a vector", 4, 25, 3, 1, V128, 1, I32, 1, V128, GET(0), SET(2), V128_CONST, BYTES16(7), TEE(1), TEE(3), LANE15_U8, GET(1), LANE0_U8, ADD, GET(3), LANE0_U8, ADD, GET(2), ADD, END),
	TURNS("tee behind a vector", 4, 12, 2, 1, V128, 1, I32, V128_CONST, BYTES16(7), SET(1), GET(0), TEE(2), GET(2), ADD, GET(2), ADD, END),
	GIVES("drop", 1, 0, C32(1), C32(2), DROP, END),
	GIVES("drop of a vector", 1, 0, C32(1), V128_CONST, BYTES16(3), DROP, END),
	TURNS("select first", 5, 1, 0, C32(1), C32(2), GET(0), SELECT, END),
	TURNS("select second", 0, 2, 0, C32(1), C32(2), GET(0), SELECT, END),
	TURNS("select of vectors", 0, 8, 0, V128_CONST, BYTES16(4), V128_CONST, BYTES16(8), GET(0), SELECT, LANE15_U8, END),
	TURNS("select of vectors, first", 1, 4, 0, V128_CONST, BYTES16(4), V128_CONST, BYTES16(8), GET(0), SELECT, LANE15_U8, END),
	TURNS("select with a type", 1, 1, 0, C32(1), C32(2), GET(0), SELECT_AS(I32), END),
	TURNS("select of references", 0, 11, 0, REF_NULL(1), REF_FUNC(1), GET(0), 0x1c, 1, 0x63, 1, CALL_REF(1), END),
	TURNS("select of vectors with a type", 1, 4, 0, V128_CONST, BYTES16(4), V128_CONST, BYTES16(8), GET(0), SELECT_AS(V128), LANE0_U8, END),
	GIVES("global.get", 7, 0, GLOBAL_GET(0), END),
	GIVES("global.set", 8, 0, GLOBAL_GET(0), C32(1), ADD, GLOBAL_SET(0), GLOBAL_GET(0), END),
	TURNS64("global of i64", 5, 2, 0, GLOBAL_GET(2), GET(0), 0x7c, GLOBAL_SET(2), GLOBAL_GET(2), END),
	GIVES("global.get of a vector", 17, 0, GLOBAL_GET(1), LANE0_U8, GLOBAL_GET(1), LANE15_U8, ADD, END),
	GIVES("global.set of a vector", 18, 0, V128_CONST, BYTES16(9), GLOBAL_SET(1), GLOBAL_GET(1), LANE0_U8, GLOBAL_GET(1), LANE15_U8, ADD, END),
};

static const struct example tables[] = {
	GIVES("ref.null", 1, 0, REF_NULL(EXTERNREF), REF_IS_NULL, END),
	GIVES("ref.func", 0, 0, REF_FUNC(1), REF_IS_NULL, END),
	GIVES("table.get", 0, 0, C32(4), TABLE_GET(0), REF_IS_NULL, END),
	GIVES("table.get of null", 1, 0, C32(2), TABLE_GET(0), REF_IS_NULL, END),
	TRAPS("table.get beyond", OUT_OF_BOUNDS_TABLE, 0, C32(6), TABLE_GET(0), REF_IS_NULL, END),
	GIVES("table.set", 11, 0, C32(5), REF_FUNC(1), TABLE_SET(0), C32(5), CALL_INDIRECT(1, 0), END),
	TRAPS("table.set beyond", OUT_OF_BOUNDS_TABLE, 0, C32(3), REF_NULL(EXTERNREF), TABLE_SET(1), C32(5), END),
	GIVES("table.size", 9, 0, TABLE_SIZE(0), TABLE_SIZE(1), ADD, END),
	GIVES("table.grow", 6, 0, REF_FUNC(1), C32(2), TABLE_GROW(0), C32(7), CALL_INDIRECT(1, 0), C32(11), SUB, ADD, END),
	GIVES("table.grow too far", 0xffffffff, 0, REF_FUNC(1), C32(3), TABLE_GROW(0), END),
	GIVES("table.grow by nothing", 3, 0, REF_NULL(EXTERNREF), C32(0), TABLE_GROW(1), END),
	GIVES("table.fill", 22, 0, C32(2), REF_FUNC(1), C32(2), TABLE_FILL(0), C32(2), CALL_INDIRECT(1, 0), C32(3), CALL_INDIRECT(1, 0), ADD, END),
	TRAPS("table.fill beyond", OUT_OF_BOUNDS_TABLE, 0, C32(5), REF_FUNC(1), C32(2), TABLE_FILL(0), C32(1), END),
	GIVES("table.fill of nothing at the end", 1, 0, C32(6), REF_FUNC(1), C32(0), TABLE_FILL(0), C32(1), END),
	GIVES("table.copy up", 12, 0, C32(1), C32(0), C32(2), TABLE_COPY(0, 0), C32(1), CALL_INDIRECT(1, 0), C32(0), C32(2), CALL_INDIRECT(2, 0), ADD, END),
	GIVES("table.copy down", 1, 0, C32(0), C32(1), C32(2), TABLE_COPY(0, 0), C32(0), C32(0), CALL_INDIRECT(2, 0), END),
	TRAPS("table.copy beyond", OUT_OF_BOUNDS_TABLE, 0, C32(5), C32(0), C32(2), TABLE_COPY(0, 0), C32(1), END),
	GIVES("table.init", 12, 0, C32(2), C32(0), C32(2), TABLE_INIT(2, 0), C32(0), C32(2), CALL_INDIRECT(2, 0), C32(3), CALL_INDIRECT(1, 0), ADD, END),
	TRAPS("table.init beyond the segment", OUT_OF_BOUNDS_TABLE, 0, C32(0), C32(1), C32(2), TABLE_INIT(2, 0), C32(1), END),
	TRAPS("table.init of what is dropped", OUT_OF_BOUNDS_TABLE, 0, ELEM_DROP(2), C32(0), C32(0), C32(1), TABLE_INIT(2, 0), C32(1), END),
	GIVES("table.init of nothing dropped", 1, 0, ELEM_DROP(2), C32(0), C32(0), C32(0), TABLE_INIT(2, 0), C32(1), END),
	TRAPS("active segments are dropped", OUT_OF_BOUNDS_TABLE, 0, C32(0), C32(0), C32(1), TABLE_INIT(0, 0), C32(1), END),
};

/* Alignments in more bytes than they need, and memory 0 by its number (flag 0x40): as valid as any. */
static const struct example unusual[] = {
	GIVES("load with a padded alignment", 0x04030201, 0, C32(8), 0x28, 0x82, 0, 1, END),
	GIVES("store with a padded alignment", 77, 0, C32(60), 0x41, 0xcd, 0, 0x36, 0x82, 0x80, 0, 4, 0x41, 0xc0, 0, LOAD32, END),
	GIVES("vector load with a padded alignment", 7, 0, C32(0), 0xfd, 0, 0x84, 0, 8, 0xfd, 0x16, 7, END),
	GIVES("lane load with a padded alignment", 5, 0, C32(0), V128_CONST, BYTES16(0), 0xfd, 0x54, 0x80, 0, 13, 3, 0xfd, 0x16, 3, END),
	GIVES("load from a named memory", 0x04030201, 0, C32(8), 0x28, 0x42, 0, 1, END),
	GIVES("vector load from a named memory", 7, 0, C32(0), 0xfd, 0, 0x44, 0, 8, 0xfd, 0x16, 7, END),
};

static const struct example memories[] = {
	GIVES("load", 0x03020100, 0, C32(8), LOAD32, END),
	GIVES("load with a padded offset", 0x04030201, 0, C32(8), 0x28, 2, 0x81, 0x80, 0x80, 0x80, 0, END),
	TRAPS("load at 4 GiB", OUT_OF_BOUNDS_MEMORY, 0, C32(0x7c), 0x28, 2, 4, END),
	TRAPS("load beyond 4 GiB", OUT_OF_BOUNDS_MEMORY, 0, C32(0x7f), 0x28, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, END),
	TRAPS("store of eight at the end", OUT_OF_BOUNDS_MEMORY, 0, 0x41, 0xf9, 0xff, 3, C64(1), 0x37, 3, 0, C32(1), END),
	GIVES("nothing of it is stored", 0, 0, 0x41, 0xf8, 0xff, 3, LOAD32, END),
	GIVES("memory.size", 1, 0, MEMORY_SIZE, END),
	GIVES("memory.grow", 3, 0, C32(1), MEMORY_GROW, MEMORY_SIZE, ADD, END),
	GIVES("memory.grow too far", 0xffffffff, 0, C32(2), MEMORY_GROW, END),
	GIVES("memory.grow gives access", 42, 0, C32(1), MEMORY_GROW, DROP, 0x41, 0xfc, 0xff, 7, C32(42), STORE32, 0x41, 0xfc, 0xff, 7, LOAD32, END),
	GIVES("memory.fill", 0x0909, 0, C32(16), C32(9), C32(2), MEMORY_FILL, C32(16), LOAD32, END),
	TRAPS("memory.fill beyond", OUT_OF_BOUNDS_MEMORY, 0, 0x41, 0xff, 0xff, 3, C32(1), C32(2), MEMORY_FILL, C32(1), END),
	GIVES("memory.fill of nothing at the end", 1, 0, 0x41, 0x80, 0x80, 4, C32(1), C32(0), MEMORY_FILL, C32(1), END),
	GIVES("memory.copy up", 0x02010000, 0, C32(9), C32(8), C32(3), MEMORY_COPY, C32(8), LOAD32, END),
	GIVES("memory.copy down", 0x03030201, 0, C32(8), C32(9), C32(3), MEMORY_COPY, C32(8), LOAD32, END),
	TRAPS("memory.copy beyond", OUT_OF_BOUNDS_MEMORY, 0, C32(8), 0x41, 0xff, 0xff, 3, C32(3), MEMORY_COPY, C32(1), END),
	GIVES("memory.init", 0x6362, 0, C32(32), C32(1), C32(2), MEMORY_INIT(1), C32(32), LOAD32, END),
	TRAPS("memory.init beyond the segment", OUT_OF_BOUNDS_MEMORY, 0, C32(32), C32(2), C32(2), MEMORY_INIT(1), C32(1), END),
	TRAPS("memory.init of what is dropped", OUT_OF_BOUNDS_MEMORY, 0, DATA_DROP(1), C32(32), C32(0), C32(1), MEMORY_INIT(1), C32(1), END),
	GIVES("memory.init of nothing dropped", 1, 0, DATA_DROP(1), C32(32), C32(0), C32(0), MEMORY_INIT(1), C32(1), END),
};

/* Values of all kinds, by hand: what operand_test.c compares with the bodies, compared with numbers. */
static const struct example numbers[] = {
	TURNS("i32.div_s", 0xfffffff9, 0xfffffffd, 0, GET(0), C32(2), 0x6d, END),
	TRAPS("i32.div_s by 0", INTEGER_DIVIDE_BY_ZERO, 0, C32(1), C32(0), 0x6d, END),
	TRAPS("i32.div_s overflow", INTEGER_OVERFLOW, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x78, C32(0x7f), 0x6d, END),
	TURNS("i32.rotl", 0x80000001, 3, 0, GET(0), C32(1), 0x77, END),
	TURNS("i32.clz", 0x00010000, 15, 0, GET(0), 0x67, END),
	TURNS64("i64.mul", 0x100000001, 0x200000001, 0, GET(0), GET(0), 0x7e, END),
	TURNS64("i64.shr_s", 0x8000000000000000, 0xc000000000000000, 0, GET(0), C64(1), 0x87, END),
	TURNS64("i64.extend32_s", 0x80000000, 0xffffffff80000000, 0, GET(0), 0xc4, END),
	TURNS64("i64.lt_u", 5, 1, 0, GET(0), C64(0x7f), 0x54, EXTEND_U, END),
	TURNS("f32.add, f32.sqrt", 9, 5, 0, GET(0), 0xb2, GET(0), 0xb2, 0x43, 0, 0, 0xe0, 0x40, 0x92, 0x92, 0x91, 0xa8, END),
	TURNS64("f64.div", 7, 3, 0, GET(0), 0xb9, 0x44, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xa3, 0xb0, END),
	TURNS("f32.min of zeros", 0, 0x80000000, 0, GET(0), 0xb2, 0x43, 0, 0, 0, 0x80, 0x96, 0xbc, END),
	TRAPS("i32.trunc_f32_s of infinity", INTEGER_OVERFLOW, 0, 0x43, 0, 0, 0x80, 0x7f, 0xa8, END),
	TRAPS("i32.trunc_f32_s of NaN", INVALID_CONVERSION, 0, 0x43, 0, 0, 0xc0, 0x7f, 0xa8, END),
	GIVES("i32.trunc_sat_f32_u", 0xffffffff, 0, 0x43, 0, 0, 0x80, 0x7f, 0xfc, 1, END),
	GIVES("f64.promote_f32", 1, 0, 0x43, 0, 0, 0xc0, 0x3f, 0xbb, 0xaa, END),
	TURNS("i8x16.add", 250, 5, 0, GET(0), 0xfd, 15, C32(11), 0xfd, 15, 0xfd, 0x6e, LANE15_U8, END),
	TURNS("i8x16.add_sat_u", 250, 255, 0, GET(0), 0xfd, 15, C32(11), 0xfd, 15, 0xfd, 0x70, LANE15_U8, END),
	GIVES("i8x16.shuffle", 0x0201, 0, V128_CONST, BYTES16(1), V128_CONST, BYTES16(2), 0xfd, 13, 0, 16, BYTES14, 0xfd, 0x19, 0, END),
	TURNS("i32x4.splat, extract", 77, 77, 0, GET(0), 0xfd, 17, 0xfd, 27, 3, END),
	GIVES("v128.load8_splat", 5, 0, C32(13), 0xfd, 7, 0, 0, LANE15_U8, END),
	GIVES("i32x4.relaxed_trunc_f32x4_s", 2, 0, 0x43, 0, 0, 0x20, 0x40, 0xfd, 19, 0xfd, 0x81, 2, 0xfd, 27, 0, END),
	GIVES("i8x16.relaxed_swizzle", 16, 0, GLOBAL_GET(1), V128_CONST, BYTES16(15), 0xfd, 0x80, 2, LANE0_U8, END),
};
/*
 * The world of exceptions. Types: 0 the function's own, 1 (i32) -> i32, 2 () -> (), 3 (i32) -> (), 4 (v128 i32) -> (),
 * 5 () -> (i32 exnref), 6 () -> (v128 i32). Tags: 0 (), 1 (i32), 2 (v128 i32). Functions: 1 throws its argument as tag
 * 1; 2 calls 1; 3 leaves a try by calling 1 for good; 4 is 2, by the table. Table: function 1.
 */
#define EXCEPTIONS(...) MODULE( \
	SECTION(1, 7, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 0), \
		FUNC_TYPE(2, V128, I32, 0), FUNC_TYPE(0, 2, I32, EXNREF), FUNC_TYPE(0, 2, V128, I32)), \
	SECTION(3, 5, 0, 1, 1, 1, 1), \
	SECTION(4, 1, FUNCREF, 0, 1), \
	SECTION(13, 3, 0, 2, 0, 3, 0, 4), \
	SECTION(9, 1, 0, C32(0), END, 1, 1), \
	LONG_SECTION(10, 5, BODY(__VA_ARGS__), BODY(0, GET(0), THROW(1), END), \
		BODY(0, GET(0), CALL(1), C32(1), ADD, END), \
		BODY(0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), GET(0), RETURN_CALL(1), END, END, DROP, C32(1), END), \
		BODY(0, GET(0), C32(0), CALL_INDIRECT(1, 0), C32(1), ADD, END)))
#define CATCHES(name, result, ...) {name, CODE(EXCEPTIONS(__VA_ARGS__)), 0, result, UINT32_MAX, TRAP_NONE}
#define CATCHES_NOT(name, trap, ...) {name, CODE(EXCEPTIONS(__VA_ARGS__)), 0, 0, 0, TRAP_##trap}
#define LT_U 0x49

static const struct example exceptions[] = {
	CATCHES("try_table left", 5, 0, BLOCK(VOID), TRY_TABLE(I32, 1, ON_ALL(0)), C32(5), END, RETURN, END, C32(1), END),
	CATCHES("try_table without clauses", 5, 0, TRY_TABLE(I32, 0), C32(5), END, END),
	CATCHES("try_table with params", 6, 0, C32(5), TRY_TABLE(1, 0), C32(1), ADD, END, END),
	CATCHES("try_table of a reference", 1, 0, TRY_TABLE(REF_NULL_FUNC, 0), REF_NULL(0x70), END, REF_IS_NULL, END),
	CATCHES("br out of a try_table", 5, 0, TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(9), C32(5), BR(0), END, END),
	CATCHES("a branch behind a try_table", 5, 0, BLOCK(VOID), TRY_TABLE(VOID, 2, ON_ALL(0), ON_TAG(0, 0)), END, C32(0), BR_IF(0), C32(5), RETURN, END, C32(1), END),
	CATCHES("catch", 7, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(7), THROW(1), END, END, END),
	CATCHES("catch in the body's label", 7, 0, TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(7), THROW(1), END, END),
	CATCHES("catch cuts operands", 107 - 64, 0, C32(36), BLOCK(I32), C32(1), C32(2), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(3), C32(7), THROW(1), END, ADD, ADD, END, ADD, END),
	CATCHES("catch of a vector", 7, 1, 1, I32, BLOCK(6), TRY_TABLE(VOID, 1, ON_TAG(2, 0)), V128_CONST, BYTES16(3), C32(4), THROW(2), END, UNREACHABLE, END, SET(0), LANE0_U8, GET(0), ADD, END),
	CATCHES("catch_ref", 9, 0, BLOCK(5), TRY_TABLE(VOID, 1, ON_TAG_REF(1, 0)), C32(9), THROW(1), END, UNREACHABLE, END, REF_IS_NULL, ADD, END),
	CATCHES("catch_all", 2, 0, BLOCK(VOID), TRY_TABLE(VOID, 1, ON_ALL(0)), C32(9), THROW(1), END, C32(1), RETURN, END, C32(2), END),
	CATCHES("catch_all_ref, throw_ref", 8, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), BLOCK(EXNREF), TRY_TABLE(VOID, 1, ON_ALL_REF(0)), C32(8), THROW(1), END, UNREACHABLE, END, THROW_REF, END, END, END),
	CATCHES_NOT("throw_ref of null", NULL_REFERENCE, 0, BLOCK(VOID), TRY_TABLE(VOID, 1, ON_ALL(0)), REF_NULL(0x69), THROW_REF, END, END, C32(1), END),
	CATCHES_NOT("a trap is no exception", UNREACHABLE, 0, BLOCK(VOID), TRY_TABLE(VOID, 1, ON_ALL(0)), UNREACHABLE, END, END, C32(1), END),
	CATCHES("the first clause that fits", 3, 0, BLOCK(VOID), BLOCK(I32), BLOCK(I32), TRY_TABLE(VOID, 4, ON_TAG(0, 2), ON_TAG(1, 1), ON_TAG(1, 0), ON_ALL(2)), C32(3), THROW(1), END, C32(1), END, DROP, C32(2), END, RETURN, END, C32(4), END),
	CATCHES("the innermost", 5, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(3), THROW(1), END, END, C32(2), ADD, END, END, END),
	CATCHES("one further out", 3, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), BLOCK(VOID), TRY_TABLE(I32, 1, ON_TAG(0, 0)), C32(3), THROW(1), END, C32(2), ADD, BR(1), END, C32(1), END, END, END),
	CATCHES("not the one before, nor the one behind", 4, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), BLOCK(VOID), TRY_TABLE(VOID, 1, ON_ALL(0)), END, C32(4), THROW(1), TRY_TABLE(VOID, 1, ON_ALL(0)), END, END, C32(1), END, END, END),
	CATCHES("not what catches itself", 6, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), BLOCK(VOID), TRY_TABLE(VOID, 1, ON_ALL(0)), THROW(0), END, END, C32(6), THROW(1), END, END, END),
	CATCHES("catch to a loop", 5, 1, 1, I32, LOOP(VOID), GET(0), C32(1), ADD, SET(0), TRY_TABLE(VOID, 1, ON_TAG(0, 0)), GET(0), C32(5), LT_U, IF(VOID), THROW(0), END, END, END, GET(0), END),
	CATCHES("from two frames above", 33, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(33), CALL(2), END, END, END),
	CATCHES("through an indirect call", 34, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(34), CALL(4), END, END, END),
	CATCHES("not in a frame that is gone", 35, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(35), CALL(3), END, END, END),
	CATCHES("operands below a call", 45, 0, C32(10), BLOCK(I32), C32(1), TRY_TABLE(I32, 1, ON_TAG(1, 0)), C32(2), C32(35), CALL(2), ADD, END, ADD, END, ADD, END),
	CATCHES("unreachable throws", 4, 0, C32(4), RETURN, THROW(1), END),
	CATCHES("unreachable try_table", 4, 0, C32(4), RETURN, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), THROW(0), END, END, END),

	CATCHES("try left", 5, 0, TRY(I32), C32(5), CATCH(1), CATCH_ALL, C32(2), END, END),
	CATCHES("try without catch", 5, 0, TRY(I32), C32(5), END, END),
	CATCHES("try of a reference", 1, 0, TRY(REF_NULL_FUNC), REF_NULL(0x70), CATCH_ALL, REF_NULL(0x70), END, REF_IS_NULL, END),
	CATCHES("br out of a try", 5, 0, TRY(I32), C32(9), C32(5), BR(0), CATCH_ALL, C32(2), END, END),
	CATCHES("legacy catch", 8, 0, TRY(I32), C32(7), THROW(1), CATCH(0), C32(1), CATCH(1), C32(1), ADD, END, END),
	CATCHES("legacy catch_all", 12, 0, C32(10), TRY(I32), C32(4), C32(7), THROW(1), CATCH(0), C32(1), CATCH_ALL, C32(2), END, ADD, END),
	CATCHES("thrown in a catch", 3, 0, TRY(I32), TRY(I32), THROW(0), CATCH(0), C32(3), THROW(1), CATCH_ALL, C32(1), END, CATCH(1), END, END),
	CATCHES("rethrow", 7, 0, TRY(I32), TRY(I32), C32(7), THROW(1), CATCH_ALL, RETHROW(0), END, CATCH(1), END, END),
	CATCHES("rethrow of the outer", 7, 0, TRY(I32), TRY(I32), C32(7), THROW(1), CATCH(1), DROP, TRY(VOID), THROW(0), CATCH_ALL, RETHROW(1), END, C32(1), END, CATCH(1), END, END),
	CATCHES("rethrow of the inner", 2, 0, TRY(I32), TRY(I32), C32(7), THROW(1), CATCH(1), DROP, TRY(VOID), THROW(0), CATCH_ALL, RETHROW(0), END, C32(1), END, CATCH(1), CATCH(0), C32(2), END, END),
	CATCHES("rethrow beside a local", 9, 1, 1, I32, C32(2), SET(0), TRY(I32), TRY(I32), C32(7), THROW(1), CATCH_ALL, RETHROW(0), END, CATCH(1), GET(0), ADD, END, END),
	CATCHES("delegate", 7, 0, TRY(I32), TRY(I32), C32(7), THROW(1), DELEGATE(0), CATCH(1), END, END),
	CATCHES("delegate left", 7, 0, TRY(I32), TRY(I32), C32(7), DELEGATE(0), CATCH(1), END, END),
	CATCHES("delegate over one", 8, 0, TRY(I32), TRY(I32), TRY(I32), C32(7), THROW(1), DELEGATE(1), CATCH(1), END, CATCH(1), C32(1), ADD, END, END),
	CATCHES("delegate to a block in it", 8, 0, TRY(I32), BLOCK(I32), TRY(I32), TRY(I32), C32(7), THROW(1), DELEGATE(1), CATCH(1), END, END, CATCH(1), C32(1), ADD, END, END),
	CATCHES("behind a delegate", 7, 0, TRY(I32), TRY(I32), TRY(VOID), DELEGATE(1), C32(7), THROW(1), CATCH(1), END, CATCH(1), C32(1), ADD, END, END),
	CATCHES("delegate from a catch", 8, 0, TRY(I32), TRY(I32), THROW(0), CATCH(0), TRY(I32), C32(7), THROW(1), DELEGATE(0), CATCH(1), END, CATCH(1), C32(1), ADD, END, END),
	CATCHES("both generations", 7, 0, BLOCK(I32), TRY_TABLE(I32, 1, ON_TAG(1, 0)), TRY(I32), TRY(I32), C32(7), THROW(1), DELEGATE(1), CATCH(1), DROP, C32(1), END, END, END, END),
};

/*
 * The world of objects. Types: 0 the function's own, 1 a struct of i8 i16 i32 i64 v128 eqref, 2 the same and f64, below
 * it, arrays: 3 of i8, 4 of i16, 5 of v128, 6 of eqref, 7 of i32. Element 0: i31 5, null, a struct 1. Data 0:
 * 1 to 8.
 */
#define FIELDS I8, 1, I16, 1, I32, 1, I64, 1, V128, 1, EQREF, 1
#define OBJECTS(...) MODULE( \
	SECTION(1, 8, FUNC_TYPE TO_I32, SUB_TYPE(0, STRUCT_TYPE(6, FIELDS)), SUB_TYPE(1, 1, STRUCT_TYPE(7, FIELDS, F64, 1)), \
		ARRAY_TYPE(I8, 1), ARRAY_TYPE(I16, 1), ARRAY_TYPE(V128, 1), ARRAY_TYPE(EQREF, 1), ARRAY_TYPE(I32, 1)), \
	SECTION(3, 1, 0), \
	SECTION(9, 1, 5, EQREF, 3, C32(5), REF_I31, END, REF_NULL(EQREF), END, STRUCT_NEW_DEFAULT(1), END), \
	SECTION(12, 1), \
	LONG_SECTION(10, 1, BODY(__VA_ARGS__)), \
	SECTION(11, 1, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8))
#define MAKES(name, result, ...) {name, CODE(OBJECTS(__VA_ARGS__)), 0, result, UINT32_MAX, TRAP_NONE}
#define BREAKS(name, trap, ...) {name, CODE(OBJECTS(__VA_ARGS__)), 0, 0, 0, TRAP_##trap}
#define LOCAL_REF(type) 1, 1, 0x63, type
#define LOCAL_EQ 1, 1, EQREF
#define FULL C32(0x7f), C32(0x7e), C32(3), C64(4), V128_CONST, BYTES16(5), C32(6), REF_I31

static const struct example objects[] = {
	MAKES("struct.new, i8 with sign", UINT32_MAX, 0, FULL, STRUCT_NEW(1), STRUCT_GET_S(1, 0), END),
	MAKES("i8 without", 255, 0, FULL, STRUCT_NEW(1), STRUCT_GET_U(1, 0), END),
	MAKES("i16 with sign", UINT32_MAX - 1, 0, FULL, STRUCT_NEW(1), STRUCT_GET_S(1, 1), END),
	MAKES("i16 without", 65534, 0, FULL, STRUCT_NEW(1), STRUCT_GET_U(1, 1), END),
	MAKES("i32", 3, 0, FULL, STRUCT_NEW(1), STRUCT_GET(1, 2), END),
	MAKES("i64", 4, 0, FULL, STRUCT_NEW(1), STRUCT_GET(1, 3), WRAP, END),
	MAKES("v128", 5, 0, FULL, STRUCT_NEW(1), STRUCT_GET(1, 4), LANE15_U8, END),
	MAKES("reference", 6, 0, FULL, STRUCT_NEW(1), STRUCT_GET(1, 5), REF_CAST(I31REF), I31_GET_S, END),
	MAKES("struct.new_default", 1, 0, STRUCT_NEW_DEFAULT(2), STRUCT_GET(1, 5), REF_IS_NULL, END),
	MAKES("struct.set", 9, LOCAL_REF(1), STRUCT_NEW_DEFAULT(1), TEE(0), C32(9), STRUCT_SET(1, 0), GET(0), STRUCT_GET_S(1, 0), END),
	MAKES("struct.set of v128", 8, LOCAL_REF(1), STRUCT_NEW_DEFAULT(1), TEE(0), V128_CONST, BYTES16(8), STRUCT_SET(1, 4),
	      GET(0), STRUCT_GET(1, 4), LANE0_U8, GET(0), STRUCT_GET(1, 3), WRAP, ADD, END),
	MAKES("operands below", 12, 0, C32(9), FULL, STRUCT_NEW(1), STRUCT_GET(1, 2), ADD, END),
	BREAKS("struct.get of null", NULL_STRUCTURE, LOCAL_REF(1), GET(0), STRUCT_GET(1, 2), END),
	BREAKS("struct.set of null", NULL_STRUCTURE, LOCAL_REF(1), GET(0), C32(0), STRUCT_SET(1, 2), C32(0), END),
	MAKES("array.new", 7, 0, C32(7), C32(3), ARRAY_NEW(3), C32(2), ARRAY_GET_U(3), END),
	MAKES("array.new of v128", 6, 0, V128_CONST, BYTES16(6), C32(3), ARRAY_NEW(5), C32(2), ARRAY_GET(5), LANE15_U8, END),
	MAKES("array.new_default", 10, 0, C32(10), ARRAY_NEW_DEFAULT(4), ARRAY_LEN, END),
	MAKES("array.new_fixed", 2, 0, C32(1), C32(2), C32(3), ARRAY_NEW_FIXED(7, 3), C32(1), ARRAY_GET(7), END),
	MAKES("array.new_fixed of nothing", 4, 0, C32(4), ARRAY_NEW_FIXED(7, 0), ARRAY_LEN, ADD, END),
	MAKES("array.new_data", 0x0302, 0, C32(1), C32(2), ARRAY_NEW_DATA(4, 0), C32(0), ARRAY_GET_U(4), END),
	BREAKS("array.new_data too long", OUT_OF_BOUNDS_MEMORY, 0, C32(1), C32(4), ARRAY_NEW_DATA(4, 0), ARRAY_LEN, END),
	MAKES("array.new_elem", 5, 0, C32(0), C32(3), ARRAY_NEW_ELEM(6, 0), C32(0), ARRAY_GET(6), REF_CAST(I31REF), I31_GET_U, END),
	BREAKS("array.new_elem too long", OUT_OF_BOUNDS_TABLE, 0, C32(1), C32(3), ARRAY_NEW_ELEM(6, 0), ARRAY_LEN, END),
	MAKES("an element is made once", 1, 0, C32(2), C32(1), ARRAY_NEW_ELEM(6, 0), C32(0), ARRAY_GET(6), C32(2), C32(1),
	      ARRAY_NEW_ELEM(6, 0), C32(0), ARRAY_GET(6), REF_EQ, END),
	MAKES("array.get_s", UINT32_MAX, 0, C32(0x7f), C32(3), ARRAY_NEW(4), C32(2), ARRAY_GET_S(4), END),
	MAKES("array.set", 11, LOCAL_REF(7), C32(3), ARRAY_NEW_DEFAULT(7), TEE(0), C32(2), C32(11), ARRAY_SET(7), GET(0), C32(2), ARRAY_GET(7), END),
	MAKES("array.set of v128", 12, LOCAL_REF(5), C32(3), ARRAY_NEW_DEFAULT(5), TEE(0), C32(2), V128_CONST, BYTES16(12), ARRAY_SET(5),
	      GET(0), C32(2), ARRAY_GET(5), LANE0_U8, GET(0), C32(1), ARRAY_GET(5), LANE0_U8, ADD, END),
	BREAKS("array.get of null", NULL_ARRAY, LOCAL_REF(7), GET(0), C32(0), ARRAY_GET(7), END),
	BREAKS("array.len of null", NULL_ARRAY, LOCAL_REF(7), GET(0), ARRAY_LEN, END),
	BREAKS("array.get too far", OUT_OF_BOUNDS_ARRAY, 0, C32(3), ARRAY_NEW_DEFAULT(7), C32(3), ARRAY_GET(7), END),
	BREAKS("array.set too far", OUT_OF_BOUNDS_ARRAY, 0, C32(3), ARRAY_NEW_DEFAULT(7), C32(0x7f), C32(0), ARRAY_SET(7), C32(0), END),
	BREAKS("array too large", OUT_OF_MEMORY, 0, C32(0x7f), ARRAY_NEW_DEFAULT(5), ARRAY_LEN, END),
	MAKES("array.fill", 8, LOCAL_REF(3), C32(5), ARRAY_NEW_DEFAULT(3), TEE(0), C32(1), C32(8), C32(3), ARRAY_FILL(3),
	      GET(0), C32(3), ARRAY_GET_U(3), GET(0), C32(4), ARRAY_GET_U(3), ADD, END),
	BREAKS("array.fill too far", OUT_OF_BOUNDS_ARRAY, 0, C32(5), ARRAY_NEW_DEFAULT(3), C32(3), C32(8), C32(3), ARRAY_FILL(3), C32(0), END),
	MAKES("array.copy over itself", 2, LOCAL_REF(3), C32(0), C32(8), ARRAY_NEW_DATA(3, 0), TEE(0), C32(1), GET(0), C32(0), C32(7),
	      ARRAY_COPY(3, 3), GET(0), C32(2), ARRAY_GET_U(3), END),
	MAKES("array.init_data", 3, LOCAL_REF(3), C32(8), ARRAY_NEW_DEFAULT(3), TEE(0), C32(1), C32(2), C32(2), ARRAY_INIT_DATA(3, 0),
	      GET(0), C32(1), ARRAY_GET_U(3), END),
	MAKES("array.init_elem", 5, LOCAL_REF(6), C32(8), ARRAY_NEW_DEFAULT(6), TEE(0), C32(1), C32(0), C32(3), ARRAY_INIT_ELEM(6, 0),
	      GET(0), C32(1), ARRAY_GET(6), REF_CAST(I31REF), I31_GET_U, END),
	MAKES("ref.i31 and back, with sign", 0xffffffff, 0, C32(0x7f), REF_I31, I31_GET_S, END),
	MAKES("without", 0x7fffffff, 0, C32(0x7f), REF_I31, I31_GET_U, END),
	BREAKS("i31.get of null", NULL_I31, LOCAL_EQ, GET(0), REF_CAST_NULL(I31REF), I31_GET_S, END),
	MAKES("ref.eq of two", 0, 0, STRUCT_NEW_DEFAULT(1), STRUCT_NEW_DEFAULT(1), REF_EQ, END),
	MAKES("ref.eq of i31", 1, 0, C32(4), REF_I31, C32(4), REF_I31, REF_EQ, END),
	MAKES("ref.test", 1, 0, STRUCT_NEW_DEFAULT(2), REF_TEST(1), END),
	MAKES("ref.test of a supertype", 0, 0, STRUCT_NEW_DEFAULT(1), REF_TEST(2), END),
	MAKES("ref.test of null", 2, LOCAL_EQ, GET(0), REF_TEST(1), GET(0), REF_TEST_NULL(1), ADD, GET(0), REF_TEST_NULL(EQREF), ADD, END),
	BREAKS("ref.cast", CAST_FAILURE, 0, C32(1), REF_I31, REF_CAST(1), REF_IS_NULL, END),
	MAKES("br_on_cast", 4, LOCAL_EQ, BLOCK(I31REF), C32(4), REF_I31, BR_ON_CAST(0, 0, EQREF, I31REF), UNREACHABLE, END, I31_GET_S, END),
	MAKES("br_on_cast goes on", 1, 0, BLOCK(EQREF), STRUCT_NEW_DEFAULT(1), BR_ON_CAST(0, 0, EQREF, I31REF), DROP, C32(1), RETURN, END, DROP, C32(0), END),
	MAKES("br_on_cast, its opcode padded", 4, 0, BLOCK(I31REF), C32(4), REF_I31, 0xfb, 0x98, 0x80, 0, 0, 0, EQREF, I31REF, UNREACHABLE, END, I31_GET_S, END),
	MAKES("br_on_cast_fail", 1, 0, BLOCK(EQREF), STRUCT_NEW_DEFAULT(1), BR_ON_CAST_FAIL(0, 0, EQREF, I31REF), UNREACHABLE, END, REF_TEST(1), END),
	MAKES("conversions", 1, LOCAL_REF(1), STRUCT_NEW_DEFAULT(1), TEE(0), EXTERN_CONVERT_ANY, ANY_CONVERT_EXTERN, REF_CAST(EQREF), GET(0), REF_EQ, END),
};
/* clang-format on */

static bool ran[OPCODE_SPACE];

static void note_opcodes(struct instance *in)
{
	for (uint32_t f = 0; f < in->image->funcs.count; f++) {
		const uint8_t *pc = image_module(in->image) + image_func(in->image, f)->code;

		for (;;) {
			struct instruction i = instruction_at(pc);

			ran[i.opcode] = true;
			if (*pc == OP_RETURN_END)
				break;
			pc = i.next;
		}
	}
}

static void run_example(const struct example *e, bool fuel)
{
	slot slots[4] = {e->arg};
	struct instance *in;
	struct machine m;
	enum trap trap;

	machine_open(&m, fuel);
	in = machine_load(&m, e->bytes, e->size);
	note_opcodes(in);
	trap = machine_call(in, 0, slots, 1, 1);
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

static void control_instructions(void **state)
{
	(void)state;
	RUN_ALL(control);
}

static void call_instructions(void **state)
{
	(void)state;
	RUN_ALL(calls);
}

static void variable_instructions(void **state)
{
	(void)state;
	RUN_ALL(variables);
}

static void table_instructions(void **state)
{
	(void)state;
	RUN_ALL(tables);
}

static void memory_instructions(void **state)
{
	(void)state;
	RUN_ALL(memories);
}

static void unusual_accesses(void **state)
{
	(void)state;
	RUN_ALL(unusual);
}

static void object_instructions(void **state)
{
	(void)state;
	RUN_ALL(objects);
}

static void numeric_instructions(void **state)
{
	(void)state;
	RUN_ALL(numbers);
}

static void exception_instructions(void **state)
{
	(void)state;
	RUN_ALL(exceptions);
}

/* Whatever has a body and is not operand_test.c's was in a function above. */
static void every_opcode_ran(void **state)
{
	unsigned count = 0;

	(void)state;
	for (uint32_t i = 0; i < OPCODE_SPACE; i++) {
		const struct opcode_info *info = &opcode_info[i];

		if (info->imm == IMM_UNKNOWN || (info->regular && info->kind != KIND_CONST))
			continue;
		if (!ran[i])
			fail_msg("%s was in no function", opcode_text(i));
		count++;
	}
	assert_true(count > 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_instructions),  cmocka_unit_test(call_instructions),
		cmocka_unit_test(variable_instructions), cmocka_unit_test(table_instructions),
		cmocka_unit_test(memory_instructions),   cmocka_unit_test(numeric_instructions),
		cmocka_unit_test(object_instructions),   cmocka_unit_test(exception_instructions),
		cmocka_unit_test(unusual_accesses),      cmocka_unit_test(every_opcode_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
