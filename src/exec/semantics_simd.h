/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semantics_simd.h: what each vector instruction computes; forms and requirements as in
 * semantics.h, and four more kinds:
 *
 *	LANE       v128 or T sem(v128 a, [T x,] uint8_t lane)
 *	SHUFFLE    v128 sem(v128 a, v128 b, const uint8_t lanes[16])
 *	LOAD_LANE  v128 sem(const uint8_t *p, v128 v, uint8_t lane)
 *	STORE_LANE void sem(uint8_t *p, v128 v, uint8_t lane)
 *
 * A lane immediate was checked by the validator; it is masked all the same. Bodies are written as
 * whole-vector expressions, in the shapes both compilers turn into single instructions (a
 * comparison gives a mask of ones; PICK blends by mask; widening goes through a 32-byte vector).
 * Lanes that wrap are unsigned.
 */
#ifndef EXEC_SEMANTICS_SIMD_H
#define EXEC_SEMANTICS_SIMD_H

#include "exec/semantics.h"

/* Bodies see their operands as `a` and `b` of the shape T. */
#define SEM_V_V(name, T, expr)                 \
	static inline v128 sem_##name(v128 va) \
	{                                      \
		T a = (T)va;                   \
                                               \
		return (v128)(expr);           \
	}
#define SEM_VV_V(name, T, expr)                         \
	static inline v128 sem_##name(v128 va, v128 vb) \
	{                                               \
		T a = (T)va, b = (T)vb;                 \
                                                        \
		return (v128)(expr);                    \
	}

/* mask ? x : y, bit by bit; R is the shape of the result. */
#define LANE_PICK(R, mask, x, y) ((R)(((v128)(mask) & (v128)(x)) | (~(v128)(mask) & (v128)(y))))
#define LANE_MIN(T, x, y) LANE_PICK(T, (x) < (y), x, y)
#define LANE_MAX(T, x, y) LANE_PICK(T, (x) > (y), x, y)
/* Integer lanes of the 32-byte W within low..high. */
#define CLAMP(W, w, low, high) PICK32(W, w < low, low, PICK32(W, w > high, high, w))
#define PICK32(W, mask, x, y) ((W)((mask) & (x)) | (W)(~(mask) & (y)))
#define CONVERT(v, T) __builtin_convertvector(v, T)

#define LOW8(v) __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
#define HIGH8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)
#define LOW4(v) __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define HIGH4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)
#define LOW2(v) __builtin_shufflevector(v, v, 0, 1)
#define HIGH2(v) __builtin_shufflevector(v, v, 2, 3)
#define JOIN16(x, y) \
	__builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define JOIN8(x, y) __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7)
#define JOIN4(x, y) __builtin_shufflevector(x, y, 0, 1, 2, 3)

/* -- Bits ------------------------------------------------------------------------------------- */

SEM_V_V(v128_not, v128, ~a)
SEM_VV_V(v128_and, v128, (a & b))
SEM_VV_V(v128_andnot, v128, a & ~b)
SEM_VV_V(v128_or, v128, a | b)
SEM_VV_V(v128_xor, v128, a ^ b)

static inline v128 sem_v128_bitselect(v128 a, v128 b, v128 mask)
{
	return LANE_PICK(v128, mask, a, b);
}

static inline uint32_t sem_v128_any_true(v128 a)
{
	return (a[0] | a[1]) != 0;
}

/* -- Memory ----------------------------------------------------------------------------------- */

SEM_LOAD(v128_load, v128, v128)
SEM_STORE(v128_store, v128, v128)

#define SEM_LOAD_WIDEN(name, M, T)                                \
	SEM_RACES static inline v128 sem_##name(const uint8_t *p) \
	{                                                         \
		M m;                                              \
                                                                  \
		memcpy(&m, p, sizeof(m));                         \
		return (v128)CONVERT(m, T);                       \
	}
SEM_LOAD_WIDEN(v128_load8x8_s, i8x8, i16x8)
SEM_LOAD_WIDEN(v128_load8x8_u, u8x8, u16x8)
SEM_LOAD_WIDEN(v128_load16x4_s, i16x4, i32x4)
SEM_LOAD_WIDEN(v128_load16x4_u, u16x4, u32x4)
SEM_LOAD_WIDEN(v128_load32x2_s, i32x2, i64x2)
SEM_LOAD_WIDEN(v128_load32x2_u, u32x2, u64x2)

