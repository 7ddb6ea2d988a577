/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_refuse.h: allocations refused on purpose, the 1st, the 2nd, the 3rd... Included by one test program each, named
 * *_alloc_test.c: those are linked so that malloc, calloc and realloc come through here (meson.build).
 */
#ifndef BASE_TEST_REFUSE_H
#define BASE_TEST_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

static bool counting;
static unsigned calls, refuse_at; /* the first is 1; 0: none is refused */
static size_t asked_bytes; /* bytes */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool refused(size_t size)
{
	if (!counting)
		return false;
	asked_bytes += size;
	return ++calls == refuse_at;
}

void *__wrap_malloc(size_t size)
{
	return refused(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refused(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return refused(size) ? NULL : __real_realloc(old, size);
}

#endif
