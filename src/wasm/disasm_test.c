/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/disasm.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/module_bytes.h"
#include "wasm/opcode.h"

/* The function as text, to be freed. */
static char *text_of(const struct image *image, uint32_t index)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(disasm_func(image, index, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static struct image *image_of(const uint8_t *bytes, size_t size)
{
	struct image *image;
	struct err err;

	if (bytes_decode(&image, bytes, size, feature_default(), &err) != 0)
		fail_msg("%s", err.text);
	return image;
}

/* -- A whole function -------------------------------------------------------------------- */

/* table-like: a section a line. Most instructions of the function are quickened by the validator. */
static const uint8_t module[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(0, 0), FUNC_TYPE(2, I32, V128, 1, I32)),
	SECTION(2, 1, 1, 'm', 1, 'f', 0, 0), SECTION(3, 1, 1), SECTION(4, 1, 0x70, 0, 1),
	SECTION(5, 1, 0, 1),
	SECTION(6, 1, V128, 1, 0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b),
	SECTION(10, 1,
		BODY(2, 2, I64, 1, V128, 0x02, 0x40, 0x20, 0, 0x04, 0x40, 0x20, 0, 0x0d, 0, 0x05,
		     0x0c, 1, 0x0b, 0x0b, 0x20, 1, 0x1a, 0x23, 0, 0x22, 4, 0x24, 0, 0x10, 0, 0x41,
		     0, 0x11, 0, 0, 0x20, 0, 0x28, 2, 4, 0x0b)),
	SECTION(0, 4, 'n', 'a', 'm', 'e', 1, 12, 2, 0, 2, 'h', 'i', 1, 5, 'f', '\'', '\n', 0xc3,
		0xa9))};

static const char whole[] =
	"func 1 'f'?\xc3\xa9' (type 1) (param i32 v128) (result i32) locals: 2 i64, 1 v128\n"
	"0x00004d:   block\n"
	"0x00004f:     local.get 0\n"
	"0x000051:     if\n"
	"0x000053:       local.get 0\n"
	"0x000055:       br_if 0\n"
	"0x000057:     else\n"
	"0x000058:       br 1\n"
	"0x00005a:     end\n"
	"0x00005b:   end\n"
	"0x00005c:   local.get 1\n"
	"0x00005e:   drop\n"
	"0x00005f:   global.get 0\n"
	"0x000061:   local.tee 4\n"
	"0x000063:   global.set 0\n"
	"0x000065:   call 0 ;; hi\n"
	"0x000067:   i32.const 0\n"
	"0x000069:   call_indirect (type 0)\n"
	"0x00006c:   local.get 0\n"
	"0x00006e:   i32.load offset=4\n"
	"0x000071: end\n";

static void whole_function(void **state)
{
	struct image *image = image_of(module, sizeof(module));
	char *text = text_of(image, 1);

	(void)state;
	assert_string_equal(text, whole);
	free(text);
	image_free(image);
}

static void no_such_function(void **state)
{
	struct image *image = image_of(module, sizeof(module));

	(void)state;
	assert_int_equal(disasm_func(image, 0, stderr), -EINVAL); /* imported */
	assert_int_equal(disasm_func(image, 2, stderr), -EINVAL);
	assert_int_equal(disasm_func(image, IMAGE_NONE, stderr), -EINVAL);
	image_free(image);
}

static void failing_stream(void **state)
{
	struct image *image = image_of(module, sizeof(module));
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (full == NULL)
		skip();
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(disasm_func(image, 1, full), -ENOSPC);
	fclose(full);
	image_free(image);
}

