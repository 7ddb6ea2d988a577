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
 * Where fuel is counted switch.c runs instead: nothing is paid here.
 */
#include "interp/machine.h"

#define MUSTTAIL __attribute__((musttail))
#define PRESERVE_NONE __attribute__((preserve_none))

#define PARAMS                                                                               \
	const uint8_t *pc, slot *sp, slot *fp, uint8_t *mem, slot tos, const int32_t *table, \
		const struct image_side *side, struct instance *in, struct thread *th,       \
		uint64_t mem_size, v128 vec
#define REGISTERS pc, sp, fp, mem, tos, table, side, in, th, mem_size, vec

typedef PRESERVE_NONE enum status body_fn(PARAMS);

enum {
	STATE_G = 0,
	STATE_F = OPCODE_SPACE,
	STATE_V = 2 * OPCODE_SPACE,
	STATE_X = 3 * OPCODE_SPACE, /* far accesses by the opcode they are */
	STATE_END = 4 * OPCODE_SPACE,
};

/* The dispatch table holds distances from itself: see below. */
#define TARGET(index) ((body_fn *)((uintptr_t)table + (uintptr_t)(intptr_t)table[index]))
#define DISPATCH(state, opcode) MUSTTAIL return TARGET((state) + (opcode))(REGISTERS)

#define GO(state, p)                  \
	do {                          \
		pc = (p);             \
		DISPATCH(state, *pc); \
	} while (0)
#define NEXT(p) GO(STATE_G, p)
#define LEAVE_WITH(status) return (status)
#define TRAP(code) return thread_trap(th, code, pc)
#define UNWIND(p)                                  \
	do {                                       \
		pc = (p);                          \
		MUSTTAIL return unwind(REGISTERS); \
	} while (0)

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

#define BODY(name)                                                           \
	static __attribute__((used)) PRESERVE_NONE enum status name(PARAMS); \
	static PRESERVE_NONE enum status name(PARAMS)

static PRESERVE_NONE enum status unwind(PARAMS);

/* Not every body reads every register. */
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wunused-but-set-parameter"

/* -- State G ----------------------------------------------------------------------------- */

#include "interp/atomics.h"
#define INSTR(ID) BODY(g_##ID)
#include "interp/control.h"
#include "interp/exceptions.h"
#include "interp/fused.h"
#include "interp/variable.h"
/* Behind the words it borrows from there. */
#include "interp/objects.h"
#include "interp/waits.h"
#undef INSTR

BODY(unwind)
{
	LAND();
}

#include "interp/numeric.h"

#define G_PURE(ID, sig, width) BODY(g_##ID) PURE_##sig(G, SEM_##ID, width)
#define G_PARTIAL(ID, sig, width) BODY(g_##ID) PARTIAL_##sig(G, SEM_##ID, width)
#define G_LANE(ID, sig, width) BODY(g_##ID) LANE_##sig(G, SEM_##ID, width)
#define G_SHUFFLE(ID, sig, width) BODY(g_##ID) SHUFFLE_##sig(G, SEM_##ID, width)
#define G_LOAD(ID, sig, width) BODY(g_##ID) LOAD_##sig(G, SEM_##ID, width)
#define G_STORE(ID, sig, width) BODY(g_##ID) STORE_##sig(G, SEM_##ID, width)
#define G_ATOMIC(ID, sig, width) BODY(g_##ID) ATOMIC_##sig(SEM_##ID, width)
#define G_LOAD_LANE(ID, sig, width) BODY(g_##ID) LOAD_LANE_##sig(G, SEM_##ID, width)
#define G_STORE_LANE(ID, sig, width) BODY(g_##ID) STORE_LANE_##sig(G, SEM_##ID, width)
/* These are written out in control.h and variable.h */
#define G_CONST(ID, sig, width)
#define G_CONTROL(ID, sig, width)
#define G_VARIABLE(ID, sig, width)
#define G_RUNTIME(ID, sig, width)
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) G_##kind(ID, sig, width)
#include "wasm/opcodes.def"
#undef OP

/* -- Far accesses ------------------------------------------------------------------------ */

/*
 * PICK(FAR_<kind>)(x) is x for the kinds listed here, and nothing for all others; UNLESS() the reverse. So
 * below with other lists.
 */
#define NO(...)
#define YES(...) __VA_ARGS__
#define SECOND(a, b, ...) b
#define THIRD(a, b, c, ...) c
#define PICK(...) SECOND(__VA_ARGS__, NO, YES, ~)
#define UNLESS(...) THIRD(__VA_ARGS__, NO, YES, ~)

#define FAR_LOAD ~, YES, NO
#define FAR_STORE ~, YES, NO
#define FAR_LOAD_LANE ~, YES, NO
#define FAR_STORE_LANE ~, YES, NO

