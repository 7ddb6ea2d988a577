/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "exec/store.h"

/* Address space only: pages come as they are touched. */
enum { MAP_FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

/* -- The pool ---------------------------------------------------------------------------- */

int memory_pool_init(struct memory_pool *pool, bool never_reserve)
{
	*pool = (struct memory_pool){.never_reserve = never_reserve};
	return -pthread_mutex_init(&pool->lock, NULL);
}

static void unmap(struct reservation *r)
{
	if (r->size != 0)
		munmap(r->base, r->size);
	*r = (struct reservation){0};
}

void memory_pool_deinit(struct memory_pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++)
		unmap(&pool->kept[i]);
	pthread_mutex_destroy(&pool->lock);
}

void memory_pool_forget(struct memory_pool *pool, const struct memory_image *image)
{
	pthread_mutex_lock(&pool->lock);
	for (unsigned i = 0; i < pool->count;) {
		if (pool->kept[i].image == image) {
			unmap(&pool->kept[i]);
			pool->kept[i] = pool->kept[--pool->count];
		} else {
			i++;
		}
	}
	pthread_mutex_unlock(&pool->lock);
}

/* A kept reservation, one that has the image mapped already if there is one. */
static bool pool_take(struct memory_pool *pool, const struct memory_image *image,
		      struct reservation *ret)
{
	unsigned best;

	pthread_mutex_lock(&pool->lock);
	best = pool->count;
	for (unsigned i = 0; i < pool->count; i++)
		if (best == pool->count || pool->kept[i].image == image)
			best = i;
	if (best < pool->count) {
		*ret = pool->kept[best];
		pool->kept[best] = pool->kept[--pool->count];
		pthread_mutex_unlock(&pool->lock);
		return true;
	}
	pthread_mutex_unlock(&pool->lock);
	return false;
}

static void pool_give(struct memory_pool *pool, struct reservation *r)
{
	bool kept = false;

	pthread_mutex_lock(&pool->lock);
	if (r->is_whole && pool->count < ARRAY_SIZE(pool->kept)) {
		pool->kept[pool->count++] = *r;
		kept = true;
	}
	pthread_mutex_unlock(&pool->lock);
	if (kept)
		*r = (struct reservation){0};
	else
		unmap(r);
}

/* -- Reservations ------------------------------------------------------------------------ */

static bool reserve(struct memory_pool *pool, struct reservation *r)
{
	void *base;

	if (__atomic_load_n(&pool->never_reserve, __ATOMIC_RELAXED))
		return false;
	base = mmap(NULL, MEMORY_RESERVATION, PROT_NONE, MAP_FLAGS, -1, 0);
	if (base == MAP_FAILED) {
		__atomic_store_n(&pool->never_reserve, true, __ATOMIC_RELAXED);
		return false;
	}
	/* Pages of 2 MiB under a memory of 64 KiB would waste what this is built to save. */
	madvise(base, MEMORY_RESERVATION, MADV_NOHUGEPAGE);
	*r = (struct reservation){.base = base, .size = MEMORY_RESERVATION, .is_whole = true};
	return true;
}

/* Give access to exactly the first `size` bytes. */
static int set_open(struct reservation *r, uint64_t size)
{
	if (size > r->open &&
	    mprotect(r->base + r->open, size - r->open, PROT_READ | PROT_WRITE) < 0)
		return -errno;
	if (size < r->open && mprotect(r->base + size, r->open - size, PROT_NONE) < 0)
		return -errno;
	r->open = size;
	return 0;
}

/* Throw the pages away: the next touch finds zeros, or what the image has. */
static void discard(struct reservation *r)
{
	if (r->open != 0)
		madvise(r->base, r->open, MADV_DONTNEED);
}

