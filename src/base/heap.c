/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"

enum {
	UNIT = 16,
	PAGE = 4096,
	SMALL_MOST = 1024,        /* classes a unit apart up to here */
	CHUNK_MOST = 128 * 1024,  /* four classes a doubling up to here; above, a mapping each */
	SMALL_CLASSES = SMALL_MOST / UNIT,
	CLASSES = SMALL_CLASSES + 4 * 7,
	CLASS_LARGE = CLASSES,    /* `link` is the length of the mapping */
	CLASS_ALIGNED,            /* `link` is the chunk that lies around it */
	FIRST_BYTES = 64 * 1024,
	REGION_BYTES = 1024 * 1024,
};

enum state { STATE_FREE = 0x46524545, STATE_USED = 0x55534544 };

/* In front of what the caller gets. */
struct chunk {
	uint32_t class;
	uint32_t state;
	union {
		struct chunk *next; /* free: the next of its class */
		struct chunk *around;
		size_t mapped;
	} link;
};
_Static_assert(sizeof(struct chunk) == UNIT, "what follows is aligned");

static struct {
	pthread_mutex_t lock;
	uint8_t *at, *end; /* never used yet, and zero */
	struct chunk *free[CLASSES];
	uint8_t first[FIRST_BYTES] __attribute__((aligned(UNIT)));
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* -- Classes ------------------------------------------------------------------------------- */

/* The class whose chunks hold `bytes`, header included; 0 < bytes <= CHUNK_MOST. */
static uint32_t class_of(size_t bytes)
{
	uint32_t doubling, step;

	if (bytes <= SMALL_MOST)
		return (uint32_t)((bytes + UNIT - 1) / UNIT - 1);
	doubling = 63 - (uint32_t)__builtin_clzll(bytes - 1); /* 2^doubling < bytes */
	step = (uint32_t)((bytes - 1) >> (doubling - 2)) & 3;
	return SMALL_CLASSES + (doubling - 10) * 4 + step;
}

static size_t class_bytes(uint32_t class)
{
	uint32_t above;

	if (class < SMALL_CLASSES)
		return (size_t)(class + 1) * UNIT;
	above = class - SMALL_CLASSES;
	return (size_t)(5 + above % 4) << (above / 4 + 8);
}

static struct chunk *chunk_of(const void *at)
{
	return (struct chunk *)(uintptr_t)at - 1;
}

static size_t chunk_bytes(const struct chunk *chunk)
{
	return chunk->class == CLASS_LARGE ? chunk->link.mapped : class_bytes(chunk->class);
}

/* -- Fresh memory -------------------------------------------------------------------------- */

/* What is left of the old region is lost: at most one chunk's worth of 128 KiB. */
static bool next_region(size_t bytes)
{
	void *region;

	if (heap.at == NULL && bytes <= FIRST_BYTES) {
		heap.at = heap.first;
		heap.end = heap.first + FIRST_BYTES;
		return true;
	}
	region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (region == MAP_FAILED)
		return false;
	heap.at = region;
	heap.end = heap.at + REGION_BYTES;
	return true;
}

static struct chunk *fresh(uint32_t class)
{
	size_t bytes = class_bytes(class);
	struct chunk *chunk;

	if ((size_t)(heap.end - heap.at) < bytes && !next_region(bytes))
		return NULL;
	chunk = (struct chunk *)(void *)heap.at;
	heap.at += bytes;
	chunk->class = class;
	return chunk;
}

static struct chunk *map_large(size_t bytes)
{
	size_t mapped = align_up(bytes, PAGE);
	struct chunk *chunk =
		mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		return NULL;
	*chunk = (struct chunk){CLASS_LARGE, STATE_USED, .link.mapped = mapped};
	return chunk;
}

/* A chunk for `size` bytes; *ret_zero: it holds zeros. */
static struct chunk *take(size_t size, bool *ret_zero)
{
	struct chunk *chunk;
	uint32_t class;