#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PICK(FAR_##kind)(BODY(x_##ID) kind##_##sig(X, SEM_##ID, width))
#include "wasm/opcodes.def"
#undef OP

/* From any state by way of G. */
BODY(g_FAR)
{
	DISPATCH(STATE_X, opcode_far(pc[1]));
}

BODY(g_FAR_FD)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	DISPATCH(STATE_X, OPCODE_BASE_FD + code);
}

/* -- States F and V ---------------------------------------------------------------------- */

/* F: signatures whose last operand is a float; V: a vector. */
#define F_f_f ~, YES, NO
#define F_d_d ~, YES, NO
#define F_f_i ~, YES, NO
#define F_f_l ~, YES, NO
#define F_d_i ~, YES, NO
#define F_d_l ~, YES, NO
#define F_f_d ~, YES, NO
#define F_d_f ~, YES, NO
#define F_ff_f ~, YES, NO
#define F_ff_i ~, YES, NO
#define F_dd_d ~, YES, NO
#define F_dd_i ~, YES, NO
#define F_if_ ~, YES, NO
#define F_id_ ~, YES, NO

#define V_v_v ~, YES, NO
#define V_v_i ~, YES, NO
#define V_v_l ~, YES, NO
#define V_v_f ~, YES, NO
#define V_v_d ~, YES, NO
#define V_vv_v ~, YES, NO
#define V_vvv_v ~, YES, NO
#define V_iv_ ~, YES, NO
#define V_iv_v ~, YES, NO

/* F bodies for plain opcodes: behind a prefix a float goes to state G first. */
#define PLAIN_0x00 ~, YES, NO

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

/* Sequences that push: the float below goes to memory by way of state G, without a second dispatch. */
#define SPILL_FIRST(ID)                            \
	BODY(f_##ID)                               \
	{                                          \
		tos = vec[0];                      \
		MUSTTAIL return g_##ID(REGISTERS); \
	}
SPILL_FIRST(GET_CONST_ADD_TEE)
SPILL_FIRST(GET_CONST_ADD_SET)
SPILL_FIRST(GET_CONST_ADD)
SPILL_FIRST(GET_GET_ADD)
SPILL_FIRST(GET_GET)
SPILL_FIRST(GET_CONST)
SPILL_FIRST(GET_F64_LOAD)
SPILL_FIRST(GET_I32_LOAD)

BODY(f_GET_SHORT)
{
	*sp++ = vec[0];
	tos = fp[pc[1]];
	NEXT(pc + 2);
}

BODY(f_SET_SHORT)
{
	fp[pc[1]] = vec[0];
	DROP_NEXT(1, pc + 2);
}

BODY(f_TEE_SHORT)
{
	fp[pc[1]] = vec[0];
	GO(STATE_F, pc + 2);
}

BODY(f_SET_GET)
{
	fp[pc[1]] = vec[0];
	tos = fp[pc[3]];
	NEXT(pc + 4);
}

BODY(f_TEE_GET)
{
	fp[pc[1]] = vec[0];
	*sp++ = vec[0];
	tos = fp[pc[3]];
	NEXT(pc + 4);
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
BODY(g_FB)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	DISPATCH(STATE_G, OPCODE_BASE_FB + code);
}

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

BODY(g_FE)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	DISPATCH(STATE_G, OPCODE_BASE_FE + code);
}

BODY(v_FD)
{
	uint32_t code;

	pc = leb_u32(pc + 1, &code) - 1;
	if (table[STATE_V + OPCODE_BASE_FD + code] != 0)
		DISPATCH(STATE_V, OPCODE_BASE_FD + code);
	sp[-1] = vec[0];
	tos = vec[1];
	DISPATCH(STATE_G, OPCODE_BASE_FD + code);
}

/* -- The table --------------------------------------------------------------------------- */

/*
 * An entry is the body's distance from the table, in 32 bits: half the size of pointers, and nothing to
 * relocate when the program starts, which as pointers cost a tenth of the whole start (four pages written,
 * 1,300 relocations). C cannot say "distance of a function" in an initialiser, so each entry
 * is one line to the assembler: write this relative address there. The entries of state F and V default to
 * the spilling stub.
 */
#if defined(__x86_64__)
#define DISTANCE "R_X86_64_PC32"
#elif defined(__aarch64__)
#define DISTANCE "R_AARCH64_PREL32"
#endif
#define SECTION_OPEN ".pushsection .rodata.interp_table, \"a\", %%progbits\n"
#define SECTION_CLOSE "\n.popsection"

/* The mention in C makes a missing body an error of the compiler's. */
#define ENTRY(index, body)                                                                \
	(void)(body);                                                                     \
	__asm__ volatile(SECTION_OPEN ".reloc interp_table + 4*%c0, " DISTANCE ", " #body \
				      " + 4*%c0" SECTION_CLOSE                            \
			 :                                                                \
			 : "i"(index));

