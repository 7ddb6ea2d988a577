/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h: blocks, branches, calls. Blocks are nothing at run time: their instructions only step over their
 * immediates. Branches follow the side table. See machine.h for the words used; no include guard.
 */

/* Follow the entry at `side` from the instruction at pc. Every loop comes through here. */
#define BRANCH_PLAIN()                          \
	do {                                    \
		if (thread_is_interrupted(th))  \
			TRAP(TRAP_INTERRUPTED); \
		pc += side->pc;                 \
		side += side->side;             \
		NEXT(pc);                       \
	} while (0)

/* The same, removing `drop` slots below the `keep` topmost. */
#define BRANCH()                                                                 \
	do {                                                                     \
		uint32_t drop = side->drop, keep = side->keep;                   \
		if (drop != 0) {                                                 \
			*sp = tos;                                               \
			if (keep > 1)                                            \
				memmove(sp - (keep - 1) - drop, sp - (keep - 1), \
					keep * sizeof(slot));                    \
			sp -= drop;                                              \
			if (keep == 0)                                           \
				tos = *sp;                                       \
		}                                                                \
		BRANCH_PLAIN();                                                  \
	} while (0)

#define POP()              \
	do {               \
		sp--;      \
		tos = *sp; \
	} while (0)

INSTR(UNREACHABLE)
{
	TRAP(TRAP_UNREACHABLE);
}

INSTR(NOP)
{
	NEXT(pc + 1);
}

INSTR(BLOCK)
{
	NEXT(leb_skip(pc + 1));
}

INSTR(LOOP)
{
	NEXT(leb_skip(pc + 1));
}

INSTR(BLOCK_REF)
{
	NEXT(leb_skip(pc + 2));
}

INSTR(LOOP_REF)
{
	NEXT(leb_skip(pc + 2));
}

INSTR(END)
{
	NEXT(pc + 1);
}

#define IF_NEXT(p)                                  \
	do {                                        \
		uint32_t condition = (uint32_t)tos; \
		POP();                              \
		if (condition != 0) {               \
			side++;                     \
			NEXT(p);                    \
		}                                   \
		pc += side->pc;                     \
		side += side->side;                 \
		NEXT(pc);                           \
	} while (0)

INSTR(IF)
{
	IF_NEXT(leb_skip(pc + 1));
}

INSTR(IF_REF)
{
	IF_NEXT(leb_skip(pc + 2));
}

INSTR(ELSE)
{
	pc += side->pc;
	side += side->side;
	NEXT(pc);
}

INSTR(BR_PLAIN)
{
	BRANCH_PLAIN();
}

INSTR(BR)
{
	BRANCH();
}

INSTR(BR_IF_PLAIN)
{
	uint32_t condition = (uint32_t)tos;

	POP();
	if (condition != 0)
		BRANCH_PLAIN();
	side++;
	NEXT(leb_skip(pc + 1));
}

INSTR(BR_IF)
{
	uint32_t condition = (uint32_t)tos;

	POP();
	if (condition != 0)
		BRANCH();
	side++;
	NEXT(leb_skip(pc + 1));
}

INSTR(BR_TABLE)
{
	uint32_t count;
	uint32_t at = (uint32_t)tos;

	leb_u32(pc + 1, &count);
	POP();
	side += at < count ? at : count;
	BRANCH();
}

INSTR(BR_ON_NULL)
{
	if (tos != 0) {
		side++;
		NEXT(leb_skip(pc + 1));
	}
	POP();
	BRANCH();
}

INSTR(BR_ON_NON_NULL)
{
	if (tos != 0)
		BRANCH();
	POP();
	side++;
	NEXT(leb_skip(pc + 1));
}

/* -- Returning --------------------------------------------------------------------------- */

