/* SPDX-License-Identifier: Apache-2.0 */
/* decode_test.c: proposals on and off, and all the ways a module can be bad. */
#include "wasm/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/module_bytes.h"

static int try(const void *bytes, size_t size, uint64_t features, struct err *err)
{
	struct image *image;
	int r = bytes_decode(&image, bytes, size, features, err);

	image_free(image);
	return r;
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* Refused, in a sentence with this in it. */
static void assert_refused(const void *bytes, size_t size, int outcome, const char *part)
{
	struct err err;
	int r = try(bytes, size, feature_default(), &err);

	assert_has(err.text, part);
	assert_int_equal(r, outcome);
	assert_has(err.text, outcome == DECODE_INVALID ? "invalid module" : "malformed module");
}

static void assert_accepted(const void *bytes, size_t size)
{
	struct err err;

	if (try(bytes, size, feature_default(), &err) != 0)
		fail_msg("%s", err.text);
}

/* -- Features ---------------------------------------------------------------------------- */

#define TYPE_SECTION(...) SECTION(1, 1, FUNC_TYPE(__VA_ARGS__))
#define MEMORY_SECTION SECTION(5, 1, 0, 1)

static const uint8_t mutable_export[] = {
	MODULE(SECTION(6, 1, I32, 1, 0x41, 0, 0x0b), SECTION(7, 1, 1, 'g', 3, 0))};
static const uint8_t mutable_import[] = {MODULE(SECTION(2, 1, 1, 'm', 1, 'g', 3, I32, 1))};
static const uint8_t sign_ext[] = {FUNC_MODULE(0, 0x41, 0, 0xc0, 0x1a, 0x0b)};
static const uint8_t sat_conv[] = {FUNC_MODULE(0, 0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a, 0x0b)};
static const uint8_t two_results[] = {MODULE(TYPE_SECTION(0, 2, I32, I32))};
static const uint8_t block_params[] = {
	MODULE(SECTION(1, 2, FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 0)), SECTION(3, 1, 0),
	       SECTION(10, 1, BODY(0, 0x41, 0, 0x02, 1, 0x1a, 0x0b, 0x0b)))};
static const uint8_t ref_null[] = {FUNC_MODULE(0, 0xd0, 0x70, 0x1a, 0x0b)};
static const uint8_t externref[] = {MODULE(TYPE_SECTION(1, 0x6f, 0))};
static const uint8_t typed_select[] = {
	FUNC_MODULE(0, 0x41, 0, 0x41, 0, 0x41, 0, 0x1c, 1, I32, 0x1a, 0x0b)};
static const uint8_t two_tables[] = {MODULE(SECTION(4, 2, 0x70, 0, 0, 0x70, 0, 0))};
static const uint8_t memory_fill[] = {
	MODULE(TYPE_SECTION(0, 0), SECTION(3, 1, 0), MEMORY_SECTION,
	       SECTION(10, 1, BODY(0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0, 0x0b)))};
static const uint8_t passive_data[] = {MODULE(SECTION(11, 1, 1, 1, 'x'))};
static const uint8_t data_count[] = {MODULE(SECTION(12, 0))};
static const uint8_t vector_type[] = {MODULE(TYPE_SECTION(1, V128, 0))};
static const uint8_t vector_code[] = {FUNC_MODULE(0, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x53, 0x1a, 0x0b)};
static const uint8_t vector_global[] = {MODULE(
	SECTION(6, 1, V128, 0, 0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b))};
static const uint8_t relaxed[] = {
	FUNC_MODULE(1, 1, V128, 0x20, 0, 0x20, 0, 0xfd, 0x80, 0x02, 0x1a, 0x0b)};
static const uint8_t tail_call[] = {FUNC_MODULE(0, 0x12, 0, 0x0b)};
static const uint8_t extended_const[] = {
	MODULE(SECTION(6, 1, I32, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b))};
static const uint8_t typed_null[] = {FUNC_MODULE(0, 0xd0, 0, 0x1a, 0x0b)};
static const uint8_t call_ref[] = {FUNC_MODULE(0, 0xd0, 0, 0x14, 0, 0x0b)};
static const uint8_t non_null_type[] = {MODULE(TYPE_SECTION(1, 0x64, 0x70, 0))};
static const uint8_t struct_type[] = {MODULE(SECTION(1, 1, 0x5f, 1, I32, 0))};
static const uint8_t rec_group[] = {MODULE(SECTION(1, 1, 0x4e, 1, 0x60, 0, 0))};
static const uint8_t open_type[] = {MODULE(SECTION(1, 1, 0x50, 0, 0x60, 0, 0))};
static const uint8_t anyref[] = {MODULE(TYPE_SECTION(1, 0x6e, 0))};
static const uint8_t struct_new[] = {MODULE(SECTION(1, 2, FUNC_TYPE(0, 0), 0x5f, 0),
					    SECTION(3, 1, 0),
					    SECTION(10, 1, BODY(0, 0xfb, 0, 1, 0x1a, 0x0b)))};
