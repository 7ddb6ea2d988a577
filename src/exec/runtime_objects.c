/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_objects.c: what instructions on structs and arrays do out of line: making them, whole ranges, casts.
 *
 * Nothing here holds an object across gc_new() but in slots its caller keeps on the value stack. Ranges are checked
 * as a whole before the first element is written; long ones are worked on in pieces, with a look at the interrupt
 * word between them.
 */
#include <string.h>

#include "base/base.h"
#include "exec/objects.h"
#include "exec/runtime.h"
#include "exec/store.h"

enum { AT_ONCE = 1 << 16 };

/* Write a slot (a v128's two) where a field or element lies. */
static void store_value(uint8_t *at, uint32_t storage, const slot *value)
{
	switch ((enum storage)storage) {
	case STORAGE_8:
		memcpy(at, value, 1);
		return;
	case STORAGE_16:
		memcpy(at, value, 2);
		return;
	case STORAGE_32:
		memcpy(at, value, 4);
		return;
	case STORAGE_64:
	case STORAGE_REF:
		memcpy(at, value, 8);
		return;
	case STORAGE_V128:
		memcpy(at, value, 16);
		return;
	}
}

static uint32_t slots_of(uint32_t storage)
{
	return storage == STORAGE_V128 ? 2 : 1;
}

static bool in_bounds(const struct object *array, uint32_t at, uint32_t count)
{
	return (uint64_t)at + count <= array->length;
}

/* -- Making ---------------------------------------------------------------------------------- */

enum trap runtime_struct_new(struct thread *thread, struct instance *instance, uint32_t type,
			     const slot *fields, slot *ret)
{
	const struct type_info *info = instance->type_infos[type];
	struct object *object = gc_new(instance->store, OBJECT_STRUCT, info->id, 0, info->size);

	(void)thread;
	if (object == NULL)
		return TRAP_OUT_OF_MEMORY;
	for (uint32_t i = 0; fields != NULL && i < info->count; i++) {
		store_value(object_at(object, info->fields[i].at), info->fields[i].storage, fields);
		fields += slots_of(info->fields[i].storage);
	}
	*ret = ref_from_object(object);
	return TRAP_NONE;
}

static struct object *new_array(struct instance *instance, const struct type_info *info,
				uint32_t length)
{
	return gc_new(instance->store, OBJECT_ARRAY, info->id, length, array_bytes(info, length));
}

static enum trap fill(struct thread *thread, const struct type_info *info, struct object *array,
		      uint64_t at, const slot *value, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		store_value(array_at(info, array, at + i), info->storage, value);
		if (i % AT_ONCE == AT_ONCE - 1 && thread_is_interrupted(thread))
			return TRAP_INTERRUPTED;
	}
	return TRAP_NONE;
}

enum trap runtime_array_new(struct thread *thread, struct instance *instance, uint32_t type,
			    const slot *value, uint32_t length, slot *ret)
{
	const struct type_info *info = instance->type_infos[type];
	struct object *array = new_array(instance, info, length);

	if (array == NULL)
		return TRAP_OUT_OF_MEMORY;
	*ret = ref_from_object(array);
	return value != NULL ? fill(thread, info, array, 0, value, length) : TRAP_NONE;
}

enum trap runtime_array_new_fixed(struct thread *thread, struct instance *instance, uint32_t type,
				  uint32_t length, const slot *values, slot *ret)
{
	const struct type_info *info = instance->type_infos[type];
	struct object *array = new_array(instance, info, length);

	(void)thread;
	if (array == NULL)
		return TRAP_OUT_OF_MEMORY;
	for (uint32_t i = 0; i < length; i++)
		store_value(array_at(info, array, i), info->storage,
			    values + (size_t)i * slots_of(info->storage));
	*ret = ref_from_object(array);
	return TRAP_NONE;
}

/* -- Segments -------------------------------------------------------------------------------- */

/* The bytes of `count` elements from a data segment; NULL: it has not as many. */
static const uint8_t *data_bytes(const struct instance *instance, uint32_t data,
				 const struct type_info *info, uint32_t from, uint32_t count)
{
	const struct image_data *d = &IMAGE_ITEMS(instance->image, struct image_data, datas)[data];
	uint64_t have = instance->dropped_datas[data] ? 0 : d->bytes.size;

	if (from > have || ((uint64_t)count << info->shift) > have - from)
		return NULL;
	return image_module(instance->image) + d->bytes.at + from;
}

static const struct image_element *find_element(const struct instance *instance, uint32_t element,
						uint32_t from, uint32_t count)
{
	const struct image_element *e =
		&IMAGE_ITEMS(instance->image, struct image_element, elements)[element];
	uint64_t have = instance->dropped_elements[element] ? 0 : e->count;

	return (uint64_t)from + count <= have ? e : NULL;
}

enum trap runtime_array_new_data(struct thread *thread, struct instance *instance, uint32_t type,
				 uint32_t data, uint32_t from, uint32_t length, slot *ret)
{
	const struct type_info *info = instance->type_infos[type];
	const uint8_t *bytes = data_bytes(instance, data, info, from, length);
	struct object *array;

	(void)thread;
	if (bytes == NULL)
		return TRAP_OUT_OF_BOUNDS_MEMORY;
	array = new_array(instance, info, length);
	if (array == NULL)
		return TRAP_OUT_OF_MEMORY;
	memcpy(array_at(info, array, 0), bytes, (size_t)length << info->shift);
	*ret = ref_from_object(array);
	return TRAP_NONE;
}

