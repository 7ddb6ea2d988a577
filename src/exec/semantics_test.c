/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semantics_test.c: that every row of opcodes.def has a body of the shape its kind and signature
 * promise, and that the bodies get right what is easily got wrong. The suite of the
 * specification, run on every tier, is the thorough test; this one needs no engine.
 */
#include "exec/semantics_names.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* -- Shapes: a pointer type from SIG and KIND, initialised with the body ---------------------- */

/* name of a signature: result and parameters, for PURE. */
#define SIGNATURES(S)                         \
	S(i_i, uint32_t, uint32_t)            \
	S(ii_i, uint32_t, uint32_t, uint32_t) \
	S(l_i, uint32_t, uint64_t)            \
	S(ll_i, uint32_t, uint64_t, uint64_t) \
	S(l_l, uint64_t, uint64_t)            \
	S(ll_l, uint64_t, uint64_t, uint64_t) \
	S(i_l, uint64_t, uint32_t)            \
	S(f_f, float, float)                  \
	S(ff_f, float, float, float)          \
	S(ff_i, uint32_t, float, float)       \
	S(d_d, double, double)                \
	S(dd_d, double, double, double)       \
	S(dd_i, uint32_t, double, double)     \
	S(i_f, float, uint32_t)               \
	S(l_f, float, uint64_t)               \
	S(d_f, float, double)                 \
	S(i_d, double, uint32_t)              \
	S(l_d, double, uint64_t)              \
	S(f_d, double, float)                 \
	S(f_i, uint32_t, float)               \
	S(d_i, uint32_t, double)              \
	S(f_l, uint64_t, float)               \
	S(d_l, uint64_t, double)              \
	S(v_v, v128, v128)                    \
	S(vv_v, v128, v128, v128)             \
	S(vvv_v, v128, v128, v128, v128)      \
	S(vi_v, v128, v128, uint32_t)         \
	S(v_i, uint32_t, v128)                \
	S(i_v, v128, uint32_t)                \
	S(l_v, v128, uint64_t)                \
	S(f_v, v128, float)                   \
	S(d_v, v128, double)
