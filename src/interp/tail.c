/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.c: the interpreter as functions that tail-call each other.
 *
 * Each instruction is a function of one signature whose parameters are the machine's registers
 * (machine.h); in clang's preserve_none convention all of them lie in CPU registers, none is saved. An
 * instruction ends by jumping through the dispatch table to the next: no loop, no shared jump, so the
 * CPU predicts each on its own.
 *
 * There is a table for each state of the topmost value. An instruction that could take its operand
 * from state F or V has a body for it; any other finds in that table a stub that puts the value where state
 * G has it and goes on with the G body. So whoever leaves a float in a vector register need not know who
 * comes next.
 *
 * Fuel is a second set of tables, in which every entry pays before it goes on with the first set: nothing is
 * paid where fuel is off.
 */
#include "interp/machine.h"

#define MUSTTAIL __attribute__((musttail))
#define PRESERVE_NONE __attribute__((preserve_none))

#define PARAMS                                                                            \
	const uint8_t *pc, slot *sp, slot *fp, uint8_t *mem, slot tos, const void *table, \
		const struct image_side *side, struct instance *in, struct thread *th,    \
		uint64_t mem_size, v128 vec
#define REGISTERS pc, sp, fp, mem, tos, table, side, in, th, mem_size, vec

typedef PRESERVE_NONE enum status body_fn(PARAMS);

enum { STATE_G = 0, STATE_F = OPCODE_SPACE, STATE_V = 2 * OPCODE_SPACE };

#define DISPATCH(state, opcode) \
	MUSTTAIL return ((body_fn *const *)table)[(state) + (opcode)](REGISTERS)

#define GO(state, p)                  \
	do {                          \
		pc = (p);             \
		DISPATCH(state, *pc); \
	} while (0)
#define NEXT(p) GO(STATE_G, p)
#define LEAVE_WITH(status) return (status)
#define TRAP(code) return thread_trap(th, code, pc)

/* A vector whose upper lanes do not matter. */
#define ANY_VECTOR(type) __builtin_nondeterministic_value((type){0})
#define RET_i(x)            \
	do {                \
		tos = (x);  \
		NEXT(next); \
	} while (0)
#define RET_l(x) RET_i(x)
#define RET_f(x)                                 \
	do {                                     \
		f32x4 lanes = ANY_VECTOR(f32x4); \
		lanes[0] = (x);                  \
		vec = (v128)lanes;               \
		GO(STATE_F, next);               \
	} while (0)
#define RET_d(x)                                 \
	do {                                     \
		f64x2 lanes = ANY_VECTOR(f64x2); \
		lanes[0] = (x);                  \
		vec = (v128)lanes;               \
		GO(STATE_F, next);               \
	} while (0)
#define RET_v(x)                   \
	do {                       \
		vec = (x);         \
		GO(STATE_V, next); \
	} while (0)

#define BODY(name)                                     \
	static PRESERVE_NONE enum status name(PARAMS); \
	static PRESERVE_NONE enum status name(PARAMS)

/* Not every body reads every register. */
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wunused-but-set-parameter"

/* -- State G ----------------------------------------------------------------------------- */

#define INSTR(ID) BODY(g_##ID)
#include "interp/control.h"
#include "interp/variable.h"
#undef INSTR

#include "interp/numeric.h"

#define G_PURE(ID, sig, width) BODY(g_##ID) PURE_##sig(G, SEM_##ID, width)
#define G_PARTIAL(ID, sig, width) BODY(g_##ID) PARTIAL_##sig(G, SEM_##ID, width)
#define G_LANE(ID, sig, width) BODY(g_##ID) LANE_##sig(G, SEM_##ID, width)
#define G_SHUFFLE(ID, sig, width) BODY(g_##ID) SHUFFLE_##sig(G, SEM_##ID, width)
#define G_LOAD(ID, sig, width) BODY(g_##ID) LOAD_##sig(G, SEM_##ID, width)
#define G_STORE(ID, sig, width) BODY(g_##ID) STORE_##sig(G, SEM_##ID, width)
#define G_LOAD_LANE(ID, sig, width) BODY(g_##ID) LOAD_LANE_##sig(G, SEM_##ID, width)
#define G_STORE_LANE(ID, sig, width) BODY(g_##ID) STORE_LANE_##sig(G, SEM_##ID, width)
/* These are written out in control.h and variable.h; LATER rows the validator refuses by name. */
#define G_CONST(ID, sig, width)
#define G_CONTROL(ID, sig, width)
#define G_VARIABLE(ID, sig, width)
#define G_RUNTIME(ID, sig, width)
#define G_LATER(ID, sig, width)
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) G_##kind(ID, sig, width)
#include "wasm/opcodes.def"
#undef OP

