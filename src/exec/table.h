/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h: a table of references, filled on first use.
 *
 * An entry is one word: 0 means nobody has looked here yet, and what it holds then follows from the owner's
 * active element segments (the last that covers it wins) or the table's initial value. So filling a
 * table of ten thousand functions costs nothing until one is called. A null that has been written is
 * TABLE_NULL; everything else is a reference as in ref.h. table_get() makes what is not made; only it and the call
 * paths read entries.
 *
 * Segments that cannot wait (elements that are expressions, a table of someone else's) are written when the
 * instance is made.
 */
#ifndef EXEC_TABLE_H
#define EXEC_TABLE_H

#include <stdbool.h>

#include "exec/ref.h"
#include "wasm/image.h"

#define TABLE_NULL ((slot)4)

struct store;
struct instance;

struct table {
	slot *entries; /* owned, unless inside the instance's block */
	uint64_t size;
	uint64_t index_mask;    /* the bits of a slot that are an index, or a count of entries */
	uint64_t room;          /* entries allocated; 0: they lie in the instance's block */
	struct instance *owner; /* whose segments fill it; NULL: the host's */
	struct store *store;
	struct table *next; /* in the store; host tables only */
	slot init;          /* what is covered by no segment, where not null */
	uint64_t lazy;      /* entries below this may be 0; from here 0 is null */
	uint32_t index;     /* in the owner's module */
	uint32_t type;      /* of the elements, in the engine's numbering */
	struct image_limits limits;
};

static inline uint64_t table_index_mask(const struct image_limits *limits)
{
	return limits->is64 ? UINT64_MAX : UINT32_MAX;
}

/* The reference at i < size; 0 for null. */
slot table_get(struct table *table, uint64_t i);

static inline void table_set(struct table *table, uint64_t i, slot ref)
{
	table->entries[i] = ref == 0 ? TABLE_NULL : ref;
}

/* The old size, or UINT64_MAX. */
uint64_t table_grow(struct table *table, uint64_t by, slot ref);

static inline bool table_contains(const struct table *table, uint64_t at, uint64_t count)
{
	return at <= table->size && count <= table->size - at;
}

#endif