/* Instructions with a body of their own for state F or V though their signature does not say so. */
#define F_ID_LOCAL_GET ~, YES, NO
#define F_ID_LOCAL_SET ~, YES, NO
#define F_ID_LOCAL_TEE ~, YES, NO
#define F_ID_GET_CONST_ADD_TEE ~, YES, NO
#define F_ID_GET_CONST_ADD_SET ~, YES, NO
#define F_ID_GET_CONST_ADD ~, YES, NO
#define F_ID_GET_GET_ADD ~, YES, NO
#define F_ID_GET_GET ~, YES, NO
#define F_ID_GET_CONST ~, YES, NO
#define F_ID_GET_F64_LOAD ~, YES, NO
#define F_ID_GET_I32_LOAD ~, YES, NO
#define F_ID_GET_SHORT ~, YES, NO
#define F_ID_SET_SHORT ~, YES, NO
#define F_ID_TEE_SHORT ~, YES, NO
#define F_ID_SET_GET ~, YES, NO
#define F_ID_TEE_GET ~, YES, NO
#define V_ID_LOCAL_SET_V128 ~, YES, NO
#define V_ID_LOCAL_TEE_V128 ~, YES, NO

#define ROW_G(ID) ENTRY(STATE_G + OP_##ID, g_##ID)
#define ROW_BY_HAND(S, s, ID)                                   \
	PICK(S##_ID_##ID)(ENTRY(STATE_##S + OP_##ID, s##_##ID)) \
		UNLESS(S##_ID_##ID)(ENTRY(STATE_##S + OP_##ID, s##_spill))
#define ROW_F(ID, sig) \
	PICK(F_##sig)(ENTRY(STATE_F + OP_##ID, f_##ID)) UNLESS(F_##sig)(ROW_BY_HAND(F, f, ID))

/* Never called: what it says is said to the assembler. */
static __attribute__((used, noinline)) void table_is(void)
{
	__asm__ volatile(SECTION_OPEN ".p2align 6\ninterp_table:\n.zero 4*%c0" SECTION_CLOSE
			 :
			 : "i"(STATE_END));
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width)             \
	ROW_G(ID)                                                              \
	PICK(PLAIN_##prefix)(ROW_F(ID, sig) ENTRY(STATE_V + OP_##ID, v_spill)) \
		PICK(V_##sig)(ENTRY(STATE_V + OP_##ID, v_##ID))                \
			PICK(FAR_##kind)(ENTRY(STATE_X + OP_##ID, x_##ID))
#include "wasm/opcodes.def"
#undef OP
#define QUICK(ID, code, base) \
	ENTRY(STATE_G + OP_##ID, g_##ID) ROW_BY_HAND(F, f, ID) ROW_BY_HAND(V, v, ID)
#include "wasm/quick.def"
#undef QUICK
#define FUSE(ID, code, first, second, third, fourth) \
	ENTRY(STATE_G + OP_##ID, g_##ID) ROW_BY_HAND(F, f, ID) ROW_BY_HAND(V, v, ID)
#include "wasm/fuse.def"
#undef FUSE
	ENTRY(STATE_G + 0xfb, g_FB)
	ENTRY(STATE_F + 0xfb, f_spill)
	ENTRY(STATE_V + 0xfb, v_spill)
	ENTRY(STATE_G + 0xfc, g_FC)
	ENTRY(STATE_F + 0xfc, f_spill)
	ENTRY(STATE_V + 0xfc, v_spill)
	ENTRY(STATE_G + 0xfd, g_FD)
	ENTRY(STATE_F + 0xfd, f_spill)
	ENTRY(STATE_V + 0xfd, v_FD)
	ENTRY(STATE_G + PREFIX_FAR_FD, g_FAR_FD)
	ENTRY(STATE_F + PREFIX_FAR_FD, f_spill)
	ENTRY(STATE_V + PREFIX_FAR_FD, v_spill)
	ENTRY(STATE_G + 0xfe, g_FE)
	ENTRY(STATE_F + 0xfe, f_spill)
	ENTRY(STATE_V + 0xfe, v_spill)
}

static const int32_t *dispatch_table(void)
{
	extern const int32_t interp_table[] __attribute__((visibility("hidden")));

	return interp_table;
}

/* -- In ---------------------------------------------------------------------------------- */

enum status interp_fast(struct thread *th, const uint8_t *pc, slot *sp, slot *fp,
			const struct image_side *side, struct instance *in)
{
	const int32_t *table = dispatch_table();
	v128 vec = {0, 0};

	return TARGET(*pc)(pc, sp, fp, in->memory->base, 0, table, side, in, th,
			   memory_size(in->memory), vec);
}
