/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_machine.h: a store to load modules into and call their functions by index, in slots, for tests of the
 * interpreter that stand below the public API. Included by one test program each, behind cmocka.h.
 */
#ifndef INTERP_TEST_MACHINE_H
#define INTERP_TEST_MACHINE_H

#include "exec/module.h"
#include "exec/store.h"
#include "interp/interp.h"
#include "wasm/module_bytes.h"

struct machine {
	struct common common;
	struct store *store;
};

/* `fuel`: the interpreter counts, and may go another way from instruction to instruction. */
static inline void machine_open(struct machine *m, bool fuel)
{
	struct err err = {""};

	memset(m, 0, sizeof(*m));
	registry_init(&m->common.registry);
	memory_pool_init(&m->common.pool, false);
	m->common.tier.entry = interp_entry;
	m->common.stack_bytes = 1 << 20;
	m->common.fuel = fuel;
	assert_int_equal(store_new(&m->store, &m->common, &err), 0);
	m->store->thread.fuel = UINT64_MAX;
}

static inline void machine_close(struct machine *m)
{
	store_free(m->store);
	memory_pool_deinit(&m->common.pool);
	registry_deinit(&m->common.registry);
}

/* An instance of a module without imports. */
static inline struct instance *machine_load(struct machine *m, const uint8_t *bytes, size_t size)
{
	struct instance *instance = NULL;
	struct module *module;
	struct image *image;
	struct err err = {""};
	int trap = 0;

	if (bytes_decode(&image, bytes, size, feature_default(), &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(module_new(&module, &m->common, image, &err), 0);
	assert_int_equal(instance_new(&instance, m->store, module, NULL, &trap, &err), 0);
	module_unref(module);
	return instance;
}

/* Call a function: arguments at frame, results too. TRAP_NONE, or why it ended. */
static inline enum trap machine_call(struct instance *instance, uint32_t index, slot *slots,
				     size_t in, size_t out)
{
	struct thread *thread = &instance->store->thread;
	slot *frame = thread->top;
	enum status status;

	memcpy(frame, slots, in * sizeof(slot));
	thread->call_pc = NULL;
	status = thread_call(thread, instance_func(instance, index), frame);
	if (status == STATUS_OK)
		memcpy(slots, frame, out * sizeof(slot));
	return status == STATUS_OK ? TRAP_NONE : thread->trap;
}

#endif