static int map_image(struct reservation *r, const struct memory_image *image)
{
	uint8_t *at;

	if (r->image == image)
		return 0;
	if (r->image != NULL) {
		at = r->base + r->image->begin;
		if (mmap(at, r->image->end - r->image->begin, PROT_READ | PROT_WRITE,
			 MAP_FLAGS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return -errno;
		r->image = NULL;
	}
	if (image == NULL)
		return 0;
	at = r->base + image->begin;
	if (mmap(at, image->end - image->begin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
		 image->fd, (off_t)image->at) == MAP_FAILED)
		return -errno;
	r->image = image;
	return 0;
}

/* A mapping of just this size; an empty memory has none. */
static int map_exact(struct reservation *r, uint64_t size)
{
	void *base;

	if (size == 0)
		return 0;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_FLAGS, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	*r = (struct reservation){.base = base, .size = size, .open = size};
	return 0;
}

/* -- Memories ---------------------------------------------------------------------------- */

static bool find_place(struct memory *memory)
{
	struct reservation *r = &memory->place;

	return !memory->limits.is64 &&
	       (pool_take(memory->pool, memory->image, r) || reserve(memory->pool, r));
}

static int place(struct memory *memory, uint64_t size)
{
	struct reservation *r = &memory->place;
	int err = 0;

	if (!find_place(memory)) {
		/* A mapping that may have to move must be in one piece: its segments are copied. */
		memory->image = NULL;
		err = map_exact(r, size);
	}
	/* The old image lies in what is open: replace it while that is so. */
	if (err == 0 && r->image != NULL && r->image != memory->image)
		err = map_image(r, NULL);
	if (err == 0 && r->open != size)
		err = set_open(r, size);
	return err != 0 ? err : map_image(r, memory->image);
}

/* So few that their bytes can be counted. */
static uint64_t most_pages(const struct image_limits *limits)
{
	return limits->is64 ? LIMIT_PAGES64_MADE : LIMIT_PAGES32;
}

int memory_init(struct memory *memory, struct memory_pool *pool, struct store *store,
		const struct image_limits *limits, const struct memory_image *image)
{
	uint64_t size = limits->min * PAGE_BYTES;
	int err;

	*memory = (struct memory){.pool = pool, .store = store, .limits = *limits, .image = image};
	memory->address_mask = limits->is64 ? UINT64_MAX : UINT32_MAX;
	if (limits->min > most_pages(limits) || !store_may_grow(store, EXTERN_MEMORY, 0, size))
		return -ENOMEM;
	err = place(memory, size);
	if (err != 0) {
		unmap(&memory->place);
		return err;
	}
	memory->base = memory->place.base;
	memory->size = size;
	return 0;
}

void memory_deinit(struct memory *memory)
{
	if (memory->pool == NULL)
		return;
	discard(&memory->place);
	pool_give(memory->pool, &memory->place);
	memory->base = NULL;
	memory->size = 0;
}

struct shared {
	struct memory memory; /* first: what others know */
	uint32_t refs;
	pthread_mutex_t lock; /* who grows it */
};

static struct shared *shared_of(struct memory *memory)
{
	return (struct shared *)(void *)memory;
}

static bool is_sole(struct memory *memory)
{
	return __atomic_load_n(&shared_of(memory)->refs, __ATOMIC_ACQUIRE) == 1;
}

int memory_reset(struct memory *memory)
{
	struct reservation *r = &memory->place;
	uint64_t size = memory->limits.min * PAGE_BYTES;
	bool shared = memory->limits.shared;
	int err = 0;

	/* What others hold neither shrinks nor changes under them. */
	if (shared && !is_sole(memory))
		return -EBUSY;
	discard(r);
	if ((r->is_whole || shared) && r->open != size)
		err = set_open(r, size);
	if (err == 0)
		__atomic_store_n(&memory->size, size, __ATOMIC_SEQ_CST);
	return err;
}

/* Grow a mapping that has no reservation behind it. */
static int move(struct reservation *r, uint64_t size)
{
	void *base;

	if (r->size == 0)
		return map_exact(r, size);
	base = mremap(r->base, r->size, size, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return -ENOMEM;
	*r = (struct reservation){.base = base, .size = size, .open = size};
	return 0;
}

uint64_t memory_grow(struct memory *memory, uint64_t pages)
{
	uint64_t old = memory_pages(memory);
	uint64_t most = MIN(memory->limits.max, most_pages(&memory->limits));
	uint64_t size = (old + pages) * PAGE_BYTES;
	struct reservation *r = &memory->place;

	if (memory->limits.shared)
		return memory_grow_shared(memory, NULL, pages);
	if (pages > most || old + pages > most)
		return UINT64_MAX;
	if (pages == 0)
		return old;
	if (!store_may_grow(memory->store, EXTERN_MEMORY, memory->size, size))
		return UINT64_MAX;
	/* After a reset without reservation the mapping may be larger than the memory. */
	if (size > r->open && (r->is_whole ? set_open(r, size) : move(r, size)) != 0)
		return UINT64_MAX;
	memory->base = r->base;
	memory->size = size;
	return old;
}

/* -- Shared memories --------------------------------------------------------------------- */

/* More than this is not reserved for a 64-bit memory; others need less. */
#define SHARED_MOST (UINT64_C(1) << 40)

/* All it may grow to; where that is refused, less and less, and it grows no further than that. */
static int place_shared(struct reservation *r, bool ahead, const struct image_limits *limits)
{
	uint64_t least = MAX(limits->min * PAGE_BYTES, (uint64_t)PAGE_BYTES);
	uint64_t most = MIN(limits->max, SHARED_MOST / PAGE_BYTES) * PAGE_BYTES;
	uint64_t size = MAX(ahead ? MAX(most, MEMORY_RESERVATION) : most, least);
	void *base = mmap(NULL, size, PROT_NONE, MAP_FLAGS, -1, 0);

	if (base == MAP_FAILED)
		size = MAX(most, least);
	while (base == MAP_FAILED) {
		base = mmap(NULL, size, PROT_NONE, MAP_FLAGS, -1, 0);
		if (base == MAP_FAILED && size == least)
			return -ENOMEM;
		if (base == MAP_FAILED)
			size = MAX(size / 2 / PAGE_BYTES * PAGE_BYTES, least);
	}
	*r = (struct reservation){.base = base, .size = size};
	return 0;
}

int memory_new_shared(struct memory **ret, struct memory_pool *pool, const struct store *asks,
		      const struct image_limits *limits)
{
	uint64_t size = limits->min * PAGE_BYTES;
	struct shared *shared;
	struct memory *memory;
	int err;

	if (limits->min > SHARED_MOST / PAGE_BYTES ||
	    (asks != NULL && !store_may_grow(asks, EXTERN_MEMORY, 0, size)))
		return -ENOMEM;
	shared = calloc(1, sizeof(*shared));
	if (shared == NULL)
		return -ENOMEM;
	memory = &shared->memory;
	memory->limits = *limits;
	memory->address_mask = limits->is64 ? UINT64_MAX : UINT32_MAX;
	err = place_shared(&memory->place, !__atomic_load_n(&pool->never_reserve, __ATOMIC_RELAXED),
			   limits);
	if (err == 0)
		err = set_open(&memory->place, size);
	if (err != 0) {
		unmap(&memory->place);
		free(shared);
		return err;
	}
	madvise(memory->place.base, memory->place.size, MADV_NOHUGEPAGE);
	pthread_mutex_init(&shared->lock, NULL);
	shared->refs = 1;
	memory->base = memory->place.base;
	memory->size = size;
	*ret = memory;
	return 0;
}

struct memory *memory_ref(struct memory *memory)
{
	if (memory->limits.shared)
		__atomic_add_fetch(&shared_of(memory)->refs, 1, __ATOMIC_RELAXED);
	return memory;
}

void memory_unref(struct memory *memory)
{
	if (memory == NULL || !memory->limits.shared ||
	    __atomic_sub_fetch(&shared_of(memory)->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	unmap(&memory->place);
	pthread_mutex_destroy(&shared_of(memory)->lock);
	free(memory);
}

static uint64_t grow_locked(struct memory *memory, const struct store *asks, uint64_t pages)
{
	uint64_t old = memory_pages(memory);
	uint64_t most = MIN(memory->limits.max, memory->place.size / PAGE_BYTES);
	uint64_t size = (old + pages) * PAGE_BYTES;

	if (pages > most || old + pages > most)
		return UINT64_MAX;
	if (pages == 0)
		return old;
	if (asks != NULL && !store_may_grow(asks, EXTERN_MEMORY, old * PAGE_BYTES, size))
		return UINT64_MAX;
	if (set_open(&memory->place, size) != 0)
		return UINT64_MAX;
	__atomic_store_n(&memory->size, size, __ATOMIC_RELEASE);
	return old;
}

uint64_t memory_grow_shared(struct memory *memory, const struct store *asks, uint64_t pages)
{
	uint64_t old;

	pthread_mutex_lock(&shared_of(memory)->lock);
	old = grow_locked(memory, asks, pages);
	pthread_mutex_unlock(&shared_of(memory)->lock);
	return old;
}
