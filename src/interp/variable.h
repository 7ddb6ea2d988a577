/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variable.h: constants, locals, globals, references, tables, memories. See machine.h for the words used; no
 * include guard.
 */

/* -- Constants --------------------------------------------------------------------------- */

INSTR(I32_CONST)
{
	uint64_t value;
	const uint8_t *next = leb_s64(pc + 1, &value);

	PUSH((uint32_t)value);
	NEXT(next);
}

INSTR(I64_CONST)
{
	uint64_t value;
	const uint8_t *next = leb_s64(pc + 1, &value);

	PUSH(value);
	NEXT(next);
}

INSTR(F32_CONST)
{
	uint32_t bits;

	memcpy(&bits, pc + 1, sizeof(bits));
	PUSH(bits);
	NEXT(pc + 1 + sizeof(bits));
}

INSTR(F64_CONST)
{
	uint64_t bits;

	memcpy(&bits, pc + 1, sizeof(bits));
	PUSH(bits);
	NEXT(pc + 1 + sizeof(bits));
}

INSTR(V128_CONST)
{
	const uint8_t *next = pc + 1 + sizeof(v128);
	v128 value;

	memcpy(&value, pc + 1, sizeof(value));
	*sp = tos;
	sp += 2;
	RET_v(value);
}

/* -- Locals ------------------------------------------------------------------------------ */

INSTR(LOCAL_GET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	PUSH(fp[index]);
	NEXT(next);
}

INSTR(LOCAL_SET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	fp[index] = tos;
	DROP_NEXT(1, next);
}

INSTR(LOCAL_TEE)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	fp[index] = tos;
	NEXT(next);
}

/* Functions with v128 locals: index and slot differ. */
#define MAPPED(index) (th->frame->func->local_map[index])

INSTR(LOCAL_GET_MAP)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	PUSH(fp[MAPPED(index)]);
	NEXT(next);
}

INSTR(LOCAL_SET_MAP)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	fp[MAPPED(index)] = tos;
	DROP_NEXT(1, next);
}

INSTR(LOCAL_TEE_MAP)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	fp[MAPPED(index)] = tos;
	NEXT(next);
}

INSTR(LOCAL_GET_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);
	v128 value = load_v128(&fp[MAPPED(index)]);

	*sp = tos;
	sp += 2;
	RET_v(value);
}

INSTR(LOCAL_SET_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	store_v128(&fp[MAPPED(index)], TOP_G_v);
	DROP_NEXT(2, next);
}

INSTR(LOCAL_TEE_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	store_v128(&fp[MAPPED(index)], TOP_G_v);
	NEXT(next);
}

/* -- Parametric -------------------------------------------------------------------------- */

INSTR(DROP)
{
	DROP_NEXT(1, pc + 1);
}

INSTR(DROP_V128)
{
	DROP_NEXT(2, pc + 1);
}

#define SELECT_NEXT(p)                                  \
	do {                                            \
		uint32_t condition = (uint32_t)tos;     \
		tos = condition != 0 ? sp[-2] : sp[-1]; \
		sp -= 2;                                \
		NEXT(p);                                \
	} while (0)

#define SELECT_V128_NEXT(p)                                              \
	do {                                                             \
		const uint8_t *next = (p);                               \
		v128 value = (uint32_t)tos != 0 ? DEEP_v(3) : DEEP_v(1); \
		sp -= 3;                                                 \
		RET_v(value);                                            \
	} while (0)

INSTR(SELECT)
{
	SELECT_NEXT(pc + 1);
}

/* One type follows, behind its count: a byte, or a kind and a heap type. */
#define SELECT_TYPE_END(p) (*(p) == TYPE_REF || *(p) == TYPE_REF_NULL ? leb_skip((p) + 1) : (p) + 1)

INSTR(SELECT_T)
{
	const uint8_t *type = leb_skip(pc + 1);

	SELECT_NEXT(SELECT_TYPE_END(type));
}

INSTR(SELECT_V128)
{
	SELECT_V128_NEXT(pc + 1);
}

INSTR(SELECT_T_V128)
{
	SELECT_V128_NEXT(leb_skip(pc + 1) + 1);
}

/* -- Globals ----------------------------------------------------------------------------- */

INSTR(GLOBAL_GET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	PUSH(in->globals[index]->cell[0]);
	NEXT(next);
}

INSTR(GLOBAL_SET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	in->globals[index]->cell[0] = tos;
	DROP_NEXT(1, next);
}

INSTR(GLOBAL_GET_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);
	v128 value = load_v128(in->globals[index]->cell);

	*sp = tos;
	sp += 2;
	RET_v(value);
}

INSTR(GLOBAL_SET_V128)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	store_v128(in->globals[index]->cell, TOP_G_v);
	DROP_NEXT(2, next);
}

/* -- References -------------------------------------------------------------------------- */

INSTR(REF_NULL)
{
	PUSH(0);
	NEXT(leb_skip(pc + 1));
}

