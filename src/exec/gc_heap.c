/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/gc_heap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "exec/store.h"

/* Under AddressSanitizer free cells may not be touched, nor what lies between an object's end and its cell's. */
#if defined(__SANITIZE_ADDRESS__)
#define GC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GC_ASAN 1
#endif
#endif
#ifdef GC_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, size) __asan_poison_memory_region((at), (size))
#define UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
enum { POISONS = 1 };
#else
#define POISON(at, size) ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
enum { POISONS = 0 };
#endif

enum {
	UNIT = 16,
	FINE = 8, /* classes of 1 to 8 units */
	GEOMETRIC = 24, /* then four for each power of two, up to 8 KiB */
	WHOLE = 512, /* units of 8 KiB */
	MOST = 7, /* then so that 7, 6, ... 2 cells fill a block */
};

/* -- Size classes ---------------------------------------------------------------------------- */

static uint32_t filling_cell(uint32_t count)
{
	return (GC_BLOCK - sizeof(struct gc_block) - 3 * UNIT) / count / UNIT * UNIT;
}

static uint32_t class_cell(uint32_t class)
{
	if (class < FINE)
		return (class + 1) * UNIT;
	class -= FINE;
	if (class < GEOMETRIC)
		return ((class & 3) + 5) << (class / 4 + 1) << 4;
	return filling_cell(MOST - (class - GEOMETRIC));
}

/* GC_CLASSES: too large for a block. */
static uint32_t class_of(uint64_t bytes)
{
	uint32_t units, power;

	if (bytes > filling_cell(2))
		return GC_CLASSES;
	units = (uint32_t)(bytes + UNIT - 1) / UNIT;
	if (units <= FINE)
		return units - 1;
	if (units <= WHOLE) {
		power = 31 - (uint32_t)__builtin_clz(units - 1);
		return FINE + (power - 3) * 4 + (((units - 1) >> (power - 2)) & 3);
	}
	for (uint32_t count = MOST; count > 2; count--)
		if (bytes <= filling_cell(count))
			return FINE + GEOMETRIC + (MOST - count);
	return GC_CLASSES - 1;
}

/* -- Granules -------------------------------------------------------------------------------- */

