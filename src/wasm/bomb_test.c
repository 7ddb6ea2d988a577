/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bomb_test.c: small modules made to cost much: none may.
 *
 * What a hostile module can multiply: a list of a thousand types is taken by an instruction of two
 * bytes, fifty thousand locals are declared in four, a hash can be met on purpose. Each test builds a module
 * that does one of these as often as a few megabytes allow and gives decoding generous time, which an honest
 * algorithm needs a tenth of and a multiplying one many times.
 */
#include "wasm/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "wasm/module_bytes.h"

enum { SECONDS = 2, LIST = 1000, TIMES = 1000000 };

#define FUNCREF_NON_NULL 0x64, 0x70 /* (ref func) */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Decode in time; the outcome. The module is used up. */
static int in_time(struct buf *module, struct err *err)
{
	struct image *image;
	double begin = now(), took;
	int r = bytes_decode(&image, module->data, module->size, feature_default(), err);

	took = now() - begin;
	image_free(image);
	buf_deinit(module);
	if (took > SECONDS)
		fail_msg("%.1f s", took);
	return r;
}

static void assert_in_time(struct buf *module)
{
	struct err err;

	if (in_time(module, &err) != 0)
		fail_msg("%s", err.text);
}

static void repeat(struct buf *buf, unsigned times, const void *bytes, size_t size)
{
	for (unsigned i = 0; i < times; i++)
		bytes_put(buf, bytes, size);
}

