/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h: a linear memory.
 *
 * It lies in a reservation of address space as large as any index plus offset can reach, so it grows in place and
 * compiled code need not check; pages beyond its size have no access. Where the reservation is refused
 * (ulimit -v) or switched off, the mapping has the memory's size and may move when it grows: whoever caches
 * `base` reads it again after anything that can grow a memory.
 *
 * A 64-bit memory has no reservation: no address space is large enough for any index, so its accesses are
 * always checked, and its mapping has the memory's size.
 *
 * Reservations are kept for the next memory: returning one gives its pages back, but keeps the mapping,
 * which costs more than all else in making an instance.
 *
 * A shared memory is an object of its own, counted, and used by stores of several threads at once. It has all the
 * address space it may ever need from the start, so its base never moves; its size only grows, under a lock, and
 * is read atomically. Whoever works with a size it read before may see too little, never too much.
 */
#ifndef EXEC_MEMORY_H
#define EXEC_MEMORY_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"
#include "exec/memory_image.h"

#define MEMORY_RESERVATION ((UINT64_C(8) << 30) + 65536)

struct store;

struct reservation {
	uint8_t *base;
	uint64_t open; /* bytes from the start with access */
	uint64_t size; /* of the mapping; 0: none */
	bool is_whole; /* room for every index: MEMORY_RESERVATION; else it may move */
	const struct memory_image *image; /* mapped over its range; NULL: none */
};

/* The engine's reservations not in use. */
struct memory_pool {
	pthread_mutex_t lock;
	struct reservation kept[8];
	unsigned count;
	bool never_reserve; /* an option, or a reservation was refused once */
};

int memory_pool_init(struct memory_pool *pool, bool never_reserve);
void memory_pool_deinit(struct memory_pool *pool);
/* An image is about to end: nothing may stay mapped for it. */
void memory_pool_forget(struct memory_pool *pool, const struct memory_image *image);

struct memory {
	uint8_t *base;
	uint64_t size; /* bytes; of a shared one atomic: memory_size() */
	uint64_t address_mask; /* the bits of a slot that are an address, or a count of pages */
	struct reservation place;
	struct memory_pool *pool; /* borrowed from the engine */
	struct store *store; /* borrowed; NULL: shared */
	struct memory *next; /* in the store */
	struct image_limits limits;
	const struct memory_image *image; /* borrowed from the module, which the instance keeps */
};

/* Pages become accessible and zero, or as the image (may be NULL) has them. 0, -ENOMEM. */
int memory_init(struct memory *memory, struct memory_pool *pool, struct store *store,
		const struct image_limits *limits, const struct memory_image *image);
void memory_deinit(struct memory *memory);
/* Back to the initial size and content (of the image, or zero). -EBUSY: a shared one that others hold too. */
int memory_reset(struct memory *memory);

/* In pages; the old size, or UINT64_MAX if it may or can not grow. */
uint64_t memory_grow(struct memory *memory, uint64_t pages);

/* One reference. `asks` (may be NULL) is the store whose limiter is asked. 0, -ENOMEM. */
int memory_new_shared(struct memory **ret, struct memory_pool *pool, const struct store *asks,
		      const struct image_limits *limits);
/* Of those that are not shared these do nothing: their store owns them. Unref accepts NULL. */
struct memory *memory_ref(struct memory *memory);
void memory_unref(struct memory *memory);
/* As memory_grow(), on behalf of a store (may be NULL) whose limiter is asked. */
uint64_t memory_grow_shared(struct memory *memory, const struct store *asks, uint64_t pages);

static inline uint64_t memory_size(const struct memory *memory)
{
	return __atomic_load_n(&memory->size, __ATOMIC_RELAXED);
}

static inline uint64_t memory_pages(const struct memory *memory)
{
	return memory_size(memory) / PAGE_BYTES;
}

static inline bool memory_contains(const struct memory *memory, uint64_t at, uint64_t size)
{
	uint64_t all = memory_size(memory);

	return at <= all && size <= all - at;
}

#endif
