/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h: what runs guest code: its stacks, its pending end, its interruption.
 *
 * A thread has two stacks of its own in one mapping: the native stack, on which C code runs for as long as a
 * guest is being called, growing down, and above it the value stack, where frames of slots grow up. Both
 * ends of the mapping are inaccessible. So a guest's recursion is bounded by `stack_bytes` whatever
 * the process's stack is, and a guest could be put aside with its stack as it is. Both are touched page
 * by page.
 *
 * The interrupt word is the only field other threads and signal handlers write.
 */
#ifndef EXEC_THREAD_H
#define EXEC_THREAD_H

#include "base/wake.h"
#include "exec/func.h"
#include "exec/trap.h"

enum {
	HOST_STACK_RESERVE = 64 * 1024, /* a host function finds this much or is not called */
	TRACE_FRAMES = 64,
};

/*
 * A frame's record, between its locals and its operands (FRAME_RECORD_SLOTS). `ret_pc` and `ret_side`
 * are the caller's, to go on with. docs/abi.md.
 */
struct frame {
	const uint8_t *ret_pc; /* NULL: of a gate */
	const struct image_side *ret_side;
	struct frame *caller; /* NULL: the first */
	struct func *func;
	slot *locals; /* NULL: a gate, where C code came in; no frame of the guest's */
};
_Static_assert(sizeof(struct frame) == FRAME_RECORD_SLOTS * sizeof(slot), "image.h");

struct trace_frame {
	struct func *func;
	uint32_t offset; /* of the instruction in the module; 0: host code */
};

struct runtime_table;

struct thread {
	slot *limit; /* end of the value stack */
	uint32_t interrupt;
	enum trap trap;
	struct frame *frame; /* innermost */
	const uint8_t *call_pc; /* where the innermost frame goes on, set before C code is called */
	slot *top; /* where the next call from C may put its frame */
	uint64_t fuel;
	bool counts_fuel;
	bool block_begins; /* the next instruction is the first of a block: fuel is due */
	const struct runtime_table *runtime; /* what compiled code calls: runtime.def */
	void *unwind; /* where compiled code goes on a trap: later tiers */
	struct instance *calling; /* whose code calls C, set with call_pc; NULL: the host */

	struct store *store;
	slot *values; /* start of the value stack */
	uint8_t *native; /* lowest byte of the native stack */
	uint8_t *native_end;
	void *mapping;
	size_t mapping_size;
	uint32_t depth; /* calls from the host, nested */

	int exit_code;
	char trap_text[256]; /* of TRAP_HOST */
	struct trace_frame trace[TRACE_FRAMES];
	uint32_t trace_count;
	uint64_t trace_depth; /* all frames there were */

	uint64_t *
		fuel_pool; /* borrowed; atomic: what threads of one guest draw on; NULL: there is none */
	struct wake wake; /* for host functions that wait: thread_interrupt() wakes them */

	struct exception *exception; /* on its way: exception.h; NULL: none */
	bool traced; /* `trace` says where it was thrown */
};

int thread_init(struct thread *thread, struct store *store, uint64_t stack_bytes, bool fuel);
void thread_deinit(struct thread *thread);

/* Stop what runs, or else the next call. From any thread or signal handler. */
static inline void thread_interrupt(struct thread *thread)
{
	__atomic_store_n(&thread->interrupt, 1, __ATOMIC_SEQ_CST);
	wake_send(&thread->wake);
}

static inline bool thread_is_interrupted(const struct thread *thread)
{
	return __builtin_expect(__atomic_load_n(&thread->interrupt, __ATOMIC_RELAXED) != 0, 0);
}

/* Note the trap and the stack as it is; `pc` in the innermost frame, or NULL. Returns STATUS_TRAP. */
enum status thread_trap(struct thread *thread, enum trap trap, const uint8_t *pc);

/* Note the stack as it is, nothing else. */
void thread_trace(struct thread *thread, const uint8_t *pc);

/* Call a function from C: arguments and results at `frame`, which is thread->top or above it. */
enum status thread_call(struct thread *thread, struct func *func, slot *frame);

/* More fuel, at least up to `wanted`; false: there is not as much. */
bool thread_refuel(struct thread *thread, uint64_t wanted);

/* Bytes left on the stack this C code runs on. */
uint64_t thread_native_left(const struct thread *thread);

/* stack_*.c: call func->entry(thread, func, frame) with the stack pointer at `top`. */
enum status stack_switch(struct thread *thread, struct func *func, slot *frame, void *top);

#endif
