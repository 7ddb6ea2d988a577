/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.c: what instructions do out of line: bulk memory, tables, the slow side of indirect calls.
 *
 * Bounds are checked for the whole range before the first byte is written. A range of gigabytes is worked on in
 * pieces, with a look at the interrupt word between them, so that a stop is never late.
 */
#include "exec/runtime.h"

#include <string.h>

#include "base/base.h"
#include "exec/init.h"
#include "exec/objects.h"
#include "exec/parking.h"
#include "exec/store.h"

enum { BYTES_AT_ONCE = 1 << 20, ENTRIES_AT_ONCE = 1 << 16 };

const struct runtime_table runtime_table = {
#define RUNTIME(name, params) runtime_##name,
#include "exec/runtime.def"
#undef RUNTIME
};

/* -- Memories ---------------------------------------------------------------------------- */

enum trap runtime_memory_grow(struct thread *thread, struct instance *instance, uint32_t memory,
			      uint64_t pages, uint64_t *ret_old)
{
	struct memory *m = instance->memories[memory];

	*ret_old = m->limits.shared ? memory_grow_shared(m, thread->store, pages)
				    : memory_grow(m, pages);
	return TRAP_NONE;
}

enum trap runtime_memory_fill(struct thread *thread, struct instance *instance, uint32_t memory,
			      uint64_t to, uint32_t value, uint64_t size)
{
	struct memory *m = instance->memories[memory];

	if (!memory_contains(m, to, size))
		return TRAP_OUT_OF_BOUNDS_MEMORY;
	while (size > 0) {
		uint64_t part = MIN(size, (uint64_t)BYTES_AT_ONCE);

		memset(m->base + to, (int)(value & 0xff), part);
		to += part;
		size -= part;
		if (size > 0 && thread_is_interrupted(thread))
			return TRAP_INTERRUPTED;
	}
	return TRAP_NONE;
}

/* Overlapping ranges of one memory: go from the end that is read before it is overwritten. */
enum trap runtime_memory_copy(struct thread *thread, struct instance *instance, uint32_t to_memory,
			      uint32_t from_memory, uint64_t to, uint64_t from, uint64_t size)
{
	struct memory *target = instance->memories[to_memory];
	struct memory *source = instance->memories[from_memory];
	bool backwards = to > from;

	if (!memory_contains(target, to, size) || !memory_contains(source, from, size))
		return TRAP_OUT_OF_BOUNDS_MEMORY;
	while (size > 0) {
		uint64_t part = MIN(size, (uint64_t)BYTES_AT_ONCE);
		uint64_t skip = backwards ? size - part : 0;

		memmove(target->base + to + skip, source->base + from + skip, part);
		size -= part;
		if (!backwards) {
			to += part;
			from += part;
		}
		if (size > 0 && thread_is_interrupted(thread))
			return TRAP_INTERRUPTED;
	}
	return TRAP_NONE;
}

enum trap runtime_memory_init(struct thread *thread, struct instance *instance, uint32_t data,
			      uint32_t memory, uint64_t to, uint64_t from, uint64_t size)
{
	const struct image_data *d = &IMAGE_ITEMS(instance->image, struct image_data, datas)[data];
	uint64_t have = instance->dropped_datas[data] ? 0 : d->bytes.size;
	struct memory *m = instance->memories[memory];

	(void)thread;
	if (!memory_contains(m, to, size) || from > have || size > have - from)
		return TRAP_OUT_OF_BOUNDS_MEMORY;
	if (size > 0)
		memcpy(m->base + to, image_module(instance->image) + d->bytes.at + from, size);
	return TRAP_NONE;
}

enum trap runtime_data_drop(struct thread *thread, struct instance *instance, uint32_t data)
{
	(void)thread;
	instance->dropped_datas[data] = 1;
	return TRAP_NONE;
}

/* -- Waiting ----------------------------------------------------------------------------- */

