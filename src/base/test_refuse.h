/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_refuse.h: allocations refused on purpose, the 1st, the 2nd, the 3rd... Included by one test program each, named
 * *_alloc_test.c: those are linked so that malloc, calloc, realloc and aligned_alloc come through here (meson.build).
 * So do mmap and pthread_create, which are counted apart: there is often another way if they are refused. Only what the
 * thread asks for that set `counting`.
 */
#ifndef BASE_TEST_REFUSE_H
#define BASE_TEST_REFUSE_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

static _Thread_local bool counting;
static unsigned calls, refuse_at; /* the first is 1; 0: none is refused */
static unsigned other_calls, refuse_other_at; /* mappings and threads, alike */
static bool refuse_others_behind; /* and all that come after */
static size_t asked_bytes; /* bytes */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
/* mmap, as it is called where files may be large. */
void *__real_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg);

static bool refused_other(void)
{
	if (!counting)
		return false;
	other_calls++;
	return other_calls == refuse_other_at ||
	       (refuse_others_behind && refuse_other_at != 0 && other_calls > refuse_other_at);
}

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

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return refused(size) ? NULL : __real_aligned_alloc(align, size);
}

void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (!refused_other())
		return __real_mmap64(at, size, protection, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg)
{
	if (!refused_other())
		return __real_pthread_create(ret, attr, run, arg);
	return EAGAIN;
}

#endif