/* Whatever the decoder accepts can be written. */
static void changed_modules(void **state)
{
	FILE *out = fopen("/dev/null", "w");
	uint8_t bytes[sizeof(module)];

	(void)state;
	assert_non_null(out);
	for (size_t bit = 0; bit < sizeof(module) * 8; bit++) {
		struct image *image;
		struct err err;

		memcpy(bytes, module, sizeof(module));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bytes_decode(&image, bytes, sizeof(bytes), feature_default(), &err) != 0)
			continue;
		for (uint32_t i = image->imported_funcs; i < image->funcs.count; i++)
			assert_int_equal(disasm_func(image, i, out), 0);
		image_free(image);
	}
	fclose(out);
}

/* -- One instruction ---------------------------------------------------------------------- */

enum { NOPS = 40 };

struct sample {
	const char *text;
	uint8_t bytes[24];
};

/*
 * Instructions as the validator would leave them, those it does not let pass yet too: they are written over
 * the code of a module of nops. Types: 0 () -> (), 1 (i32 i64) -> (f32 f64).
 */
/* table-like: an instruction a line. */
static const struct sample samples[] = {
	{"unreachable", {0x00}},
	{"block (result i32)", {0x02, I32}},
	{"loop (result (ref null 1))", {0x03, 0x63, 1}},
	{"block (result externref)", {0x02, 0x6f}},
	{"if (type 1) (param i32 i64) (result f32 f64)", {0x04, 1}},
	{"br_table 3", {0x0e, 0, 3}},
	{"br_table 0 1 300", {0x0e, 2, 0, 1, 0xac, 0x02}},
	{"try_table (result i32) (catch 1 2) (catch_ref 3 4) (catch_all 5) (catch_all_ref 6)",
	 {0x1f, I32, 4, 0, 1, 2, 1, 3, 4, 2, 5, 3, 6}},
	{"try", {0x06, 0x40}},
	{"throw 1", {0x08, 1}},
	{"throw_ref", {0x0a}},
	{"rethrow 1", {0x09, 1}},
	{"call_indirect (type 1) (param i32 i64) (result f32 f64)", {0x11, 1, 0}},
	{"return_call_indirect 2 (type 0)", {0x13, 0, 2}},
	{"call_ref 1", {0x14, 1}},
	{"return_call 0 ;; me", {0x12, 0}},
	{"ref.func 0 ;; me", {0xd2, 0}},
	{"select", {0x1b}},
	{"select (result i64)", {0x1c, 1, I64}},
	{"select (result (ref extern))", {0x1c, 1, 0x64, 0x6f}},
	{"local.tee 300", {0x22, 0xac, 0x02}},
	{"table.get 0", {0x25, 0}},
	{"table.copy 1 2", {0xfc, 14, 1, 2}},
	{"table.init 3", {0xfc, 12, 3, 0}},
	{"table.init 2 3", {0xfc, 12, 3, 2}},
	{"elem.drop 3", {0xfc, 13, 3}},
	{"memory.size", {0x3f, 0}},
	{"memory.size 1", {0x3f, 1}},
	{"memory.copy", {0xfc, 10, 0, 0}},
	{"memory.copy 0 1", {0xfc, 10, 0, 1}},
	{"memory.init 3", {0xfc, 8, 3, 0}},
	{"i32.load", {0x28, 2, 0}},
	{"i32.load align=1", {0x28, 0, 0}},
	{"i64.store offset=4294967295 align=4", {0x37, 2, 0xff, 0xff, 0xff, 0xff, 0x0f}},
	{"i32.load8_u 1 offset=8", {0x2d, 0x40, 1, 8}},
	{"i64.load 1 offset=8", {OP_FAR, 0xe1, 1, 8}},
	{"i32.load offset=4294967296 align=1", {OP_FAR, 0x00, 0x80, 0x80, 0x80, 0x80, 0x10}},
	{"i64.store8", {OP_FAR, 0x14, 0}},
	{"v128.load 2 align=1", {PREFIX_FAR_FD, 0, 0x80, 2, 0}},
	{"v128.load8_lane 3 offset=1 15", {PREFIX_FAR_FD, 0x54, 0x80, 3, 1, 15}},
	{"v128.load8_lane offset=1 15", {0xfd, 0x54, 0, 1, 15}},
	{"i64.atomic.rmw.cmpxchg", {0xfe, 0x49, 3, 0}},
	{"memory.atomic.notify offset=4", {0xfe, 0, 2, 4}},
	{"atomic.fence", {0xfe, 3, 0}},
	{"i32.const -1", {0x41, 0x7f}},
	{"i32.const -2147483648", {0x41, 0x80, 0x80, 0x80, 0x80, 0x78}},
	{"i64.const -9223372036854775808",
	 {0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}},
	{"f32.const 0", {0x43}},
	{"f32.const -0", {0x43, 0, 0, 0, 0x80}},
	{"f32.const 1.5", {0x43, 0, 0, 0xc0, 0x3f}},
	{"f32.const 0.1", {0x43, 0xcd, 0xcc, 0xcc, 0x3d}},
	{"f32.const 1.4013e-45", {0x43, 1}},
	{"f32.const 3.4028235e+38", {0x43, 0xff, 0xff, 0x7f, 0x7f}},
	{"f32.const inf", {0x43, 0, 0, 0x80, 0x7f}},
	{"f32.const -inf", {0x43, 0, 0, 0x80, 0xff}},
	{"f32.const nan", {0x43, 0, 0, 0xc0, 0x7f}},
	{"f32.const -nan:0x200000", {0x43, 0, 0, 0xa0, 0xff}},
	{"f64.const 0.1", {0x44, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f}},
	{"f64.const -inf", {0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0xff}},
	{"f64.const nan:0x8000000000001", {0x44, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f}},
	{"v128.const i32x4 0x00000001 0x04030200 0x00000000 0xff000000",
	 {0xfd, 0x0c, 1, 0, 0, 0, 0, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0xff}},
	{"i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
	 {0xfd, 0x0d, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 31}},
	{"i32x4.extract_lane 3", {0xfd, 0x1b, 3}},
	{"i8x16.relaxed_swizzle", {0xfd, 0x80, 0x02}},
	{"ref.null func", {0xd0, 0x70}},
	{"ref.null 1", {0xd0, 1}},
	{"ref.test (ref any)", {0xfb, 20, 0x6e}},
	{"ref.test (ref null 1)", {0xfb, 21, 1}},
	{"ref.cast (ref i31)", {0xfb, 22, 0x6c}},
	{"ref.cast (ref null none)", {0xfb, 23, 0x71}},
	{"br_on_cast 2 (ref null any) (ref 1)", {0xfb, 24, 1, 2, 0x6e, 1}},
	{"br_on_cast_fail 2 (ref any) (ref null struct)", {0xfb, 25, 2, 2, 0x6e, 0x6b}},
	{"struct.new 1", {0xfb, 0, 1}},
	{"struct.get_s 1 2", {0xfb, 3, 1, 2}},
	{"array.new_fixed 1 200", {0xfb, 8, 1, 0xc8, 0x01}},
	{"array.copy 1 2", {0xfb, 17, 1, 2}},
	{"i31.get_s", {0xfb, 29}},
};