static enum trap check_atomic(const struct memory *memory, uint64_t at, uint32_t width)
{
	if (at % width != 0)
		return TRAP_UNALIGNED_ATOMIC;
	return memory_contains(memory, at, width) ? TRAP_NONE : TRAP_OUT_OF_BOUNDS_MEMORY;
}

static enum trap wait(struct thread *thread, const struct memory *memory, uint64_t at,
		      uint32_t width, uint64_t expected, uint64_t nanoseconds,
		      uint32_t *ret_outcome)
{
	enum trap trap = check_atomic(memory, at, width);
	enum parking parking;

	if (trap != TRAP_NONE)
		return trap;
	if (!memory->limits.shared)
		return TRAP_EXPECTED_SHARED;
	parking = parking_wait(thread, memory->base + at, width, expected, (int64_t)nanoseconds);
	if (parking == PARKING_INTERRUPTED)
		return TRAP_INTERRUPTED;
	*ret_outcome = parking;
	return TRAP_NONE;
}

enum trap runtime_memory_wait32(struct thread *thread, struct instance *instance, uint32_t memory,
				uint64_t at, uint32_t expected, uint64_t nanoseconds,
				uint32_t *ret_outcome)
{
	return wait(thread, instance->memories[memory], at, 4, expected, nanoseconds, ret_outcome);
}

enum trap runtime_memory_wait64(struct thread *thread, struct instance *instance, uint32_t memory,
				uint64_t at, uint64_t expected, uint64_t nanoseconds,
				uint32_t *ret_outcome)
{
	return wait(thread, instance->memories[memory], at, 8, expected, nanoseconds, ret_outcome);
}

/* Nobody can wait at a memory that is not shared. */
enum trap runtime_memory_notify(struct thread *thread, struct instance *instance, uint32_t memory,
				uint64_t at, uint32_t count, uint32_t *ret_woken)
{
	const struct memory *m = instance->memories[memory];
	enum trap trap = check_atomic(m, at, 4);

	(void)thread;
	if (trap == TRAP_NONE)
		*ret_woken = m->limits.shared ? parking_notify(m->base + at, count) : 0;
	return trap;
}

/* -- Tables ------------------------------------------------------------------------------ */

enum trap runtime_table_get(struct thread *thread, struct instance *instance, uint32_t table,
			    uint64_t at, slot *ret)
{
	struct table *t = instance->tables[table];

	(void)thread;
	if (at >= t->size)
		return TRAP_OUT_OF_BOUNDS_TABLE;
	*ret = table_get(t, at);
	return TRAP_NONE;
}

enum trap runtime_table_set(struct thread *thread, struct instance *instance, uint32_t table,
			    uint64_t at, slot ref)
{
	struct table *t = instance->tables[table];

	(void)thread;
	if (at >= t->size)
		return TRAP_OUT_OF_BOUNDS_TABLE;
	table_set(t, at, ref);
	return TRAP_NONE;
}

enum trap runtime_table_grow(struct thread *thread, struct instance *instance, uint32_t table,
			     slot ref, uint64_t by, uint64_t *ret_old)
{
	(void)thread;
	*ret_old = table_grow(instance->tables[table], by, ref);
	return TRAP_NONE;
}

enum trap runtime_table_fill(struct thread *thread, struct instance *instance, uint32_t table,
			     uint64_t at, slot ref, uint64_t count)
{
	struct table *t = instance->tables[table];

	if (!table_contains(t, at, count))
		return TRAP_OUT_OF_BOUNDS_TABLE;
	for (uint64_t i = 0; i < count; i++) {
		table_set(t, at + i, ref);
		if (i % ENTRIES_AT_ONCE == ENTRIES_AT_ONCE - 1 && thread_is_interrupted(thread))
			return TRAP_INTERRUPTED;
	}
	return TRAP_NONE;
}

