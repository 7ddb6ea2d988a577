/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interp.h: the interpreter tier. It runs over the bytecode of the image with its side table: nothing is
 * translated, so the first instruction runs right after validation and a function costs no memory of its own.
 *
 *   interp.c         coming in from C
 *   numeric.h        instructions whose meaning is a sem_ function: made from opcodes.def
 *   control.h        blocks, branches, calls
 *   exceptions.h     throwing and catching; unwind.c finds who catches
 *   variable.h       constants, locals, globals, references, tables, memories
 *   objects.h        structs, arrays, i31, casts
 *   tail.c, switch.c two ways to make one program of these bodies: functions that tail-call each other
 *                    (clang), or one switch (any compiler); docs/abi.md, "The interpreter"
 */
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "exec/common.h"
#include "exec/thread.h"

/* struct func's entry. */
enum status interp_entry(struct thread *thread, struct func *self, slot *frame);

/* Run from `pc` until LEAVE or a trap: tail.c, or fast_none.c where the compiler cannot; and switch.c. */
enum status interp_fast(struct thread *thread, const uint8_t *pc, slot *sp, slot *fp,
			const struct image_side *side, struct instance *instance);
enum status interp_switch(struct thread *thread, const uint8_t *pc, slot *sp, slot *fp,
			  const struct image_side *side, struct instance *instance);

/* unwind.c: where an exception is caught; `sp` is the topmost operand's place, all of them are in memory. */
struct landing {
	const uint8_t *pc;
	const struct image_side *side;
	slot *sp;
};
/* thread->exception was thrown in thread->frame, in the instruction around `pc`. STATUS_OK: it was caught, in what is now
 * thread->frame. STATUS_EXCEPTION: by nobody before C. STATUS_TRAP: interrupted while looking. */
enum status interp_unwind(struct thread *thread, const uint8_t *pc, struct landing *ret);

/* Fuel, before the instruction at pc. False: it does not suffice for the block that begins here. */
bool interp_pay(struct thread *thread, const uint8_t *pc);

#endif