static struct image *nops(void)
{
	struct buf bytes = {0}, body = {0}, code = {0}, names = {0};
	struct image *image;

	BYTES(&bytes, MODULE(SECTION(1, 2, FUNC_TYPE(0, 0), FUNC_TYPE(2, I32, I64, 2, F32, F64)),
			     SECTION(3, 1, 0)));
	BYTES(&body, 0);
	for (int i = 0; i < NOPS; i++)
		BYTES(&body, 0x01);
	BYTES(&body, 0x0b);
	BYTES(&code, 1);
	bytes_counted(&code, &body);
	bytes_section(&bytes, 10, &code);
	BYTES(&names, 4, 'n', 'a', 'm', 'e', 1, 5, 1, 0, 2, 'm', 'e');
	bytes_section(&bytes, 0, &names);
	image = image_of(bytes.data, bytes.size);
	buf_deinit(&bytes);
	return image;
}

static void instructions(void **state)
{
	struct image *image = nops();
	uint8_t *code = image_input(image) + image_func(image, 0)->code;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		char *text, *line;

		memset(code, 0x01, NOPS);
		memcpy(code, samples[i].bytes, sizeof(samples[i].bytes));
		text = text_of(image, 0);
		line = strchr(text, '\n') + 1;
		line[strcspn(line, "\n")] = '\0';
		assert_string_equal(line + strlen("0x000000:   "), samples[i].text);
		free(text);
	}
	image_free(image);
}

