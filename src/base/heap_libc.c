/* SPDX-License-Identifier: Apache-2.0 */
/* heap_libc.c: heap.c under the C library's names. Only in the static program: see heap.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/heap.h"

static void *or_no_memory(void *at)
{
	if (at == NULL)
		errno = ENOMEM;
	return at;
}

void *malloc(size_t size)
{
	return or_no_memory(heap_alloc(size));
}

void *calloc(size_t count, size_t size)
{
	return or_no_memory(heap_zalloc(count, size));
}

void *realloc(void *at, size_t size)
{
	return or_no_memory(heap_realloc(at, size));
}

void free(void *at)
{
	int saved = errno;

	heap_free(at);
	errno = saved;
}

void *aligned_alloc(size_t align, size_t size)
{
	return or_no_memory(heap_aligned(align, size));
}

int posix_memalign(void **ret, size_t align, size_t size)
{
	void *at = heap_aligned(align, size);

	if (at == NULL)
		return ENOMEM;
	*ret = at;
	return 0;
}

/* As glibc has it; musl's headers do not. */
int malloc_trim(size_t pad);

int malloc_trim(size_t pad)
{
	(void)pad;
	heap_trim();
	return 1;
}