static const uint8_t tag[] = {MODULE(TYPE_SECTION(0, 0), SECTION(13, 1, 0, 0))};
static const uint8_t exnref[] = {MODULE(TYPE_SECTION(1, 0x69, 0))};
static const uint8_t throw_ref[] = {FUNC_MODULE(0, 0xd0, 0x69, 0x0a, 0x0b)};
static const uint8_t legacy_try[] = {FUNC_MODULE(0, 0x06, 0x40, 0x19, 0x0b, 0x0b)};
static const uint8_t memory_index[] = {
	MODULE(TYPE_SECTION(0, 0), SECTION(3, 1, 0), MEMORY_SECTION,
	       SECTION(10, 1, BODY(0, 0x41, 0, 0x28, 0x42, 0, 0, 0x1a, 0x0b)))};
static const uint8_t two_memories[] = {MODULE(SECTION(5, 2, 0, 1, 0, 1))};
static const uint8_t imported_memories[] = {
	MODULE(SECTION(2, 2, 0, 0, 2, 0, 1, 1, 'm', 0, 2, 0, 1))};
static const uint8_t memory64[] = {MODULE(SECTION(5, 1, 4, 1))};
static const uint8_t table64[] = {MODULE(SECTION(4, 1, 0x70, 4, 1))};
static const uint8_t shared_memory[] = {MODULE(SECTION(5, 1, 3, 1, 1))};
static const uint8_t fence[] = {FUNC_MODULE(0, 0xfe, 3, 0, 0x0b)};

struct sample {
	const char *what;
	enum feature feature;
	const uint8_t *bytes;
	size_t size;
	const char *off; /* what is said without it; NULL: the usual */
};

#define SAMPLE(feature, bytes) {#bytes, FEATURE_##feature, bytes, sizeof(bytes), NULL}
#define SAMPLE_OFF(feature, bytes, off) {#bytes, FEATURE_##feature, bytes, sizeof(bytes), off}

/* table-like: one or more a proposal. */
static const struct sample samples[] = {
	SAMPLE(MUTABLE_GLOBALS, mutable_export),
	SAMPLE(MUTABLE_GLOBALS, mutable_import),
	SAMPLE(SIGN_EXT, sign_ext),
	SAMPLE(SAT_CONV, sat_conv),
	SAMPLE(MULTI_VALUE, two_results),
	SAMPLE(MULTI_VALUE, block_params),
	SAMPLE(REF_TYPES, ref_null),
	SAMPLE(REF_TYPES, externref),
	SAMPLE(REF_TYPES, typed_select),
	SAMPLE(REF_TYPES, two_tables),
	SAMPLE(BULK, memory_fill),
	SAMPLE(BULK, passive_data),
	SAMPLE(BULK, data_count),
	SAMPLE(SIMD, vector_type),
	SAMPLE(SIMD, vector_code),
	SAMPLE(SIMD, vector_global),
	SAMPLE(RELAXED_SIMD, relaxed),
	SAMPLE(TAIL_CALL, tail_call),
	SAMPLE(EXTENDED_CONST, extended_const),
	SAMPLE(FUNC_REFS, typed_null),
	SAMPLE(FUNC_REFS, call_ref),
	SAMPLE(FUNC_REFS, non_null_type),
	SAMPLE(GC, struct_type),
	SAMPLE(GC, rec_group),
	SAMPLE(GC, open_type),
	SAMPLE(GC, anyref),
	SAMPLE(GC, struct_new),
	SAMPLE(EXCEPTIONS, tag),
	SAMPLE(EXCEPTIONS, exnref),
	SAMPLE(EXCEPTIONS, throw_ref),
	SAMPLE(LEGACY_EXCEPTIONS, legacy_try),
	SAMPLE_OFF(MULTI_MEMORY, memory_index, "malformed memop flags 0x42"),
	SAMPLE(MULTI_MEMORY, two_memories),
	SAMPLE(MULTI_MEMORY, imported_memories),
	SAMPLE(MEMORY64, memory64),
	SAMPLE(MEMORY64, table64),
	SAMPLE(THREADS, shared_memory),
	SAMPLE(THREADS, fence),
};