/* -- States F and V ---------------------------------------------------------------------- */

/*
 * PICK(F_<signature>)(x) is x for the signatures listed here, whose last operand is a float, and nothing
 * for all others; V_ likewise for vectors.
 */
#define NO(...)
#define YES(...) __VA_ARGS__
#define SECOND(a, b, ...) b
#define PICK(...) SECOND(__VA_ARGS__, NO, ~)

#define F_f_f ~, YES
#define F_d_d ~, YES
#define F_f_i ~, YES
#define F_f_l ~, YES
#define F_d_i ~, YES
#define F_d_l ~, YES
#define F_f_d ~, YES
#define F_d_f ~, YES
#define F_ff_f ~, YES
#define F_ff_i ~, YES
#define F_dd_d ~, YES
#define F_dd_i ~, YES
#define F_if_ ~, YES
#define F_id_ ~, YES

#define V_v_v ~, YES
#define V_v_i ~, YES
#define V_v_l ~, YES
#define V_v_f ~, YES
#define V_v_d ~, YES
#define V_vv_v ~, YES
#define V_vvv_v ~, YES
#define V_iv_ ~, YES
#define V_iv_v ~, YES

/* F bodies for plain opcodes: behind a prefix a float goes to state G first. */
#define PLAIN_0x00 ~, YES

#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PICK(PLAIN_##prefix)(PICK(F_##sig)(BODY(f_##ID) kind##_##sig(F, SEM_##ID, width)))
#include "wasm/opcodes.def"
#undef OP
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PICK(V_##sig)(BODY(v_##ID) kind##_##sig(V, SEM_##ID, width))
#include "wasm/opcodes.def"
#undef OP

/* What else is worth a body of its own. */
BODY(f_LOCAL_GET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	*sp++ = vec[0];
	tos = fp[index];
	NEXT(next);
}

BODY(f_LOCAL_SET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	fp[index] = vec[0];
	DROP_NEXT(1, next);
}

BODY(f_LOCAL_TEE)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	fp[index] = vec[0];
	GO(STATE_F, next);
}

BODY(v_LOCAL_SET_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	store_v128(&fp[MAPPED(index)], vec);
	DROP_NEXT(2, next);
}

BODY(v_LOCAL_TEE_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	store_v128(&fp[MAPPED(index)], vec);
	GO(STATE_V, next);
}

/* -- Stubs and prefixes ------------------------------------------------------------------ */

BODY(f_spill)
{
	tos = vec[0];
	DISPATCH(STATE_G, *pc);
}

BODY(v_spill)
{
	sp[-1] = vec[0];
	tos = vec[1];
	DISPATCH(STATE_G, *pc);
}

/* The opcode behind a prefix is an index into the prefix's part of the same table. */
BODY(g_FC)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	DISPATCH(STATE_G, OPCODE_BASE_FC + code);
}

BODY(g_FD)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	DISPATCH(STATE_G, OPCODE_BASE_FD + code);
}

BODY(v_FD)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	if (((body_fn *const *)table)[STATE_V + OPCODE_BASE_FD + code] != NULL)
		DISPATCH(STATE_V, OPCODE_BASE_FD + code);
	sp[-1] = vec[0];
	tos = vec[1];
	DISPATCH(STATE_G, OPCODE_BASE_FD + code);
}

/* -- Tables ------------------------------------------------------------------------------ */