	*ret_zero = true;
	if (size > PTRDIFF_MAX - PAGE - UNIT)
		return NULL;
	if (size + UNIT > CHUNK_MOST)
		return map_large(size + UNIT);
	class = class_of(size + UNIT);
	pthread_mutex_lock(&heap.lock);
	chunk = heap.free[class];
	if (chunk != NULL) {
		heap.free[class] = chunk->link.next;
		*ret_zero = false;
	} else {
		chunk = fresh(class);
	}
	pthread_mutex_unlock(&heap.lock);
	if (chunk != NULL)
		chunk->state = STATE_USED;
	return chunk;
}

/* -- The interface ------------------------------------------------------------------------- */

void *heap_alloc(size_t size)
{
	bool zero;
	struct chunk *chunk = take(size, &zero);

	return chunk != NULL ? chunk + 1 : NULL;
}

void *heap_zalloc(size_t count, size_t size)
{
	struct chunk *chunk;
	bool zero;

	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	chunk = take(count * size, &zero);
	if (chunk == NULL)
		return NULL;
	return zero ? chunk + 1 : memset(chunk + 1, 0, count * size);
}

void heap_free(void *at)
{
	struct chunk *chunk;

	if (at == NULL)
		return;
	chunk = chunk_of(at);
	if (chunk->class == CLASS_ALIGNED)
		chunk = chunk->link.around;
	invariant(chunk->state == STATE_USED);
	if (chunk->class == CLASS_LARGE) {
		munmap(chunk, chunk->link.mapped);
		return;
	}
	pthread_mutex_lock(&heap.lock);
	chunk->state = STATE_FREE;
	chunk->link.next = heap.free[chunk->class];
	heap.free[chunk->class] = chunk;
	pthread_mutex_unlock(&heap.lock);
}

void heap_trim(void)
{
	pthread_mutex_lock(&heap.lock);
	for (uint32_t class = class_of(PAGE); class < CLASSES; class ++)
		for (struct chunk *chunk = heap.free[class]; chunk != NULL;
		     chunk = chunk->link.next) {
			uintptr_t begin = align_up((uintptr_t)(chunk + 1), PAGE);
			uintptr_t end = ((uintptr_t)chunk + class_bytes(class)) / PAGE * PAGE;

			if (begin < end)
				madvise((void *)begin, end - begin, MADV_DONTNEED);
		}
	pthread_mutex_unlock(&heap.lock);
}

size_t heap_usable(const void *at)
{
	const struct chunk *chunk = chunk_of(at);
	const uint8_t *end;

	if (chunk->class == CLASS_ALIGNED)
		chunk = chunk->link.around;
	end = (const uint8_t *)chunk + chunk_bytes(chunk);
	return (size_t)(end - (const uint8_t *)at);
}

static void *grow_mapping(struct chunk *chunk, size_t size)
{
	size_t mapped = align_up(size + UNIT, PAGE);

	chunk = mremap(chunk, chunk->link.mapped, mapped, MREMAP_MAYMOVE);
	if (chunk == MAP_FAILED)
		return NULL;
	chunk->link.mapped = mapped;
	return chunk + 1;
}

void *heap_realloc(void *at, size_t size)
{
	size_t usable;
	void *moved;

	if (at == NULL)
		return heap_alloc(size);
	usable = heap_usable(at);
	if (size <= usable && size >= usable / 4)
		return at;
	if (chunk_of(at)->class == CLASS_LARGE && size + UNIT > CHUNK_MOST &&
	    size <= PTRDIFF_MAX - PAGE - UNIT)
		return grow_mapping(chunk_of(at), size);
	moved = heap_alloc(size);
	if (moved == NULL)
		return NULL;
	memcpy(moved, at, MIN(usable, size));
	heap_free(at);
	return moved;
}

void *heap_aligned(size_t align, size_t size)
{
	struct chunk *inner;
	uintptr_t at;
	void *outer;

	if (align <= UNIT)
		return heap_alloc(size);
	if ((align & (align - 1)) != 0 || size > PTRDIFF_MAX - align - UNIT)
		return NULL;
	outer = heap_alloc(size + align + UNIT);
	if (outer == NULL)
		return NULL;
	at = align_up((uintptr_t)outer, align);
	if (at == (uintptr_t)outer)
		return outer;
	/* Both are multiples of UNIT, so a header fits between them. */
	inner = chunk_of((void *)at);
	*inner = (struct chunk){CLASS_ALIGNED, STATE_USED, .link.around = chunk_of(outer)};
	return (void *)at;
}