static void check_on(const struct sample *s)
{
	struct image *image;
	struct err err;
	int r = bytes_decode(&image, s->bytes, s->size, feature_default(), &err);

	if (r != 0)
		fail_msg("%s, with %s: %s", s->what, feature_name(s->feature), err.text);
	/* The image says what it needs, unless the feature only widens an encoding. */
	if (s->off == NULL)
		assert_true(image->features & FEATURE_BIT(s->feature));
	image_free(image);
}

static void check_off(const struct sample *s)
{
	struct err err;
	char usual[80];
	int r = try(s->bytes, s->size, feature_default() & ~FEATURE_BIT(s->feature), &err);

	if (r <= 0)
		fail_msg("%s is accepted without %s", s->what, feature_name(s->feature));
	snprintf(usual, sizeof(usual), "needs the feature '%s', which is switched off",
		 feature_name(s->feature));
	assert_has(err.text, s->off != NULL ? s->off : usual);
}

static void features(void **state)
{
	uint64_t seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		check_on(&samples[i]);
		check_off(&samples[i]);
		seen |= FEATURE_BIT(samples[i].feature);
	}
	for (int f = FEATURE_MVP + 1; f < FEATURE_COUNT; f++)
		if ((seen & FEATURE_BIT(f)) == 0)
			fail_msg("no sample for %s", feature_name(f));
}

/* A module of 1.0 passes with everything off and needs nothing. */
static void no_features(void **state)
{
	static const uint8_t bytes[] = {MODULE(TYPE_SECTION(1, I32, 1, I32), SECTION(3, 1, 0),
					       SECTION(4, 1, 0x70, 0, 1), MEMORY_SECTION,
					       SECTION(9, 1, 0, 0x41, 0, 0x0b, 1, 0),
					       SECTION(10, 1, BODY(0, 0x20, 0, 0x28, 2, 0, 0x0b)))};
	struct image *image;
	struct err err;

	(void)state;
	assert_int_equal(bytes_decode(&image, bytes, sizeof(bytes), 0, &err), 0);
	assert_true(image->features == 0);
	image_free(image);
}

/* -- What is no module ------------------------------------------------------------------- */

#define REFUSE_TEXT(text, part) assert_refused(text, sizeof(text) - 1, DECODE_MALFORMED, part)

static void other_files(void **state)
{
	(void)state;
	assert_refused("", 0, DECODE_MALFORMED, "the file is empty");
	REFUSE_TEXT("\0asm\x0d\0\1\0\0\0", "a component");
	REFUSE_TEXT("\177ELF\2\1\1\0\0\0\0\0", "an ELF program");
	REFUSE_TEXT("(module (func))", "WebAssembly text");
	REFUSE_TEXT("\n\t ;; a comment\n(module)", "WebAssembly text");
	REFUSE_TEXT("#!/bin/sh\nexit\n", "magic header not detected");
	REFUSE_TEXT("\0asm\2\0\0\0", "unknown binary version");
	REFUSE_TEXT("\0asm\1\0\0", "unexpected end");
	REFUSE_TEXT("\0as", "unexpected end");
	REFUSE_TEXT("x", "unexpected end");
	REFUSE_TEXT("    ", "magic header not detected");
}

/* -- A good module with something in every section ---------------------------------------- */