#define ENTRY_PURE(S, ID) [S + OP_##ID] = g_##ID,
#define ENTRY_PARTIAL ENTRY_PURE
#define ENTRY_LANE ENTRY_PURE
#define ENTRY_SHUFFLE ENTRY_PURE
#define ENTRY_LOAD ENTRY_PURE
#define ENTRY_STORE ENTRY_PURE
#define ENTRY_LOAD_LANE ENTRY_PURE
#define ENTRY_STORE_LANE ENTRY_PURE
#define ENTRY_CONST ENTRY_PURE
#define ENTRY_CONTROL ENTRY_PURE
#define ENTRY_VARIABLE ENTRY_PURE
#define ENTRY_RUNTIME ENTRY_PURE
#define ENTRY_LATER(S, ID)

/* What both sets share: the bodies behind prefixes. */
#define PREFIXED_0xfb(x)
#define PREFIXED_0xfc(x) x
#define PREFIXED_0xfd(x) x
#define PREFIXED_0xfe(x)
#define PREFIXED_0x00(x)

#pragma clang diagnostic ignored "-Winitializer-overrides"

static body_fn *const plain_table[3 * OPCODE_SPACE] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) ENTRY_##kind(STATE_G, ID)
#include "wasm/opcodes.def"
#undef OP
#define QUICK(ID, code, base) [OP_##ID] = g_##ID,
#include "wasm/quick.def"
#undef QUICK
	[0xfc] = g_FC,
	[0xfd] = g_FD,
	[STATE_F... STATE_F + 255] = f_spill,
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PICK(PLAIN_##prefix)(PICK(F_##sig)([STATE_F + OP_##ID] = f_##ID, ))
#include "wasm/opcodes.def"
#undef OP
	[STATE_F + OP_LOCAL_GET] = f_LOCAL_GET,
	[STATE_F + OP_LOCAL_SET] = f_LOCAL_SET,
	[STATE_F + OP_LOCAL_TEE] = f_LOCAL_TEE,
	[STATE_V... STATE_V + 255] = v_spill,
	[STATE_V + 0xfd] = v_FD,
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PICK(V_##sig)([STATE_V + OP_##ID] = v_##ID, )
#include "wasm/opcodes.def"
#undef OP
	[STATE_V + OP_LOCAL_SET_V128] = v_LOCAL_SET_V128,
	[STATE_V + OP_LOCAL_TEE_V128] = v_LOCAL_TEE_V128,
};

/* Pay for the block that begins here, if one does, then go on with the first set's body. */
#define PAY(name, state)                                                               \
	BODY(name)                                                                     \
	{                                                                              \
		if (UNLIKELY(!interp_pay(th, pc)))                                     \
			TRAP(TRAP_OUT_OF_FUEL);                                        \
		MUSTTAIL return plain_table[(state) + interp_unfused(*pc)](REGISTERS); \
	}
PAY(g_pay, STATE_G)
PAY(f_pay, STATE_F)
PAY(v_pay, STATE_V)

static body_fn *const fuel_table[3 * OPCODE_SPACE] = {
	[STATE_G... STATE_G + 255] = g_pay,
	[STATE_F... STATE_F + 255] = f_pay,
	[STATE_V... STATE_V + 255] = v_pay,
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PREFIXED_##prefix(ENTRY_##kind(STATE_G, ID))
#include "wasm/opcodes.def"
#undef OP
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PICK(V_##sig)([STATE_V + OP_##ID] = v_##ID, )
#include "wasm/opcodes.def"
#undef OP
};

/* -- In ---------------------------------------------------------------------------------- */

enum status interp_dispatch(struct thread *th, const uint8_t *pc, slot *sp, slot *fp,
			    const struct image_side *side, struct instance *in)
{
	const void *table = th->counts_fuel ? fuel_table : plain_table;
	v128 vec = {0, 0};

	return ((body_fn *const *)table)[*pc](pc, sp, fp, in->memory->base, 0, table, side, in, th,
					      in->memory->size, vec);
}
