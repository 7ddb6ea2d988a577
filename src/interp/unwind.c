/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind.c: from an exception that was thrown to the instruction it is caught at.
 *
 * Frame by frame down to the gate where C came in. Until somebody is found nothing is changed: when nobody is,
 * the frames still stand, and where it was thrown can be noted.
 */
#include "exec/exception.h"
#include "exec/store.h"
#include "interp/interp.h"

#include <string.h>

/* Cut the frame's operands, push what the catch has, and say where it goes on. */
static void land(struct thread *thread, struct frame *frame, const struct image_catch *at,
		 struct landing *ret)
{
	const struct image *image = frame->func->of.instance->image;
	const struct image_side *side = &IMAGE_ITEMS(image, struct image_side, side)[at->to];
	const struct exception *exception = exception_take(thread);
	slot *sp = (slot *)(frame + 1) + at->height;

	if (at->tag != IMAGE_NONE) {
		memcpy(sp + 1, exception->values, exception->object.length * sizeof(slot));
		sp += exception->object.length;
	}
	if (at->kind == CATCH_REF)
		*++sp = (slot)(uintptr_t)exception;
	if (at->kind == CATCH_KEEP)
		frame->locals[at->keep] = (slot)(uintptr_t)exception;
	thread->frame = frame;
	*ret = (struct landing){image_module(image) + side->pc, side + side->side, sp};
}

enum status interp_unwind(struct thread *thread, const uint8_t *pc, struct landing *ret)
{
	const struct tag *tag = thread->exception->tag;
	const uint8_t *thrown = pc;

	for (struct frame *frame = thread->frame; frame->locals != NULL; frame = frame->caller) {
		const struct image_catch *catch =
			exception_catch(frame->func->of.instance, pc, tag);

		if (catch != NULL) {
			land(thread, frame, catch, ret);
			return STATUS_OK;
		}
		/* A function may have millions of clauses, and a stack thousands of its frames. */
		if (thread_is_interrupted(thread)) {
			thread->exception = NULL;
			return thread_trap(thread, TRAP_INTERRUPTED, thrown);
		}
		pc = frame->ret_pc - 1;
	}
	if (!thread->traced)
		thread_trace(thread, thrown);
	thread->traced = true;
	return STATUS_EXCEPTION;
}