/* table-like: a section a line. */
static const uint8_t good[] = {MODULE(
	/* 0 () -> (), 1 (i32) -> (i32), 2 struct, 3 its subtype, 4 and 5 a group */
	SECTION(1, 5, FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 1, I32), 0x50, 0, 0x5f, 1, I32, 1, 0x4f, 1,
		2, 0x5f, 2, I32, 1, 0x63, 2, 0, 0x4e, 2, 0x5f, 1, 0x63, 5, 0, 0x5e, 0x63, 4, 1),
	SECTION(2, 2, 1, 'm', 1, 'f', 0, 1, 1, 'm', 1, 'g', 3, I32, 0), SECTION(3, 2, 0, 1),
	SECTION(4, 2, 0x70, 1, 3, 9, 0x40, 0, 0x64, 0, 0, 1, 0xd2, 1, 0x0b), SECTION(5, 1, 1, 1, 2),
	SECTION(13, 1, 0, 0),
	SECTION(6, 2, I64, 1, 0x42, 0x7f, 0x0b, I32, 0, 0x23, 0, 0x41, 4, 0x6c, 0x0b),
	SECTION(7, 2, 1, 'r', 0, 2, 1, 'm', 2, 0), SECTION(8, 1),
	SECTION(9, 3, 0, 0x41, 0, 0x0b, 2, 0, 1, 5, 0x70, 2, 0xd2, 2, 0x0b, 0xd0, 0x70, 0x0b, 7,
		0x70, 0),
	SECTION(12, 2),
	SECTION(10, 2,
		BODY(1, 2, I32, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 9, 0x49, 0x0d, 0,
		     0x0b, 0x02, 0x40, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x41, 0, 0x41, 1, 0x41, 2,
		     0xfc, 8, 1, 0, 0x20, 1, 0x11, 0, 0, 0x0b),
		BODY(1, 1, V128, 0x20, 0, 0x04, I32, 0x20, 0, 0x10, 0, 0x05, 0x20, 0, 0x28, 2, 8,
		     0x0b, 0x20, 1, 0xfd, 0x53, 0x6a, 0x0b)),
	SECTION(11, 2, 0, 0x41, 0, 0x0b, 2, 'h', 'i', 1, 3, 'a', 'b', 'c'),
	SECTION(0, 4, 'n', 'a', 'm', 'e', 1, 5, 1, 2, 2, 'o', 'k'))};

static void good_module(void **state)
{
	struct image *image;
	struct err err;
	const struct image_func *func;

	(void)state;
	if (bytes_decode(&image, good, sizeof(good), feature_default(), &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(image->magic, IMAGE_MAGIC);
	assert_int_equal(image->types.count, 6);
	assert_int_equal(image->imported_funcs, 1);
	assert_int_equal(image->funcs.count, 3);
	assert_int_equal(image->tables.count, 2);
	assert_int_equal(image->globals.count, 3);
	assert_int_equal(image->datas.count, 2);
	assert_int_equal(image->elements.count, 3);
	assert_int_equal(image->sections.count, 14);
	assert_int_equal(image->start, 1);
	func = image_func(image, 2);
	assert_int_equal(func->params, 1);
	assert_int_equal(func->locals, 3);
	assert_int_equal(image_find_func(image, func->code), 2);
	assert_int_equal(image_find_func(image, func->code_end - 1), 2);
	assert_int_equal(image_find_func(image, 8), IMAGE_NONE);
	assert_int_equal(image_func_name(image, 2).size, 2);
	assert_memory_equal(image_module(image) + image_func_name(image, 2).at, "ok", 2);
	/* An image is position-independent: a copy is as good. */
	assert_memory_equal(image_module(image), good, 8);
	image_free(image);
}

/*
 * Cut off where a section ends a module may be whole again: as long as no function is declared, and behind the
 * data. Anywhere else it is refused.
 */
static bool is_whole(size_t size)
{
	size_t at = 8;

	for (;;) {
		uint8_t id = at < sizeof(good) ? good[at] : 0;

		if (at == size)
			return id <= 3 || size == sizeof(good);
		if (at > size)
			return false;
		at += 2 + good[at + 1];
	}
}

static void truncated(void **state)
{
	struct err err;

	(void)state;
	for (size_t size = 0; size <= sizeof(good); size++) {
		int r = try(good, size, feature_default(), &err);

		if ((r == 0) != is_whole(size))
			fail_msg("%zu of %zu bytes: %d %s", size, sizeof(good), r, err.text);
		if (r != 0)
			assert_true(r == DECODE_MALFORMED && err.text[0] != '\0');
	}
}

/* Each bit turned, each byte replaced: an answer, whichever, and a sentence with each refusal. */
static void changed(void **state)
{
	uint8_t bytes[sizeof(good)];
	unsigned accepted = 0;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good); i++) {
		for (unsigned x = 1; x < 256; x++) {
			int r;

			memcpy(bytes, good, sizeof(good));
			bytes[i] ^= (uint8_t)x;
			r = try(bytes, sizeof(bytes), feature_default(), &err);
			assert_true(r == 0 || r == DECODE_MALFORMED || r == DECODE_INVALID);
			assert_int_equal(r == 0, err.text[0] == '\0');
			accepted += r == 0;
		}
	}
	assert_true(accepted > 0 && accepted < sizeof(good) * 255 / 2);
}

