/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc.h: a store's heap of objects: structs, arrays, exceptions.
 *
 * An object never moves. It lives as long as it is found from: the frames on the thread's value stack (looked at
 * conservatively: any word that points into an object keeps it), tables and globals of the store's instances, objects
 * found themselves, the pending exception, and what the host holds (pins). Collection happens inside gc_new() only, and
 * when the host asks; nothing else moves, frees or looks at objects. C code holds no object across gc_new() but where
 * the collector looks: in slots of the value stack, or in gc_roots.
 *
 *	gc.c       the public face: allocation, when to collect, pins
 *	gc_heap.c  blocks and cells
 *	gc_mark.c  what is alive
 */
#ifndef EXEC_GC_H
#define EXEC_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/value.h"

struct store;
struct tag;

enum object_kind { OBJECT_STRUCT, OBJECT_ARRAY, OBJECT_EXCEPTION };

/* What every object begins with; a reference is its address, which is 8 modulo 16: so what follows is aligned to 16, and
 * no object looks like a function. */
struct object {
	uint32_t
		type; /* the engine's number of the struct's or array's type; an exception's: of its tag's */
	uint32_t length; /* ARRAY: elements; EXCEPTION: slots */
};

struct exception {
	struct object object;
	struct tag *tag; /* borrowed: as long as the store */
	slot values[]; /* the payload, as slots; a v128 takes two */
};

/* `bytes` in all with the header, the rest zero. NULL: the heap's limit is reached or there is no memory, even after a
 * collection; the caller traps with TRAP_OUT_OF_MEMORY. */
struct object *gc_new(struct store *store, enum object_kind kind, uint32_t type, uint32_t length,
		      uint64_t bytes);

/* Slots of C code's own that are looked at conservatively, from push to pop; last pushed, first popped. */
struct gc_roots {
	struct gc_roots *next;
	const slot *slots;
	uint64_t count;
};
void gc_roots_push(struct store *store, struct gc_roots *roots);
void gc_roots_pop(struct store *store, struct gc_roots *roots);

/* The host holds the reference, one time more or less. Words that are no objects are ignored. */
void gc_pin(struct store *store, slot ref);
void gc_unpin(struct store *store, slot ref);

/* Is this word the reference of an object that is there. */
bool gc_is_object(const struct store *store, slot ref);

/* Free what is not found, now. */
void gc_collect(struct store *store);

struct gc_numbers {
	uint64_t used; /* bytes of blocks, which the limit counts */
	uint64_t objects; /* cells in use, dead ones not yet found out included */
	uint64_t collections; /* so far */
};
struct gc_numbers gc_numbers(const struct store *store);

void gc_deinit(struct store *store);

#endif