/* Go on behind the call that made the record `gone`; the results lie at `at`, n of them. */
#define GO_BACK(gone, at, n)                           \
	do {                                           \
		sp = (at) + (n) - 1;                   \
		tos = *sp;                             \
		th->frame = (gone).caller;             \
		fp = (gone).caller->locals;            \
		in = (gone).caller->func->of.instance; \
		side = (gone).ret_side;                \
		pc = (gone).ret_pc;                    \
		RELOAD_MEMORY();                       \
		NEXT(pc);                              \
	} while (0)

/* The record is read first: without locals it lies where the results go. */
#define RETURN()                                                               \
	do {                                                                   \
		struct frame gone = *th->frame;                                \
		uint32_t results = gone.func->results;                         \
		*sp = tos;                                                     \
		if (results == 1)                                              \
			*fp = tos;                                             \
		else if (results != 0)                                         \
			memmove(fp, sp + 1 - results, results * sizeof(slot)); \
		GO_BACK(gone, fp, results);                                    \
	} while (0)

INSTR(RETURN)
{
	RETURN();
}

INSTR(RETURN_END)
{
	RETURN();
}

/* -- Calling ----------------------------------------------------------------------------- */

/* Mostly a handful: the barrier keeps the compiler from calling memset for them. */
#define CLEAR(from, to)                                          \
	do {                                                     \
		for (slot *cell = (from); cell < (to); cell++) { \
			__asm__ volatile("" : "+r"(cell));       \
			*cell = 0;                               \
		}                                                \
	} while (0)

/*
 * Enter an interpreted function whose parameters are the slots at `at`; `zero` is where the other locals
 * begin. Its record goes between locals and operands.
 */
#define ENTER(f, at, back_pc, back_side, back_frame)                                  \
	do {                                                                          \
		slot *place = (at);                                                   \
		struct frame *record = (struct frame *)(void *)(place + (f)->locals); \
		if (UNLIKELY(place + (f)->frame > th->limit))                         \
			TRAP(TRAP_STACK_EXHAUSTED);                                   \
		CLEAR(place + (f)->params, (slot *)record);                           \
		record->ret_pc = (back_pc);                                           \
		record->ret_side = (back_side);                                       \
		record->caller = (back_frame);                                        \
		record->func = (f);                                                   \
		record->locals = place;                                               \
		th->frame = record;                                                   \
		fp = place;                                                           \
		sp = (slot *)(record + 1);                                            \
		pc = (f)->code;                                                       \
		side = (f)->side;                                                     \
		if (thread_is_interrupted(th))                                        \
			TRAP(TRAP_INTERRUPTED);                                       \
		NEXT(pc);                                                             \
	} while (0)

/* Call what is not interpreted: a host function, compiled code. */
#define CALL_OUT(f, back_pc)                            \
	do {                                            \
		slot *place = sp - (f)->params;         \
		enum status status;                     \
		th->call_pc = (back_pc);                \
		th->calling = in;                       \
		status = (f)->entry(th, (f), place);    \
		if (UNLIKELY(status != STATUS_OK)) {    \
			if (status == STATUS_EXCEPTION) \
				UNWIND((back_pc) - 1);  \
			LEAVE_WITH(status);             \
		}                                       \
		sp = place + (f)->results - 1;          \
		tos = *sp;                              \
		RELOAD_MEMORY();                        \
		NEXT(back_pc);                          \
	} while (0)

/* Any function, of this instance or another's. */
#define CALL_ANY(f, back_pc)                                                  \
	do {                                                                  \
		*sp++ = tos;                                                  \
		if (LIKELY((f)->entry == interp_entry)) {                     \
			in = (f)->of.instance;                                \
			RELOAD_MEMORY();                                      \
			ENTER(f, sp - (f)->params, back_pc, side, th->frame); \
		}                                                             \
		CALL_OUT(f, back_pc);                                         \
	} while (0)

/*
 * The callee takes this frame's place: the arguments move down over the locals, and it returns to where this
 * frame would have. What is not interpreted is called, and then returned from.
 */