/* -- Sections ---------------------------------------------------------------------------- */

#define REFUSE(outcome, part, ...)                                    \
	do {                                                          \
		static const uint8_t bytes[] = {MODULE(__VA_ARGS__)}; \
		assert_refused(bytes, sizeof(bytes), outcome, part);  \
	} while (0)

static void sections(void **state)
{
	(void)state;
	REFUSE(DECODE_MALFORMED, "unknown section id 14", 14, 0);
	REFUSE(DECODE_MALFORMED, "out of order or twice", SECTION(5, 0), SECTION(4, 0));
	REFUSE(DECODE_MALFORMED, "out of order or twice", SECTION(1, 0), SECTION(1, 0));
	REFUSE(DECODE_MALFORMED, "the section says it has 9 bytes", 1, 9, 0);
	REFUSE(DECODE_MALFORMED, "section size mismatch: 1 bytes left over", SECTION(1, 0, 0));
	REFUSE(DECODE_MALFORMED, "inconsistent lengths", TYPE_SECTION(0, 0), SECTION(3, 1, 0));
	REFUSE(DECODE_MALFORMED, "inconsistent lengths", TYPE_SECTION(0, 0), SECTION(3, 1, 0),
	       SECTION(10, 0));
	REFUSE(DECODE_MALFORMED, "inconsistent lengths", SECTION(12, 1));
	REFUSE(DECODE_MALFORMED, "malformed UTF-8", SECTION(0, 1, 0xff));
	REFUSE(DECODE_INVALID, "unknown type 1", TYPE_SECTION(0, 0), SECTION(3, 1, 1));
	REFUSE(DECODE_INVALID, "duplicate export name 'm'", MEMORY_SECTION,
	       SECTION(7, 2, 1, 'm', 2, 0, 1, 'm', 2, 0));
	REFUSE(DECODE_INVALID, "unknown function 0", SECTION(8, 0));
	REFUSE(DECODE_INVALID, "not a function type", SECTION(1, 1, 0x5f, 0), SECTION(3, 1, 0));
	REFUSE(DECODE_INVALID, "does not match its supertype 0",
	       SECTION(1, 2, 0x50, 0, 0x5f, 1, I32, 0, 0x50, 1, 0, 0x5f, 1, I64, 0));
	REFUSE(DECODE_INVALID, "does not come before it", SECTION(1, 1, 0x50, 1, 0, 0x5f, 0));
}

/* A number may be longer than it need be, the code of a type may not. */
static void padded_types(void **state)
{
	struct err err;
	static const uint8_t index[] = {
		MODULE(SECTION(1, 2, 0x5f, 0, 0x60, 1, 0x63, 0x80, 0x80, 0, 0))};

	(void)state;
	assert_int_equal(try(index, sizeof(index), feature_default(), &err), 0);
	REFUSE(DECODE_MALFORMED, "malformed heap type",
	       SECTION(1, 1, 0x60, 1, 0x63, 0xf0, 0x7f, 0));
	REFUSE(DECODE_MALFORMED, "malformed heap type", TYPE_SECTION(0, 0), SECTION(3, 1, 0),
	       SECTION(10, 1, BODY(0, 0xd0, 0xef, 0x7f, 0x1a, 0x0b)));
	REFUSE(DECODE_MALFORMED, "malformed block type", TYPE_SECTION(0, 0), SECTION(3, 1, 0),
	       SECTION(10, 1, BODY(0, 2, 0xc0, 0x7f, 0x0b, 0x0b)));
	REFUSE(DECODE_MALFORMED, "malformed value type", TYPE_SECTION(1, 0xff, 0x7f, 0));
}

#define FUNCTION_OF(...) \
	TYPE_SECTION(0, 0), SECTION(3, 1, 0), SECTION(10, 1, BODY(0, __VA_ARGS__, 0x0b))

/* In unreachable code an operand may be anything, but what an instruction for references leaves is one. */
static void references_of_nothing(void **state)
{
	struct err err;
	/* Good: one reference is any, exn and extern at once. */
	static const uint8_t any[] = {MODULE(FUNCTION_OF(0, 0xd4, 0xd4, 0x0a, 0, 0xd4, 0xfb, 0x1a,
							 0xd4, 0xfb, 0x14, 0x6c, 0x1a))};

	(void)state;
	assert_int_equal(try(any, sizeof(any), feature_default(), &err), 0);
	/* unreachable, ref.as_non_null, i32.eqz */
	REFUSE(DECODE_INVALID, "i32.eqz expected i32", FUNCTION_OF(0, 0xd4, 0x45, 0x1a));
	/* unreachable, ref.as_non_null, i32.const 0, i32.const 0, select */
	REFUSE(DECODE_INVALID, "select of references must name their type",
	       FUNCTION_OF(0, 0xd4, 0x41, 0, 0x41, 0, 0x1b, 0x1a));
	/* unreachable, br_on_null 0, i64.eqz */
	REFUSE(DECODE_INVALID, "i64.eqz expected i64", FUNCTION_OF(0, 0xd5, 0, 0x50, 0x1a));
}

