/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h: many small things that die together.
 *
 * Allocations are taken from the front of large blocks and never given back one by one: one arena_deinit() frees all.
 * Zero-initialised is empty. What comes out is zeroed, aligned to 8, and stays where it is until then.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* owned; the newest first */
	uint8_t *at; /* free bytes of the newest */
	size_t room;
};

/* Frees all that came from it; empty again afterwards. */
void arena_deinit(struct arena *arena);

/* `size` zero bytes, or NULL: no memory. A size of 0 gives a place of its own, too. */
void *arena_alloc(struct arena *arena, size_t size);
/* An array of `count` items; NULL where the product exceeds size_t, too. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy of `size` bytes, and a NUL behind them. */
char *arena_string(struct arena *arena, const char *bytes, size_t size);
/* What came from `other` is freed with this one; `other` is empty. */
void arena_take(struct arena *arena, struct arena *other);

#endif