static uint32_t hash(uintptr_t number)
{
	return (uint32_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

struct gc_block *gc_heap_find(const struct gc_heap *heap, slot word)
{
	uintptr_t number = (uintptr_t)word / GC_BLOCK;

	if (heap->set_room == 0 || number == 0)
		return NULL;
	for (uint32_t at = hash(number);; at++) {
		const struct gc_granule *g = &heap->set[at & (heap->set_room - 1)];

		if (g->number == number)
			return g->block;
		if (g->number == 0)
			return NULL;
	}
}

static void set_put(struct gc_heap *heap, uintptr_t number, struct gc_block *block)
{
	uint32_t at = hash(number);

	while (heap->set[at & (heap->set_room - 1)].number != 0)
		at++;
	heap->set[at & (heap->set_room - 1)] = (struct gc_granule){number, block};
	heap->set_count++;
}

static bool set_reserve(struct gc_heap *heap, uint64_t more)
{
	struct gc_granule *old = heap->set;
	uint32_t old_room = heap->set_room;
	uint64_t room = MAX(old_room, 64u);

	while (room / 2 < heap->set_count + more)
		room *= 2;
	if (room == old_room)
		return true;
	heap->set = calloc(room, sizeof(*heap->set));
	if (heap->set == NULL) {
		heap->set = old;
		return false;
	}
	heap->set_room = (uint32_t)room;
	heap->set_count = 0;
	for (uint32_t i = 0; i < old_room; i++)
		if (old[i].number != 0)
			set_put(heap, old[i].number, old[i].block);
	free(old);
	return true;
}

static void set_add(struct gc_heap *heap, struct gc_block *block)
{
	uintptr_t first = (uintptr_t)block / GC_BLOCK;
	uint64_t count = (block->size + GC_BLOCK - 1) / GC_BLOCK;

	for (uint64_t i = 0; i < count; i++)
		set_put(heap, first + i, block);
}

/* Close the gap: what was displaced over it moves back. */
static void set_drop(struct gc_heap *heap, uintptr_t number)
{
	uint32_t mask = heap->set_room - 1, gap = hash(number) & mask;

	while (heap->set[gap].number != number)
		gap = (gap + 1) & mask;
	for (uint32_t at = (gap + 1) & mask; heap->set[at].number != 0; at = (at + 1) & mask) {
		uint32_t home = hash(heap->set[at].number) & mask;

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		heap->set[gap] = heap->set[at];
		gap = at;
	}
	heap->set[gap] = (struct gc_granule){0, NULL};
	heap->set_count--;
}

static void set_remove(struct gc_heap *heap, const struct gc_block *block)
{
	uintptr_t first = (uintptr_t)block / GC_BLOCK;
	uint64_t count = (block->size + GC_BLOCK - 1) / GC_BLOCK;

	for (uint64_t i = 0; i < count; i++)
		set_drop(heap, first + i);
}

/* -- Memory from the system ------------------------------------------------------------------ */

/* Zeros, aligned as blocks are; NULL: none. */
static void *map_aligned(uint64_t size)
{
	uint64_t all = size + GC_BLOCK;
	uint8_t *base = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at, *end;

	if (base == MAP_FAILED)
		return NULL;
	at = base + (align_up((uintptr_t)base, GC_BLOCK) - (uintptr_t)base);
	end = at + size;
	if (at != base)
		munmap(base, (size_t)(at - base));
	if (end != base + all)
		munmap(end, (size_t)(base + all - end));
	return at;
}

/* May the blocks take `size` bytes more: the limit, and the store's limiter where it was not asked yet. */
static bool may_use(const struct store *store, struct gc_heap *heap, uint64_t size)
{
	uint64_t wanted = heap->used + size;

	if (wanted > heap->limit)
		return false;
	if (wanted > heap->granted) {
		if (!store_may_grow(store, EXTERN_HEAP, heap->granted, wanted))
			return false;
		heap->granted = wanted;
	}
	return true;
}

static struct gc_chunk *chunk_with_room(struct gc_heap *heap)
{
	struct gc_chunk *chunk = heap->chunks;

	while (heap->free_blocks != 0 && chunk->free == 0)
		chunk = chunk->next;
	if (heap->free_blocks != 0)
		return chunk;
	chunk = calloc(1, sizeof(*chunk));
	if (chunk == NULL)
		return NULL;
	chunk->base = map_aligned((uint64_t)GC_CHUNK_BLOCKS * GC_BLOCK);
	if (chunk->base == NULL) {
		free(chunk);
		return NULL;
	}
	chunk->free = UINT16_MAX;
	chunk->next = heap->chunks;
	heap->chunks = chunk;
	heap->free_blocks += GC_CHUNK_BLOCKS;
	return chunk;
}

static struct gc_block *take_block(struct gc_heap *heap, struct gc_chunk *chunk)
{
	/* One whose pages are there already, if there is one. */
	uint32_t from = (chunk->free & chunk->dirty) != 0 ? (uint32_t)(chunk->free & chunk->dirty)
							  : chunk->free;
	uint32_t i = (uint32_t)__builtin_ctz(from);
	struct gc_block *block = (struct gc_block *)(void *)(chunk->base + (size_t)i * GC_BLOCK);

	chunk->free = (uint16_t)(chunk->free & ~(1u << i));
	chunk->dirty = (uint16_t)(chunk->dirty & ~(1u << i));
	heap->free_blocks--;
	heap->used += GC_BLOCK;
	return block;
}

static void return_block(struct gc_heap *heap, struct gc_block *block)
{
	struct gc_chunk *chunk = block->chunk;
	uint32_t bit = 1u << ((uint32_t)((uint8_t *)block - chunk->base) / GC_BLOCK);

	UNPOISON(block, GC_BLOCK);
	set_remove(heap, block);
	chunk->free = (uint16_t)(chunk->free | bit);
	chunk->dirty = (uint16_t)(chunk->dirty | bit);
	heap->free_blocks++;
	heap->used -= GC_BLOCK;
}

/* Pages of free blocks beyond what will soon be wanted again go back to the system; empty chunks whole. */
static void give_back(struct gc_heap *heap)
{
	uint64_t keep = MAX(heap->live / 2, (uint64_t)GC_STEP);
	struct gc_chunk **at = &heap->chunks;

	while (*at != NULL) {
		struct gc_chunk *chunk = *at;
		uint64_t bytes = (uint64_t)__builtin_popcount(chunk->dirty) * GC_BLOCK;

		if (bytes <= keep) {
			keep -= bytes;
		} else if (chunk->free == UINT16_MAX) {
			*at = chunk->next;
			munmap(chunk->base, (size_t)GC_CHUNK_BLOCKS * GC_BLOCK);
			heap->free_blocks -= GC_CHUNK_BLOCKS;
			free(chunk);
			continue;
		} else {
			for (uint32_t i = 0; i < GC_CHUNK_BLOCKS; i++)
				if (chunk->dirty & 1u << i)
					madvise(chunk->base + (size_t)i * GC_BLOCK, GC_BLOCK,
						MADV_DONTNEED);
			chunk->dirty = 0;
		}
		at = &chunk->next;
	}
}

/* -- Blocks ---------------------------------------------------------------------------------- */

static uint32_t first_of(uint32_t count)
{
	return (uint32_t)sizeof(struct gc_block) + (count + 63) / 64 * UNIT + 8;
}

static void init_block(struct gc_block *block, struct gc_chunk *chunk, uint32_t cell)
{
	uint32_t count = GC_BLOCK / cell;

	while (first_of(count) + (uint64_t)count * cell > GC_BLOCK)
		count--;
	*block = (struct gc_block){
		.chunk = chunk,
		.size = GC_BLOCK,
		.cell = cell,
		.reciprocal = (uint32_t)((UINT64_C(1) << 32) / cell + 1),
		.count = count,
		.first = first_of(count),
		.words = (count + 63) / 64,
	};
	memset(block->bits, 0, block->words * 2 * sizeof(uint64_t));
	POISON((uint8_t *)block + block->first, GC_BLOCK - block->first);
}

static struct gc_block *new_block(const struct store *store, struct gc_heap *heap,
				  struct gc_class *class, uint32_t cell)
{
	struct gc_chunk *chunk;
	struct gc_block *block;

	if (!may_use(store, heap, GC_BLOCK) || !set_reserve(heap, 1))
		return NULL;
	chunk = chunk_with_room(heap);
	if (chunk == NULL)
		return NULL;
	block = take_block(heap, chunk);
	init_block(block, chunk, cell);
	set_add(heap, block);
	if (class->last != NULL)
		class->last->next = block;
	else
		class->blocks = block;
	class->last = block;
	return block;
}

/* Go on to the next free cells of the block, or of those behind it. False: there are none. */
static bool find_free(struct gc_class *class)
{
	for (; class->current != NULL; class->current = class->current->next, class->word = 0) {
		struct gc_block *block = class->current;

		while (class->word < block->words) {
			uint32_t word = class->word++;
			uint32_t cells = MIN(block->count - word * 64, 64u);

			class->free = ~block->bits[word * 2] & UINT64_MAX >> (64 - cells);
			if (class->free != 0)
				return true;
		}
	}
	return false;
}

static struct object *alloc_small(const struct store *store, struct gc_heap *heap, uint32_t number,
				  uint64_t bytes)
{
	struct gc_class *class = &heap->classes[number];
	struct object *object;
	uint32_t cell;

	if (UNLIKELY(class->free == 0) && !find_free(class)) {
		class->current = new_block(store, heap, class, class_cell(number));
		class->word = 0;
		if (class->current == NULL || !find_free(class))
			return NULL;
	}
	cell = (class->word - 1) * 64 + (uint32_t)__builtin_ctzll(class->free);
	class->free &= class->free - 1;
	*gc_allocated(class->current, cell) |= GC_BIT(cell);
	heap->since += class->current->cell;
	object = gc_cell_at(class->current, cell);
	UNPOISON(object, bytes);
	return memset(object, 0, bytes);
}

static struct object *alloc_large(const struct store *store, struct gc_heap *heap, uint64_t bytes)
{
	uint64_t size = align_up(first_of(1) + bytes, 4096);
	struct gc_block *block;

	if (!may_use(store, heap, size) || !set_reserve(heap, size / GC_BLOCK + 1))
		return NULL;
	block = map_aligned(size);
	if (block == NULL)
		return NULL;
	*block = (struct gc_block){.size = size, .count = 1, .first = first_of(1), .words = 1};
	block->bits[0] = 1;
	block->next = heap->large;
	heap->large = block;
	heap->used += size;
	heap->since += size;
	set_add(heap, block);
	return gc_cell_at(block, 0);
}

struct object *gc_heap_alloc(struct store *store, struct gc_heap *heap, uint64_t bytes)
{
	uint32_t class = class_of(bytes);
	struct object *object = class < GC_CLASSES ? alloc_small(store, heap, class, bytes)
						   : alloc_large(store, heap, bytes);

	heap->objects += object != NULL;
	return object;
}

/* -- Sweeping -------------------------------------------------------------------------------- */

/* For AddressSanitizer alone: the cells of a word that died. */
static void poison_cells(struct gc_block *block, uint32_t word, uint64_t dead)
{
	for (; POISONS && dead != 0; dead &= dead - 1)
		POISON(gc_cell_at(block, word * 64 + (uint32_t)__builtin_ctzll(dead)), block->cell);
}

/* The cells left. */
static uint32_t sweep_block(struct gc_block *block)
{
	uint32_t left = 0;

	for (uint32_t word = 0; word < block->words; word++) {
		uint64_t *bits = &block->bits[word * 2];

		poison_cells(block, word, bits[0] & ~bits[1]);
		bits[0] = bits[1];
		bits[1] = 0;
		left += (uint32_t)__builtin_popcountll(bits[0]);
	}
	return left;
}

static void sweep_class(struct gc_heap *heap, struct gc_class *class)
{
	struct gc_block **at = &class->blocks;

	class->last = NULL;
	while (*at != NULL) {
		struct gc_block *block = *at;
		uint32_t left = sweep_block(block);

		heap->live += (uint64_t)left * block->cell;
		heap->objects += left;
		if (left == 0) {
			*at = block->next;
			return_block(heap, block);
			continue;
		}
		class->last = block;
		at = &block->next;
	}
	class->current = class->blocks;
	class->word = 0;
	class->free = 0;
}

static void sweep_large(struct gc_heap *heap)
{
	struct gc_block **at = &heap->large;

	while (*at != NULL) {
		struct gc_block *block = *at;

		if (sweep_block(block) != 0) {
			heap->live += block->size;
			heap->objects++;
			at = &block->next;
			continue;
		}
		*at = block->next;
		heap->used -= block->size;
		set_remove(heap, block);
		munmap(block, block->size);
	}
}

void gc_heap_sweep(struct gc_heap *heap)
{
	heap->live = 0;
	heap->objects = 0;
	for (uint32_t i = 0; i < GC_CLASSES; i++)
		sweep_class(heap, &heap->classes[i]);
	sweep_large(heap);
	give_back(heap);
}

void gc_heap_deinit(struct gc_heap *heap)
{
	while (heap->large != NULL) {
		struct gc_block *block = heap->large;

		heap->large = block->next;
		munmap(block, block->size);
	}
	while (heap->chunks != NULL) {
		struct gc_chunk *chunk = heap->chunks;

		heap->chunks = chunk->next;
		UNPOISON(chunk->base, (size_t)GC_CHUNK_BLOCKS * GC_BLOCK);
		munmap(chunk->base, (size_t)GC_CHUNK_BLOCKS * GC_BLOCK);
		free(chunk);
	}
	free(heap->set);
	free(heap->pins);
	if (heap->marks != heap->here)
		free(heap->marks);
}
