/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/thread.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/base.h"
#include "exec/runtime.h"
#include "exec/store.h"

enum { GUARD = 64 * 1024 };

/* A page of 2 MiB under a stack of a few KiB would be a waste; small stacks have no room for one. */
static void refuse_huge_pages(uint8_t *base, size_t size)
{
	enum { HUGE = 2 << 20 };

	if (align_up((uintptr_t)base, HUGE) + HUGE <= (uintptr_t)base + size)
		madvise(base, size, MADV_NOHUGEPAGE);
}

/* From below: a guard, the native stack growing down towards it, the value stack growing up towards
 * the guard above. */
int thread_init(struct thread *thread, struct store *store, uint64_t stack_bytes, bool fuel)
{
	size_t size = align_up(stack_bytes, 65536);
	size_t all = 2 * size + 2 * (size_t)GUARD;
	uint8_t *base = mmap(NULL, all, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (base == MAP_FAILED)
		return -ENOMEM;
	if (mprotect(base + GUARD, 2 * size, PROT_READ | PROT_WRITE) < 0) {
		munmap(base, all);
		return -ENOMEM;
	}
	refuse_huge_pages(base + GUARD, 2 * size);
	thread->store = store;
	thread->mapping = base;
	thread->mapping_size = all;
	thread->native = base + GUARD;
	thread->native_end = thread->native + size;
	thread->values = (slot *)(void *)thread->native_end;
	thread->limit = thread->values + size / sizeof(slot);
	/* A function that returns nothing looks at the slot below its frame. */
	thread->top = thread->values + 1;
	thread->counts_fuel = fuel;
	thread->runtime = &runtime_table;
	return 0;
}

void thread_deinit(struct thread *thread)
{
	wake_deinit(&thread->wake);
	if (thread->mapping != NULL)
		munmap(thread->mapping, thread->mapping_size);
	thread->mapping = NULL;
}

static uint32_t offset_of(const struct func *func, const uint8_t *pc)
{
	if (func->code == NULL || pc == NULL)
		return 0;
	return (uint32_t)(pc - image_module(func->of.instance->image));
}

/* Where a frame goes on is behind its call: one byte less lies in it. */
void thread_trace(struct thread *thread, const uint8_t *pc)
{
	thread->trace_count = 0;
	thread->trace_depth = 0;
	for (const struct frame *f = thread->frame; f != NULL; f = f->caller) {
		if (f->locals != NULL) {
			if (thread->trace_count < TRACE_FRAMES)
				thread->trace[thread->trace_count++] =
					(struct trace_frame){f->func, offset_of(f->func, pc)};
			thread->trace_depth++;
		}
		pc = f->ret_pc != NULL ? f->ret_pc - 1 : NULL;
	}
}

enum status thread_trap(struct thread *thread, enum trap trap, const uint8_t *pc)
{
	thread->trap = trap;
	if (trap == TRAP_INTERRUPTED)
		__atomic_store_n(&thread->interrupt, 0, __ATOMIC_RELAXED);
	thread_trace(thread, pc);
	if (thread->store->on_trap != NULL)
		thread->store->on_trap(thread->store, pc);
	return STATUS_TRAP;
}

/* Not too little, or threads fight for it; not too much, or some starve while others have it. */
bool thread_refuel(struct thread *thread, uint64_t wanted)
{
	enum { PORTION = 4096 };
	uint64_t have, take;

	if (thread->fuel_pool == NULL)
		return false;
	have = __atomic_load_n(thread->fuel_pool, __ATOMIC_RELAXED);
	do {
		if (have < wanted - thread->fuel)
			return false;
		take = MIN(have, MAX(wanted - thread->fuel, (uint64_t)PORTION));
	} while (!__atomic_compare_exchange_n(thread->fuel_pool, &have, have - take, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	thread->fuel += take;
	return true;
}

uint64_t thread_native_left(const struct thread *thread)
{
	const uint8_t *here = __builtin_frame_address(0);

	if (here < thread->native || here > thread->native_end)
		return UINT64_MAX;
	return (uint64_t)(here - thread->native);
}

enum status thread_call(struct thread *thread, struct func *func, slot *frame)
{
	struct frame *innermost = thread->frame;
	slot *top = thread->top;
	bool outermost = thread->depth == 0;
	enum status status;

	if (!outermost && thread_native_left(thread) < HOST_STACK_RESERVE)
		return thread_trap(thread, TRAP_STACK_EXHAUSTED, NULL);
	thread->depth++;
	status = outermost ? stack_switch(thread, func, frame, thread->native_end)
			   : func->entry(thread, func, frame);
	thread->depth--;
	thread->frame = innermost;
	thread->top = top;
	return status;
}
