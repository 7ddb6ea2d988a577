/* SPDX-License-Identifier: Apache-2.0 */
/*
 * valtype.h: a value type in 32 bits.
 *
 *   bits 0..7   the kind, as the binary format writes it
 *   bits 8..31  for references the heap type: an index into a type space, or 0xffff00 | code
 *
 * So two types of one space are equal exactly if their words are, once every index stands for its
 * equivalence class (types.h sees to that). The word is also the public API's.
 */
#ifndef WASM_VALTYPE_H
#define WASM_VALTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TYPE_BOTTOM = 0, /* of unreachable code: any type */
	TYPE_I32 = 0x7f,
	TYPE_I64 = 0x7e,
	TYPE_F32 = 0x7d,
	TYPE_F64 = 0x7c,
	TYPE_V128 = 0x7b,
	TYPE_I8 = 0x78, /* packed: fields only */
	TYPE_I16 = 0x77,
	TYPE_REF = 0x64,
	TYPE_REF_NULL = 0x63,
};

/* Abstract heap types, by the code of their shorthand. */
enum heap_code {
	HEAP_NOEXN = 0x74,
	HEAP_NOFUNC = 0x73,
	HEAP_NOEXTERN = 0x72,
	HEAP_NONE = 0x71,
	HEAP_FUNC = 0x70,
	HEAP_EXTERN = 0x6f,
	HEAP_ANY = 0x6e,
	HEAP_EQ = 0x6d,
	HEAP_I31 = 0x6c,
	HEAP_STRUCT = 0x6b,
	HEAP_ARRAY = 0x6a,
	HEAP_EXN = 0x69,
	HEAP_BOTTOM = 0x40, /* no code: below every heap type */
};

#define HEAP_ABSTRACT(code) (0xffff00u | (code))
#define HEAP_IS_INDEX(heap) ((heap) < 0xffff00u)
#define TYPE_MAKE_REF(nullable, heap) \
	((uint32_t)((nullable) ? TYPE_REF_NULL : TYPE_REF) | (uint32_t)(heap) << 8)
#define TYPE_KIND(type) ((type) & 0xffu)
#define TYPE_HEAP(type) ((type) >> 8)
/* Of unreachable code: any reference, never a number. */
#define TYPE_BOTTOM_REF TYPE_MAKE_REF(false, HEAP_ABSTRACT(HEAP_BOTTOM))
#define TYPE_FUNCREF TYPE_MAKE_REF(true, HEAP_ABSTRACT(HEAP_FUNC))
#define TYPE_EXTERNREF TYPE_MAKE_REF(true, HEAP_ABSTRACT(HEAP_EXTERN))

static inline bool valtype_is_ref(uint32_t type)
{
	return TYPE_KIND(type) == TYPE_REF || TYPE_KIND(type) == TYPE_REF_NULL;
}

static inline bool valtype_is_nullable(uint32_t type)
{
	return TYPE_KIND(type) == TYPE_REF_NULL;
}

/* A value's default exists: not for references that may not be null. */
static inline bool valtype_has_default(uint32_t type)
{
	return TYPE_KIND(type) != TYPE_REF;
}

/* Slots of 64 bits a value takes. */
static inline uint32_t valtype_slots(uint32_t type)
{
	return type == TYPE_V128 ? 2 : 1;
}

/* "i32", "funcref", "(ref null 3)", ...; snprintf's rule for size and result. */
size_t valtype_text(uint32_t type, char *text, size_t size);

/* For messages: a text in a struct, so that several fit one printf. */
struct valtype_name {
	char text[32];
};
struct valtype_name valtype_name(uint32_t type);

#endif
