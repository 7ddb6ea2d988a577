/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h: the allocator of the static program.
 *
 * musl's malloc maps, guards and unmaps its way into a start: five system calls and six page faults, a
 * quarter of the time from start to exit of a small module (measured: 104 us, with this one 79). This one
 * begins in the program's own zero pages and asks the system for more only when those are used up. Libraries and
 * tests keep their C library's; heap_libc.c puts this one in its place in `skiff`.
 *
 * Chunks of like sizes are reused, last freed first; large ones are mappings of their own. Memory is
 * never given back but for those, and by heap_trim(). Each chunk begins with a word that says whether it is in use: freeing twice or
 * freeing what is none is a bug and aborts. One lock guards all.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

/* As malloc, calloc, realloc, free and aligned_alloc; aligned to 16, NULL without memory. */
void *heap_alloc(size_t size);
void *heap_zalloc(size_t count, size_t size);
void *heap_realloc(void *at, size_t size);
void heap_free(void *at);
void *heap_aligned(size_t align, size_t size);

/* Give back the whole pages within chunks that are free: what a process needed to begin, and never again. */
void heap_trim(void);

/* Bytes that can be used at `at`. */
size_t heap_usable(const void *at);

#endif