#define S(sig, R, ...)                        \
	typedef R (*PURE_##sig)(__VA_ARGS__); \
	typedef enum trap (*PARTIAL_##sig)(R *, __VA_ARGS__);
SIGNATURES(S)
#undef S

typedef uint32_t (*LOAD_i_i)(const uint8_t *);
typedef uint64_t (*LOAD_i_l)(const uint8_t *);
typedef float (*LOAD_i_f)(const uint8_t *);
typedef double (*LOAD_i_d)(const uint8_t *);
typedef v128 (*LOAD_i_v)(const uint8_t *);
typedef void (*STORE_ii_)(uint8_t *, uint32_t);
typedef void (*STORE_il_)(uint8_t *, uint64_t);
typedef void (*STORE_if_)(uint8_t *, float);
typedef void (*STORE_id_)(uint8_t *, double);
typedef void (*STORE_iv_)(uint8_t *, v128);
typedef uint32_t (*ATOMIC_i_i)(const uint8_t *);
typedef uint64_t (*ATOMIC_i_l)(const uint8_t *);
typedef void (*ATOMIC_ii_)(uint8_t *, uint32_t);
typedef void (*ATOMIC_il_)(uint8_t *, uint64_t);
typedef uint32_t (*ATOMIC_ii_i)(uint8_t *, uint32_t);
typedef uint64_t (*ATOMIC_il_l)(uint8_t *, uint64_t);
typedef uint32_t (*ATOMIC_iii_i)(uint8_t *, uint32_t, uint32_t);
typedef uint64_t (*ATOMIC_ill_l)(uint8_t *, uint64_t, uint64_t);
typedef v128 (*LOAD_LANE_iv_v)(const uint8_t *, v128, uint8_t);
typedef void (*STORE_LANE_iv_)(uint8_t *, v128, uint8_t);
typedef v128 (*SHUFFLE_vv_v)(v128, v128, const uint8_t *);
typedef uint32_t (*LANE_v_i)(v128, uint8_t);
typedef uint64_t (*LANE_v_l)(v128, uint8_t);
typedef float (*LANE_v_f)(v128, uint8_t);
typedef double (*LANE_v_d)(v128, uint8_t);
typedef v128 (*LANE_vi_v)(v128, uint32_t, uint8_t);
typedef v128 (*LANE_vl_v)(v128, uint64_t, uint8_t);
typedef v128 (*LANE_vf_v)(v128, float, uint8_t);
typedef v128 (*LANE_vd_v)(v128, double, uint8_t);

#define STRING(x) #x
#define EXPANDED(x) STRING(x)

struct body {
	const char *id;
	const char *name;
	int present;
};

#define BODY(id, sig, kind) {#id, EXPANDED(SEM_##id), (kind##_##sig){SEM_##id} != NULL},
#define NO_BODY(id, sig, kind)

#define ROW_PURE BODY
#define ROW_PARTIAL BODY
#define ROW_LOAD BODY
#define ROW_STORE BODY
#define ROW_LANE BODY
#define ROW_SHUFFLE BODY
#define ROW_ATOMIC BODY
#define ROW_LOAD_LANE BODY
#define ROW_STORE_LANE BODY
#define ROW_CONST NO_BODY
#define ROW_CONTROL NO_BODY
#define ROW_VARIABLE NO_BODY
#define ROW_RUNTIME NO_BODY
#define OP(id, prefix, code, text, imm, sig, feature, kind, width) ROW_##kind(id, sig, kind)

static void each_row_has_a_body(void **state)
{
	const struct body bodies[] = {
#include "wasm/opcodes.def"
	};
	char want[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		snprintf(want, sizeof(want), "sem_%s", bodies[i].id);
		for (char *c = want; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		assert_string_equal(bodies[i].name, want);
		assert_true(bodies[i].present);
	}
	assert_int_equal(sizeof(bodies) / sizeof(bodies[0]), 477);
}
#undef OP

/* -- The table itself ------------------------------------------------------------------------- */

static void rows_are_consistent(void **state)
{
	static const struct row {
		const char *text, *kind;
		unsigned prefix, code, width;
	} rows[] = {
#define OP(id, prefix, code, text, imm, sig, feature, kind, width) \
	{text, #kind, prefix, code, width},
#include "wasm/opcodes.def"
#undef OP
	};
	size_t n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			assert_false(rows[i].prefix == rows[j].prefix &&
				     rows[i].code == rows[j].code);
		if (strncmp(rows[i].kind, "LOAD", 4) == 0 || strncmp(rows[i].kind, "STORE", 5) == 0)
			assert_true(rows[i].width != 0);
		assert_int_equal(rows[i].width & (rows[i].width - 1), 0);
	}
	assert_int_equal(n, 571);
}

/* -- Scalars ---------------------------------------------------------------------------------- */

#define QNAN32 0x7fc00000u
#define SNAN32 0x7fa12345u /* quiet: 0x7fe12345 */
#define QNAN64 0x7ff8000000000000u
#define SNAN64 0x7ff0000000012345u /* quiet: 0x7ff8... */

static float f32(uint32_t bits)
{
	return sem_f32_reinterpret_i32(bits);
}

static double f64(uint64_t bits)
{
	return sem_f64_reinterpret_i64(bits);
}

#define same(a, b) assert_int_equal((uint64_t)(a), (uint64_t)(b))
#define same_f32(a, b) same(sem_i32_reinterpret_f32(a), sem_i32_reinterpret_f32(b))
#define same_f64(a, b) same(sem_i64_reinterpret_f64(a), sem_i64_reinterpret_f64(b))
#define quiet_f32(x) same(sem_i32_reinterpret_f32(x) & QNAN32, QNAN32)
#define quiet_f64(x) same(sem_i64_reinterpret_f64(x) & QNAN64, QNAN64)

static void integers(void **state)
{
	(void)state;
	same(sem_i32_clz(0), 32);
	same(sem_i64_ctz(0), 64);
	same(sem_i32_clz(1), 31);
	same(sem_i32_shl(1, 33), 2);
	same(sem_i32_shr_s(0x80000000, 31), 0xffffffff);
	same(sem_i64_shr_s(1ull << 63, 64 + 63), UINT64_MAX);
	same(sem_i32_rotl(0x80000001, 32), 0x80000001);
	same(sem_i32_rotl(0x80000001, 1), 3);
	same(sem_i64_rotr(1, 1), 1ull << 63);
	same(sem_i64_rotr(1, 0), 1);
	same(sem_i32_add(INT32_MAX, 1), 0x80000000);
	same(sem_i64_mul(1ull << 63, 3), 1ull << 63);
	same(sem_i32_extend8_s(0x180), 0xffffff80);
	same(sem_i64_extend16_s(0x8000), 0xffffffffffff8000);
	same(sem_i64_extend32_s(0x80000000), 0xffffffff80000000);
	same(sem_i64_extend_i32_s(0x80000000), 0xffffffff80000000);
	same(sem_i64_extend_i32_u(0x80000000), 0x80000000);
	same(sem_i32_lt_s(0x80000000, 0), 1);
	same(sem_i32_lt_u(0x80000000, 0), 0);
	same(sem_i64_popcnt(UINT64_MAX), 64);
}

static void division(void **state)
{
	uint32_t r = 77;
	uint64_t r64 = 77;

	(void)state;
	same(sem_i32_div_s(&r, 1, 0), TRAP_INTEGER_DIVIDE_BY_ZERO);
	same(sem_i32_div_s(&r, 0x80000000, UINT32_MAX), TRAP_INTEGER_OVERFLOW);
	same(sem_i32_rem_u(&r, 1, 0), TRAP_INTEGER_DIVIDE_BY_ZERO);
	same(r, 77);
	same(sem_i32_rem_s(&r, 0x80000000, UINT32_MAX), TRAP_NONE);
	same(r, 0);
	same(sem_i32_div_s(&r, (uint32_t)-7, 2), TRAP_NONE);
	same(r, (uint32_t)-3);
	same(sem_i32_rem_s(&r, (uint32_t)-7, 2), TRAP_NONE);
	same(r, (uint32_t)-1);
	same(sem_i32_div_u(&r, 0x80000000, UINT32_MAX), TRAP_NONE);
	same(r, 0);
	same(sem_i64_div_s(&r64, 1ull << 63, UINT64_MAX), TRAP_INTEGER_OVERFLOW);
	same(r64, 77);
	same(sem_i64_rem_s(&r64, 1ull << 63, UINT64_MAX), TRAP_NONE);
	same(r64, 0);
}

static void float_min_max(void **state)
{
	(void)state;
	same_f32(sem_f32_min(0.0f, -0.0f), -0.0f);
	same_f32(sem_f32_min(-0.0f, 0.0f), -0.0f);
	same_f32(sem_f32_max(-0.0f, 0.0f), 0.0f);
	same_f32(sem_f32_max(-0.0f, -0.0f), -0.0f);
	same_f64(sem_f64_min(0.0, -0.0), -0.0);
	same_f64(sem_f64_max(0.0, -0.0), 0.0);
	same_f64(sem_f64_max(-1.0, 2.0), 2.0);
	same_f64(sem_f64_min(-1.0, 2.0), -1.0);
	same_f64(sem_f64_min(-INFINITY, 1.0), -INFINITY);
	same_f32(sem_f32_min(f32(QNAN32), 1.0f), f32(QNAN32));
	same_f32(sem_f32_max(1.0f, f32(QNAN32)), f32(QNAN32));
	quiet_f32(sem_f32_min(f32(SNAN32), -INFINITY));
	quiet_f64(sem_f64_max(INFINITY, f64(SNAN64)));
}

static void float_nans(void **state)
{
	/* Volatile, as a guest's operands are: a compiler that sees `x * 1` drops it. */
	volatile float s = f32(SNAN32), zero = 0, one = 1;
	volatile double d = f64(SNAN64), one64 = 1;

	(void)state;
	same_f32(sem_f32_neg(s), f32(SNAN32 | 1u << 31));
	same_f32(sem_f32_abs(f32(SNAN32 | 1u << 31)), f32(SNAN32));
	same_f32(sem_f32_copysign(s, -1.0f), f32(SNAN32 | 1u << 31));
	same_f64(sem_f64_neg(d), f64(SNAN64 | 1ull << 63));
	quiet_f32(sem_f32_ceil(s));
	quiet_f32(sem_f32_floor(s));
	quiet_f32(sem_f32_trunc(s));
	quiet_f32(sem_f32_nearest(s));
	quiet_f32(sem_f32_sqrt(s));
	quiet_f32(sem_f32_sqrt(-1.0f));
	quiet_f32(sem_f32_add(s, zero));
	quiet_f32(sem_f32_sub(s, zero));
	quiet_f32(sem_f32_mul(s, one));
	quiet_f32(sem_f32_div(s, one));
	quiet_f64(sem_f64_ceil(d));
	quiet_f64(sem_f64_floor(d));
	quiet_f64(sem_f64_trunc(d));
	quiet_f64(sem_f64_nearest(d));
	quiet_f64(sem_f64_sqrt(d));
	quiet_f64(sem_f64_mul(d, one64));
	quiet_f64(sem_f64_promote_f32(s));
	quiet_f32(sem_f32_demote_f64(d));
	quiet_f32(sem_f32_demote_f64(f64(0x7ff0000000000001)));
	same_f32(sem_f32_demote_f64(f64(QNAN64)), f32(QNAN32));
	same(sem_f32_eq(s, s), 0);
	same(sem_f32_ne(s, s), 1);
}

static void float_rounding(void **state)
{
	(void)state;
	same_f64(sem_f64_nearest(0.5), 0.0);
	same_f64(sem_f64_nearest(1.5), 2.0);
	same_f64(sem_f64_nearest(2.5), 2.0);
	same_f64(sem_f64_nearest(-0.5), -0.0);
	same_f32(sem_f32_nearest(-4.5f), -4.0f);
	same_f32(sem_f32_nearest(8388609.0f), 8388609.0f);
	same_f32(sem_f32_ceil(-0.25f), -0.0f);
	same_f64(sem_f64_ceil(-0.25), -0.0);
	same_f64(sem_f64_trunc(-0.75), -0.0);
	same_f64(sem_f64_floor(-0.25), -1.0);
	same_f32(sem_f32_convert_i32_u(UINT32_MAX), 0x1p32f);
	same_f32(sem_f32_convert_i64_u(0x0020000020000001), 0x1.000002p53f);
	same_f64(sem_f64_convert_i64_u(UINT64_MAX), 0x1p64);
	same_f64(sem_f64_convert_i64_s(UINT64_MAX), -1.0);
	same_f32(sem_f32_demote_f64(0x1.fffffep127), 0x1.fffffep127f);
	same_f32(sem_f32_demote_f64(0x1p128), INFINITY);
}

#define TRUNCATES(op, R, x, want)                 \
	do {                                      \
		R r = 77;                         \
		same(sem_##op(&r, x), TRAP_NONE); \
		same(r, (R)(want));               \
	} while (0)
#define TRUNCATE_TRAPS(op, R, x, trap)              \
	do {                                        \
		R r = 77;                           \
		same(sem_##op(&r, x), TRAP_##trap); \
		same(r, 77);                        \
	} while (0)

static void truncation(void **state)
{
	(void)state;
	TRUNCATES(i32_trunc_f32_s, uint32_t, -0x1p31f, INT32_MIN);
	TRUNCATES(i32_trunc_f32_s, uint32_t, 0x1.fffffep30f, 2147483520);
	TRUNCATE_TRAPS(i32_trunc_f32_s, uint32_t, 0x1p31f, INTEGER_OVERFLOW);
	TRUNCATE_TRAPS(i32_trunc_f32_s, uint32_t, -0x1.000002p31f, INTEGER_OVERFLOW);
	TRUNCATE_TRAPS(i32_trunc_f32_s, uint32_t, f32(SNAN32), INVALID_CONVERSION);
	TRUNCATES(i32_trunc_f64_s, uint32_t, -2147483648.9, INT32_MIN);
	TRUNCATES(i32_trunc_f64_s, uint32_t, 2147483647.9, INT32_MAX);
	TRUNCATE_TRAPS(i32_trunc_f64_s, uint32_t, -2147483649.0, INTEGER_OVERFLOW);
	TRUNCATES(i32_trunc_f64_u, uint32_t, -0.9, 0);
	TRUNCATES(i32_trunc_f64_u, uint32_t, 4294967295.9, UINT32_MAX);
	TRUNCATE_TRAPS(i32_trunc_f64_u, uint32_t, -1.0, INTEGER_OVERFLOW);
	TRUNCATE_TRAPS(i32_trunc_f32_u, uint32_t, INFINITY, INTEGER_OVERFLOW);
	TRUNCATES(i64_trunc_f32_s, uint64_t, -0x1p63f, INT64_MIN);
	TRUNCATE_TRAPS(i64_trunc_f32_s, uint64_t, 0x1p63f, INTEGER_OVERFLOW);
	TRUNCATES(i64_trunc_f64_s, uint64_t, -0x1p63, INT64_MIN);
	TRUNCATE_TRAPS(i64_trunc_f64_s, uint64_t, -0x1.0000000000001p63, INTEGER_OVERFLOW);
	TRUNCATES(i64_trunc_f64_u, uint64_t, 0x1.fffffffffffffp63, 0xfffffffffffff800);
	TRUNCATE_TRAPS(i64_trunc_f64_u, uint64_t, 0x1p64, INTEGER_OVERFLOW);
	TRUNCATES(i64_trunc_f32_u, uint64_t, 0x1p63f, 1ull << 63);
	same(sem_i32_trunc_sat_f32_s(f32(QNAN32)), 0);
	same(sem_i32_trunc_sat_f32_s(-INFINITY), 0x80000000);
	same(sem_i32_trunc_sat_f64_u(-1e9), 0);
	same(sem_i32_trunc_sat_f64_u(1e10), UINT32_MAX);
	same(sem_i64_trunc_sat_f64_s(1e300), INT64_MAX);
	same(sem_i64_trunc_sat_f32_u(INFINITY), UINT64_MAX);
	same(sem_i64_trunc_sat_f64_s(-1.9), UINT64_MAX);
}

static void memory(void **state)
{
	uint8_t m[24] = {0, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88};

	(void)state;
	same(sem_i32_load8_s(m + 1), 0xffffff81);
	same(sem_i32_load8_u(m + 1), 0x81);
	same(sem_i32_load16_s(m + 1), 0xffff8281);
	same(sem_i64_load32_s(m + 1), 0xffffffff84838281);
	same(sem_i64_load32_u(m + 1), 0x84838281);
	same(sem_i64_load(m + 1), 0x8887868584838281);
	sem_i64_store16(m + 9, 0x123456789abcdef0);
	same(sem_i64_load(m + 9), 0xdef0);
	sem_f32_store(m + 9, f32(SNAN32));
	same_f32(sem_f32_load(m + 9), f32(SNAN32));
	sem_f64_store(m + 9, f64(SNAN64));
	same_f64(sem_f64_load(m + 9), f64(SNAN64));
}

/* -- Vectors ---------------------------------------------------------------------------------- */

#define V(T, ...) ((v128)(T){__VA_ARGS__})
#define same_v(a, b)                                       \
	do {                                               \
		v128 va = (a), vb = (b);                   \
		assert_memory_equal(&va, &vb, sizeof(va)); \
	} while (0)

static v128 splat8(int x)
{
	return sem_i8x16_splat((uint32_t)x);
}

static v128 splat16(int x)
{
	return sem_i16x8_splat((uint32_t)x);
}

static v128 splat32(int64_t x)
{
	return sem_i32x4_splat((uint32_t)x);
}

static const uint8_t iota[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void vector_lanes(void **state)
{
	v128 a = sem_v128_load(iota), b = sem_i8x16_add(a, splat8(16));
	const uint8_t lanes[16] = {31, 0, 16, 15, 1, 1, 1, 1, 17, 17, 17, 17, 2, 3, 4, 30};
	uint8_t m[8] = {0x80, 0xff, 0x7f, 1, 2, 3, 4, 5};

	(void)state;
	same_v(sem_i8x16_shuffle(a, b, lanes), sem_v128_load(lanes));
	same_v(sem_i8x16_swizzle(b, V(u8x16, 15, 16, 0, 255, 128, 1)),
	       V(u8x16, 31, 0, 16, 0, 0, 17, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16));
	same(sem_i8x16_extract_lane_s(splat8(0x80), 3), 0xffffff80);
	same(sem_i16x8_extract_lane_u(splat16(0x8000), 7), 0x8000);
	same_v(sem_i16x8_replace_lane(splat16(1), 0x12345, 2),
	       V(u16x8, 1, 1, 0x2345, 1, 1, 1, 1, 1));
	same_f32(sem_f32x4_extract_lane(sem_f32x4_splat(f32(SNAN32)), 1), f32(SNAN32));
	same_f64(sem_f64x2_extract_lane(sem_f64x2_splat(-0.0), 1), -0.0);
	same_v(sem_v128_load8x8_s(m), V(i16x8, -128, -1, 127, 1, 2, 3, 4, 5));
	same_v(sem_v128_load8x8_u(m), V(i16x8, 128, 255, 127, 1, 2, 3, 4, 5));
	same_v(sem_v128_load16_splat(m), splat16(0xff80));
	same_v(sem_v128_load32_zero(m), V(u32x4, 0x017fff80));
	same_v(sem_v128_load64_lane(m, a, 1), V(u64x2, a[0], 0x05040302017fff80));
	sem_v128_store16_lane(m, a, 7);
	same(sem_i64_load(m), 0x05040302017f0f0e);
}

static void vector_integers(void **state)
{
	(void)state;
	same_v(sem_i8x16_add_sat_s(splat8(127), splat8(1)), splat8(127));
	same_v(sem_i8x16_add_sat_s(splat8(-128), splat8(-1)), splat8(-128));
	same_v(sem_i8x16_add_sat_s(splat8(-128), splat8(127)), splat8(-1));
	same_v(sem_i8x16_add_sat_u(splat8(200), splat8(100)), splat8(255));
	same_v(sem_i16x8_sub_sat_s(splat16(-32768), splat16(1)), splat16(-32768));
	same_v(sem_i16x8_sub_sat_s(splat16(0), splat16(-32768)), splat16(32767));
	same_v(sem_i16x8_sub_sat_u(splat16(1), splat16(2)), splat16(0));
	same_v(sem_i8x16_avgr_u(splat8(255), splat8(254)), splat8(255));
	same_v(sem_i16x8_avgr_u(splat16(0), splat16(1)), splat16(1));
	same_v(sem_i8x16_abs(splat8(-128)), splat8(-128));
	same_v(sem_i8x16_abs(splat8(-5)), splat8(5));
	same_v(sem_i8x16_shl(splat8(0x81), 9), splat8(2));
	same_v(sem_i8x16_shr_s(splat8(0x81), 1), splat8(0xc0));
	same_v(sem_i8x16_shr_u(splat8(0x81), 1), splat8(0x40));
	same_v(sem_i64x2_shr_s(V(i64x2, -8, 8), 65), V(i64x2, -4, 4));
	same_v(sem_i8x16_popcnt(splat8(0xfe)), splat8(7));
	same_v(sem_i8x16_max_u(splat8(-1), splat8(1)), splat8(-1));
	same_v(sem_i8x16_max_s(splat8(-1), splat8(1)), splat8(1));
	same(sem_i8x16_bitmask(V(i8x16, -1, 0, -1, 0, 0, 0, 0, -128, 127, -1, 0, 0, 0, 0, 0, -1)),
	     0x8285);
	same(sem_i16x8_bitmask(V(i16x8, -1, 255, 0, 0, 0, 0, -32768, -1)), 0xc1);
	same(sem_i32x4_bitmask(V(i32x4, -1, 1, INT32_MIN, 0)), 5);
	same(sem_i64x2_bitmask(V(i64x2, 1, -1)), 2);
	same(sem_i8x16_all_true(V(i64x2, -1, 0x00ffffffffffffff)), 0);
	same(sem_i8x16_all_true(splat8(1)), 1);
	same(sem_v128_any_true(V(u64x2, 0, 1)), 1);
	same_v(sem_i64x2_mul(V(u64x2, UINT64_MAX, 1ull << 32), V(u64x2, 3, 1ull << 32)),
	       V(u64x2, (uint64_t)-3, 0));
}

static void vector_widths(void **state)
{
	v128 least = splat16(-32768);

	(void)state;
	same_v(sem_i8x16_narrow_i16x8_s(splat16(300), splat16(-300)),
	       V(u64x2, 0x7f7f7f7f7f7f7f7f, 0x8080808080808080));
	same_v(sem_i8x16_narrow_i16x8_u(splat16(300), splat16(-300)), V(u64x2, UINT64_MAX, 0));
	same_v(sem_i16x8_narrow_i32x4_u(splat32(65535), splat32(INT32_MIN)),
	       V(u64x2, UINT64_MAX, 0));
	same_v(sem_i32x4_dot_i16x8_s(least, least), splat32(INT32_MIN));
	same_v(sem_i16x8_q15mulr_sat_s(least, least), splat16(32767));
	same_v(sem_i16x8_q15mulr_sat_s(least, splat16(32767)), splat16(-32767));
	same_v(sem_i16x8_q15mulr_sat_s(splat16(-1), splat16(16384)), splat16(0));
	same_v(sem_i16x8_q15mulr_sat_s(splat16(1), splat16(16384)), splat16(1));
	same_v(sem_i16x8_extadd_pairwise_i8x16_s(splat8(-128)), splat16(-256));
	same_v(sem_i16x8_extadd_pairwise_i8x16_u(splat8(255)), splat16(510));
	same_v(sem_i32x4_extadd_pairwise_i16x8_s(V(i16x8, 1, -3, 0, 0, 5, 5, -1, -1)),
	       V(i32x4, -2, 0, 10, -2));
	same_v(sem_i16x8_extmul_low_i8x16_s(splat8(-128), splat8(-128)), splat16(16384));
	same_v(sem_i16x8_extmul_high_i8x16_u(splat8(-1), splat8(-1)), splat16(65025));
	same_v(sem_i64x2_extmul_high_i32x4_s(V(i32x4, 9, 9, INT32_MIN, -2), V(i32x4, 9, 9, -1, 3)),
	       V(i64x2, 1ll << 31, -6));
	same_v(sem_i32x4_extend_high_i16x8_u(V(i16x8, 0, 0, 0, 0, -1, 1, 2, 3)),
	       V(u32x4, 65535, 1, 2, 3));
}

static void vector_floats(void **state)
{
	v128 nan = sem_f32x4_splat(f32(SNAN32)), one;
	volatile float unseen = 1.0f;
	v128 zeros = V(f32x4, 0.0f, -0.0f, 0.0f, -0.0f), other = V(f32x4, -0.0f, 0.0f, 0.0f, -0.0f);

	(void)state;
	one = sem_f32x4_splat(unseen);
	same_v(sem_f32x4_min(zeros, other), V(f32x4, -0.0f, -0.0f, 0.0f, -0.0f));
	same_v(sem_f32x4_max(zeros, other), V(f32x4, 0.0f, 0.0f, 0.0f, -0.0f));
	same_v(sem_f32x4_pmin(zeros, other), zeros);
	same_v(sem_f32x4_pmin(one, nan), one);
	same_v(sem_f32x4_pmax(nan, one), nan);
	quiet_f32(sem_f32x4_extract_lane(sem_f32x4_min(one, nan), 2));
	quiet_f32(sem_f32x4_extract_lane(sem_f32x4_max(nan, one), 2));
	quiet_f32(sem_f32x4_extract_lane(sem_f32x4_nearest(nan), 0));
	quiet_f32(sem_f32x4_extract_lane(sem_f32x4_mul(nan, one), 0));
	quiet_f32(sem_f32x4_extract_lane(sem_f32x4_demote_f64x2_zero(V(u64x2, 0, SNAN64)), 1));
	quiet_f64(sem_f64x2_extract_lane(sem_f64x2_promote_low_f32x4(nan), 1));
	same_v(sem_f32x4_neg(nan), sem_f32x4_splat(f32(SNAN32 | 1u << 31)));
	same_v(sem_f64x2_abs(V(u64x2, SNAN64 | 1ull << 63, 1ull << 63)), V(u64x2, SNAN64, 0));
	same_v(sem_f64x2_min(V(f64x2, 0.0, 3.0), V(f64x2, -0.0, -2.0)), V(f64x2, -0.0, -2.0));
	same_v(sem_f64x2_nearest(V(f64x2, 2.5, -0.5)), V(f64x2, 2.0, -0.0));
	same_v(sem_f32x4_eq(nan, nan), splat32(0));
	same_v(sem_f64x2_ne(V(f64x2, 1, 2), V(f64x2, 1, 3)), V(i64x2, 0, -1));
}

static void vector_conversions(void **state)
{
	(void)state;
	same_v(sem_i32x4_trunc_sat_f32x4_s(V(f32x4, NAN, -1e10f, 1e10f, -1.9f)),
	       V(i32x4, 0, INT32_MIN, INT32_MAX, -1));
	same_v(sem_i32x4_trunc_sat_f32x4_u(V(f32x4, NAN, -0.5f, 1e10f, 0x1.fffffep31f)),
	       V(u32x4, 0, 0, UINT32_MAX, 0xffffff00));
	same_v(sem_i32x4_trunc_sat_f32x4_u(V(f32x4, 2147483648.0f, -1.0f, -INFINITY, 3.9f)),
	       V(u32x4, 0x80000000, 0, 0, 3));
	same_v(sem_i32x4_trunc_sat_f64x2_s_zero(V(f64x2, NAN, -1e10)), V(i32x4, 0, INT32_MIN));
	same_v(sem_i32x4_trunc_sat_f64x2_s_zero(V(f64x2, 1e10, -1.9)), V(i32x4, INT32_MAX, -1));
	same_v(sem_i32x4_trunc_sat_f64x2_u_zero(V(f64x2, 1e10, -1)), V(u32x4, UINT32_MAX));
	same_v(sem_i32x4_trunc_sat_f64x2_u_zero(V(f64x2, 4294967294.9, INFINITY)),
	       V(u32x4, UINT32_MAX - 1, UINT32_MAX));
	same_v(sem_f32x4_convert_i32x4_u(V(u32x4, UINT32_MAX, 0x80000000, 16777219, 0xffffff7f)),
	       V(f32x4, 0x1p32f, 0x1p31f, 16777220.0f, 0x1.fffffep31f));
	same_v(sem_f64x2_convert_low_i32x4_u(V(u32x4, UINT32_MAX, 7, 9, 9)),
	       V(f64x2, 4294967295, 7));
	same_v(sem_f64x2_convert_low_i32x4_s(V(u32x4, UINT32_MAX, 7, 9, 9)), V(f64x2, -1, 7));
}

static void relaxed(void **state)
{
	const double x = 1 + 0x1p-30; /* x * x needs 61 bits, so a fused operation shows */

	(void)state;
	same_v(sem_f64x2_relaxed_madd(V(f64x2, x, 2), V(f64x2, x, 3), V(f64x2, -(1 + 0x1p-29), 1)),
	       V(f64x2, 0, 7));
	same_v(sem_f64x2_relaxed_nmadd(V(f64x2, x, 2), V(f64x2, x, 3), V(f64x2, 1 + 0x1p-29, 1)),
	       V(f64x2, 0, -5));
	same_v(sem_i16x8_relaxed_dot_i8x16_i7x16_s(splat8(-128), splat8(127)), splat16(-32512));
	same_v(sem_i32x4_relaxed_dot_i8x16_i7x16_add_s(splat8(-128), splat8(127), splat32(1)),
	       splat32(-65023));
	same_v(sem_i8x16_relaxed_laneselect(splat8(0xf0), splat8(0x0f), splat8(0x3c)),
	       splat8(0x33));
	same_v(sem_i8x16_relaxed_swizzle(splat8(1), splat8(0x80)), splat8(0));
	same_v(sem_i32x4_relaxed_trunc_f32x4_s(V(f32x4, NAN, 1e10f, -1e10f, 1.5f)),
	       V(i32x4, 0, INT32_MAX, INT32_MIN, 1));
	same_v(sem_i32x4_relaxed_trunc_f64x2_u_zero(V(f64x2, -1.0, 1e10)), V(u32x4, 0, UINT32_MAX));
}

static void traps_have_names(void **state)
{
	(void)state;
	assert_string_equal(trap_text(TRAP_NONE), "no trap");
	assert_string_equal(trap_text(TRAP_INVALID_CONVERSION), "invalid conversion to integer");
	assert_string_equal(trap_code(TRAP_OUT_OF_FUEL), "out_of_fuel");
	assert_string_equal(trap_code(TRAP_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_a_body),
		cmocka_unit_test(rows_are_consistent),
		cmocka_unit_test(integers),
		cmocka_unit_test(division),
		cmocka_unit_test(float_min_max),
		cmocka_unit_test(float_nans),
		cmocka_unit_test(float_rounding),
		cmocka_unit_test(truncation),
		cmocka_unit_test(memory),
		cmocka_unit_test(vector_lanes),
		cmocka_unit_test(vector_integers),
		cmocka_unit_test(vector_widths),
		cmocka_unit_test(vector_floats),
		cmocka_unit_test(vector_conversions),
		cmocka_unit_test(relaxed),
		cmocka_unit_test(traps_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