#define TAIL_CALL(f)                                                           \
	do {                                                                   \
		struct frame gone = *th->frame;                                \
		enum status status;                                            \
		if (UNLIKELY(fp + (f)->params + (f)->results >= th->limit ||   \
			     fp + (f)->frame > th->limit))                     \
			TRAP(TRAP_STACK_EXHAUSTED);                            \
		*sp++ = tos;                                                   \
		memmove(fp, sp - (f)->params, (f)->params * sizeof(slot));     \
		if (LIKELY((f)->entry == interp_entry)) {                      \
			in = (f)->of.instance;                                 \
			RELOAD_MEMORY();                                       \
			ENTER(f, fp, gone.ret_pc, gone.ret_side, gone.caller); \
		}                                                              \
		th->frame = gone.caller;                                       \
		th->call_pc = gone.ret_pc;                                     \
		th->calling = in;                                              \
		status = (f)->entry(th, (f), fp);                              \
		if (UNLIKELY(status != STATUS_OK)) {                           \
			if (status == STATUS_EXCEPTION)                        \
				UNWIND(gone.ret_pc - 1);                       \
			LEAVE_WITH(status);                                    \
		}                                                              \
		GO_BACK(gone, fp, (f)->results);                               \
	} while (0)

INSTR(CALL)
{
	uint32_t index;
	const uint8_t *back = leb_u32(pc + 1, &index);
	struct func *f = (struct func *)(in->func_base + index * sizeof(struct func));

	if (LIKELY(f->entry == interp_entry)) {
		*sp++ = tos;
		ENTER(f, sp - f->params, back, side, th->frame);
	}
	f = instance_func(in, index);
	CALL_ANY(f, back);
}

INSTR(CALL_IMPORT)
{
	uint32_t index;
	const uint8_t *back = leb_u32(pc + 1, &index);
	struct func *f = in->imports[index];

	CALL_ANY(f, back);
}

/* Find the function an indirect call means and remove the index from the stack. */
#define CALLEE(f, back)                                                                       \
	uint32_t type, table_index;                                                           \
	const uint8_t *back = leb_u32(leb_u32(pc + 1, &type), &table_index);                  \
	const struct table *from = in->tables[table_index];                                   \
	uint64_t at = tos & from->index_mask;                                                 \
	struct func *f = NULL;                                                                \
	if (LIKELY(at < from->size))                                                          \
		f = (struct func *)(uintptr_t)from->entries[at];                              \
	if (UNLIKELY(!ref_is_pointer((slot)(uintptr_t)f) || f->type != in->type_ids[type])) { \
		enum trap trap = runtime_callee(th, in, table_index, type, at, &f);           \
		if (UNLIKELY(trap != TRAP_NONE))                                              \
			TRAP(trap);                                                           \
	}                                                                                     \
	POP()

INSTR(CALL_INDIRECT)
{
	CALLEE(f, back);
	CALL_ANY(f, back);
}

INSTR(CALL_REF)
{
	struct func *f = (struct func *)(uintptr_t)tos;
	const uint8_t *back = leb_skip(pc + 1);

	if (UNLIKELY(f == NULL))
		TRAP(TRAP_NULL_FUNCTION);
	POP();
	CALL_ANY(f, back);
}

INSTR(RETURN_CALL)
{
	uint32_t index;
	struct func *f;

	leb_u32(pc + 1, &index);
	f = instance_func(in, index);
	TAIL_CALL(f);
}

INSTR(RETURN_CALL_INDIRECT)
{
	CALLEE(f, back);
	(void)back;
	TAIL_CALL(f);
}

INSTR(RETURN_CALL_REF)
{
	struct func *f = (struct func *)(uintptr_t)tos;

	if (UNLIKELY(f == NULL))
		TRAP(TRAP_NULL_FUNCTION);
	POP();
	TAIL_CALL(f);
}

/* The outermost return leads here: back to C. */
INSTR(LEAVE)
{
	LEAVE_WITH(STATUS_OK);
}