/* -- Where a sentence points ------------------------------------------------------------- */

static void sentences(void **state)
{
	static const uint8_t bytes[] = {
		MODULE(TYPE_SECTION(0, 0), SECTION(3, 1, 0),
		       SECTION(10, 1, BODY(0, 0x41, 0, 0x42, 0, 0x6a, 0x0b)),
		       SECTION(0, 4, 'n', 'a', 'm', 'e', 1, 6, 1, 0, 3, 'a', 'd', 'd'))};
	struct err err;

	(void)state;
	assert_int_equal(try(bytes, sizeof(bytes), feature_default(), &err), DECODE_INVALID);
	assert_string_equal(err.text,
			    "invalid module, function 0 'add', at byte 0x1b: type mismatch: "
			    "i32.add expected i32, found i64");
	assert_int_equal(try(bytes, 20, feature_default(), &err), DECODE_MALFORMED);
	assert_has(err.text, "code section");
}

/* -- Enormous and deep ------------------------------------------------------------------- */

#define HUGE_COUNT 0xff, 0xff, 0xff, 0xff, 0x0f
#define REFUSE_BODY(outcome, part, ...)                                    \
	do {                                                               \
		static const uint8_t bytes[] = {FUNC_MODULE(__VA_ARGS__)}; \
		assert_refused(bytes, sizeof(bytes), outcome, part);       \
	} while (0)

static void enormous_counts(void **state)
{
	static const uint8_t lists[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13};
	uint8_t bytes[] = {MODULE(SECTION(0, HUGE_COUNT))};

	(void)state;
	for (size_t i = 0; i < sizeof(lists); i++) {
		bytes[8] = lists[i];
		assert_refused(bytes, sizeof(bytes), DECODE_MALFORMED,
			       "more entries announced than bytes left");
	}
	bytes[8] = 0;
	assert_refused(bytes, sizeof(bytes), DECODE_MALFORMED, "unexpected end");
	REFUSE(DECODE_MALFORMED, "unexpected end", TYPE_SECTION(HUGE_COUNT, 0));
	REFUSE(DECODE_MALFORMED, "more entries announced", SECTION(1, 1, 0x4e, HUGE_COUNT));
	REFUSE(DECODE_MALFORMED, "more entries announced", SECTION(1, 1, 0x5f, HUGE_COUNT));
	REFUSE(DECODE_MALFORMED, "more entries announced", TYPE_SECTION(0, 0),
	       SECTION(9, 1, 1, 0, HUGE_COUNT));
	REFUSE(DECODE_MALFORMED, "unexpected end", SECTION(11, 1, 1, HUGE_COUNT));
	REFUSE(DECODE_INVALID, "data segments, the limit is", SECTION(12, HUGE_COUNT));
	REFUSE(DECODE_INVALID, "at most 65536 pages", SECTION(5, 1, 0, HUGE_COUNT));
	REFUSE_BODY(DECODE_MALFORMED, "over 2^32", 2, HUGE_COUNT, I32, 1, I32, 0x0b);
	REFUSE_BODY(DECODE_INVALID, "too many locals", 1, HUGE_COUNT, I32, 0x0b);
	REFUSE_BODY(DECODE_MALFORMED, "malformed value type", HUGE_COUNT, 0, I32, 0, 0x0b);
	REFUSE_BODY(DECODE_INVALID, "locals need 100000 slots", 1, 0xd0, 0x86, 0x03, V128, 0x0b);
	REFUSE_BODY(DECODE_MALFORMED, "more entries announced", 0, 0x41, 0, 0x0e, HUGE_COUNT, 0x0b);
	REFUSE_BODY(DECODE_INVALID, "invalid result arity", 0, 0x1c, HUGE_COUNT, 0x0b);
}

