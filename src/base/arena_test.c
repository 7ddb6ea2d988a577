/* SPDX-License-Identifier: Apache-2.0 */
/* arena_test.c: what comes out of an arena is zeroed, aligned, apart, and stays; impossible sizes are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_apart(void **state)
{
	struct arena arena = {0};
	uint8_t *at[600];
	size_t size[600];

	(void)state;
	for (size_t i = 0; i < 600; i++) {
		size[i] = i * i % 1999;
		at[i] = arena_alloc(&arena, size[i]);
		assert_non_null(at[i]);
		assert_int_equal((uintptr_t)at[i] % 8, 0);
		for (size_t b = 0; b < size[i]; b++)
			assert_int_equal(at[i][b], 0);
		memset(at[i], (int)(i % 251) + 1, size[i]);
	}
	for (size_t i = 0; i < 600; i++) {
		for (size_t b = 0; b < size[i]; b++)
			assert_int_equal(at[i][b], i % 251 + 1);
	}
	arena_deinit(&arena);
	assert_null(arena.blocks);
	arena_deinit(&arena);
}

static void test_large(void **state)
{
	struct arena arena = {0};
	char *big = arena_alloc(&arena, 3u << 20);
	char *small = arena_string(&arena, "abc", 2);

	(void)state;
	assert_non_null(big);
	assert_int_equal(big[(3u << 20) - 1], 0);
	assert_string_equal(small, "ab");
	assert_string_equal(arena_string(&arena, NULL, 0), "");
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 16));
	assert_null(arena_string(&arena, "", SIZE_MAX));
	assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
	assert_non_null(arena_array(&arena, 2, 3));
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
