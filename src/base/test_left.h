/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_left.h: allocations of one file refused on purpose, once so many are made. Included in front of the file under test, which is
 * included, too, by one test program each; where it is linked, see test_refuse.h.
 */
#ifndef BASE_TEST_LEFT_H
#define BASE_TEST_LEFT_H

#include <stdlib.h>

static int allocations_left = -1; /* before all fail; < 0: never */

static void *test_realloc(void *old, size_t size)
{
	if (allocations_left == 0)
		return NULL;
	if (allocations_left > 0)
		allocations_left--;
	return realloc(old, size);
}

static void *test_calloc(size_t count, size_t size)
{
	if (allocations_left == 0)
		return NULL;
	if (allocations_left > 0)
		allocations_left--;
	return calloc(count, size);
}

#define malloc(size) test_realloc(NULL, size)
#define realloc(old, size) test_realloc(old, size)
#define calloc(count, size) test_calloc(count, size)

#endif
