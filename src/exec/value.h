/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h: what guest values look like in C.
 *
 * A scalar lives in one slot, a v128 in two. Integers are unsigned and wrap; where an instruction
 * reads a sign, its body casts. A v128 travels as one type and is cast (which moves no bits) to the
 * shape an instruction sees. Vectors are GNU vectors: no CPU intrinsics, so every CPU computes
 * the same and a compiler can see through them.
 */
#ifndef EXEC_VALUE_H
#define EXEC_VALUE_H

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lanes and memory are little endian");

typedef uint64_t slot;

#define VECTOR(element, bytes) element __attribute__((vector_size(bytes)))

/* 16 bytes: a v128 and its shapes. */
typedef VECTOR(uint64_t, 16) v128;
typedef VECTOR(int8_t, 16) i8x16;
typedef VECTOR(uint8_t, 16) u8x16;
typedef VECTOR(int16_t, 16) i16x8;
typedef VECTOR(uint16_t, 16) u16x8;
typedef VECTOR(int32_t, 16) i32x4;
typedef VECTOR(uint32_t, 16) u32x4;
typedef VECTOR(int64_t, 16) i64x2;
typedef VECTOR(uint64_t, 16) u64x2;
typedef VECTOR(float, 16) f32x4;
typedef VECTOR(double, 16) f64x2;

/* 8 bytes: one half, before it is widened or after it was narrowed. */
typedef VECTOR(int8_t, 8) i8x8;
typedef VECTOR(uint8_t, 8) u8x8;
typedef VECTOR(int16_t, 8) i16x4;
typedef VECTOR(uint16_t, 8) u16x4;
typedef VECTOR(int32_t, 8) i32x2;
typedef VECTOR(uint32_t, 8) u32x2;
typedef VECTOR(float, 8) f32x2;

/* 32 bytes: both halves widened, inside one body only (never a parameter). */
typedef VECTOR(int16_t, 32) i16x16;
typedef VECTOR(uint16_t, 32) u16x16;
typedef VECTOR(int32_t, 32) i32x8;
typedef VECTOR(uint32_t, 32) u32x8;

#undef VECTOR

#endif
