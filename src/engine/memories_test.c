/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memories_test.c: several memories in an instance, and memories and tables with 64 bits, as an embedder sees them:
 * made, linked, grown over what 32-bit ones can have, begun with data, shown to WASI.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/test_guest.h"

#define NO_MAX UINT64_MAX

/* -- Made and linked ----------------------------------------------------------------------- */

static const uint8_t wants_wide_memory[] = {MODULE(SECTION(2, 1, IMPORT_MEMORY('m', 4, 1)))};
static const uint8_t wants_memory[] = {MODULE(SECTION(2, 1, IMPORT_MEMORY('m', 0, 1)))};
static const uint8_t wants_wide_table[] = {
	MODULE(SECTION(2, 1, IMPORT_TABLE('t', EXTERNREF, 4, 1)))};
static const uint8_t wants_table[] = {MODULE(SECTION(2, 1, IMPORT_TABLE('t', EXTERNREF, 0, 1)))};

static void expect_link(struct guest *g, const uint8_t *bytes, size_t size, const char *sentence)
{
	struct skiff_prelinked *pre = NULL;
	struct skiff_module *module = NULL;

	GUEST_OK(g, skiff_module_new(&module, g->engine, bytes, size, &g->err));
	if (sentence == NULL) {
		GUEST_OK(g, skiff_prelink(&pre, g->linker, module, &g->err));
	} else {
		assert_int_equal(skiff_prelink(&pre, g->linker, module, &g->err), SKIFF_UNLINKABLE);
		if (strstr(g->err.text, sentence) == NULL)
			fail_msg("'%s' is not in '%s'", sentence, g->err.text);
	}
	skiff_prelinked_free(pre);
	skiff_module_free(module);
}

static void offer(struct guest *g, const char *name, struct skiff_extern item)
{
	GUEST_OK(g, skiff_linker_extern(g->linker, "h", 1, name, 1, item, &g->err));
}

static void linked_by_width(void **state)
{
	struct skiff_limits limits = {.min = 1, .max = NO_MAX, .is64 = true};
	struct skiff_extern memory = {.kind = SKIFF_KIND_MEMORY};
	struct skiff_extern table = {.kind = SKIFF_KIND_TABLE};
	struct skiff_ref null = {0};
	struct skiff_externtype type;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_memory_new(&memory.of.memory, g.store, &limits, &g.err));
	GUEST_OK(&g,
		 skiff_table_new(&table.of.table, g.store, SKIFF_EXTERNREF, &limits, null, &g.err));
	skiff_extern_type(memory, &type);
	assert_true(type.limits.is64 && type.limits.min == 1 && type.limits.max == NO_MAX);
	skiff_extern_type(table, &type);
	assert_true(type.limits.is64);
	offer(&g, "m", memory);
	offer(&g, "t", table);
	expect_link(&g, wants_wide_memory, sizeof(wants_wide_memory), NULL);
	expect_link(&g, wants_wide_table, sizeof(wants_wide_table), NULL);
	expect_link(&g, wants_memory, sizeof(wants_memory), "a 64-bit memory of 1 and more");
	expect_link(&g, wants_table, sizeof(wants_table), "a 64-bit table of 1 and more");
	guest_close(&g);
}

/* -- Larger than 4 GiB, larger than a reservation ------------------------------------------- */

enum { PAGE = 65536 };
/* 8 GiB and 64 KiB: as many bytes as are reserved for a 32-bit memory. */
#define RESERVED_PAGES UINT64_C(131073)

/*
 * A 64-bit memory 'm'. r(at), w(at, value): words at at * 64 KiB, so that both are i32. g(n): memory.grow by n pages,
 * wrapped.
 */
#define SCALED 0xad, 0x42, 16, 0x86 /* i64.extend_i32_u, i64.const 16, i64.shl */
static const uint8_t wide[] = {
	MODULE(SECTION(1, 2, FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(2, I32, I32, 0)),
	       SECTION(3, 3, 0, 1, 0), SECTION(5, 1, 4, 1),
	       SECTION(7, 4, EXPORT_FUNC('r', 0), EXPORT_FUNC('w', 1), EXPORT_FUNC('g', 2),
		       EXPORT_MEMORY('m', 0)),
	       SECTION(10, 3, BODY(0, GET(0), SCALED, LOAD32, END),
		       BODY(0, GET(0), SCALED, GET(1), STORE32, END),
		       BODY(0, GET(0), 0xad, MEMORY_GROW, 0xa7, END)),
	       SECTION(11, 1, 0, C64(0), END, 4, 1, 2, 3, 4))};