enum trap runtime_table_copy(struct thread *thread, struct instance *instance, uint32_t to_table,
			     uint32_t from_table, uint64_t to, uint64_t from, uint64_t count)
{
	struct table *target = instance->tables[to_table];
	struct table *source = instance->tables[from_table];
	bool backwards = to > from;

	if (!table_contains(target, to, count) || !table_contains(source, from, count))
		return TRAP_OUT_OF_BOUNDS_TABLE;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t k = backwards ? count - 1 - i : i;

		table_set(target, to + k, table_get(source, from + k));
		if (i % ENTRIES_AT_ONCE == ENTRIES_AT_ONCE - 1 && thread_is_interrupted(thread))
			return TRAP_INTERRUPTED;
	}
	return TRAP_NONE;
}

/* The values of a passive segment of expressions, made with the instance; NULL: it is none. */
static const slot *element_values(const struct instance *instance,
				  const struct image_element *element)
{
	const struct image_element *first =
		IMAGE_ITEMS(instance->image, struct image_element, elements);

	return instance->elements != NULL ? instance->elements[element - first] : NULL;
}

enum trap runtime_element_value(struct instance *instance, const struct image_element *element,
				uint32_t i, slot *ret)
{
	uint32_t item = IMAGE_ITEMS(instance->image, uint32_t, items)[element->first + i];
	slot value[2] = {0, 0};
	enum trap trap = TRAP_NONE;

	if (item != ITEM_NULL && (item & ITEM_EXPR))
		trap = init_run(instance, item & ~ITEM_EXPR, value);
	else if (item != ITEM_NULL)
		value[0] = ref_from_func(instance_func(instance, item));
	*ret = value[0];
	return trap;
}

enum trap runtime_put_elements(struct instance *instance, const struct image_element *element,
			       struct table *table, uint64_t to, uint32_t from, uint32_t count)
{
	const slot *values = element_values(instance, element);
	enum trap trap;
	slot value;

	for (uint32_t i = 0; i < count; i++) {
		if (values != NULL) {
			table_set(table, to + i, values[from + i]);
			continue;
		}
		trap = runtime_element_value(instance, element, from + i, &value);
		if (trap != TRAP_NONE)
			return trap;
		table_set(table, to + i, value);
	}
	return TRAP_NONE;
}

enum trap runtime_table_init(struct thread *thread, struct instance *instance, uint32_t element,
			     uint32_t table, uint64_t to, uint64_t from, uint64_t count)
{
	const struct image_element *e =
		&IMAGE_ITEMS(instance->image, struct image_element, elements)[element];
	uint64_t have = instance->dropped_elements[element] ? 0 : e->count;
	struct table *t = instance->tables[table];

	(void)thread;
	if (!table_contains(t, to, count) || from > have || count > have - from)
		return TRAP_OUT_OF_BOUNDS_TABLE;
	return runtime_put_elements(instance, e, t, to, (uint32_t)from, (uint32_t)count);
}

enum trap runtime_elem_drop(struct thread *thread, struct instance *instance, uint32_t element)
{
	(void)thread;
	instance->dropped_elements[element] = 1;
	return TRAP_NONE;
}

/* -- Indirect calls ---------------------------------------------------------------------- */

enum trap runtime_callee(struct thread *thread, struct instance *instance, uint32_t table,
			 uint32_t type, uint64_t at, struct func **ret)
{
	struct table *t = instance->tables[table];
	uint32_t wanted = instance->type_ids[type];
	struct func *func;
	slot ref;

	(void)thread;
	if (at >= t->size)
		return TRAP_UNDEFINED_ELEMENT;
	ref = table_get(t, at);
	if (ref == 0)
		return TRAP_UNINITIALIZED_ELEMENT;
	func = (struct func *)(uintptr_t)ref;
	if (func->type != wanted &&
	    !type_extends(&instance->store->common->registry, func->type, wanted))
		return TRAP_INDIRECT_CALL_TYPE;
	*ret = func;
	return TRAP_NONE;
}
