/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semantics.h: what each scalar instruction computes, written once for every tier.
 *
 * The body of a row of opcodes.def is sem_<id in lower case>, in a form given by its kind:
 *
 *	PURE       T sem(T a, ...)                 PARTIAL  enum trap sem(T *ret, T a, ...)
 *	LOAD       T sem(const uint8_t *p)         STORE    void sem(uint8_t *p, T v)
 *
 * with i32 = uint32_t, i64 = uint64_t, f32 = float, f64 = double; a comparison gives 0 or 1. No
 * stack, no dispatch, no memory base, no bounds check: those belong to the tier. A partial body
 * writes *ret only when it returns TRAP_NONE.
 *
 * Requirements for the editor of this file (WebAssembly 3.0, "Numerics"):
 *  1. Nothing undefined in C: integers are unsigned until a sign matters, shift counts are
 *     masked, a float is cast to an integer only after its range was checked.
 *  2. NaN. abs, neg, copysign and reinterpret move bits and leave a signalling NaN alone, so they
 *     work on the bits. Everything else must give a quiet one, which every SSE operation does. But
 *     a compiler that knows an operand drops x * 1 and x - 0: a tier must not inline a body over
 *     constants it has not hidden.
 *  3. No fused multiply-add: the build passes -ffp-contract=off and never -ffast-math.
 */
#ifndef EXEC_SEMANTICS_H
#define EXEC_SEMANTICS_H

#include "exec/trap.h"
#include "exec/value.h"

#include <string.h>

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 binary32 and binary64");

#define SEM_UNARY(name, R, T, expr)     \
	static inline R sem_##name(T a) \
	{                               \
		return (R)(expr);       \
	}
#define SEM_BINARY(name, R, T, expr)         \
	static inline R sem_##name(T a, T b) \
	{                                    \
		return (R)(expr);            \
	}

/* -- Bits and floats ------------------------------------------------------------------------- */

#define SEM_REINTERPRET(name, R, T)        \
	static inline R sem_##name(T a)    \
	{                                  \
		R r;                       \
                                           \
		memcpy(&r, &a, sizeof(r)); \
		return r;                  \
	}
SEM_REINTERPRET(i32_reinterpret_f32, uint32_t, float)
SEM_REINTERPRET(i64_reinterpret_f64, uint64_t, double)
SEM_REINTERPRET(f32_reinterpret_i32, float, uint32_t)
SEM_REINTERPRET(f64_reinterpret_i64, double, uint64_t)

/* -- Integers --------------------------------------------------------------------------------- */