static void grown(const struct skiff_config *config)
{
	struct skiff_instance *in;
	struct skiff_memory *memory;
	struct guest g;
	uint64_t old;

	guest_open(&g, config);
	in = ADD_MODULE(&g, wide);
	memory = guest_export(in, 'm').of.memory;
	EXPECT(0x04030201, &g, in, 'r', 0);
	EXPECT_TRAP("out_of_bounds_memory", &g, in, 'r', 1);
	EXPECT(1, &g, in, 'g', RESERVED_PAGES - 1);
	EXPECT(0x04030201, &g, in, 'r', 0);
	GUEST_OK(&g, RUN(&g, in, 'w', RESERVED_PAGES - 1, 77));
	/* Further: it may have to move, and what was there comes along. */
	assert_true(skiff_memory_grow(memory, 2 * RESERVED_PAGES, &old));
	assert_true(old == RESERVED_PAGES);
	assert_true(skiff_memory_size(memory) == 3 * RESERVED_PAGES * PAGE);
	EXPECT(0x04030201, &g, in, 'r', 0);
	EXPECT(77, &g, in, 'r', RESERVED_PAGES - 1);
	GUEST_OK(&g, RUN(&g, in, 'w', 3 * RESERVED_PAGES - 1, 78));
	assert_int_equal(skiff_memory_data(memory)[(3 * RESERVED_PAGES - 1) * PAGE], 78);
	EXPECT_TRAP("out_of_bounds_memory", &g, in, 'r', 3 * RESERVED_PAGES);
	/* Our limit is 1 TiB. */
	assert_false(skiff_memory_grow(memory, UINT64_C(1) << 24, &old));
	assert_false(skiff_memory_grow(memory, UINT64_C(1) << 48, &old));
	assert_false(skiff_memory_grow(memory, UINT64_MAX, &old));
	EXPECT(-1, &g, in, 'g', UINT32_C(1) << 24);
	GUEST_OK(&g, skiff_instance_reset(in, &g.err));
	assert_true(skiff_memory_size(memory) == PAGE);
	EXPECT(0x04030201, &g, in, 'r', 0);
	EXPECT(1, &g, in, 'g', RESERVED_PAGES);
	EXPECT(0, &g, in, 'r', RESERVED_PAGES - 1);
	guest_close(&g);
}

static void grown_far(void **state)
{
	struct skiff_config config = {.size = sizeof(config), .no_reservation = true};

	(void)state;
	grown(NULL);
	grown(&config);
}

/* A mapping that happens to be as large as a reservation is none. */
static void no_reservation(void **state)
{
	struct skiff_limits limits = {.min = RESERVED_PAGES, .max = NO_MAX, .is64 = true};
	struct skiff_memory *memory = NULL;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_memory_new(&memory, g.store, &limits, &g.err));
	assert_true(skiff_memory_grow(memory, 1, NULL));
	skiff_memory_data(memory)[RESERVED_PAGES * PAGE + PAGE - 1] = 1;
	limits.min = 0;
	GUEST_OK(&g, skiff_memory_new(&memory, g.store, &limits, &g.err));
	assert_true(skiff_memory_grow(memory, 1, NULL));
	assert_int_equal(skiff_memory_data(memory)[PAGE - 1], 0);
	guest_close(&g);
}

static bool refuse(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	uint64_t *asked = env;

	(void)now;
	*asked = kind == SKIFF_KIND_MEMORY ? wanted : 0;
	return wanted <= 2 * PAGE;
}

static void limited(void **state)
{
	struct skiff_instance *in;
	uint64_t asked = 0;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	skiff_store_limiter(g.store, refuse, &asked);
	in = ADD_MODULE(&g, wide);
	EXPECT(-1, &g, in, 'g', 1 << 20);
	assert_true(asked == ((UINT64_C(1) << 20) + 1) * PAGE);
	EXPECT(1, &g, in, 'g', 1);
	guest_close(&g);
}

/* -- Several -------------------------------------------------------------------------------- */

/*
 * Memories 'm', 'n' (64 bits), 'o', each with data. a(at), b(at), c(at): a byte of each. x(at): adds one to a byte of
 * the first and of the last, and gives their sum.
 */
#define BYTE_OF(m) 0x2d, 0x40, m, 0
#define STORE_OF(m) 0x3a, 0x40, m, 0
static const uint8_t three[] = {
	MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 1, I32)), SECTION(3, 4, 0, 0, 0, 0),
	       SECTION(5, 3, 0, 1, 4, 1, 1, 1, 2),
	       SECTION(7, 7, EXPORT_FUNC('a', 0), EXPORT_FUNC('b', 1), EXPORT_FUNC('c', 2),
		       EXPORT_FUNC('x', 3), EXPORT_MEMORY('m', 0), EXPORT_MEMORY('n', 1),
		       EXPORT_MEMORY('o', 2)),
	       SECTION(10, 4, BODY(0, GET(0), BYTE_OF(0), END),
		       BODY(0, GET(0), 0xad, BYTE_OF(1), END), BODY(0, GET(0), BYTE_OF(2), END),
		       BODY(0, GET(0), GET(0), BYTE_OF(0), C32(1), ADD, STORE_OF(0), GET(0), GET(0),
			    BYTE_OF(2), C32(1), ADD, STORE_OF(2), GET(0), BYTE_OF(0), GET(0),
			    BYTE_OF(2), ADD, END)),
	       SECTION(11, 4, 0, C32(0), END, 3, 1, 2, 3, 2, 1, C64(0), END, 3, 4, 5, 6, 2, 2,
		       C32(0), END, 3, 7, 8, 9, 0, C32(1), END, 1, 22))};

