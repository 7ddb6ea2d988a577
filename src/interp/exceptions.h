/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exceptions.h: throwing and catching. What catches is found only when something is thrown (unwind.c), so a try is as
 * good as a block. See machine.h for the words used, control.h for what leads here; no include guard.
 */

INSTR(TRY_TABLE)
{
	pc += side->pc;
	side += side->side;
	NEXT(pc);
}

INSTR(TRY)
{
	pc += side->pc;
	side += side->side;
	NEXT(pc);
}

/* Reached from above: the try's body, or the catch block before, is done. */
INSTR(CATCH)
{
	pc += side->pc;
	side += side->side;
	NEXT(pc);
}

INSTR(CATCH_ALL)
{
	pc += side->pc;
	side += side->side;
	NEXT(pc);
}

/* The same. */
INSTR(DELEGATE)
{
	NEXT(leb_skip(pc + 1));
}

#define THROW_AGAIN(ref)                                                   \
	do {                                                               \
		*sp = tos;                                                 \
		exception_throw(th, (struct exception *)(uintptr_t)(ref)); \
		UNWIND(pc);                                                \
	} while (0)

INSTR(THROW)
{
	uint32_t index;
	struct exception *exception;
	struct tag *tag;

	leb_u32(pc + 1, &index);
	tag = in->tags[index];
	*sp = tos;
	exception = exception_new(in->store, tag, sp + 1 - tag->slots);
	if (UNLIKELY(exception == NULL))
		TRAP(TRAP_OUT_OF_MEMORY);
	THROW_AGAIN((uintptr_t)exception);
}

INSTR(THROW_REF)
{
	if (UNLIKELY(tos == 0))
		TRAP(TRAP_NULL_REFERENCE);
	THROW_AGAIN(tos);
}

INSTR(RETHROW)
{
	THROW_AGAIN(fp[side->keep]);
}

/* Go on where the exception that is on its way is caught, or end. */
#define LAND()                                                      \
	do {                                                        \
		struct landing to;                                  \
		enum status status = interp_unwind(th, pc, &to);    \
		if (status != STATUS_OK)                            \
			LEAVE_WITH(status);                         \
		fp = th->frame->locals;                             \
		in = th->frame->func->of.instance;                  \
		sp = to.sp;                                         \
		tos = *sp;                                          \
		pc = to.pc;                                         \
		side = to.side;                                     \
		RELOAD_MEMORY();                                    \
		/* A catch may lead back to where it was thrown. */ \
		if (thread_is_interrupted(th))                      \
			TRAP(TRAP_INTERRUPTED);                     \
		NEXT(pc);                                           \
	} while (0)
