/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc_heap.h: the inside of the object heap, shared by gc*.c.
 *
 *   block   64 KiB, aligned to that: a head with two bits a cell (allocated, marked), then cells of one size
 *   large   an object of more than half a block: a mapping of its own, aligned alike, a block of one cell
 *   chunk   1 MiB of blocks from the system
 *   granule an aligned 64 KiB of the address space: a set of those that belong to blocks tells a word that may be
 *           a pointer from one that is not
 *
 * The bits are all there is to a cell's state: no list goes through free memory. Sweeping is allocated &= marked.
 */
#ifndef EXEC_GC_HEAP_H
#define EXEC_GC_HEAP_H

#include "base/base.h"
#include "exec/gc.h"

enum {
	GC_BLOCK = 65536,
	GC_CHUNK_BLOCKS = 16,
	GC_CLASSES = 38,
	GC_STEP = 1 << 20, /* the least that is allocated between two collections */
	GC_MARK_HERE = 256,
};

struct registry;

struct gc_chunk {
	struct gc_chunk *next;
	uint8_t *base;
	uint16_t free;  /* a bit a block */
	uint16_t dirty; /* free ones whose pages were not given back */
};

struct gc_block {
	struct gc_block *next;  /* of its class, or of the large ones */
	struct gc_chunk *chunk; /* NULL: a large one */
	uint64_t size;          /* bytes of the mapping */
	uint32_t cell;          /* bytes; 0 of a large one */
	uint32_t
		reciprocal; /* 2^32 / cell, rounded up; 0 of a large one, whose only cell is number 0 */
	uint32_t count; /* cells */
	uint32_t first; /* offset of the first */
	uint32_t words; /* of each kind of bits */
	uint32_t reserved;
	uint64_t bits[]; /* 64 allocated, 64 marked, and so on */
};
_Static_assert(sizeof(struct gc_block) % 16 == 0, "cells begin 8 modulo 16 behind the bits");

struct gc_class {
	struct gc_block *blocks, *last;
	struct gc_block *current; /* the cells of those before are in use */
	uint32_t word; /* whose free cells these are, plus 1 */
	uint64_t free;
};

struct gc_granule {
	uintptr_t number; /* 0: an empty place */
	struct gc_block *block;
};

struct gc_pin {
	slot ref; /* 0: an empty place */
	uint64_t count;
};

struct gc_heap {
	const struct registry *registry; /* borrowed: where objects of a type hold references */
	struct gc_class classes[GC_CLASSES];
	struct gc_block *large;
	struct gc_chunk *chunks;
	uint32_t free_blocks; /* in the chunks */

	struct gc_granule *set; /* open addressing, at most half full; owned */
	uint32_t set_room, set_count;

	uint64_t limit;
	uint64_t used; /* bytes of blocks in use */
	uint64_t granted; /* the most the store's limiter was asked for */
	uint64_t since; /* allocated since the last collection */
	uint64_t next; /* collect when `since` reaches this */
	uint64_t live; /* bytes of cells the last collection left */
	uint64_t objects, collections;
	uint32_t poor; /* collections in a row that the limit forced and that freed little */

	struct object **marks; /* found but not looked into: `here`, or owned */
	uint32_t mark_count, mark_room;
	uint32_t mark_most; /* it may have so many always, more where there are many objects */
	uint32_t passes; /* over the marked objects, of the last collection */
	bool mark_overflow; /* some are marked and not in the list */
	struct object *here[GC_MARK_HERE];

	struct gc_pin *pins; /* open addressing; owned */
	uint32_t pin_room, pin_count;
	bool pins_lost; /* one could not be noted: nothing dies any more */
};

/* A zeroed cell; NULL: over the limit, or no memory. */
struct object *gc_heap_alloc(struct store *store, struct gc_heap *heap, uint64_t bytes);
/* Free the cells that are not marked, give empty blocks back, clear the marks. */
void gc_heap_sweep(struct gc_heap *heap);
void gc_heap_deinit(struct gc_heap *heap);

/* The block a word points into, or NULL. */
struct gc_block *gc_heap_find(const struct gc_heap *heap, slot word);

/* gc_mark.c: mark all that is found. */
void gc_mark(struct store *store, struct gc_heap *heap);

static inline struct gc_block *gc_block_of(const struct object *object)
{
	return (struct gc_block *)((uintptr_t)object & ~(uintptr_t)(GC_BLOCK - 1));
}

static inline uint32_t gc_cell_of(const struct gc_block *block, uintptr_t at)
{
	return (uint32_t)((at - (uintptr_t)block - block->first) * block->reciprocal >> 32);
}

static inline struct object *gc_cell_at(const struct gc_block *block, uint32_t cell)
{
	return (struct object *)((uintptr_t)block + block->first + (uint64_t)cell * block->cell);
}

static inline uint64_t *gc_allocated(struct gc_block *block, uint32_t cell)
{
	return &block->bits[cell / 64 * 2];
}

static inline uint64_t *gc_marked(struct gc_block *block, uint32_t cell)
{
	return &block->bits[cell / 64 * 2 + 1];
}

#define GC_BIT(cell) (UINT64_C(1) << (cell) % 64)

#endif
