/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_alloc_test.c: decoding when there is no memory, and how much of it decoding takes.
 *
 * The program is linked so that the engine's allocations come through here (meson.build, tests called
 * *_alloc_test.c): each can be refused, all are counted.
 */
#include "wasm/decode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_refuse.h"
#include "wasm/module_bytes.h"

static void count_from_here(unsigned refuse)
{
	calls = 0;
	asked_bytes = 0;
	refuse_at = refuse;
	counting = true;
}

/* table-like: a section a line. Something for each table the decoder fills. */
static const uint8_t good[] = {MODULE(
	SECTION(1, 4, FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 1, I32), 0x5f, 1, I32, 1, 0x60, 0, 0),
	SECTION(2, 1, 1, 'm', 1, 'f', 0, 1), SECTION(3, 2, 0, 1), SECTION(4, 1, 0x70, 1, 3, 9),
	SECTION(5, 1, 1, 1, 2), SECTION(13, 1, 0, 0), SECTION(6, 1, I64, 1, 0x42, 0x7f, 0x0b),
	SECTION(7, 2, 1, 'r', 0, 2, 1, 'm', 2, 0), SECTION(9, 1, 0, 0x41, 0, 0x0b, 2, 0, 1),
	SECTION(12, 1),
	SECTION(10, 2,
		BODY(2, 2, I32, 1, 0x64, 0x70, 0xd2, 2, 0x21, 2, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a,
		     0x22, 0, 0x41, 9, 0x49, 0x0d, 0, 0x0b, 0x06, 0x40, 0x1f, 0x40, 1, 2, 0, 0x0b,
		     0x19, 0x0b, 0x0b),
		BODY(1, 1, V128, 0x20, 0, 0x04, I32, 0x20, 0, 0x05, 0x41, 0, 0x0b, 0x20, 1, 0xfd,
		     0x53, 0x6a, 0x0b)),
	SECTION(11, 1, 0, 0x41, 0, 0x0b, 2, 'h', 'i'),
	SECTION(0, 4, 'n', 'a', 'm', 'e', 1, 5, 1, 2, 2, 'o', 'k'))};

static int decode_refusing(unsigned refuse, const void *bytes, size_t size, struct err *err)
{
	struct image *image;
	int r;

	count_from_here(refuse);
	r = bytes_decode(&image, bytes, size, feature_default(), err);
	counting = false;
	image_free(image);
	return r;
}

/* The 1st, the 2nd, the 3rd... allocation fails: each time no memory, said so, nothing left behind. */
static void each_allocation_fails(void **state)
{
	struct err err;
	unsigned n;

	(void)state;
	for (n = 1;; n++) {
		int r = decode_refusing(n, good, sizeof(good), &err);

		if (r == 0)
			break;
		if (n == 1) { /* the block for the bytes */
			assert_int_equal(r, -1);
			continue;
		}
		if (r != -ENOMEM)
			fail_msg("allocation %u refused: %d %s", n, r, err.text);
		assert_non_null(strstr(err.text, "out of memory"));
	}
	/* All of them were refused once, and there were some. */
	assert_int_equal(calls, n - 1);
	assert_true(n > 15);
}

#define HUGE_COUNT 0xff, 0xff, 0xff, 0xff, 0x0f
#define ASSERT_FRUGAL(...)                                      \
	do {                                                    \
		static const uint8_t bytes[] = {__VA_ARGS__};   \
		struct err err;                                 \
		decode_refusing(0, bytes, sizeof(bytes), &err); \
		assert_in_range(asked_bytes, 1, 16 * 1024);     \
	} while (0)

/* Counts of four billion are not believed before what they count is there. */
static void enormous_counts(void **state)
{
	(void)state;
	ASSERT_FRUGAL(MODULE(SECTION(1, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(2, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(3, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(4, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(6, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(7, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(9, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(10, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(11, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(12, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(0, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(1, 1, FUNC_TYPE(HUGE_COUNT, 0))));
	ASSERT_FRUGAL(MODULE(SECTION(1, 1, 0x4e, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(1, 1, 0x5f, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(4, 1, 0x70, 0, HUGE_COUNT)));
	ASSERT_FRUGAL(MODULE(SECTION(9, 1, 1, 0, HUGE_COUNT)));
	ASSERT_FRUGAL(FUNC_MODULE(1, HUGE_COUNT, I32, 0x0b));
	ASSERT_FRUGAL(FUNC_MODULE(0, 0x41, 0, 0x0e, HUGE_COUNT, 0x0b));
	ASSERT_FRUGAL(FUNC_MODULE(0, 0x1f, 0x40, HUGE_COUNT, 0x0b, 0x0b));
}

/* What is asked_bytes for over and over while arrays grow, too, stays in proportion to the module. */
static size_t asked_for_functions(uint32_t count)
{
	struct buf module = {0}, functions = {0}, code = {0};
	struct err err;

	BYTES(&module, MODULE(SECTION(1, 1, FUNC_TYPE(0, 0))));
	bytes_leb(&functions, count);
	bytes_leb(&code, count);
	for (uint32_t i = 0; i < count; i++) {
		BYTES(&functions, 0);
		BYTES(&code, BODY(0, 0x02, 0x40, 0x0c, 0, 0x0b, 0x0b));
	}
	bytes_section(&module, 3, &functions);
	bytes_section(&module, 10, &code);
	assert_int_equal(decode_refusing(0, module.data, module.size, &err), 0);
	buf_deinit(&module);
	return asked_bytes;
}

static void in_proportion(void **state)
{
	size_t small = asked_for_functions(10000), large = asked_for_functions(80000);

	(void)state;
	assert_true(large < small * 16);
	assert_true(large < 80000 * 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails),
		cmocka_unit_test(enormous_counts),
		cmocka_unit_test(in_proportion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
