/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switch.c: the interpreter as one loop around one switch: for compilers without guaranteed tail calls, and
 * wherever fuel is counted, which costs more than the loop. The same
 * bodies as tail.c from the same tables, in state G only: floats and vectors go through slots.
 */
#include "interp/machine.h"

#define NEXT(p)                        \
	do {                           \
		pc = (p);              \
		goto next_instruction; \
	} while (0)
#define LEAVE_WITH(status) return (status)
#define TRAP(code) return thread_trap(th, code, pc)
#define UNWIND(p)            \
	do {                 \
		pc = (p);    \
		goto unwind; \
	} while (0)

#define RET_i(x)            \
	do {                \
		tos = (x);  \
		NEXT(next); \
	} while (0)
#define RET_l(x) RET_i(x)
#define RET_f(x) RET_i(f32_slot(x))
#define RET_d(x) RET_i(f64_slot(x))
#define RET_v(x)                  \
	do {                      \
		v128 pair = (x);  \
		sp[-1] = pair[0]; \
		RET_i(pair[1]);   \
	} while (0)

#define INSTR(ID) case OP_##ID:
#include "interp/atomics.h"
#include "interp/numeric.h"

#define CASE_PURE(ID, sig, width) INSTR(ID) PURE_##sig(G, SEM_##ID, width)
#define CASE_PARTIAL(ID, sig, width) INSTR(ID) PARTIAL_##sig(G, SEM_##ID, width)
#define CASE_LANE(ID, sig, width) INSTR(ID) LANE_##sig(G, SEM_##ID, width)
#define CASE_SHUFFLE(ID, sig, width) INSTR(ID) SHUFFLE_##sig(G, SEM_##ID, width)
#define CASE_LOAD(ID, sig, width) INSTR(ID) LOAD_##sig(G, SEM_##ID, width)
#define CASE_STORE(ID, sig, width) INSTR(ID) STORE_##sig(G, SEM_##ID, width)
#define CASE_ATOMIC(ID, sig, width) INSTR(ID) ATOMIC_##sig(SEM_##ID, width)
#define CASE_LOAD_LANE(ID, sig, width) INSTR(ID) LOAD_LANE_##sig(G, SEM_##ID, width)
#define CASE_STORE_LANE(ID, sig, width) INSTR(ID) STORE_LANE_##sig(G, SEM_##ID, width)
#define CASE_CONST(ID, sig, width)
#define CASE_CONTROL(ID, sig, width)
#define CASE_VARIABLE(ID, sig, width)
#define CASE_RUNTIME(ID, sig, width)

/* Far accesses, by the opcode they are. */
enum { FAR_BASE = OPCODE_SPACE };

#define FAR_PURE(ID, sig, width)
#define FAR_PARTIAL(ID, sig, width)
#define FAR_LANE(ID, sig, width)
#define FAR_SHUFFLE(ID, sig, width)
#define FAR_LOAD(ID, sig, width) \
	case FAR_BASE + OP_##ID: \
		LOAD_##sig(X, SEM_##ID, width)
#define FAR_STORE(ID, sig, width) \
	case FAR_BASE + OP_##ID:  \
		STORE_##sig(X, SEM_##ID, width)
#define FAR_LOAD_LANE(ID, sig, width) \
	case FAR_BASE + OP_##ID:      \
		LOAD_LANE_##sig(X, SEM_##ID, width)
#define FAR_STORE_LANE(ID, sig, width) \
	case FAR_BASE + OP_##ID:       \
		STORE_LANE_##sig(X, SEM_##ID, width)
#define FAR_CONST(ID, sig, width)
#define FAR_CONTROL(ID, sig, width)
#define FAR_VARIABLE(ID, sig, width)
#define FAR_RUNTIME(ID, sig, width)
#define FAR_ATOMIC(ID, sig, width)

/* table-like: the cases are the bodies of control.h, variable.h and numeric.h. */
enum status interp_switch(struct thread *th, const uint8_t *pc, slot *sp, slot *fp,
			  const struct image_side *side, struct instance *in)
{
	uint8_t *mem = in->memory->base;
	uint64_t mem_size = memory_size(in->memory);
	uint32_t opcode, code;
	slot tos = 0;

next_instruction:
	if (UNLIKELY(th->counts_fuel) && !interp_pay(th, pc))
		TRAP(TRAP_OUT_OF_FUEL);
	opcode = *pc;
	if (opcode >= 0xfb) {
		pc = leb_u32(pc + 1, &code) - 1;
		opcode = opcode == PREFIX_FAR_FD ? FAR_BASE + OPCODE_BASE_FD + code
						 : opcode_prefixed((uint8_t)opcode, code);
	} else if (opcode == OP_FAR) {
		opcode = FAR_BASE + opcode_far(pc[1]);
	}
	switch (opcode) {
#include "interp/control.h"
#include "interp/exceptions.h"
#include "interp/fused.h"
#include "interp/variable.h"
/* Behind the words it borrows from there. */
#include "interp/objects.h"
#include "interp/waits.h"
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) CASE_##kind(ID, sig, width)
#include "wasm/opcodes.def"
#undef OP
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) FAR_##kind(ID, sig, width)
#include "wasm/opcodes.def"
#undef OP
	}
	invariant(!"an opcode the validator lets pass has a body");
unwind:
	LAND();
}
