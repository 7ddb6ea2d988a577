/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects.h: how structs and arrays lie in memory, and what a reference is an instance of.
 *
 * A type_info is made once per type of an engine, of those modules that use garbage collection, and never changes or
 * ends before the engine. A field has its natural size and alignment, in the order of the type, so the fields of a
 * supertype lie where they lie in the supertype. An object's address is 8 modulo 16 (gc.h): behind the
 * header of 8 bytes everything is aligned as it should be.
 *
 *	struct:  type | -      | fields ...
 *	array:   type | length | elements ...
 */
#ifndef EXEC_OBJECTS_H
#define EXEC_OBJECTS_H

#include "exec/gc.h"
#include "exec/ref.h"
#include "exec/registry.h"

enum storage { STORAGE_8, STORAGE_16, STORAGE_32, STORAGE_64, STORAGE_V128, STORAGE_REF };

struct field {
	uint32_t at; /* bytes from the object's start */
	uint32_t storage;
};

struct type_info {
	uint32_t id; /* the engine's number */
	uint8_t form; /* enum type_form */
	uint8_t depth;
	uint8_t shift; /* of an array: log2 of an element's size */
	uint8_t storage; /* the same: enum storage */
	uint32_t size; /* of a struct: bytes in all; of an array: where elements begin */
	uint32_t count; /* fields */
	uint32_t ref_count;
	const struct field *fields; /* owned, in this block, as the next */
	const uint32_t *refs; /* offsets of the fields that hold references */
	uint32_t supers[]; /* by depth, the type itself last */
};

/* NULL: no memory. Freed with free(). */
struct type_info *type_info_new(const struct type_space *space, uint32_t id);

static inline struct object *object_of(slot ref)
{
	return (struct object *)(uintptr_t)ref;
}

static inline slot ref_from_object(const struct object *object)
{
	return (slot)(uintptr_t)object;
}

static inline uint8_t *object_at(const struct object *object, uint64_t at)
{
	return (uint8_t *)(uintptr_t)object + at;
}

/* Where element i of an array lies. */
static inline uint8_t *array_at(const struct type_info *info, const struct object *array,
				uint64_t i)
{
	return object_at(array, info->size + (i << info->shift));
}

static inline uint64_t array_bytes(const struct type_info *info, uint64_t length)
{
	return info->size + (length << info->shift);
}

/* Is a type with this description `wanted` or one of its subtypes: one look into the list of supertypes. */
static inline bool info_extends(const struct type_info *info, const struct type_info *wanted)
{
	return info == wanted ||
	       (info->depth > wanted->depth && info->supers[wanted->depth] == wanted->id);
}

/* The same by numbers, whether described or not. */
bool type_extends(struct registry *registry, uint32_t id, uint32_t wanted);

/* Is a reference that is not null of this heap type: abstract, or an index through `ids` (NULL: the engine's). */
bool ref_is(struct registry *registry, const uint32_t *ids, slot ref, uint32_t heap);

#endif
