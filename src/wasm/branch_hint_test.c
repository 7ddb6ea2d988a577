/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/branch_hint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/code_bytes.h"

#define NAME "metadata.code.branch_hint"
/* clang-format off */
#define NAME_BYTES 25, 'm', 'e', 't', 'a', 'd', 'a', 't', 'a', '.', 'c', 'o', 'd', 'e', '.', \
	'b', 'r', 'a', 'n', 'c', 'h', '_', 'h', 'i', 'n', 't'
/* clang-format on */

/*
 * table-like: function 0 is imported; of function 1 (an i32 parameter, an i64 local) the bytes are
 * 0-2 locals, 3 block, 5 local.get, 7 br_if, 9 local.get, 11 if, 13 else, 14 end, 15 end, 16 end. Function 2 is the
 * same with neither.
 */
#define WITH(...)                                                                         \
	MODULE(SECTION(1, 1, FUNC_TYPE(1, I32, 0)), SECTION(2, 1, IMPORT_FUNC('f', 0)),   \
	       SECTION(3, 2, 0, 0),                                                       \
	       __VA_ARGS__ SECTION(10, 2,                                                 \
				   BODY(1, 1, I64, BLOCK(VOID), GET(0), BR_IF(0), GET(0), \
					IF(VOID), ELSE, END, END, END),                   \
				   BODY(0, NOP, END)))
#define HINTS(...) WITH(SECTION(0, NAME_BYTES, __VA_ARGS__), )

/* What is said of the module's hints; the image is read as the validator left it, quickened. */
static int check(const uint8_t *bytes, size_t size, struct err *err)
{
	struct image *image;
	int r;

	if (bytes_decode(&image, bytes, size, feature_default(), err) != 0)
		fail_msg("%s", err->text);
	r = branch_hint_check(image, err);
	assert_int_equal(branch_hint_check(image, NULL), r);
	image_free(image);
	return r;
}

static void right(const uint8_t *bytes, size_t size)
{
	struct err err;

	if (check(bytes, size, &err) != 0)
		fail_msg("%s", err.text);
}

static void wrong(const uint8_t *bytes, size_t size, const char *sentence)
{
	struct err err;

	assert_int_equal(check(bytes, size, &err), DECODE_INVALID);
	if (strstr(err.text, "custom section '" NAME "', at byte 0x") != err.text ||
	    strstr(err.text, sentence) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, sentence);
}

#define RIGHT(...) right((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define WRONG(sentence, ...)                         \
	wrong((const uint8_t[]){HINTS(__VA_ARGS__)}, \
	      sizeof((const uint8_t[]){HINTS(__VA_ARGS__)}), sentence)

static void right_hints(void **state)
{
	(void)state;
	RIGHT(MODULE());
	RIGHT(HINTS(0));
	RIGHT(HINTS(1, 1, 0));
	RIGHT(HINTS(1, 1, 2, 7, 1, 0, 11, 1, 1));
	RIGHT(HINTS(2, 1, 1, 11, 1, 1, 2, 0));
	/* Numbers may be longer than they need be. */
	RIGHT(HINTS(1, 0x81, 0, 0x81, 0, 0x87, 0, 0x81, 0, 1));
}

static void wrong_targets(void **state)
{
	(void)state;
	WRONG("invalid target: byte 3 of function 1 is block", 1, 1, 1, 3, 1, 0);
	WRONG("invalid target: byte 13 of function 1 is else", 1, 1, 1, 13, 1, 0);
	/* Quickened, it is told as what it stands for. */
	WRONG("invalid target: byte 5 of function 1 is local.get", 1, 1, 1, 5, 1, 0);
	WRONG("invalid target: byte 16 of function 1 is end", 1, 1, 1, 16, 1, 0);
	WRONG("no instruction begins at byte 0", 1, 1, 1, 0, 1, 0);
	WRONG("no instruction begins at byte 8", 1, 1, 1, 8, 1, 0);
	WRONG("function 1 has no byte 17, only 17", 1, 1, 1, 17, 1, 0);
	WRONG("function 1 has no byte 4294967295", 1, 1, 1, 255, 255, 255, 255, 15, 1, 0);
	WRONG("byte 1 of function 2 is nop", 2, 1, 1, 7, 1, 0, 2, 1, 1, 1, 0);
	WRONG("no function 3: the module has 3", 1, 3, 0);
	WRONG("function 0 is imported", 1, 0, 0);
}

static void wrong_order(void **state)
{
	(void)state;
	WRONG("indices must rise", 2, 2, 0, 1, 0);
	WRONG("indices must rise", 2, 1, 0, 1, 0);
	WRONG("offsets must rise", 1, 1, 2, 11, 1, 0, 7, 1, 0);
	WRONG("offsets must rise", 1, 1, 2, 7, 1, 0, 7, 1, 0);
}

static void wrong_encoding(void **state)
{
	(void)state;
	WRONG("a hint of 0 bytes, it must be 1", 1, 1, 1, 7, 0, 0);
	WRONG("a hint of 2 bytes, it must be 1", 1, 1, 1, 7, 2, 0, 0);
	WRONG("hint 2, it must be 0 or 1", 1, 1, 1, 7, 1, 2);
	WRONG("1 bytes left over", 0, 0);
	WRONG("unexpected end", 1);
	WRONG("unexpected end", 1, 1);
	WRONG("unexpected end", 1, 1, 1);
	WRONG("unexpected end", 1, 1, 1, 7);
	WRONG("unexpected end", 1, 1, 1, 7, 1);
	WRONG("unexpected end", 1, 1, 1, 0x87);
	WRONG("integer", 1, 1, 1, 255, 255, 255, 255, 255, 1, 0);
	wrong((const uint8_t[]){WITH(SECTION(0, NAME_BYTES), )},
	      sizeof((const uint8_t[]){WITH(SECTION(0, NAME_BYTES), )}), "unexpected end");
}

/* The place is that of what is wrong, in the file. */
static void place(void **state)
{
	static const uint8_t bytes[] = {MODULE(SECTION(0, NAME_BYTES, 1, 7, 0))};
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "at byte 0x%zx: no function 7: the module has 0",
		 sizeof(bytes) - 2);
	wrong(bytes, sizeof(bytes), text);
}

/* Each section of the name is looked at, and no other. */
static void sections(void **state)
{
	(void)state;
	RIGHT(WITH(SECTION(0, 1, 'm', 1, 1, 1), SECTION(0, NAME_BYTES, 0), ));
	wrong((const uint8_t[]){WITH(SECTION(0, NAME_BYTES, 0), SECTION(0, NAME_BYTES, 0, 0), )},
	      sizeof((const uint8_t[]){
		      WITH(SECTION(0, NAME_BYTES, 0), SECTION(0, NAME_BYTES, 0, 0), )}),
	      "1 bytes left over");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_hints), cmocka_unit_test(wrong_targets),
		cmocka_unit_test(wrong_order), cmocka_unit_test(wrong_encoding),
		cmocka_unit_test(place),       cmocka_unit_test(sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
