/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc.h: a store's heap of objects: structs, arrays, exceptions.
 *
 * An object never moves. It lives as long as it is found from: the frames on the thread's value stack (looked at
 * conservatively: any word that points into an object keeps it), tables and globals of the store's instances, objects
 * found themselves, the pending exception, and what the host holds. Collection happens inside gc_new() only, and when
 * the host asks; nothing else moves, frees or looks at objects.
 */
#ifndef EXEC_GC_H
#define EXEC_GC_H

#include <stdint.h>

#include "exec/value.h"

struct store;
struct tag;

enum object_kind { OBJECT_STRUCT, OBJECT_ARRAY, OBJECT_EXCEPTION };

/* What every object begins with; a reference is its address, aligned to 16. */
struct object {
	uint32_t type;   /* the engine's number of the struct's or array's type; an exception's: of its tag's */
	uint32_t length; /* ARRAY: elements; EXCEPTION: slots */
};

struct exception {
	struct object object;
	struct tag *tag; /* borrowed: as long as the store */
	slot values[];   /* the payload, as slots; a v128 takes two */
};

/* `bytes` in all with the header, the rest zero. NULL: the heap's limit is reached or there is no memory, even after a
 * collection; the caller traps with TRAP_OUT_OF_MEMORY. */
struct object *gc_new(struct store *store, enum object_kind kind, uint32_t type, uint32_t length,
		      uint64_t bytes);
void gc_deinit(struct store *store);

#endif