/* A table of 4 billion entries is a matter of its making: the module is good, and small. */
static void enormous_table(void **state)
{
	static const uint8_t bytes[] = {MODULE(SECTION(4, 1, 0x70, 0, HUGE_COUNT))};
	struct image *image;
	struct err err;

	(void)state;
	assert_int_equal(bytes_decode(&image, bytes, sizeof(bytes), feature_default(), &err), 0);
	assert_true(image->size < 2048);
	image_free(image);
}

static int nested(uint32_t depth, struct err *err)
{
	struct buf module = {0}, body = {0};
	int r;

	BYTES(&body, 0);
	for (uint32_t i = 0; i < depth; i++)
		BYTES(&body, 0x02, 0x40);
	for (uint32_t i = 0; i <= depth; i++)
		BYTES(&body, 0x0b);
	bytes_func_module(&module, &body);
	r = try(module.data, module.size, feature_default(), err);
	buf_deinit(&module);
	return r;
}

static void nesting(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(nested(60000, &err), 0);
	assert_int_equal(nested(LIMIT_NESTING - 1, &err), 0);
	assert_int_equal(nested(LIMIT_NESTING, &err), DECODE_INVALID);
	assert_int_equal(nested(1000000, &err), DECODE_INVALID);
	assert_has(err.text, "blocks nested more than");
}

/* Out of 300 blocks, by a label whose second byte is the opcode of a block. */
static void far_labels(void **state)
{
	struct buf module = {0}, body = {0};
	struct err err;

	(void)state;
	BYTES(&body, 0);
	for (uint32_t i = 0; i < 300; i++)
		BYTES(&body, 0x02, 0x40);
	for (uint32_t i = 0; i < 10; i++)
		BYTES(&body, 0x41, 0, 0x0d, 0);
	BYTES(&body, 0x41, 0, 0x0d, 0xac, 0x02);
	BYTES(&body, 0x0c, 0xac, 0x02);
	for (uint32_t i = 0; i <= 300; i++)
		BYTES(&body, 0x0b);
	bytes_func_module(&module, &body);
	assert_int_equal(try(module.data, module.size, feature_default(), &err), 0);
	buf_deinit(&module);
}

/* In a module of two memories, the second with 64-bit addresses. */
#define REFUSE_CODE(part, ...)                                                         \
	REFUSE(DECODE_INVALID, part, SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(3, 1, 0), \
	       SECTION(5, 2, 0, 1, 4, 1), SECTION(10, 1, BODY(0, __VA_ARGS__, 0x0b)))

/* More than this engine takes, but all there: not malformed. */
static void over_our_limits(void **state)
{
	struct buf body = {0}, module = {0}, types = {0};

	(void)state;
	BYTES(&body, 0, 0x41, 0, 0x0e);
	bytes_leb(&body, LIMIT_BR_TABLE + 1);
	for (unsigned i = 0; i <= LIMIT_BR_TABLE + 1; i++)
		BYTES(&body, 0);
	BYTES(&body, 0x0b);
	bytes_func_module(&module, &body);
	assert_refused(module.data, module.size, DECODE_INVALID,
		       "65521 labels of a br_table, the limit is 65520");
	buf_deinit(&module);
	BYTES(&module, MODULE());
	BYTES(&types, 1, 0x5f);
	bytes_leb(&types, LIMIT_FIELDS + 1);
	for (unsigned i = 0; i <= LIMIT_FIELDS; i++)
		BYTES(&types, I32, 0);
	bytes_section(&module, 1, &types);
	assert_refused(module.data, module.size, DECODE_INVALID,
		       "type section, at byte 0xe: 10001 fields, the limit is 10000");
	buf_deinit(&module);
}

