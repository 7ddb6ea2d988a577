/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c: bump allocation in blocks.
 *
 * Blocks double from BLOCK_MIN to BLOCK_MAX, so a small user costs one block and a large one few; what does not fit the
 * next block gets one of its own size. They are calloc'ed: memory straight from the system is not touched to be cleared.
 */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define BLOCK_MIN 4096u
#define BLOCK_MAX (256u << 10)
#define ALIGN 8u

struct arena_block {
	struct arena_block *older; /* owned */
	size_t size; /* bytes behind this head */
};

void arena_deinit(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *older = arena->blocks->older;

		free(arena->blocks);
		arena->blocks = older;
	}
	*arena = (struct arena){0};
}

static bool add_block(struct arena *arena, size_t need)
{
	struct arena_block *block;
	size_t size = BLOCK_MIN;

	if (arena->blocks != NULL)
		size = MIN(arena->blocks->size * 2, BLOCK_MAX);
	size = MAX(size, need);
	if (size > SIZE_MAX - sizeof(*block))
		return false;
	block = calloc(1, sizeof(*block) + size);
	if (block == NULL)
		return false;
	block->older = arena->blocks;
	block->size = size;
	arena->blocks = block;
	arena->at = (uint8_t *)(block + 1);
	arena->room = size;
	return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	uint8_t *at;

	if (size > SIZE_MAX - ALIGN)
		return NULL;
	size = align_up(MAX(size, 1u), ALIGN);
	if (size > arena->room && !add_block(arena, size))
		return NULL;
	at = arena->at;
	arena->at += size;
	arena->room -= size;
	return at;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_alloc(arena, bytes);
}

char *arena_string(struct arena *arena, const char *bytes, size_t size)
{
	char *copy = size < SIZE_MAX ? arena_alloc(arena, size + 1) : NULL;

	if (copy != NULL && size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

void arena_take(struct arena *arena, struct arena *other)
{
	struct arena_block **oldest = &arena->blocks;

	if (arena->blocks == NULL) {
		*arena = *other;
	} else {
		while (*oldest != NULL)
			oldest = &(*oldest)->older;
		*oldest = other->blocks;
	}
	*other = (struct arena){0};
}