static void check_three(struct guest *g, struct skiff_instance *in)
{
	EXPECT(1, g, in, 'a', 0);
	EXPECT(22, g, in, 'a', 1);
	EXPECT(5, g, in, 'b', 1);
	EXPECT(8, g, in, 'c', 1);
	EXPECT(14, g, in, 'x', 2); /* 3 and 9, each one more */
	EXPECT(4, g, in, 'a', 2);
	EXPECT(6, g, in, 'b', 2);
	EXPECT(10, g, in, 'c', 2);
	assert_int_equal(skiff_memory_data(guest_export(in, 'n').of.memory)[2], 6);
	assert_int_equal(skiff_memory_data(guest_export(in, 'o').of.memory)[2], 10);
}

/* From the second instance on the first memory begins as a mapping of the module's image, the others do not. */
static void several(void **state)
{
	struct skiff_instance *in[4];
	struct skiff_prelinked *pre;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	pre = PRELINK(&g, three);
	for (int i = 0; i < 4; i++) {
		in[i] = guest_make(&g, pre);
		check_three(&g, in[i]);
	}
	for (int i = 0; i < 4; i++) {
		GUEST_OK(&g, skiff_instance_reset(in[i], &g.err));
		check_three(&g, in[i]);
	}
	skiff_prelinked_free(pre);
	guest_close(&g);
}

/* -- WASI ------------------------------------------------------------------------------------ */

/*
 * f(): args_sizes_get(0, 4), then the word at 0 of memory 0 and of memory 1, and the error, as digits of a number. The
 * memory `shown`, 0 or 1, is exported as "memory".
 */
#define PREVIEW1                                                                                 \
	22, 'w', 'a', 's', 'i', '_', 's', 'n', 'a', 'p', 's', 'h', 'o', 't', '_', 'p', 'r', 'e', \
		'v', 'i', 'e', 'w', '1'
#define ARGS_SIZES_GET 14, 'a', 'r', 'g', 's', '_', 's', 'i', 'z', 'e', 's', '_', 'g', 'e', 't'
#define SHOWN(memory) 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, memory
#define ASKS(wide, shown, address)                                                              \
	MODULE(SECTION(1, 2, FUNC_TYPE(2, I32, I32, 1, I32), FUNC_TYPE(0, 1, I32)),             \
	       SECTION(2, 1, PREVIEW1, ARGS_SIZES_GET, 0, 0), SECTION(3, 1, 1),                 \
	       SECTION(5, 2, 0, 1, wide, 1), SECTION(7, 2, EXPORT_FUNC('f', 1), SHOWN(shown)),  \
	       SECTION(10, 1,                                                                   \
		       BODY(0, C32(0), C32(4), CALL(0), C32(10), MUL, C32(0), 0x28, 0x40, 0, 0, \
			    ADD, C32(10), MUL, address, 0x28, 0x40, 1, 0, ADD, END)))

static const uint8_t shows_first[] = {ASKS(0, 0, C32(0))};
static const uint8_t shows_second[] = {ASKS(0, 1, C32(0))};
static const uint8_t shows_wide[] = {ASKS(4, 1, C64(0))};

static void shown_to_wasi(void **state)
{
	struct skiff_wasi *wasi = NULL;
	struct guest g;

	(void)state;
	guest_open(&g, NULL);
	GUEST_OK(&g, skiff_wasi_new(&wasi, &g.err));
	for (int i = 0; i < 3; i++)
		GUEST_OK(&g, skiff_wasi_arg(wasi, "a", &g.err));
	GUEST_OK(&g, skiff_linker_wasi(g.linker, wasi, &g.err));
	EXPECT(30, &g, ADD_MODULE(&g, shows_first), 'f');
	EXPECT(3, &g, ADD_MODULE(&g, shows_second), 'f');
	/* Its pointers do not fit preview 1: EFAULT, which is 21. */
	EXPECT(2100, &g, ADD_MODULE(&g, shows_wide), 'f');
	skiff_wasi_free(wasi);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linked_by_width), cmocka_unit_test(grown_far),
		cmocka_unit_test(no_reservation),  cmocka_unit_test(limited),
		cmocka_unit_test(several),         cmocka_unit_test(shown_to_wasi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