/* T: the vector shape; M: its lane. */
#define SEM_LOAD_STORE_LANE(n, T, M)                                                            \
	SEM_RACES static inline v128 sem_v128_load##n##_splat(const uint8_t *p)                 \
	{                                                                                       \
		M m;                                                                            \
                                                                                                \
		memcpy(&m, p, sizeof(m));                                                       \
		return (v128)((T){0} + m);                                                      \
	}                                                                                       \
	SEM_RACES static inline v128 sem_v128_load##n##_lane(const uint8_t *p, v128 v,          \
							     uint8_t lane)                      \
	{                                                                                       \
		T t = (T)v;                                                                     \
		M m;                                                                            \
                                                                                                \
		memcpy(&m, p, sizeof(m));                                                       \
		t[lane & (128 / n - 1)] = m;                                                    \
		return (v128)t;                                                                 \
	}                                                                                       \
	SEM_RACES static inline void sem_v128_store##n##_lane(uint8_t *p, v128 v, uint8_t lane) \
	{                                                                                       \
		M m = ((T)v)[lane & (128 / n - 1)];                                             \
                                                                                                \
		memcpy(p, &m, sizeof(m));                                                       \
	}
SEM_LOAD_STORE_LANE(8, u8x16, uint8_t)
SEM_LOAD_STORE_LANE(16, u16x8, uint16_t)
SEM_LOAD_STORE_LANE(32, u32x4, uint32_t)
SEM_LOAD_STORE_LANE(64, u64x2, uint64_t)

SEM_RACES static inline v128 sem_v128_load32_zero(const uint8_t *p)
{
	return (v128){sem_i32_load(p), 0};
}

SEM_RACES static inline v128 sem_v128_load64_zero(const uint8_t *p)
{
	return (v128){sem_i64_load(p), 0};
}

/* -- Lanes ------------------------------------------------------------------------------------ */

/* T: the shape; E: its lane; X: the lane as the guest has it. */
#define SEM_SPLAT(shape, T, E, X)                   \
	static inline v128 sem_##shape##_splat(X x) \
	{                                           \
		return (v128)((T){0} + (E)x);       \
	}
#define SEM_EXTRACT(name, T, X)                                                 \
	static inline X sem_##name(v128 a, uint8_t lane)                        \
	{                                                                       \
		return (X)((T)a)[lane & (sizeof(T) / sizeof(((T){0})[0]) - 1)]; \
	}
#define SEM_REPLACE(shape, T, E, X)                                              \
	static inline v128 sem_##shape##_replace_lane(v128 a, X x, uint8_t lane) \
	{                                                                        \
		T t = (T)a;                                                      \
                                                                                 \
		t[lane & (sizeof(T) / sizeof(E) - 1)] = (E)x;                    \
		return (v128)t;                                                  \
	}
SEM_SPLAT(i8x16, u8x16, uint8_t, uint32_t)
SEM_SPLAT(i16x8, u16x8, uint16_t, uint32_t)
SEM_SPLAT(i32x4, u32x4, uint32_t, uint32_t)
SEM_SPLAT(i64x2, u64x2, uint64_t, uint64_t)

/* Adding 0 would quiet a signalling NaN and lose the sign of -0. */
static inline v128 sem_f32x4_splat(float x)
{
	return (v128)(f32x4){x, x, x, x};
}

static inline v128 sem_f64x2_splat(double x)
{
	return (v128)(f64x2){x, x};
}

SEM_EXTRACT(i8x16_extract_lane_s, i8x16, uint32_t)
SEM_EXTRACT(i8x16_extract_lane_u, u8x16, uint32_t)
SEM_EXTRACT(i16x8_extract_lane_s, i16x8, uint32_t)
SEM_EXTRACT(i16x8_extract_lane_u, u16x8, uint32_t)
SEM_EXTRACT(i32x4_extract_lane, u32x4, uint32_t)
SEM_EXTRACT(i64x2_extract_lane, u64x2, uint64_t)
SEM_EXTRACT(f32x4_extract_lane, f32x4, float)
SEM_EXTRACT(f64x2_extract_lane, f64x2, double)
SEM_REPLACE(i8x16, u8x16, uint8_t, uint32_t)
SEM_REPLACE(i16x8, u16x8, uint16_t, uint32_t)
SEM_REPLACE(i32x4, u32x4, uint32_t, uint32_t)
SEM_REPLACE(i64x2, u64x2, uint64_t, uint64_t)
SEM_REPLACE(f32x4, f32x4, float, float)
SEM_REPLACE(f64x2, f64x2, double, double)