#define REPEAT(buf, times, ...) \
	repeat(buf, times, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* A function type of `params` and `results` times one type. */
static void wide_type(struct buf *types, unsigned params, unsigned results, const void *type,
		      size_t size)
{
	BYTES(types, 0x60);
	bytes_leb(types, params);
	repeat(types, params, type, size);
	bytes_leb(types, results);
	repeat(types, results, type, size);
}

/*
 * Types: 0 nothing, 1 LIST i32 to LIST i32, 2 nothing to LIST i32, 3 nothing to LIST (ref func),
 * 4 LIST funcref to nothing. Functions of types 0 to 4 except 1, imported, then one of type 0: `body`.
 */
static struct buf wide_module(struct buf *body)
{
	struct buf module = {0}, types = {0}, code = {0};
	static const uint8_t i32 = I32, ref[] = {FUNCREF_NON_NULL}, null = 0x70;

	BYTES(&module, MODULE());
	BYTES(&types, 5, FUNC_TYPE(0, 0));
	wide_type(&types, LIST, LIST, &i32, 1);
	wide_type(&types, 0, LIST, &i32, 1);
	wide_type(&types, 0, LIST, ref, sizeof(ref));
	wide_type(&types, LIST, 0, &null, 1);
	bytes_section(&module, 1, &types);
	BYTES(&module, SECTION(2, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4), SECTION(3, 1, 0));
	BYTES(&code, 1);
	bytes_counted(&code, body);
	bytes_section(&module, 10, &code);
	return module;
}

enum { CALL_I32S, CALL_REFS, CALL_TAKES_REFS };

static void blocks_of_lists(void **state)
{
	struct buf body = {0}, module;

	(void)state;
	BYTES(&body, 0, 0x10, CALL_I32S);
	REPEAT(&body, TIMES, 0x02, 1, 0x0b);
	BYTES(&body, 0x00, 0x0b);
	module = wide_module(&body);
	assert_in_time(&module);
}

static void ifs_of_lists(void **state)
{
	struct buf body = {0}, module;

	(void)state;
	BYTES(&body, 0, 0x10, CALL_I32S);
	REPEAT(&body, TIMES, 0x41, 0, 0x04, 1, 0x05, 0x0b);
	BYTES(&body, 0x00, 0x0b);
	module = wide_module(&body);
	assert_in_time(&module);
}

/* Labels of a table, of one list and of two blocks' by turns. */
static void tables_of_lists(void **state)
{
	struct buf body = {0}, module;

	(void)state;
	BYTES(&body, 0, 0x02, 2, 0x02, 2);
	for (unsigned i = 0; i < TIMES / 60000; i++) {
		BYTES(&body, 0x02, 0x40, 0x10, CALL_I32S, 0x41, 0, 0x0e);
		bytes_leb(&body, 60000);
		REPEAT(&body, 30000, 1, 2);
		BYTES(&body, 1, 0x0b);
	}
	BYTES(&body, 0x00, 0x0b, 0x00, 0x0b, 0x00, 0x0b);
	module = wide_module(&body);
	assert_in_time(&module);
}

static void lists_in_dead_code(void **state)
{
	struct buf body = {0}, module;

	(void)state;
	BYTES(&body, 0, 0x00);
	REPEAT(&body, TIMES, 0x10, CALL_TAKES_REFS);
	BYTES(&body, 0x0b);
	module = wide_module(&body);
	assert_in_time(&module);
}

/* No type on the stack equals the one wanted: each is a subtype. */
static void lists_of_subtypes(void **state)
{
	struct buf body = {0}, module;

	(void)state;
	BYTES(&body, 0);
	REPEAT(&body, TIMES / 4, 0x10, CALL_REFS, 0x10, CALL_TAKES_REFS);
	BYTES(&body, 0x0b);
	module = wide_module(&body);
	assert_in_time(&module);
}

/* Structs of ten thousand fields, made from nothing: in dead code, and of default values; arrays of as many elements. */
static void structs_for_nothing(void **state)
{
	struct buf module = {0}, types = {0}, code = {0}, body = {0};

	(void)state;
	BYTES(&module, MODULE());
	BYTES(&types, 3, 0x60, 0, 0, 0x5e, I32, 0, 0x5f);
	bytes_leb(&types, LIMIT_FIELDS);
	REPEAT(&types, LIMIT_FIELDS, I32, 0);
	bytes_section(&module, 1, &types);
	BYTES(&module, 3, 2, 1, 0);
	BYTES(&body, 0);
	REPEAT(&body, TIMES / 2, 0xfb, 1, 2, 0x1a);
	BYTES(&body, 0x00);
	REPEAT(&body, TIMES / 2, 0xfb, 0, 2, 0x1a);
	REPEAT(&body, TIMES / 4, 0xfb, 8, 1, 0x90, 0x4e, 0x1a);
	BYTES(&body, 0x0b);
	BYTES(&code, 1);
	bytes_counted(&code, &body);
	bytes_section(&module, 10, &code);
	assert_in_time(&module);
}

/* Gigabytes of operands would be, if they were counted at the body's end only. */
static void endless_stack(void **state)
{
	struct buf body = {0}, module;
	struct err err;

	(void)state;
	BYTES(&body, 0);
	REPEAT(&body, TIMES, 0x10, CALL_I32S);
	BYTES(&body, 0x00, 0x0b);
	module = wide_module(&body);
	assert_int_equal(in_time(&module, &err), DECODE_INVALID);
	assert_non_null(strstr(err.text, "the frame needs over"));
}

/* -- Locals ------------------------------------------------------------------------------ */

/* `count` functions of these bytes. */
static struct buf many_functions(unsigned count, const void *body, size_t size)
{
	struct buf module = {0}, funcs = {0}, code = {0};

	BYTES(&module, MODULE(SECTION(1, 1, FUNC_TYPE(0, 0))));
	bytes_leb(&funcs, count);
	bytes_leb(&code, count);
	for (unsigned i = 0; i < count; i++) {
		BYTES(&funcs, 0);
		bytes_leb(&code, size);
		bytes_put(&code, body, size);
	}
	bytes_section(&module, 3, &funcs);
	bytes_section(&module, 10, &code);
	return module;
}

/* 49,999 locals, the last of which is used; of numbers, of what must be set first, of vectors. */
static void locals_for_nothing(void **state)
{
	static const uint8_t plain[] = {1,    0xcf, 0x86, 0x03, I32, 0x20,
					0xce, 0x86, 0x03, 0x1a, 0x0b};
	static const uint8_t unset[] = {1, 0xcf, 0x86, 0x03, FUNCREF_NON_NULL, 0x0b};
	struct buf module;

	(void)state;
	module = many_functions(TIMES / 2, plain, sizeof(plain));
	assert_in_time(&module);
	module = many_functions(TIMES / 2, unset, sizeof(unset));
	assert_in_time(&module);
}

static void maps_for_nothing(void **state)
{
	static const uint8_t mixed[] = {2, 0xcf, 0x86, 0x03, I32, 1, V128, 0x0b};
	struct buf module = many_functions(TIMES / 10, mixed, sizeof(mixed));
	struct err err;

	(void)state;
	assert_int_equal(in_time(&module, &err), DECODE_INVALID);
	assert_non_null(strstr(err.text, "locals of type v128"));
}

/* Locals known and not known by index, in runs of all lengths: each has the type declared. */
static void locals_by_run(void **state)
{
	struct buf body = {0}, module = {0};

	(void)state;
	BYTES(&body, 4, 3, I32, 0, F32, 0x90, 0x4e, I64, 2, F64);
	BYTES(&body, 0x20, 2, 0x45, 0x1a, 0x20, 3, 0x50, 0x1a, 0x20, 0x92, 0x4e, 0x50, 0x1a);
	BYTES(&body, 0x20, 0x93, 0x4e, 0x9a, 0x1a, 0x20, 0x94, 0x4e, 0x9a, 0x1a, 0x0b);
	bytes_func_module(&module, &body);
	assert_in_time(&module);
}

/* -- Sets and loops ---------------------------------------------------------------------- */

/* Locals that are set in a block are unset behind it, block by block. */
static void inits_undone(void **state)
{
	struct buf body = {0}, module = {0};

	(void)state;
	BYTES(&body, 1, 0xcf, 0x86, 0x03, FUNCREF_NON_NULL);
	for (unsigned i = 0; i < 40000; i++)
		BYTES(&body, 0x00, 0x21, 0x80 | (i & 0x7f), 0x80 | (i >> 7 & 0x7f), i >> 14);
	REPEAT(&body, TIMES, 0x02, 0x40, 0x0b);
	BYTES(&body, 0x0b);
	bytes_func_module(&module, &body);
	assert_in_time(&module);
}

/* A hundred thousand names that differ in their last bytes only. */
static void exports_alike(void **state)
{
	struct buf module = {0}, exports = {0};
	enum { COUNT = 100000 };

	(void)state;
	BYTES(&module, MODULE(SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(3, 1, 0)));
	bytes_leb(&exports, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		BYTES(&exports, 64);
		REPEAT(&exports, 60, 'x');
		BYTES(&exports, '0' + (i & 15), '0' + (i >> 4 & 15), '0' + (i >> 8 & 31),
		      '0' + (i >> 13));
		BYTES(&exports, 0, 0);
	}
	bytes_section(&module, 7, &exports);
	BYTES(&module, SECTION(10, 1, BODY(0, 0x0b)));
	assert_in_time(&module);
}

/* Types made so that a plain sum, exclusive or or multiplication of their words would be the same for all. */
static void types_alike(void **state)
{
	struct buf module = {0}, types = {0};
	enum { BITS = 16 };

	(void)state;
	BYTES(&module, MODULE());
	bytes_leb(&types, 1u << BITS);
	for (unsigned i = 0; i < 1u << BITS; i++) {
		BYTES(&types, 0x60, 2 * BITS);
		for (unsigned k = 0; k < BITS; k++)
			BYTES(&types, i >> k & 1 ? I32 : I64, i >> k & 1 ? I64 : I32);
		BYTES(&types, 0);
	}
	bytes_section(&module, 1, &types);
	assert_in_time(&module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_lists),     cmocka_unit_test(ifs_of_lists),
		cmocka_unit_test(tables_of_lists),     cmocka_unit_test(lists_in_dead_code),
		cmocka_unit_test(lists_of_subtypes),   cmocka_unit_test(endless_stack),
		cmocka_unit_test(structs_for_nothing), cmocka_unit_test(locals_for_nothing),
		cmocka_unit_test(maps_for_nothing),    cmocka_unit_test(locals_by_run),
		cmocka_unit_test(inits_undone),        cmocka_unit_test(exports_alike),
		cmocka_unit_test(types_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