/* t: the prefix; U, S: its two C types; n: its width in bits; z: suffix of the bit builtins. */
#define SEM_INTEGER(t, U, S, n, z)                                           \
	SEM_UNARY(t##_eqz, uint32_t, U, a == 0)                              \
	SEM_BINARY(t##_eq, uint32_t, U, a == b)                              \
	SEM_BINARY(t##_ne, uint32_t, U, a != b)                              \
	SEM_BINARY(t##_lt_s, uint32_t, U, (S)a < (S)b)                       \
	SEM_BINARY(t##_lt_u, uint32_t, U, a < b)                             \
	SEM_BINARY(t##_gt_s, uint32_t, U, (S)a > (S)b)                       \
	SEM_BINARY(t##_gt_u, uint32_t, U, a > b)                             \
	SEM_BINARY(t##_le_s, uint32_t, U, (S)a <= (S)b)                      \
	SEM_BINARY(t##_le_u, uint32_t, U, a <= b)                            \
	SEM_BINARY(t##_ge_s, uint32_t, U, (S)a >= (S)b)                      \
	SEM_BINARY(t##_ge_u, uint32_t, U, a >= b)                            \
	SEM_UNARY(t##_clz, U, U, a == 0 ? n : __builtin_clz##z(a))           \
	SEM_UNARY(t##_ctz, U, U, a == 0 ? n : __builtin_ctz##z(a))           \
	SEM_UNARY(t##_popcnt, U, U, __builtin_popcount##z(a))                \
	SEM_BINARY(t##_add, U, U, a + b)                                     \
	SEM_BINARY(t##_sub, U, U, a - b)                                     \
	SEM_BINARY(t##_mul, U, U, (a * b))                                   \
	SEM_BINARY(t##_and, U, U, (a & b))                                   \
	SEM_BINARY(t##_or, U, U, a | b)                                      \
	SEM_BINARY(t##_xor, U, U, a ^ b)                                     \
	SEM_BINARY(t##_shl, U, U, a << (b & (n - 1)))                        \
	SEM_BINARY(t##_shr_s, U, U, (S)a >> (b & (n - 1)))                   \
	SEM_BINARY(t##_shr_u, U, U, a >> (b & (n - 1)))                      \
	SEM_BINARY(t##_rotl, U, U, a << (b & (n - 1)) | a >> (-b & (n - 1))) \
	SEM_BINARY(t##_rotr, U, U, a >> (b & (n - 1)) | a << (-b & (n - 1))) \
	SEM_UNARY(t##_extend8_s, U, U, (S)(int8_t)a)                         \
	SEM_UNARY(t##_extend16_s, U, U, (S)(int16_t)a)

SEM_INTEGER(i32, uint32_t, int32_t, 32, )
SEM_INTEGER(i64, uint64_t, int64_t, 64, ll)
SEM_UNARY(i64_extend32_s, uint64_t, uint64_t, (int64_t)(int32_t)a)

/* `overflow` names what the quotient of the smallest integer and -1 does. */
#define SEM_DIVISION(name, U, overflow, expr)                \
	static inline enum trap sem_##name(U *ret, U a, U b) \
	{                                                    \
		if (__builtin_expect(b == 0, 0))             \
			return TRAP_INTEGER_DIVIDE_BY_ZERO;  \
		overflow *ret = (U)(expr);                   \
		return TRAP_NONE;                            \
	}
#define SEM_OVERFLOW_TRAPS(min)                            \
	if (__builtin_expect(a == (min) && b + 1 == 0, 0)) \
		return TRAP_INTEGER_OVERFLOW;

SEM_DIVISION(i32_div_s, uint32_t, SEM_OVERFLOW_TRAPS(1u << 31), (int32_t)a / (int32_t)b)
SEM_DIVISION(i32_div_u, uint32_t, , a / b)
SEM_DIVISION(i32_rem_s, uint32_t, , b + 1 == 0 ? 0 : (int32_t)a % (int32_t)b)
SEM_DIVISION(i32_rem_u, uint32_t, , a % b)
SEM_DIVISION(i64_div_s, uint64_t, SEM_OVERFLOW_TRAPS(1ull << 63), (int64_t)a / (int64_t)b)
SEM_DIVISION(i64_div_u, uint64_t, , a / b)
SEM_DIVISION(i64_rem_s, uint64_t, , b + 1 == 0 ? 0 : (int64_t)a % (int64_t)b)
SEM_DIVISION(i64_rem_u, uint64_t, , a % b)

/* -- Floats ----------------------------------------------------------------------------------- */

/*
 * min and max: a NaN wins (quieted by the addition), and zeros are ordered by sign: both ways
 * round, `b < a ? b : a` is minss and differs only for equal zeros, whose bits | or & then decide.
 */
#define SEM_MINMAX(name, F, I, cmp, bits)                                           \
	static inline F sem_##name(F a, F b)                                        \
	{                                                                           \
		if (__builtin_expect(__builtin_isunordered(a, b), 0))               \
			return a + b;                                               \
		return sem_##F##_of(sem_bits_of_##F(b cmp a ? b : a)                \
					    bits sem_bits_of_##F(a cmp b ? a : b)); \
	}
#define sem_float_of sem_f32_reinterpret_i32
#define sem_double_of sem_f64_reinterpret_i64
#define sem_bits_of_float sem_i32_reinterpret_f32
#define sem_bits_of_double sem_i64_reinterpret_f64

/* t: the prefix; F: its C type; U: the integer of its bits; sign: the sign bit; z: libm's suffix. */
#define SEM_FLOAT(t, F, U, sign, z)                                          \
	SEM_BINARY(t##_eq, uint32_t, F, a == b)                              \
	SEM_BINARY(t##_ne, uint32_t, F, a != b)                              \
	SEM_BINARY(t##_lt, uint32_t, F, a < b)                               \
	SEM_BINARY(t##_gt, uint32_t, F, a > b)                               \
	SEM_BINARY(t##_le, uint32_t, F, a <= b)                              \
	SEM_BINARY(t##_ge, uint32_t, F, a >= b)                              \
	SEM_UNARY(t##_abs, F, F, sem_##F##_of(sem_bits_of_##F(a) & ~(sign))) \
	SEM_UNARY(t##_neg, F, F, sem_##F##_of(sem_bits_of_##F(a) ^ (sign)))  \
	SEM_UNARY(t##_ceil, F, F, __builtin_ceil##z(a))                      \
	SEM_UNARY(t##_floor, F, F, __builtin_floor##z(a))                    \
	SEM_UNARY(t##_trunc, F, F, __builtin_trunc##z(a))                    \
	SEM_UNARY(t##_nearest, F, F, __builtin_rint##z(a))                   \
	SEM_UNARY(t##_sqrt, F, F, __builtin_sqrt##z(a))                      \
	SEM_BINARY(t##_add, F, F, a + b)                                     \
	SEM_BINARY(t##_sub, F, F, a - b)                                     \
	SEM_BINARY(t##_mul, F, F, (a * b))                                   \
	SEM_BINARY(t##_div, F, F, a / b)                                     \
	SEM_MINMAX(t##_min, F, U, <, |)                                      \
	SEM_MINMAX(t##_max, F, U, >, &)                                      \
	SEM_BINARY(t##_copysign, F, F,                                       \
		   sem_##F##_of((sem_bits_of_##F(a) & ~(sign)) | (sem_bits_of_##F(b) & (sign))))

SEM_FLOAT(f32, float, uint32_t, 1u << 31, f)
SEM_FLOAT(f64, double, uint64_t, 1ull << 63, )

/* -- Conversions ------------------------------------------------------------------------------ */

SEM_UNARY(i32_wrap_i64, uint32_t, uint64_t, a)
SEM_UNARY(i64_extend_i32_s, uint64_t, uint32_t, (int64_t)(int32_t)a)
SEM_UNARY(i64_extend_i32_u, uint64_t, uint32_t, a)
SEM_UNARY(f32_convert_i32_s, float, uint32_t, (int32_t)a)
SEM_UNARY(f32_convert_i32_u, float, uint32_t, a)
SEM_UNARY(f32_convert_i64_s, float, uint64_t, (int64_t)a)
SEM_UNARY(f32_convert_i64_u, float, uint64_t, a)
SEM_UNARY(f64_convert_i32_s, double, uint32_t, (int32_t)a)
SEM_UNARY(f64_convert_i32_u, double, uint32_t, a)
SEM_UNARY(f64_convert_i64_s, double, uint64_t, (int64_t)a)
SEM_UNARY(f64_convert_i64_u, double, uint64_t, a)
SEM_UNARY(f32_demote_f64, float, double, a)
SEM_UNARY(f64_promote_f32, double, float, a)

/*
 * Float to integer, trapping and saturating. low and high are the nearest floats that no longer
 * fit once truncated: everything strictly between them does.
 */
#define SEM_TRUNCATE(to, from, sign, U, I, F, low, high, min, max)               \
	static inline enum trap sem_##to##_trunc_##from##_##sign(U *ret, F a)    \
	{                                                                        \
		if (__builtin_expect(a > (low) && a < (high), 1)) {              \
			*ret = (U)(I)a;                                          \
			return TRAP_NONE;                                        \
		}                                                                \
		return a != a ? TRAP_INVALID_CONVERSION : TRAP_INTEGER_OVERFLOW; \
	}                                                                        \
	static inline U sem_##to##_trunc_sat_##from##_##sign(F a)                \
	{                                                                        \
		if (__builtin_expect(a > (low) && a < (high), 1))                \
			return (U)(I)a;                                          \
		return a != a ? 0 : a < 0 ? (U)(min) : (U)(max);                 \
	}
/* clang-format off */
SEM_TRUNCATE(i32, f32, s, uint32_t, int32_t,  float,  -0x1.000002p31f,          0x1p31f, INT32_MIN, INT32_MAX)
SEM_TRUNCATE(i32, f32, u, uint32_t, uint32_t, float,  -1.0f,                    0x1p32f, 0,         UINT32_MAX)
SEM_TRUNCATE(i32, f64, s, uint32_t, int32_t,  double, -2147483649.0,            0x1p31,  INT32_MIN, INT32_MAX)
SEM_TRUNCATE(i32, f64, u, uint32_t, uint32_t, double, -1.0,                     0x1p32,  0,         UINT32_MAX)
SEM_TRUNCATE(i64, f32, s, uint64_t, int64_t,  float,  -0x1.000002p63f,          0x1p63f, INT64_MIN, INT64_MAX)
SEM_TRUNCATE(i64, f32, u, uint64_t, uint64_t, float,  -1.0f,                    0x1p64f, 0,         UINT64_MAX)
SEM_TRUNCATE(i64, f64, s, uint64_t, int64_t,  double, -0x1.0000000000001p63,    0x1p63,  INT64_MIN, INT64_MAX)
SEM_TRUNCATE(i64, f64, u, uint64_t, uint64_t, double, -1.0,                     0x1p64,  0,         UINT64_MAX)
/* clang-format on */

/* -- Memory ----------------------------------------------------------------------------------- */

/*
 * Threads of a guest may reach the same bytes of a shared memory at once, which the specification allows and C does not:
 * such an access gives some mixture of bytes that were written, as the CPU has it. It is one copy of a fixed size that
 * nothing else is concluded from. ThreadSanitizer is told that these, and only these, are meant.
 */
#if defined(__SANITIZE_THREAD__)
#define SEM_RACES __attribute__((no_sanitize_thread))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEM_RACES __attribute__((no_sanitize("thread"), noinline))
#endif
#endif
#ifndef SEM_RACES
#define SEM_RACES
#endif

/* M: what lies in memory; T: what the guest sees. Any alignment. */
#define SEM_LOAD(name, T, M)                                   \
	SEM_RACES static inline T sem_##name(const uint8_t *p) \
	{                                                      \
		M m;                                           \
                                                               \
		memcpy(&m, p, sizeof(m));                      \
		return (T)m;                                   \
	}
#define SEM_STORE(name, T, M)                                    \
	SEM_RACES static inline void sem_##name(uint8_t *p, T v) \
	{                                                        \
		M m = (M)v;                                      \
                                                                 \
		memcpy(p, &m, sizeof(m));                        \
	}

SEM_LOAD(i32_load, uint32_t, uint32_t)
SEM_LOAD(i64_load, uint64_t, uint64_t)
SEM_LOAD(f32_load, float, float)
SEM_LOAD(f64_load, double, double)
SEM_LOAD(i32_load8_s, uint32_t, int8_t)
SEM_LOAD(i32_load8_u, uint32_t, uint8_t)
SEM_LOAD(i32_load16_s, uint32_t, int16_t)
SEM_LOAD(i32_load16_u, uint32_t, uint16_t)
SEM_LOAD(i64_load8_s, uint64_t, int8_t)
SEM_LOAD(i64_load8_u, uint64_t, uint8_t)
SEM_LOAD(i64_load16_s, uint64_t, int16_t)
SEM_LOAD(i64_load16_u, uint64_t, uint16_t)
SEM_LOAD(i64_load32_s, uint64_t, int32_t)
SEM_LOAD(i64_load32_u, uint64_t, uint32_t)
SEM_STORE(i32_store, uint32_t, uint32_t)
SEM_STORE(i64_store, uint64_t, uint64_t)
SEM_STORE(f32_store, float, float)
SEM_STORE(f64_store, double, double)
SEM_STORE(i32_store8, uint32_t, uint8_t)
SEM_STORE(i32_store16, uint32_t, uint16_t)
SEM_STORE(i64_store8, uint64_t, uint8_t)
SEM_STORE(i64_store16, uint64_t, uint16_t)
SEM_STORE(i64_store32, uint64_t, uint32_t)

#endif