INSTR(REF_IS_NULL)
{
	tos = tos == 0;
	NEXT(pc + 1);
}

INSTR(REF_AS_NON_NULL)
{
	if (UNLIKELY(tos == 0))
		TRAP(TRAP_NULL_REFERENCE);
	NEXT(pc + 1);
}

INSTR(REF_FUNC)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	PUSH(ref_from_func(instance_func(in, index)));
	NEXT(next);
}

/* -- Out of line: runtime.def ------------------------------------------------------------ */

#define TRY_RUNTIME(call)                        \
	do {                                     \
		enum trap trap = (call);         \
		if (UNLIKELY(trap != TRAP_NONE)) \
			TRAP(trap);              \
	} while (0)

/* A slot as index into a table, address in a memory, or count of what is in them: 32 bits of it or all. */
#define INDEX(table, word) ((word) & (table)->index_mask)
#define ADDRESS(memory, word) ((word) & (memory)->address_mask)

INSTR(TABLE_GET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);
	slot ref;

	TRY_RUNTIME(runtime_table_get(th, in, index, INDEX(in->tables[index], tos), &ref));
	tos = ref;
	NEXT(next);
}

INSTR(TABLE_SET)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	TRY_RUNTIME(runtime_table_set(th, in, index, INDEX(in->tables[index], DEEP_l(1)), tos));
	DROP_NEXT(2, next);
}

INSTR(TABLE_SIZE)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	PUSH(in->tables[index]->size);
	NEXT(next);
}

INSTR(TABLE_GROW)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);
	uint64_t old;

	TRY_RUNTIME(
		runtime_table_grow(th, in, index, DEEP_l(1), INDEX(in->tables[index], tos), &old));
	sp--;
	tos = old;
	NEXT(next);
}

INSTR(TABLE_FILL)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	TRY_RUNTIME(runtime_table_fill(th, in, index, INDEX(in->tables[index], DEEP_l(2)),
				       DEEP_l(1), INDEX(in->tables[index], tos)));
	DROP_NEXT(3, next);
}

INSTR(MEMORY_SIZE)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	PUSH(memory_pages(in->memories[index]));
	NEXT(next);
}

INSTR(MEMORY_GROW)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);
	uint64_t old;

	TRY_RUNTIME(runtime_memory_grow(th, in, index, ADDRESS(in->memories[index], tos), &old));
	tos = old;
	RELOAD_MEMORY();
	NEXT(next);
}

INSTR(MEMORY_FILL)
{
	uint32_t index;
	const uint8_t *next = leb_u32(pc + 1, &index);

	TRY_RUNTIME(runtime_memory_fill(th, in, index, ADDRESS(in->memories[index], DEEP_l(2)),
					DEEP_i(1), ADDRESS(in->memories[index], tos)));
	DROP_NEXT(3, next);
}

/* Three operands (to, from, count). The count between two has the narrower of both types. */
#define COPY(ID, runtime, of, WORD)                                                \
	INSTR(ID)                                                                  \
	{                                                                          \
		uint32_t to, from;                                                 \
		const uint8_t *next = leb_u32(leb_u32(pc + 1, &to), &from);        \
		TRY_RUNTIME(runtime(th, in, to, from, WORD(in->of[to], DEEP_l(2)), \
				    WORD(in->of[from], DEEP_l(1)),                 \
				    WORD(in->of[to], WORD(in->of[from], tos))));   \
		DROP_NEXT(3, next);                                                \
	}
COPY(TABLE_COPY, runtime_table_copy, tables, INDEX)
COPY(MEMORY_COPY, runtime_memory_copy, memories, ADDRESS)

/* The same from a segment, where all but the target is 32 bits wide. */
#define COPY_SEGMENT(ID, runtime, of, WORD)                                                      \
	INSTR(ID)                                                                                \
	{                                                                                        \
		uint32_t segment, to;                                                            \
		const uint8_t *next = leb_u32(leb_u32(pc + 1, &segment), &to);                   \
		TRY_RUNTIME(runtime(th, in, segment, to, WORD(in->of[to], DEEP_l(2)), DEEP_i(1), \
				    (uint32_t)tos));                                             \
		DROP_NEXT(3, next);                                                              \
	}
COPY_SEGMENT(TABLE_INIT, runtime_table_init, tables, INDEX)
COPY_SEGMENT(MEMORY_INIT, runtime_memory_init, memories, ADDRESS)

#define DROP_SEGMENT(ID, runtime)                              \
	INSTR(ID)                                              \
	{                                                      \
		uint32_t index;                                \
		const uint8_t *next = leb_u32(pc + 1, &index); \
		runtime(th, in, index);                        \
		NEXT(next);                                    \
	}
DROP_SEGMENT(ELEM_DROP, runtime_elem_drop)
DROP_SEGMENT(DATA_DROP, runtime_data_drop)
