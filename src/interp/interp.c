/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interp.c: coming in from C.
 *
 * A call from C puts two records on the guest's stack of frames: a gate, which is no function's frame but says where C
 * code came in, and the function's own. The function returns to an instruction that no module has, LEAVE, and
 * that ends the run. So a return asks nothing, and the innermost C call is as good as the outermost.
 */
#include "interp/interp.h"

#include <string.h>

#include "base/base.h"
#include "exec/instance.h"
#include "exec/store.h"
#include "wasm/skip.h"

static const uint8_t leave[] = {OP_LEAVE};

enum status interp_entry(struct thread *thread, struct func *self, slot *frame)
{
	struct instance *instance = self->of.instance;
	struct frame *innermost = thread->frame;
	struct frame gate = {.caller = innermost, .func = self};
	struct frame *record = (struct frame *)(void *)(frame + self->locals);
	enum status status;

	gate.ret_pc = thread->call_pc;
	thread->frame = &gate;
	if (frame + self->frame > thread->limit)
		return thread_trap(thread, TRAP_STACK_EXHAUSTED, NULL);
	if (thread_is_interrupted(thread))
		return thread_trap(thread, TRAP_INTERRUPTED, NULL);
	memset(frame + self->params, 0, (self->locals - self->params) * sizeof(slot));
	*record = (struct frame){leave, NULL, &gate, self, frame};
	thread->frame = record;
	thread->block_begins = true;
	status = (thread->counts_fuel ? interp_switch : interp_fast)(
		thread, self->code, (slot *)(record + 1), frame, self->side, instance);
	thread->frame = innermost;
	/* It may have ended inside a block: whoever goes on is behind a call. */
	thread->block_begins = true;
	return status;
}

/* -- Fuel -------------------------------------------------------------------------------- */

/*
 * A block is a run of instructions up to and with the next control instruction; branches lead only behind
 * those. It is paid for as a whole before its first instruction, whichever tier runs it.
 */
static uint64_t block_cost(const uint8_t *pc)
{
	uint64_t count = 0;
	struct instruction i;

	do {
		i = instruction_at(pc);
		pc = i.next;
		count++;
	} while (opcode_info[i.opcode].kind != KIND_CONTROL);
	return count;
}

bool interp_pay(struct thread *thread, const uint8_t *pc)
{
	uint64_t cost;

	if (*pc == OP_LEAVE)
		return true;
	if (thread->block_begins) {
		cost = block_cost(pc);
		if (cost > thread->fuel && !thread_refuel(thread, cost))
			return false;
		thread->fuel -= cost;
	}
	thread->block_begins = opcode_info[opcode_base(*pc)].kind == KIND_CONTROL;
	return true;
}
