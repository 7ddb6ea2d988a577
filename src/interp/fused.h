/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fused.h: the sequences of wasm/fuse.def as one instruction each. The bytes are all there: pc[1] is the
 * first immediate, and so on. What traps inside says where by moving pc to its own instruction first. See
 * machine.h for the words used; no include guard.
 */

/* Two pushes: the first goes to memory at once. */
#define PUSH2(first, second)     \
	do {                     \
		sp[0] = tos;     \
		sp[1] = (first); \
		sp += 2;         \
		tos = (second);  \
	} while (0)

/* An access with immediates of one byte at `at`, to address `address`. */
#define SHORT_ACCESS(at, address, width)             \
	uint64_t ea = (uint64_t)(address) + (at)[2]; \
	if (OUT_OF_BOUNDS(ea, width)) {              \
		pc = (at);                           \
		TRAP(TRAP_OUT_OF_BOUNDS_MEMORY);     \
	}

/* local.get a, i32.const c, i32.add: the sum, and where the next instruction is. */
#define GET_CONST_SUM(sum, next)                              \
	uint32_t constant;                                    \
	const uint8_t *next = leb_s32(pc + 3, &constant) + 1; \
	uint32_t sum = (uint32_t)fp[pc[1]] + constant

INSTR(GET_CONST_ADD)
{
	GET_CONST_SUM(sum, next);

	PUSH(sum);
	NEXT(next);
}

INSTR(GET_CONST_ADD_TEE)
{
	GET_CONST_SUM(sum, next);

	PUSH(sum);
	fp[next[1]] = sum;
	NEXT(next + 2);
}

INSTR(GET_CONST_ADD_SET)
{
	GET_CONST_SUM(sum, next);

	fp[next[1]] = sum;
	NEXT(next + 2);
}

INSTR(GET_GET_ADD)
{
	PUSH((uint32_t)(fp[pc[1]] + fp[pc[3]]));
	NEXT(pc + 5);
}

INSTR(GET_GET)
{
	PUSH2(fp[pc[1]], fp[pc[3]]);
	NEXT(pc + 4);
}

INSTR(GET_CONST)
{
	uint32_t constant;
	const uint8_t *next = leb_s32(pc + 3, &constant);

	PUSH2(fp[pc[1]], constant);
	NEXT(next);
}

INSTR(GET_SHORT)
{
	PUSH(fp[pc[1]]);
	NEXT(pc + 2);
}

INSTR(GET_I32_LOAD)
{
	const uint8_t *access = pc + 2;

	SHORT_ACCESS(access, (uint32_t)fp[pc[1]], 4);
	PUSH(sem_i32_load(mem + ea));
	NEXT(access + 3);
}

INSTR(GET_F64_LOAD)
{
	const uint8_t *access = pc + 2, *next = access + 3;

	SHORT_ACCESS(access, (uint32_t)fp[pc[1]], 8);
	*sp++ = tos;
	RET_d(sem_f64_load(mem + ea));
}

/* i32.const c, i32.add on the topmost. */
#define CONST_SUM(sum, next)                                  \
	uint32_t constant;                                    \
	const uint8_t *next = leb_s32(pc + 1, &constant) + 1; \
	uint32_t sum = (uint32_t)tos + constant

INSTR(CONST_ADD)
{
	CONST_SUM(sum, next);

	tos = sum;
	NEXT(next);
}

INSTR(CONST_ADD_TEE)
{
	CONST_SUM(sum, next);

	tos = sum;
	fp[next[1]] = sum;
	NEXT(next + 2);
}

INSTR(CONST_ADD_SET)
{
	CONST_SUM(sum, next);

	fp[next[1]] = sum;
	DROP_NEXT(1, next + 2);
}

INSTR(CONST_ADD_F64_LOAD)
{
	CONST_SUM(sum, access);
	const uint8_t *next = access + 3;

	SHORT_ACCESS(access, sum, 8);
	RET_d(sem_f64_load(mem + ea));
}

INSTR(CONST_AND)
{
	uint32_t constant;
	const uint8_t *next = leb_s32(pc + 1, &constant) + 1;

	tos = (uint32_t)tos & constant;
	NEXT(next);
}

INSTR(ADD_TEE)
{
	sp--;
	tos = (uint32_t)(*sp + tos);
	fp[pc[2]] = tos;
	NEXT(pc + 3);
}

INSTR(ADD_SET)
{
	fp[pc[2]] = (uint32_t)(sp[-1] + tos);
	DROP_NEXT(2, pc + 3);
}

INSTR(SET_GET)
{
	fp[pc[1]] = tos;
	tos = fp[pc[3]];
	NEXT(pc + 4);
}

INSTR(SET_SHORT)
{
	fp[pc[1]] = tos;
	DROP_NEXT(1, pc + 2);
}

INSTR(TEE_GET)
{
	fp[pc[1]] = tos;
	PUSH(fp[pc[3]]);
	NEXT(pc + 4);
}

INSTR(TEE_SHORT)
{
	fp[pc[1]] = tos;
	NEXT(pc + 2);
}

INSTR(F64_LOAD_MUL)
{
	const uint8_t *next = pc + 4;

	SHORT_ACCESS(pc, (uint32_t)tos, 8);
	sp--;
	RET_d(sem_f64_mul(slot_f64(*sp), sem_f64_load(mem + ea)));
}

INSTR(F64_LOAD_ADD)
{
	const uint8_t *next = pc + 4;

	SHORT_ACCESS(pc, (uint32_t)tos, 8);
	sp--;
	RET_d(sem_f64_add(slot_f64(*sp), sem_f64_load(mem + ea)));
}

/* A comparison of `length` bytes and a br_if that moves nothing: its two bytes follow. */
#define COMPARE_BRANCH(yes, length)      \
	do {                             \
		if (yes) {               \
			pc += (length);  \
			BRANCH_PLAIN();  \
		}                        \
		side++;                  \
		NEXT(pc + (length) + 2); \
	} while (0)

INSTR(NE_BR_IF)
{
	bool yes = (uint32_t)sp[-1] != (uint32_t)tos;

	sp -= 2;
	tos = *sp;
	COMPARE_BRANCH(yes, 1);
}

INSTR(EQZ_BR_IF)
{
	bool yes = (uint32_t)tos == 0;

	POP();
	COMPARE_BRANCH(yes, 1);
}

INSTR(CONST_NE_BR_IF)
{
	uint32_t constant;
	const uint8_t *compare = leb_s32(pc + 1, &constant);
	bool yes = (uint32_t)tos != constant;

	POP();
	pc = compare;
	COMPARE_BRANCH(yes, 1);
}

/* A comparison that chooses: of four operands one stays. */
#define COMPARE_SELECT(yes)                    \
	do {                                   \
		tos = (yes) ? sp[-3] : sp[-2]; \
		sp -= 3;                       \
		NEXT(pc + 2);                  \
	} while (0)

INSTR(LT_S_SELECT)
{
	COMPARE_SELECT((int32_t)sp[-1] < (int32_t)tos);
}

INSTR(GT_S_SELECT)
{
	COMPARE_SELECT((int32_t)sp[-1] > (int32_t)tos);
}