static void several_and_wide(void **state)
{
	struct buf module = {0}, memories = {0};

	(void)state;
	REFUSE(DECODE_INVALID, "at most 65536 pages (4GiB)", SECTION(5, 1, 0, 0x81, 0x80, 4));
	REFUSE(DECODE_INVALID, "at most 281474976710656 pages",
	       SECTION(5, 1, 4, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40));
	REFUSE(DECODE_INVALID, "at most 281474976710656 pages",
	       SECTION(5, 1, 5, 0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40));
	REFUSE(DECODE_INVALID, "at most 2^32 - 1 entries",
	       SECTION(4, 1, 0x70, 0, 0x80, 0x80, 0x80, 0x80, 0x10));
	REFUSE(DECODE_MALFORMED, "malformed limits flags 0x08", SECTION(5, 1, 8, 1));
	REFUSE_CODE("unknown memory 2", 0x41, 0, 0x28, 0x42, 2, 0, 0x1a);
	REFUSE_CODE("expected i64, found i32", 0x41, 0, 0x28, 0x42, 1, 0, 0x1a);
	REFUSE_CODE("expected i32, found i64", 0x42, 0, 0x28, 2, 0, 0x1a);
	REFUSE_CODE("alignment must not be larger", 0x42, 0, 0x28, 0x43, 1, 0, 0x1a);
	REFUSE_CODE("offset out of range: 0x100000000", 0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80,
		    0x10, 0x1a);
	REFUSE_CODE("i32.add expected i32, found i64", 0x3f, 1, 0x41, 0, 0x6a, 0x1a);
	BYTES(&memories, LIMIT_MEMORIES);
	for (int i = 0; i < LIMIT_MEMORIES; i++)
		BYTES(&memories, 4, 1);
	BYTES(&module, MODULE(SECTION(2, 1, 0, 0, 2, 0, 0)));
	bytes_section(&module, 5, &memories);
	assert_refused(module.data, module.size, DECODE_INVALID, "over 100 memories");
	buf_deinit(&module);
}

/* Where it is: the header is what comes first, not what is between sections or behind them. */
static void places(void **state)
{
	(void)state;
	REFUSE_TEXT("\0asm\2\0\0\0", "malformed module, header, at byte 0x0: ");
	REFUSE(DECODE_MALFORMED, "malformed module, at byte 0x8: unknown section id 99",
	       SECTION(99, 0));
	REFUSE(DECODE_MALFORMED, "malformed module, at byte 0x12: function and code",
	       TYPE_SECTION(0, 0), SECTION(3, 1, 0));
}

/* Branches out of many blocks, resolved one by one at their ends. */
static void many_branches(void **state)
{
	struct buf module = {0}, body = {0};

	(void)state;
	BYTES(&body, 0, 0x02, 0x40);
	for (uint32_t i = 0; i < 200000; i++)
		BYTES(&body, 0x41, 0, 0x0d, (uint8_t)(i & 1));
	BYTES(&body, 0x0b, 0x0b);
	bytes_func_module(&module, &body);
	assert_accepted(module.data, module.size);
	buf_deinit(&module);
}

/* An operand stack no frame can hold. */
static void many_operands(void **state)
{
	struct buf module = {0}, body = {0};

	(void)state;
	BYTES(&body, 0);
	for (uint32_t i = 0; i < 100000; i++)
		BYTES(&body, 0x41, 0);
	BYTES(&body, 0x00, 0x0b);
	bytes_func_module(&module, &body);
	assert_refused(module.data, module.size, DECODE_INVALID, "the frame needs");
	buf_deinit(&module);
}

/* A chain of supertypes as long as is allowed, and one longer. */
static void deep_subtypes(void **state)
{
	(void)state;
	for (uint32_t depth = LIMIT_SUBTYPE_DEPTH; depth <= LIMIT_SUBTYPE_DEPTH + 1; depth++) {
		struct buf module = {0}, types = {0};
		struct err err;
		int r;

		BYTES(&module, MODULE(1));
		bytes_leb(&types, depth + 1);
		BYTES(&types, 0x50, 0, 0x5f, 0);
		for (uint32_t i = 0; i < depth; i++)
			BYTES(&types, 0x50, 1, (uint8_t)i, 0x5f, 0);
		bytes_counted(&module, &types);
		r = try(module.data, module.size, feature_default(), &err);
		assert_int_equal(r, depth > LIMIT_SUBTYPE_DEPTH ? DECODE_INVALID : 0);
		buf_deinit(&module);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features),
		cmocka_unit_test(no_features),
		cmocka_unit_test(other_files),
		cmocka_unit_test(good_module),
		cmocka_unit_test(truncated),
		cmocka_unit_test(changed),
		cmocka_unit_test(sections),
		cmocka_unit_test(padded_types),
		cmocka_unit_test(references_of_nothing),
		cmocka_unit_test(sentences),
		cmocka_unit_test(enormous_counts),
		cmocka_unit_test(enormous_table),
		cmocka_unit_test(nesting),
		cmocka_unit_test(many_branches),
		cmocka_unit_test(far_labels),
		cmocka_unit_test(over_our_limits),
		cmocka_unit_test(several_and_wide),
		cmocka_unit_test(places),
		cmocka_unit_test(many_operands),
		cmocka_unit_test(deep_subtypes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