/* An index past 15 selects zero. Spelled out lane by lane, clang makes it one pshufb. */
static inline v128 sem_i8x16_swizzle(v128 a, v128 index)
{
	u8x16 from = (u8x16)a, at = (u8x16)index & 15;
	u8x16 r = {
		from[at[0]],  from[at[1]],  from[at[2]],  from[at[3]],  from[at[4]],  from[at[5]],
		from[at[6]],  from[at[7]],  from[at[8]],  from[at[9]],  from[at[10]], from[at[11]],
		from[at[12]], from[at[13]], from[at[14]], from[at[15]],
	};

	return (v128)r & (v128)((u8x16)index < 16);
}

static inline v128 sem_i8x16_shuffle(v128 a, v128 b, const uint8_t *lanes)
{
	u8x16 index;

	memcpy(&index, lanes, sizeof(index));
	return sem_i8x16_swizzle(a, (v128)index) | sem_i8x16_swizzle(b, (v128)(index - 16));
}

/* -- Integer lanes ---------------------------------------------------------------------------- */

/* sh: the shape; U, S: its two vectors; E: an unsigned lane; n: bits of a lane. */
#define SEM_LANES(sh, U, S, E, n)                                          \
	SEM_VV_V(sh##_eq, U, a == b)                                       \
	SEM_VV_V(sh##_ne, U, a != b)                                       \
	SEM_VV_V(sh##_lt_s, S, a < b)                                      \
	SEM_VV_V(sh##_gt_s, S, a > b)                                      \
	SEM_VV_V(sh##_le_s, S, a <= b)                                     \
	SEM_VV_V(sh##_ge_s, S, a >= b)                                     \
	SEM_V_V(sh##_abs, U, (a ^ (U)((S)a < 0)) - (U)((S)a < 0))          \
	SEM_V_V(sh##_neg, U, -a)                                           \
	SEM_VV_V(sh##_add, U, a + b)                                       \
	SEM_VV_V(sh##_sub, U, a - b)                                       \
	static inline v128 sem_##sh##_shl(v128 a, uint32_t count)          \
	{                                                                  \
		return (v128)((U)a << ((U){0} + (E)(count & (n - 1))));    \
	}                                                                  \
	static inline v128 sem_##sh##_shr_s(v128 a, uint32_t count)        \
	{                                                                  \
		return (v128)((S)a >> (S)((U){0} + (E)(count & (n - 1)))); \
	}                                                                  \
	static inline v128 sem_##sh##_shr_u(v128 a, uint32_t count)        \
	{                                                                  \
		return (v128)((U)a >> ((U){0} + (E)(count & (n - 1))));    \
	}                                                                  \
	static inline uint32_t sem_##sh##_all_true(v128 a)                 \
	{                                                                  \
		return !sem_v128_any_true((v128)((U)a == 0));              \
	}
SEM_LANES(i8x16, u8x16, i8x16, uint8_t, 8)
SEM_LANES(i16x8, u16x8, i16x8, uint16_t, 16)
SEM_LANES(i32x4, u32x4, i32x4, uint32_t, 32)
SEM_LANES(i64x2, u64x2, i64x2, uint64_t, 64)
SEM_VV_V(i16x8_mul, u16x8, (a * b))
SEM_VV_V(i32x4_mul, u32x4, (a * b))
SEM_VV_V(i64x2_mul, u64x2, (a * b))

#define SEM_LANES_ORDER(sh, U, S)                  \
	SEM_VV_V(sh##_lt_u, U, a < b)              \
	SEM_VV_V(sh##_gt_u, U, a > b)              \
	SEM_VV_V(sh##_le_u, U, a <= b)             \
	SEM_VV_V(sh##_ge_u, U, a >= b)             \
	SEM_VV_V(sh##_min_s, S, LANE_MIN(S, a, b)) \
	SEM_VV_V(sh##_min_u, U, LANE_MIN(U, a, b)) \
	SEM_VV_V(sh##_max_s, S, LANE_MAX(S, a, b)) \
	SEM_VV_V(sh##_max_u, U, LANE_MAX(U, a, b))
SEM_LANES_ORDER(i8x16, u8x16, i8x16)
SEM_LANES_ORDER(i16x8, u16x8, i16x8)
SEM_LANES_ORDER(i32x4, u32x4, i32x4)

/* Saturation of signed lanes: compute in twice the width W, clamp, drop the upper half. */
#define SEM_SATURATE_S(name, S, W, op, low, high)                \
	static inline v128 sem_##name(v128 a, v128 b)            \
	{                                                        \
		W w = CONVERT((S)a, W) op CONVERT((S)b, W);      \
                                                                 \
		return (v128)CONVERT(CLAMP(W, w, low, high), S); \
	}
#define SEM_SATURATE_U(sh, U)                                 \
	SEM_VV_V(sh##_add_sat_u, U, (a + b) | (U)(a + b < a)) \
	SEM_VV_V(sh##_sub_sat_u, U, (a - b) & (U)(a > b))     \
	SEM_VV_V(sh##_avgr_u, U, (a | b) - ((a ^ b) >> 1))
SEM_SATURATE_S(i8x16_add_sat_s, i8x16, i16x16, +, -128, 127)
SEM_SATURATE_S(i8x16_sub_sat_s, i8x16, i16x16, -, -128, 127)
SEM_SATURATE_S(i16x8_add_sat_s, i16x8, i32x8, +, -32768, 32767)
SEM_SATURATE_S(i16x8_sub_sat_s, i16x8, i32x8, -, -32768, 32767)
SEM_SATURATE_U(i8x16, u8x16)
SEM_SATURATE_U(i16x8, u16x8)

/* Count bits in pairs, nibbles, bytes. */
static inline v128 sem_i8x16_popcnt(v128 a)
{
	u8x16 n = (u8x16)a;

	n = n - ((n >> 1) & 0x55);
	n = (n & 0x33) + ((n >> 2) & 0x33);
	return (v128)((n + (n >> 4)) & 0x0f);
}

/* Eight sign bits, one at the top of each byte, gathered by a multiplication. */
static inline uint32_t sem_gather8(uint64_t bytes)
{
	return (uint32_t)(((bytes & 0x8080808080808080) >> 7) * 0x0102040810204080 >> 56);
}

static inline uint32_t sem_i8x16_bitmask(v128 a)
{
	return sem_gather8(a[0]) | sem_gather8(a[1]) << 8;
}

static inline uint32_t sem_i16x8_bitmask(v128 a)
{
	return sem_gather8((uint64_t)CONVERT((u16x8)a >> 8, u8x8));
}

static inline uint32_t sem_i32x4_bitmask(v128 a)
{
	u32x4 bit = (u32x4)a >> 31;

	return bit[0] | bit[1] << 1 | bit[2] << 2 | bit[3] << 3;
}

static inline uint32_t sem_i64x2_bitmask(v128 a)
{
	return (uint32_t)(a[0] >> 63 | a[1] >> 63 << 1);
}

/* -- Wider and narrower ----------------------------------------------------------------------- */

/* sh, from: shapes; half: 8, 4, 2 lanes; U, S: the result's vectors; US, SS: the source's. */
#define SEM_WIDEN(sh, from, half, U, S, US, SS)                             \
	SEM_V_V(sh##_extend_low_##from##_s, SS, CONVERT(LOW##half(a), S))   \
	SEM_V_V(sh##_extend_high_##from##_s, SS, CONVERT(HIGH##half(a), S)) \
	SEM_V_V(sh##_extend_low_##from##_u, US, CONVERT(LOW##half(a), U))   \
	SEM_V_V(sh##_extend_high_##from##_u, US, CONVERT(HIGH##half(a), U)) \
	SEM_EXTMUL(sh, low_##from##_s, S)                                   \
	SEM_EXTMUL(sh, high_##from##_s, S)                                  \
	SEM_EXTMUL(sh, low_##from##_u, U)                                   \
	SEM_EXTMUL(sh, high_##from##_u, U)
#define SEM_EXTMUL(sh, part, T)                                                                 \
	static inline v128 sem_##sh##_extmul_##part(v128 a, v128 b)                             \
	{                                                                                       \
		return (v128)((T)sem_##sh##_extend_##part(a) * (T)sem_##sh##_extend_##part(b)); \
	}
SEM_WIDEN(i16x8, i8x16, 8, u16x8, i16x8, u8x16, i8x16)
SEM_WIDEN(i32x4, i16x8, 4, u32x4, i32x4, u16x8, i16x8)
SEM_WIDEN(i64x2, i32x4, 2, u64x2, i64x2, u32x4, i32x4)

/* Even lanes plus odd ones, each widened in place by shifting. */
#define SEM_PAIRWISE(name, T, U, n)                                 \
	static inline v128 sem_##name(v128 a)                       \
	{                                                           \
		return (v128)(((T)((U)a << n) >> n) + ((T)a >> n)); \
	}
SEM_PAIRWISE(i16x8_extadd_pairwise_i8x16_s, i16x8, u16x8, 8)
SEM_PAIRWISE(i16x8_extadd_pairwise_i8x16_u, u16x8, u16x8, 8)
SEM_PAIRWISE(i32x4_extadd_pairwise_i16x8_s, i32x4, u32x4, 16)
SEM_PAIRWISE(i32x4_extadd_pairwise_i16x8_u, u32x4, u32x4, 16)

/* Both operands side by side, clamped; then the upper half of each lane is dropped. */
#define SEM_NARROW(name, S, W, R, join, low, high)               \
	static inline v128 sem_##name(v128 a, v128 b)            \
	{                                                        \
		W w = join((S)a, (S)b);                          \
                                                                 \
		return (v128)CONVERT(CLAMP(W, w, low, high), R); \
	}
SEM_NARROW(i8x16_narrow_i16x8_s, i16x8, i16x16, i8x16, JOIN16, -128, 127)
SEM_NARROW(i8x16_narrow_i16x8_u, i16x8, i16x16, u8x16, JOIN16, 0, 255)
SEM_NARROW(i16x8_narrow_i32x4_s, i32x4, i32x8, i16x8, JOIN8, -32768, 32767)
SEM_NARROW(i16x8_narrow_i32x4_u, i32x4, i32x8, u16x8, JOIN8, 0, 65535)

/* Products of 16-bit lanes; the sum of two of the most negative ones wraps. */
static inline v128 sem_i32x4_dot_i16x8_s(v128 a, v128 b)
{
	u32x8 p = (u32x8)(CONVERT((i16x8)a, i32x8) * CONVERT((i16x8)b, i32x8));

	return (v128)(__builtin_shufflevector(p, p, 0, 2, 4, 6) +
		      __builtin_shufflevector(p, p, 1, 3, 5, 7));
}

/* Rounded Q15 product; only -1 times -1 leaves the range. */
static inline v128 sem_i16x8_q15mulr_sat_s(v128 a, v128 b)
{
	i32x8 p = (CONVERT((i16x8)a, i32x8) * CONVERT((i16x8)b, i32x8) + 0x4000) >> 15;
	i16x8 r = CONVERT(p, i16x8);

	return (v128)(r ^ (((i16x8)a == INT16_MIN) & ((i16x8)b == INT16_MIN)));
}

/* -- Float lanes ------------------------------------------------------------------------------ */

#define EACH4(f, v) ((f32x4){f((v)[0]), f((v)[1]), f((v)[2]), f((v)[3])})
#define EACH2(f, v) ((f64x2){f((v)[0]), f((v)[1])})

/* sh: the shape; T: its vector; t: the scalar whose bodies it shares; sign: a lane's sign bit. */
#define SEM_FLOATS(sh, T, t, each, sign)                                                       \
	SEM_VV_V(sh##_eq, T, a == b)                                                           \
	SEM_VV_V(sh##_ne, T, a != b)                                                           \
	SEM_VV_V(sh##_lt, T, a < b)                                                            \
	SEM_VV_V(sh##_gt, T, a > b)                                                            \
	SEM_VV_V(sh##_le, T, a <= b)                                                           \
	SEM_VV_V(sh##_ge, T, a >= b)                                                           \
	SEM_V_V(sh##_abs, v128, a & ~(sign))                                                   \
	SEM_V_V(sh##_neg, v128, a ^ (sign))                                                    \
	SEM_V_V(sh##_ceil, T, each(sem_##t##_ceil, a))                                         \
	SEM_V_V(sh##_floor, T, each(sem_##t##_floor, a))                                       \
	SEM_V_V(sh##_trunc, T, each(sem_##t##_trunc, a))                                       \
	SEM_V_V(sh##_nearest, T, each(sem_##t##_nearest, a))                                   \
	SEM_V_V(sh##_sqrt, T, each(sem_##t##_sqrt, a))                                         \
	SEM_VV_V(sh##_add, T, a + b)                                                           \
	SEM_VV_V(sh##_sub, T, a - b)                                                           \
	SEM_VV_V(sh##_mul, T, (a * b))                                                         \
	SEM_VV_V(sh##_div, T, a / b)                                                           \
	SEM_VV_V(sh##_pmin, T, LANE_PICK(T, b < a, b, a))                                      \
	SEM_VV_V(sh##_pmax, T, LANE_PICK(T, a < b, b, a))                                      \
	SEM_VV_V(sh##_min, T,                                                                  \
		 LANE_PICK(T, (a != a) | (b != b), a + b,                                      \
			   (v128)LANE_PICK(T, b < a, b, a) | (v128)LANE_PICK(T, a < b, a, b))) \
	SEM_VV_V(sh##_max, T,                                                                  \
		 LANE_PICK(T, (a != a) | (b != b), a + b,                                      \
			   (v128)LANE_PICK(T, b > a, b, a) & (v128)LANE_PICK(T, a > b, a, b)))
SEM_FLOATS(f32x4, f32x4, f32, EACH4, 0x8000000080000000)
SEM_FLOATS(f64x2, f64x2, f64, EACH2, 0x8000000000000000)

SEM_V_V(f32x4_convert_i32x4_s, i32x4, CONVERT(a, f32x4))
SEM_V_V(f32x4_convert_i32x4_u, u32x4, CONVERT(a, f32x4))
SEM_V_V(f64x2_convert_low_i32x4_s, i32x4, CONVERT(LOW2(a), f64x2))
SEM_V_V(f64x2_convert_low_i32x4_u, u32x4, CONVERT(LOW2(a), f64x2))
SEM_V_V(f32x4_demote_f64x2_zero, f64x2, JOIN4(CONVERT(a, f32x2), (f32x2){0}))
SEM_V_V(f64x2_promote_low_f32x4, f32x4, CONVERT(LOW2(a), f64x2))

/* Lanes out of range are zeroed before the conversion and set to their limit after it. */
static inline v128 sem_i32x4_trunc_sat_f32x4_s(v128 a)
{
	f32x4 f = (f32x4)a;
	v128 below = (v128)(f < -0x1p31f), above = (v128)(f >= 0x1p31f);
	i32x4 r = CONVERT((f32x4)(a & (v128)(f == f) & ~below & ~above), i32x4);

	return (v128)r | (below & 0x8000000080000000) | (above & 0x7fffffff7fffffff);
}

static inline v128 sem_i32x4_trunc_sat_f32x4_u(v128 a)
{
	v128 positive = (v128)((f32x4)a > 0), above = (v128)((f32x4)a >= 0x1p32f);

	return (v128)CONVERT((f32x4)(a & positive & ~above), u32x4) | above;
}

/* Both limits are doubles, so clamping is exact; a NaN becomes 0. */
#define SEM_TRUNCATE_ZERO(name, low, high, half)                      \
	static inline v128 sem_##name(v128 a)                         \
	{                                                             \
		f64x2 f = (f64x2)(a & (v128)((f64x2)a == (f64x2)a));  \
		f64x2 least = {low, low}, most = {high, high};        \
                                                                      \
		f = LANE_MIN(f64x2, LANE_MAX(f64x2, f, least), most); \
		return (v128)JOIN4(CONVERT(f, half), (half){0});      \
	}
SEM_TRUNCATE_ZERO(i32x4_trunc_sat_f64x2_s_zero, INT32_MIN, INT32_MAX, i32x2)
SEM_TRUNCATE_ZERO(i32x4_trunc_sat_f64x2_u_zero, 0, UINT32_MAX, u32x2)

#undef LANE_PICK
#undef LANE_MIN
#undef LANE_MAX
#undef CLAMP
#undef PICK32
#undef CONVERT
#undef LOW8
#undef HIGH8
#undef LOW4
#undef HIGH4
#undef LOW2
#undef HIGH2
#undef JOIN16
#undef JOIN8
#undef JOIN4
#undef EACH4
#undef EACH2

#endif