/* Active and dropped segments are empty, and those of expressions have their values: nothing is made here. */
static enum trap put_elements(struct instance *instance, const struct image_element *element,
			      struct object *array, uint32_t to, uint32_t from, uint32_t count)
{
	const struct image_element *first =
		IMAGE_ITEMS(instance->image, struct image_element, elements);
	const slot *values =
		instance->elements != NULL ? instance->elements[element - first] : NULL;
	slot *words = (slot *)(void *)object_at(array, sizeof(struct object)) + to;
	enum trap trap = TRAP_NONE;

	if (values != NULL && count != 0)
		memcpy(words, values + from, count * sizeof(slot));
	else
		for (uint32_t i = 0; trap == TRAP_NONE && i < count; i++)
			trap = runtime_element_value(instance, element, from + i, &words[i]);
	return trap;
}

enum trap runtime_array_new_elem(struct thread *thread, struct instance *instance, uint32_t type,
				 uint32_t element, uint32_t from, uint32_t length, slot *ret)
{
	const struct image_element *e = find_element(instance, element, from, length);
	struct object *array;

	(void)thread;
	if (e == NULL)
		return TRAP_OUT_OF_BOUNDS_TABLE;
	array = new_array(instance, instance->type_infos[type], length);
	if (array == NULL)
		return TRAP_OUT_OF_MEMORY;
	*ret = ref_from_object(array);
	return put_elements(instance, e, array, 0, from, length);
}

/* -- Ranges ---------------------------------------------------------------------------------- */

enum trap runtime_array_fill(struct thread *thread, struct instance *instance, uint32_t type,
			     slot ref, uint32_t at, const slot *value, uint32_t count)
{
	struct object *array = object_of(ref);

	if (array == NULL)
		return TRAP_NULL_ARRAY;
	if (!in_bounds(array, at, count))
		return TRAP_OUT_OF_BOUNDS_ARRAY;
	return fill(thread, instance->type_infos[type], array, at, value, count);
}

/* Both arrays have elements of one size: `type` is the target's. Overlapping ranges go from the end that is read
 * before it is overwritten. */
enum trap runtime_array_copy(struct thread *thread, struct instance *instance, uint32_t type,
			     slot to_ref, uint32_t to, slot from_ref, uint32_t from, uint32_t count)
{
	const struct type_info *info = instance->type_infos[type];
	struct object *target = object_of(to_ref), *source = object_of(from_ref);
	bool backwards = target == source && to > from;
	uint64_t left = count, done = 0;

	if (target == NULL || source == NULL)
		return TRAP_NULL_ARRAY;
	if (!in_bounds(target, to, count) || !in_bounds(source, from, count))
		return TRAP_OUT_OF_BOUNDS_ARRAY;
	while (left > 0) {
		uint64_t part = MIN(left, (uint64_t)AT_ONCE);
		uint64_t skip = backwards ? left - part : done;

		memmove(array_at(info, target, to + skip), array_at(info, source, from + skip),
			part << info->shift);
		left -= part;
		done += part;
		if (left > 0 && thread_is_interrupted(thread))
			return TRAP_INTERRUPTED;
	}
	return TRAP_NONE;
}

enum trap runtime_array_init_data(struct thread *thread, struct instance *instance, uint32_t type,
				  uint32_t data, slot ref, uint32_t to, uint32_t from,
				  uint32_t count)
{
	const struct type_info *info = instance->type_infos[type];
	struct object *array = object_of(ref);
	const uint8_t *bytes;

	(void)thread;
	if (array == NULL)
		return TRAP_NULL_ARRAY;
	if (!in_bounds(array, to, count))
		return TRAP_OUT_OF_BOUNDS_ARRAY;
	bytes = data_bytes(instance, data, info, from, count);
	if (bytes == NULL)
		return TRAP_OUT_OF_BOUNDS_MEMORY;
	memcpy(array_at(info, array, to), bytes, (size_t)count << info->shift);
	return TRAP_NONE;
}

enum trap runtime_array_init_elem(struct thread *thread, struct instance *instance, uint32_t type,
				  uint32_t element, slot ref, uint32_t to, uint32_t from,
				  uint32_t count)
{
	struct object *array = object_of(ref);
	const struct image_element *e;

	(void)thread;
	(void)type;
	if (array == NULL)
		return TRAP_NULL_ARRAY;
	if (!in_bounds(array, to, count))
		return TRAP_OUT_OF_BOUNDS_ARRAY;
	e = find_element(instance, element, from, count);
	if (e == NULL)
		return TRAP_OUT_OF_BOUNDS_TABLE;
	return put_elements(instance, e, array, to, from, count);
}

/* -- Casts ----------------------------------------------------------------------------------- */

enum trap runtime_ref_test(struct thread *thread, struct instance *instance, uint32_t heap,
			   slot ref, uint32_t *ret)
{
	(void)thread;
	*ret = ref_is(&instance->store->common->registry, instance->type_ids, ref, heap);
	return TRAP_NONE;
}