/* Blocks of exceptions, too, are indented. */
static void indentation(void **state)
{
	static const uint8_t bytes[] = {0x06, 0x40, 0x01, 0x07, 0x00, 0x01, 0x19, 0x01, 0x0b, 0x06,
					0x40, 0x01, 0x18, 0x00, 0x1f, 0x40, 0x00, 0x01, 0x0b};
	static const char expected[] = "try\n  nop\ncatch 0\n  nop\ncatch_all\n  nop\nend\n"
				       "try\n  nop\ndelegate 0\ntry_table\n  nop\nend\nnop\n";
	struct image *image = nops();
	char shown[sizeof(expected)] = "";
	char *text, *line;

	(void)state;
	memcpy(image_input(image) + image_func(image, 0)->code, bytes, sizeof(bytes));
	text = text_of(image, 0);
	line = strchr(text, '\n') + 1;
	while (strlen(shown) < sizeof(expected) - 1) {
		size_t head = strlen("0x000000:   "), length = strcspn(line, "\n") + 1;

		assert_true(length > head && strlen(shown) + length - head < sizeof(shown));
		strncat(shown, line + head, length - head);
		line += length;
	}
	assert_string_equal(shown, expected);
	free(text);
	image_free(image);
}

/* A quickened opcode reads as what it stands for, wherever it is. */
static void quickened_do_not_show(void **state)
{
	static const struct {
		uint8_t code;
		const char *text;
	} quicks[] = {
#define QUICK(ID, code, base) {code, #base},
#include "wasm/quick.def"
#undef QUICK
	};
	struct image *image = nops();
	uint8_t *code = image_input(image) + image_func(image, 0)->code;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quicks); i++) {
		char *quick, *plain;

		memset(code, 0x00, NOPS);
		code[0] = (uint8_t)opcode_base(quicks[i].code);
		code[1] = code[0] == OP_SELECT_T ? 1 : 0;
		code[2] = code[0] == OP_SELECT_T ? I32 : 0;
		plain = text_of(image, 0);
		code[0] = quicks[i].code;
		quick = text_of(image, 0);
		assert_string_equal(quick, plain);
		free(plain);
		free(quick);
	}
	image_free(image);
}

/* A million columns of blanks nobody reads: the text grows in line with the code. */
static void deep_nesting(void **state)
{
	struct buf bytes = {0}, body = {0};
	struct image *image;
	char *text;

	(void)state;
	BYTES(&body, 0);
	for (int i = 0; i < 20000; i++)
		BYTES(&body, 0x02, 0x40);
	for (int i = 0; i <= 20000; i++)
		BYTES(&body, 0x0b);
	bytes_func_module(&bytes, &body);
	image = image_of(bytes.data, bytes.size);
	text = text_of(image, 0);
	assert_in_range(strlen(text), 40000 * 15, 40000 * 120);
	free(text);
	image_free(image);
	buf_deinit(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_function),        cmocka_unit_test(no_such_function),
		cmocka_unit_test(failing_stream),        cmocka_unit_test(changed_modules),
		cmocka_unit_test(instructions),          cmocka_unit_test(indentation),
		cmocka_unit_test(quickened_do_not_show), cmocka_unit_test(deep_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
