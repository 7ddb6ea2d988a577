/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 512, ROUNDS = 60000 };

static uint32_t random_step(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Every size keeps its bytes, is aligned and as large as asked for. */
static void sizes_hold(void **state)
{
	(void)state;
	for (size_t size = 0; size < 300000; size += 1 + size / 17) {
		uint8_t *at = heap_alloc(size);

		assert_non_null(at);
		assert_int_equal((uintptr_t)at % 16, 0);
		assert_true(heap_usable(at) >= size);
		memset(at, 0xa5, heap_usable(at));
		heap_free(at);
	}
}

static void zeroed_after_use(void **state)
{
	(void)state;
	for (size_t size = 1; size < 200000; size = size * 2 + 1) {
		uint8_t *dirty = heap_alloc(size);
		uint8_t *clean;

		memset(dirty, 0xff, size);
		heap_free(dirty);
		clean = heap_zalloc(1, size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(clean[i], 0);
		heap_free(clean);
	}
}

static void too_much_is_null(void **state)
{
	(void)state;
	assert_null(heap_alloc(SIZE_MAX));
	assert_null(heap_alloc(PTRDIFF_MAX));
	assert_null(heap_zalloc(SIZE_MAX / 2, 3));
	assert_null(heap_aligned(64, SIZE_MAX - 32));
	assert_null(heap_aligned(48, 10));
}

static void aligned_and_back(void **state)
{
	(void)state;
	for (size_t align = 16; align <= 65536; align *= 2) {
		uint8_t *at = heap_aligned(align, 1000);

		assert_int_equal((uintptr_t)at % align, 0);
		assert_true(heap_usable(at) >= 1000);
		memset(at, 1, 1000);
		at = heap_realloc(at, 5000);
		for (int i = 0; i < 1000; i++)
			assert_int_equal(at[i], 1);
		heap_free(at);
	}
}

struct held {
	uint8_t *at;
	size_t size;
	uint8_t mark;
};

static void check(const struct held *h)
{
	for (size_t i = 0; i < h->size; i += 97)
		assert_int_equal(h->at[i], h->mark);
}

/* Many chunks at once, grown, shrunk and freed in random order, never overlap. */
static void random_life(void **state)
{
	static struct held held[SLOTS];
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct held *h = &held[random_step(&seed) % SLOTS];
		size_t size = random_step(&seed) % (round % 50 == 0 ? 400000 : 3000);

		if (h->at != NULL)
			check(h);
		if (random_step(&seed) % 3 == 0) {
			heap_free(h->at);
			*h = (struct held){0};
			continue;
		}
		h->at = heap_realloc(h->at, size);
		h->size = size;
		h->mark = (uint8_t)round;
		memset(h->at, h->mark, size);
	}
	for (int i = 0; i < SLOTS; i++)
		heap_free(held[i].at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_hold),       cmocka_unit_test(zeroed_after_use),
		cmocka_unit_test(too_much_is_null), cmocka_unit_test(aligned_and_back),
		cmocka_unit_test(random_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
