/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits.h: the instructions by which threads wait for each other, and the fence. See machine.h for the words
 * used; no include guard.
 */

/* Every atomic access is ordered with all others already; this orders the plain ones around it. */
INSTR(ATOMIC_FENCE)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	NEXT(pc + 2);
}

INSTR(MEMORY_ATOMIC_NOTIFY)
{
	struct atomic_place place = atomic_find(in, pc + 1, sp[-1]);
	uint32_t woken;

	TRY_RUNTIME(runtime_memory_notify(th, in, place.index, place.ea, (uint32_t)tos, &woken));
	sp--;
	tos = woken;
	NEXT(atomic_end(pc + 1));
}

#define WAIT(runtime, expected)                                                               \
	do {                                                                                  \
		struct atomic_place place = atomic_find(in, pc + 1, sp[-2]);                  \
		uint32_t outcome;                                                             \
		TRY_RUNTIME(runtime(th, in, place.index, place.ea, expected, tos, &outcome)); \
		sp -= 2;                                                                      \
		tos = outcome;                                                                \
		NEXT(atomic_end(pc + 1));                                                     \
	} while (0)

INSTR(MEMORY_ATOMIC_WAIT32)
{
	WAIT(runtime_memory_wait32, DEEP_i(1));
}

INSTR(MEMORY_ATOMIC_WAIT64)
{
	WAIT(runtime_memory_wait64, DEEP_l(1));
}
