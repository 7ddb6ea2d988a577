/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numeric.h: bodies of all instructions that opcodes.def describes in full, from their kind and signature.
 *
 * One macro a shape (UNARY, BINARY...), one line a signature: which state the topmost operand is taken
 * from (S), the operand types, the result type. Included once for each state by tail.c, once by
 * switch.c. No include guard: see machine.h for the words used.
 */

#define UNARY(S, SEM, a, r)                            \
	{                                              \
		CTYPE_##r result = SEM(TOP_##S##_##a); \
		const uint8_t *next = pc + 1;          \
		sp += SLOTS_##r - SLOTS_##a;           \
		RET_##r(result);                       \
	}
#define BINARY(S, SEM, a, b, r)                                             \
	{                                                                   \
		CTYPE_##r result = SEM(DEEP_##a(SLOTS_##b), TOP_##S##_##b); \
		const uint8_t *next = pc + 1;                               \
		sp += SLOTS_##r - SLOTS_##a - SLOTS_##b;                    \
		RET_##r(result);                                            \
	}
#define TERNARY(S, SEM, a, b, c, r)                                                               \
	{                                                                                         \
		CTYPE_##r result =                                                                \
			SEM(DEEP_##a(SLOTS_##b + SLOTS_##c), DEEP_##b(SLOTS_##c), TOP_##S##_##c); \
		const uint8_t *next = pc + 1;                                                     \
		sp += SLOTS_##r - SLOTS_##a - SLOTS_##b - SLOTS_##c;                              \
		RET_##r(result);                                                                  \
	}

#define UNARY_PARTIAL(S, SEM, a, r)                           \
	{                                                     \
		CTYPE_##r result;                             \
		enum trap trap = SEM(&result, TOP_##S##_##a); \
		const uint8_t *next = pc + 1;                 \
		if (UNLIKELY(trap != TRAP_NONE))              \
			TRAP(trap);                           \
		RET_##r(result);                              \
	}
#define BINARY_PARTIAL(S, SEM, a, b, r)                                            \
	{                                                                          \
		CTYPE_##r result;                                                  \
		enum trap trap = SEM(&result, DEEP_##a(SLOTS_##b), TOP_##S##_##b); \
		const uint8_t *next = pc + 1;                                      \
		if (UNLIKELY(trap != TRAP_NONE))                                   \
			TRAP(trap);                                                \
		sp--;                                                              \
		RET_##r(result);                                                   \
	}

/* Lane instructions: the lane is the byte behind the opcode. */
#define EXTRACT(S, SEM, a, r)                                 \
	{                                                     \
		CTYPE_##r result = SEM(TOP_##S##_##a, pc[1]); \
		const uint8_t *next = pc + 2;                 \
		sp += SLOTS_##r - SLOTS_##a;                  \
		RET_##r(result);                              \
	}
#define REPLACE(S, SEM, a, b, r)                                                   \
	{                                                                          \
		CTYPE_##r result = SEM(DEEP_##a(SLOTS_##b), TOP_##S##_##b, pc[1]); \
		const uint8_t *next = pc + 2;                                      \
		sp -= SLOTS_##b;                                                   \
		RET_##r(result);                                                   \
	}

/*
 * The place of an access, and where its next immediate or instruction is. Near ones, in the shortest form
 * (validate.c): one byte of alignment. The address wraps nowhere: 33 bits fit.
 */
#define ACCESS_G(place, next, address, width)                 \
	uint32_t offset;                                      \
	const uint8_t *next = leb_u32(pc + 2, &offset);       \
	uint64_t ea = (uint64_t)(uint32_t)(address) + offset; \
	if (OUT_OF_BOUNDS(ea, width))                         \
		TRAP(TRAP_OUT_OF_BOUNDS_MEMORY);              \
	uint8_t *place = mem + ea
#define ACCESS_F ACCESS_G
#define ACCESS_V ACCESS_G
#define FAR_PLACE(address, width, next) \
	far_place(in, (struct span){mem, mem_size}, pc + 1, (address), width, &(next))
#define ACCESS_X(place, next, address, width)                      \
	const uint8_t *next;                                       \
	uint8_t *place = FAR_PLACE(address, width, next);          \
	if (UNLIKELY(place == NULL)) {                             \
		mem_size = memory_size(in->memory); /* as above */ \
		place = FAR_PLACE(address, width, next);           \
	}                                                          \
	if (UNLIKELY(place == NULL))                               \
	TRAP(TRAP_OUT_OF_BOUNDS_MEMORY)

#define LOAD(S, SEM, r, width)                               \
	{                                                    \
		ACCESS_##S(place, next, TOP_##S##_l, width); \
		CTYPE_##r result = SEM(place);               \
		sp += SLOTS_##r - 1;                         \
		RET_##r(result);                             \
	}
#define STORE(S, SEM, b, width)                                    \
	{                                                          \
		ACCESS_##S(place, next, DEEP_l(SLOTS_##b), width); \
		SEM(place, TOP_##S##_##b);                         \
		DROP_NEXT(1 + SLOTS_##b, next);                    \
	}
#define LOAD_LANE(S, SEM, width)                                \
	{                                                       \
		ACCESS_##S(place, next, DEEP_l(2), width);      \
		v128 result = SEM(place, TOP_##S##_v, *next++); \
		sp -= 1;                                        \
		RET_v(result);                                  \
	}
#define STORE_LANE(S, SEM, width)                          \
	{                                                  \
		ACCESS_##S(place, next, DEEP_l(2), width); \
		SEM(place, TOP_##S##_v, *next++);          \
		DROP_NEXT(3, next);                        \
	}

/* -- Signatures: kind by kind ------------------------------------------------------------ */

#define PURE_i_i(S, SEM, w) UNARY(S, SEM, i, i)
#define PURE_l_l(S, SEM, w) UNARY(S, SEM, l, l)
#define PURE_f_f(S, SEM, w) UNARY(S, SEM, f, f)
#define PURE_d_d(S, SEM, w) UNARY(S, SEM, d, d)
#define PURE_v_v(S, SEM, w) UNARY(S, SEM, v, v)
#define PURE_i_l(S, SEM, w) UNARY(S, SEM, i, l)
#define PURE_l_i(S, SEM, w) UNARY(S, SEM, l, i)
#define PURE_i_f(S, SEM, w) UNARY(S, SEM, i, f)
#define PURE_i_d(S, SEM, w) UNARY(S, SEM, i, d)
#define PURE_l_f(S, SEM, w) UNARY(S, SEM, l, f)
#define PURE_l_d(S, SEM, w) UNARY(S, SEM, l, d)
#define PURE_f_i(S, SEM, w) UNARY(S, SEM, f, i)
#define PURE_f_l(S, SEM, w) UNARY(S, SEM, f, l)
#define PURE_d_i(S, SEM, w) UNARY(S, SEM, d, i)
#define PURE_d_l(S, SEM, w) UNARY(S, SEM, d, l)
#define PURE_f_d(S, SEM, w) UNARY(S, SEM, f, d)
#define PURE_d_f(S, SEM, w) UNARY(S, SEM, d, f)
#define PURE_v_i(S, SEM, w) UNARY(S, SEM, v, i)
#define PURE_i_v(S, SEM, w) UNARY(S, SEM, i, v)
#define PURE_l_v(S, SEM, w) UNARY(S, SEM, l, v)
#define PURE_f_v(S, SEM, w) UNARY(S, SEM, f, v)
#define PURE_d_v(S, SEM, w) UNARY(S, SEM, d, v)
#define PURE_ii_i(S, SEM, w) BINARY(S, SEM, i, i, i)
#define PURE_ll_l(S, SEM, w) BINARY(S, SEM, l, l, l)
#define PURE_ll_i(S, SEM, w) BINARY(S, SEM, l, l, i)
#define PURE_ff_f(S, SEM, w) BINARY(S, SEM, f, f, f)
#define PURE_ff_i(S, SEM, w) BINARY(S, SEM, f, f, i)
#define PURE_dd_d(S, SEM, w) BINARY(S, SEM, d, d, d)
#define PURE_dd_i(S, SEM, w) BINARY(S, SEM, d, d, i)
#define PURE_vv_v(S, SEM, w) BINARY(S, SEM, v, v, v)
#define PURE_vi_v(S, SEM, w) BINARY(S, SEM, v, i, v)
#define PURE_vvv_v(S, SEM, w) TERNARY(S, SEM, v, v, v, v)
#define PARTIAL_ii_i(S, SEM, w) BINARY_PARTIAL(S, SEM, i, i, i)
#define PARTIAL_ll_l(S, SEM, w) BINARY_PARTIAL(S, SEM, l, l, l)
#define PARTIAL_f_i(S, SEM, w) UNARY_PARTIAL(S, SEM, f, i)
#define PARTIAL_f_l(S, SEM, w) UNARY_PARTIAL(S, SEM, f, l)
#define PARTIAL_d_i(S, SEM, w) UNARY_PARTIAL(S, SEM, d, i)
#define PARTIAL_d_l(S, SEM, w) UNARY_PARTIAL(S, SEM, d, l)
#define LANE_v_i(S, SEM, w) EXTRACT(S, SEM, v, i)
#define LANE_v_l(S, SEM, w) EXTRACT(S, SEM, v, l)
#define LANE_v_f(S, SEM, w) EXTRACT(S, SEM, v, f)
#define LANE_v_d(S, SEM, w) EXTRACT(S, SEM, v, d)
#define LANE_vi_v(S, SEM, w) REPLACE(S, SEM, v, i, v)
#define LANE_vl_v(S, SEM, w) REPLACE(S, SEM, v, l, v)
#define LANE_vf_v(S, SEM, w) REPLACE(S, SEM, v, f, v)
#define LANE_vd_v(S, SEM, w) REPLACE(S, SEM, v, d, v)
#define LOAD_i_i(S, SEM, w) LOAD(S, SEM, i, w)
#define LOAD_i_l(S, SEM, w) LOAD(S, SEM, l, w)
#define LOAD_i_f(S, SEM, w) LOAD(S, SEM, f, w)
#define LOAD_i_d(S, SEM, w) LOAD(S, SEM, d, w)
#define LOAD_i_v(S, SEM, w) LOAD(S, SEM, v, w)
#define STORE_ii_(S, SEM, w) STORE(S, SEM, i, w)
#define STORE_il_(S, SEM, w) STORE(S, SEM, l, w)
#define STORE_if_(S, SEM, w) STORE(S, SEM, f, w)
#define STORE_id_(S, SEM, w) STORE(S, SEM, d, w)
#define STORE_iv_(S, SEM, w) STORE(S, SEM, v, w)
#define LOAD_LANE_iv_v(S, SEM, w) LOAD_LANE(S, SEM, w)
#define STORE_LANE_iv_(S, SEM, w) STORE_LANE(S, SEM, w)
#define SHUFFLE_vv_v(S, SEM, w)                                    \
	{                                                          \
		v128 result = SEM(DEEP_v(2), TOP_##S##_v, pc + 1); \
		const uint8_t *next = pc + 17;                     \
		sp -= 2;                                           \
		RET_v(result);                                     \
	}
