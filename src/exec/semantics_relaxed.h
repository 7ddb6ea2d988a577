/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semantics_relaxed.h: relaxed SIMD, where the specification allows a choice. Ours is one and the
 * same on every CPU and tier, the one of the specification's deterministic profile: what the
 * strict instruction does; multiply-add rounds twice; the dot product reads both operands as
 * signed and its 16-bit sums wrap.
 */
#ifndef EXEC_SEMANTICS_RELAXED_H
#define EXEC_SEMANTICS_RELAXED_H

#include "exec/semantics_simd.h"

#define SEM_SAME_UNARY(name, strict)          \
	static inline v128 sem_##name(v128 a) \
	{                                     \
		return sem_##strict(a);       \
	}
#define SEM_SAME_BINARY(name, strict)                 \
	static inline v128 sem_##name(v128 a, v128 b) \
	{                                             \
		return sem_##strict(a, b);            \
	}
#define SEM_SAME_SELECT(name)                                    \
	static inline v128 sem_##name(v128 a, v128 b, v128 mask) \
	{                                                        \
		return sem_v128_bitselect(a, b, mask);           \
	}

SEM_SAME_BINARY(i8x16_relaxed_swizzle, i8x16_swizzle)
SEM_SAME_UNARY(i32x4_relaxed_trunc_f32x4_s, i32x4_trunc_sat_f32x4_s)
SEM_SAME_UNARY(i32x4_relaxed_trunc_f32x4_u, i32x4_trunc_sat_f32x4_u)
SEM_SAME_UNARY(i32x4_relaxed_trunc_f64x2_s_zero, i32x4_trunc_sat_f64x2_s_zero)
SEM_SAME_UNARY(i32x4_relaxed_trunc_f64x2_u_zero, i32x4_trunc_sat_f64x2_u_zero)
SEM_SAME_SELECT(i8x16_relaxed_laneselect)
SEM_SAME_SELECT(i16x8_relaxed_laneselect)
SEM_SAME_SELECT(i32x4_relaxed_laneselect)
SEM_SAME_SELECT(i64x2_relaxed_laneselect)
SEM_SAME_BINARY(f32x4_relaxed_min, f32x4_min)
SEM_SAME_BINARY(f32x4_relaxed_max, f32x4_max)
SEM_SAME_BINARY(f64x2_relaxed_min, f64x2_min)
SEM_SAME_BINARY(f64x2_relaxed_max, f64x2_max)
SEM_SAME_BINARY(i16x8_relaxed_q15mulr_s, i16x8_q15mulr_sat_s)

#define SEM_MADD(sh, T)                                                     \
	static inline v128 sem_##sh##_relaxed_madd(v128 a, v128 b, v128 c)  \
	{                                                                   \
		return (v128)((T)a * (T)b + (T)c);                          \
	}                                                                   \
	static inline v128 sem_##sh##_relaxed_nmadd(v128 a, v128 b, v128 c) \
	{                                                                   \
		return (v128)((T)sem_##sh##_neg(a) * (T)b + (T)c);          \
	}
SEM_MADD(f32x4, f32x4)
SEM_MADD(f64x2, f64x2)

/* Even and odd bytes, widened in place; a product fits, the sum wraps. */
static inline v128 sem_i16x8_relaxed_dot_i8x16_i7x16_s(v128 a, v128 b)
{
	i16x8 even = ((i16x8)((u16x8)a << 8) >> 8) * ((i16x8)((u16x8)b << 8) >> 8);
	i16x8 odd = ((i16x8)a >> 8) * ((i16x8)b >> 8);

	return (v128)((u16x8)even + (u16x8)odd);
}

static inline v128 sem_i32x4_relaxed_dot_i8x16_i7x16_add_s(v128 a, v128 b, v128 c)
{
	v128 dot = sem_i16x8_relaxed_dot_i8x16_i7x16_s(a, b);

	return sem_i32x4_add(sem_i32x4_extadd_pairwise_i16x8_s(dot), c);
}

#endif
