/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code_bytes.h: instructions and exports as bytes, to write tests' functions with; see module_bytes.h.
 *
 * Indices and constants are one byte: 0 to 63, constants also 0x40 to 0x7f for -64 to -1.
 */
#ifndef WASM_CODE_BYTES_H
#define WASM_CODE_BYTES_H

#include "wasm/module_bytes.h"

/* A section of up to 16,383 bytes. */
#define COUNT_OF(...) sizeof((const uint8_t[]){__VA_ARGS__})
#define LONG_SECTION(id, ...) \
	id, (COUNT_OF(__VA_ARGS__) & 127) | 128, COUNT_OF(__VA_ARGS__) / 128, __VA_ARGS__

/* -- Exports of one letter ----------------------------------------------------------------- */

#define EXPORT_FUNC(letter, index) 1, letter, 0, index
#define EXPORT_TABLE(letter, index) 1, letter, 1, index
#define EXPORT_MEMORY(letter, index) 1, letter, 2, index
#define EXPORT_GLOBAL(letter, index) 1, letter, 3, index
#define EXPORT_TAG(letter, index) 1, letter, 4, index

/* Import 'h' 'letter': of the host, in most tests. */
#define IMPORT_FUNC(letter, type) 1, 'h', 1, letter, 0, type
#define IMPORT_TABLE(letter, ...) 1, 'h', 1, letter, 1, __VA_ARGS__
#define IMPORT_MEMORY(letter, ...) 1, 'h', 1, letter, 2, __VA_ARGS__
#define IMPORT_GLOBAL(letter, ...) 1, 'h', 1, letter, 3, __VA_ARGS__
#define IMPORT_TAG(letter, type) 1, 'h', 1, letter, 4, 0, type

#define FUNCREF 0x70
#define EXTERNREF 0x6f
#define EXNREF 0x69
#define VOID 0x40

/* -- Instructions -------------------------------------------------------------------------- */

#define UNREACHABLE 0x00
#define NOP 0x01
#define BLOCK(type) 0x02, type
#define LOOP(type) 0x03, type
#define IF(type) 0x04, type
#define ELSE 0x05
#define TRY(type) 0x06, type
#define CATCH(tag) 0x07, tag
#define THROW(tag) 0x08, tag
#define RETHROW(label) 0x09, label
#define THROW_REF 0x0a
#define END 0x0b
#define BR(label) 0x0c, label
#define BR_IF(label) 0x0d, label
#define RETURN 0x0f
#define CALL(func) 0x10, func
#define CALL_INDIRECT(type, table) 0x11, type, table
#define RETURN_CALL(func) 0x12, func
#define RETURN_CALL_INDIRECT(type, table) 0x13, type, table
#define CALL_REF(type) 0x14, type
#define RETURN_CALL_REF(type) 0x15, type
#define DELEGATE(label) 0x18, label
#define CATCH_ALL 0x19
#define DROP 0x1a
#define SELECT 0x1b
/* How many clauses, then these. */
#define TRY_TABLE(type, ...) 0x1f, type, __VA_ARGS__
#define ON_TAG(tag, label) 0, tag, label
#define ON_TAG_REF(tag, label) 1, tag, label
#define ON_ALL(label) 2, label
#define ON_ALL_REF(label) 3, label
#define GET(local) 0x20, local
#define SET(local) 0x21, local
#define TEE(local) 0x22, local
#define GLOBAL_GET(global) 0x23, global
#define GLOBAL_SET(global) 0x24, global
#define TABLE_GET(table) 0x25, table
#define TABLE_SET(table) 0x26, table
#define LOAD32 0x28, 2, 0
#define LOAD8 0x2d, 0, 0
#define STORE32 0x36, 2, 0
#define STORE8 0x3a, 0, 0
#define MEMORY_SIZE 0x3f, 0
#define MEMORY_GROW 0x40, 0
#define C32(n) 0x41, n
#define C64(n) 0x42, n
#define EQZ 0x45
#define SUB 0x6b
#define ADD 0x6a
#define MUL 0x6c
#define DIV_S 0x6d
#define REF_NULL(heap) 0xd0, heap
#define REF_IS_NULL 0xd1
#define REF_FUNC(func) 0xd2, func
#define MEMORY_INIT(data) 0xfc, 8, data, 0
#define DATA_DROP(data) 0xfc, 9, data
#define MEMORY_COPY 0xfc, 10, 0, 0
#define MEMORY_FILL 0xfc, 11, 0
#define TABLE_INIT(element, table) 0xfc, 12, element, table
#define ELEM_DROP(element) 0xfc, 13, element
#define TABLE_COPY(to, from) 0xfc, 14, to, from
#define TABLE_GROW(table) 0xfc, 15, table
#define TABLE_SIZE(table) 0xfc, 16, table
#define TABLE_FILL(table) 0xfc, 17, table

/* -- Structs, arrays, i31 --------------------------------------------------------------------- */

#define I8 0x78
#define I16 0x77
#define EQREF 0x6d
#define I31REF 0x6c
#define STRUCT_TYPE(...) 0x5f, __VA_ARGS__
#define ARRAY_TYPE(...) 0x5e, __VA_ARGS__
#define SUB_TYPE(...) 0x50, __VA_ARGS__
#define STRUCT_NEW(type) 0xfb, 0, type
#define STRUCT_NEW_DEFAULT(type) 0xfb, 1, type
#define STRUCT_GET(type, field) 0xfb, 2, type, field
#define STRUCT_GET_S(type, field) 0xfb, 3, type, field
#define STRUCT_GET_U(type, field) 0xfb, 4, type, field
#define STRUCT_SET(type, field) 0xfb, 5, type, field
#define ARRAY_NEW(type) 0xfb, 6, type
#define ARRAY_NEW_DEFAULT(type) 0xfb, 7, type
#define ARRAY_NEW_FIXED(type, count) 0xfb, 8, type, count
#define ARRAY_NEW_DATA(type, data) 0xfb, 9, type, data
#define ARRAY_NEW_ELEM(type, element) 0xfb, 10, type, element
#define ARRAY_GET(type) 0xfb, 11, type
#define ARRAY_GET_S(type) 0xfb, 12, type
#define ARRAY_GET_U(type) 0xfb, 13, type
#define ARRAY_SET(type) 0xfb, 14, type
#define ARRAY_LEN 0xfb, 15
#define ARRAY_FILL(type) 0xfb, 16, type
#define ARRAY_COPY(to, from) 0xfb, 17, to, from
#define ARRAY_INIT_DATA(type, data) 0xfb, 18, type, data
#define ARRAY_INIT_ELEM(type, element) 0xfb, 19, type, element
#define REF_TEST(heap) 0xfb, 20, heap
#define REF_TEST_NULL(heap) 0xfb, 21, heap
#define REF_CAST(heap) 0xfb, 22, heap
#define REF_CAST_NULL(heap) 0xfb, 23, heap
#define BR_ON_CAST(flags, label, from, to) 0xfb, 24, flags, label, from, to
#define BR_ON_CAST_FAIL(flags, label, from, to) 0xfb, 25, flags, label, from, to
#define ANY_CONVERT_EXTERN 0xfb, 26
#define EXTERN_CONVERT_ANY 0xfb, 27
#define REF_I31 0xfb, 28
#define I31_GET_S 0xfb, 29
#define I31_GET_U 0xfb, 30
#define REF_EQ 0xd3

#endif
