/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_space_test.c: memories where address space is short. With `ulimit -v` the reservation of 8 GiB is refused:
 * memories are then as large as they have to be and move when they grow, as with the option no_reservation.
 * When there is nothing left, that is said, and what was there stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "engine/test_guest.h"

#if defined(__SANITIZE_ADDRESS__)
#define NEEDS_ADDRESS_SPACE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NEEDS_ADDRESS_SPACE 1
#endif
#endif
#ifndef NEEDS_ADDRESS_SPACE
#define NEEDS_ADDRESS_SPACE 0
#endif

/*
 * g(n): memory.grow. r(at), w(at, value): words. c(n): grows by n through another function, and reads back what it
 * wrote at 8 before, through a base the interpreter must have read again.
 */
static const uint8_t grows[] = {
	MODULE(SECTION(1, 3, FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(2, I32, I32, 0),
		       FUNC_TYPE(2, I32, I32, 1, I32)),
	       SECTION(3, 4, 0, 0, 1, 0), SECTION(5, 1, 0, 1),
	       SECTION(7, 5, EXPORT_FUNC('g', 0), EXPORT_FUNC('r', 1), EXPORT_FUNC('w', 2),
		       EXPORT_FUNC('c', 3), EXPORT_MEMORY('m', 0)),
	       SECTION(10, 4, BODY(0, GET(0), MEMORY_GROW, END), BODY(0, GET(0), LOAD32, END),
		       BODY(0, GET(0), GET(1), STORE32, END),
		       BODY(0, C32(8), C32(33), STORE32, GET(0), CALL(0), DROP, C32(8), LOAD32,
			    C32(12), C32(9), STORE32, C32(12), LOAD32, ADD, END)),
	       SECTION(11, 1, 0, C32(32), END, 4, 1, 2, 3, 4))};

static void use_memory(struct guest *g, struct skiff_instance *in)
{
	struct skiff_memory *memory = guest_export(in, 'm').of.memory;

	EXPECT(0x04030201, g, in, 'r', 32);
	EXPECT(42, g, in, 'c', 1);
	for (uint32_t pages = 2; pages < 300; pages += 7) {
		GUEST_OK(g, RUN(g, in, 'w', pages * 65536 - 4, pages));
		EXPECT(pages, g, in, 'g', 7);
		EXPECT(pages, g, in, 'r', pages * 65536 - 4);
		EXPECT(0, g, in, 'r', pages * 65536);
		EXPECT(0x04030201, g, in, 'r', 32);
		EXPECT_TRAP("out_of_bounds_memory", g, in, 'r', (pages + 7) * 65536 - 3);
		assert_int_equal(skiff_memory_size(memory), (pages + 7) * 65536);
		assert_int_equal(skiff_memory_data(memory)[32], 1);
	}
	EXPECT(42, g, in, 'c', 1);
}

static void first_and_later_instances(const struct skiff_config *config)
{
	struct skiff_instance *first, *second;
	struct skiff_prelinked *pre;
	struct guest g;

	guest_open(&g, config);
	pre = PRELINK(&g, grows);
	first = guest_make(&g, pre);
	use_memory(&g, first);
	/* Its memory begins as a mapping of the module's image. */
	second = guest_make(&g, pre);
	EXPECT(0x04030201, &g, second, 'r', 32);
	EXPECT(1, &g, second, 'g', 3);
	GUEST_OK(&g, RUN(&g, second, 'w', 4 * 65536 - 4, 7));
	EXPECT(0x04030201, &g, second, 'r', 32);
	GUEST_OK(&g, skiff_instance_reset(first, &g.err));
	use_memory(&g, first);
	skiff_prelinked_free(pre);
	guest_close(&g);
}

static void without_reservation(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .no_reservation = true};

	(void)state;
	first_and_later_instances(&config);
}

/* The process's limit on address space, for the time of a test. */
static struct rlimit before;

static void set_address_space(uint64_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static void restore_address_space(void)
{
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

static void reservation_refused(void **state)
{
	(void)state;
	if (NEEDS_ADDRESS_SPACE)
		skip();
	set_address_space(UINT64_C(1) << 30);
	first_and_later_instances(NULL);
	restore_address_space();
}

/* Growth ends before the limit, by -1; then memory is as it was. */
static void growth_refused(void **state)
{
	struct skiff_instance *in;
	uint64_t pages = 1;
	struct guest g;

	(void)state;
	if (NEEDS_ADDRESS_SPACE)
		skip();
	set_address_space(UINT64_C(256) << 20);
	guest_open(&g, NULL);
	in = ADD_MODULE(&g, grows);
	for (;;) {
		GUEST_OK(&g, RUN(&g, in, 'g', 256));
		if (g.results[0].of.i32 == UINT32_MAX)
			break;
		assert_int_equal(g.results[0].of.i32, pages);
		pages += 256;
		assert_true(pages < 4096);
	}
	assert_int_equal(skiff_memory_size(guest_export(in, 'm').of.memory), pages * 65536);
	EXPECT(0x04030201, &g, in, 'r', 32);
	EXPECT(0, &g, in, 'r', (uint32_t)(pages * 65536 - 4));
	restore_address_space();
	guest_close(&g);
}

/* Stores and memories that find no room: a negative errno with a sentence. */
static void nothing_left(void **state)
{
	struct skiff_limits limits = {.min = 65536, .max = UINT64_MAX};
	struct skiff_memory *memory = NULL;
	struct skiff_store *store = NULL;
	struct skiff_config config = {.size = sizeof(config), .stack_bytes = UINT64_C(1) << 30};
	struct guest g, large;

	(void)state;
	if (NEEDS_ADDRESS_SPACE)
		skip();
	guest_open(&g, NULL);
	guest_open(&large, &config);
	set_address_space(UINT64_C(256) << 20);
	assert_true(skiff_memory_new(&memory, g.store, &limits, &g.err) < 0);
	assert_non_null(strstr(g.err.text, "65536 pages"));
	assert_true(skiff_store_new(&store, large.engine, &g.err) < 0);
	assert_non_null(strstr(g.err.text, "guest stack"));
	assert_true(memory == NULL && store == NULL);
	limits.min = 1;
	restore_address_space();
	GUEST_OK(&g, skiff_memory_new(&memory, g.store, &limits, &g.err));
	assert_int_equal(skiff_memory_data(memory)[65535], 0);
	guest_close(&g);
	guest_close(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_reservation),
		cmocka_unit_test(reservation_refused),
		cmocka_unit_test(growth_refused),
		cmocka_unit_test(nothing_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
