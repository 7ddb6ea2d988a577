/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct reader reader_of(const uint8_t *bytes, size_t size)
{
	return (struct reader){.at = bytes, .end = bytes + size};
}

#define READER(...) \
	reader_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void unsigned_numbers(void **state)
{
	struct reader r;
	uint64_t wide = 0;
	uint32_t n = 0;

	(void)state;
	r = READER(0x00);
	assert_true(reader_u32(&r, &n) && n == 0 && r.at == r.end);
	r = READER(0x7f, 0xaa);
	assert_true(reader_u32(&r, &n) && n == 127 && reader_left(&r) == 1);
	r = READER(0x80, 0x01);
	assert_true(reader_u32(&r, &n) && n == 128 && r.at == r.end);
	r = READER(0x80, 0x80, 0x80, 0x80, 0x00); /* longer than needed is allowed */
	assert_true(reader_u32(&r, &n) && n == 0 && r.at == r.end);
	r = READER(0xff, 0xff, 0xff, 0xff, 0x0f);
	assert_true(reader_u32(&r, &n) && n == UINT32_MAX);
	r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
	assert_true(reader_u64(&r, &wide) && wide == UINT64_MAX);
	r = READER(0x80, 0x80, 0x80, 0x80, 0x10);
	assert_true(reader_u64(&r, &wide) && wide == UINT64_C(1) << 32);
}

static void unsigned_refused(void **state)
{
	struct reader r;
	uint64_t wide = 7;
	uint32_t n = 7;

	(void)state;
	r = READER(0xff, 0xff, 0xff, 0xff, 0x1f);
	assert_false(reader_u32(&r, &n));
	assert_string_equal(r.what, "integer too large");
	r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
	assert_false(reader_u32(&r, &n));
	assert_string_equal(r.what, "integer representation too long");
	r = READER(0x80, 0x80);
	assert_false(reader_u32(&r, &n));
	assert_string_equal(r.what, "unexpected end");
	r = reader_of((const uint8_t *)"", 0);
	assert_false(reader_u32(&r, &n));
	r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02);
	assert_false(reader_u64(&r, &wide));
	r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
	assert_false(reader_u64(&r, &wide));
	assert_true(n == 7 && wide == 7); /* nothing is written */
}

static void signed_numbers(void **state)
{
	struct reader r;
	int64_t wide = 0;
	int32_t n = 0;

	(void)state;
	r = READER(0x7f);
	assert_true(reader_s32(&r, &n) && n == -1);
	r = READER(0x40);
	assert_true(reader_s32(&r, &n) && n == -64);
	r = READER(0x3f);
	assert_true(reader_s32(&r, &n) && n == 63);
	r = READER(0xc0, 0x00);
	assert_true(reader_s32(&r, &n) && n == 64);
	r = READER(0xff, 0xff, 0xff, 0xff, 0x07);
	assert_true(reader_s32(&r, &n) && n == INT32_MAX);
	r = READER(0x80, 0x80, 0x80, 0x80, 0x78);
	assert_true(reader_s32(&r, &n) && n == INT32_MIN);
	r = READER(0xff, 0xff, 0xff, 0xff, 0x7f);
	assert_true(reader_s32(&r, &n) && n == -1);
	r = READER(0x70);
	assert_true(reader_s33(&r, &wide) && wide == -16);
	r = READER(0xff, 0xff, 0xff, 0xff, 0x0f);
	assert_true(reader_s33(&r, &wide) && wide == UINT32_MAX);
	r = READER(0x80, 0x80, 0x80, 0x80, 0x70);
	assert_true(reader_s33(&r, &wide) && wide == -(INT64_C(1) << 32));
	r = READER(0x7f);
	assert_true(reader_s64(&r, &wide) && wide == -1);
	r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f);
	assert_true(reader_s64(&r, &wide) && wide == INT64_MIN);
	r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00);
	assert_true(reader_s64(&r, &wide) && wide == INT64_MAX);
}

/* The bits of the last byte that no longer count must repeat the sign. */
static void signed_refused(void **state)
{
	struct reader r;
	int64_t wide = 7;
	int32_t n = 7;

	(void)state;
	r = READER(0xff, 0xff, 0xff, 0xff, 0x0f);
	assert_false(reader_s32(&r, &n));
	assert_string_equal(r.what, "integer too large");
	r = READER(0x80, 0x80, 0x80, 0x80, 0x70);
	assert_false(reader_s32(&r, &n));
	r = READER(0x80, 0x80, 0x80, 0x80, 0x08);
	assert_false(reader_s32(&r, &n));
	r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
	assert_false(reader_s32(&r, &n));
	assert_string_equal(r.what, "integer representation too long");
	r = READER(0xff, 0xff, 0xff, 0xff, 0x1f);
	assert_false(reader_s33(&r, &wide));
	r = READER(0x80, 0x80, 0x80, 0x80, 0x60);
	assert_false(reader_s33(&r, &wide));
	r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01);
	assert_false(reader_s64(&r, &wide));
	r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7e);
	assert_false(reader_s64(&r, &wide));
	assert_true(n == 7 && wide == 7);
}

static void counts(void **state)
{
	struct reader r;
	uint32_t n = 7;

	(void)state;
	r = READER(3, 1, 2, 3);
	assert_true(reader_count(&r, &n) && n == 3);
	r = READER(4, 1, 2, 3);
	assert_false(reader_count(&r, &n));
	assert_string_equal(r.what, "unexpected end: more entries announced than bytes left");
	r = READER(0xff, 0xff, 0xff, 0xff, 0x0f, 1);
	assert_false(reader_count(&r, &n));
	r = READER(0);
	assert_true(reader_count(&r, &n) && n == 0);
}

static void bytes_and_names(void **state)
{
	const uint8_t *name = NULL;
	struct reader r;
	uint32_t size = 7;
	uint8_t byte = 7;

	(void)state;
	r = READER(3, 'a', 'b', 'c', 9);
	assert_true(reader_name(&r, &name, &size) && size == 3 && memcmp(name, "abc", 3) == 0);
	assert_true(reader_byte(&r, &byte) && byte == 9);
	assert_false(reader_byte(&r, &byte));
	assert_non_null(reader_take(&r, 0));
	assert_null(reader_take(&r, 1));
	r = READER(4, 'a', 'b', 'c');
	assert_false(reader_name(&r, &name, &size));
	assert_string_equal(r.what, "unexpected end");
	r = READER(2, 0xc0, 0x80);
	assert_false(reader_name(&r, &name, &size));
	assert_string_equal(r.what, "malformed UTF-8 encoding");
	assert_int_equal(size, 3);
}

static bool utf8(const char *text)
{
	return utf8_is_valid((const uint8_t *)text, strlen(text));
}

static void utf8_text(void **state)
{
	(void)state;
	assert_true(utf8(""));
	assert_true(utf8_is_valid((const uint8_t *)"\0", 1));
	assert_true(utf8("plain"));
	assert_true(utf8("\xc2\x80\xdf\xbf"));
	assert_true(utf8("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
	assert_true(utf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
	assert_false(utf8("\x80"));                 /* begins in the middle */
	assert_false(utf8("\xc2"));                 /* cut off */
	assert_false(utf8("a\xe2\x82"));            /* cut off */
	assert_false(utf8("\xf0\x9f\x98"));         /* cut off */
	assert_false(utf8("\xc1\xbf"));             /* longer than needed */
	assert_false(utf8("\xe0\x9f\xbf"));         /* longer than needed */
	assert_false(utf8("\xf0\x8f\xbf\xbf"));     /* longer than needed */
	assert_false(utf8("\xed\xa0\x80"));         /* surrogate */
	assert_false(utf8("\xf4\x90\x80\x80"));     /* beyond the last */
	assert_false(utf8("\xf5\x80\x80\x80"));     /* beyond the last */
	assert_false(utf8("\xf8\x88\x80\x80\x80")); /* five bytes */
	assert_false(utf8("\xe2\x82\x28"));         /* interrupted */
	assert_false(utf8("\xf0\x9f\x28\x80"));     /* interrupted */
	assert_false(utf8("\xff"));
}

/* Every number of one to five bytes' worth of bit patterns agrees with a plain reading of it. */
static void round_trips(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 64; shift++) {
		for (int delta = -1; delta <= 1; delta++) {
			uint64_t value = (UINT64_C(1) << shift) + (uint64_t)(int64_t)delta, got = 0;
			int64_t got_signed = 0, left = (int64_t)value;
			uint8_t bytes[10];
			struct reader r;
			size_t n = 0;

			for (uint64_t v = value; v > 0x7f; v >>= 7)
				bytes[n++] = (uint8_t)(v | 0x80);
			bytes[n] = (uint8_t)(value >> 7 * n);
			n++;
			r = reader_of(bytes, n);
			assert_true(reader_u64(&r, &got) && got == value && r.at == r.end);
			for (n = 0; left < -64 || left > 63; left >>= 7)
				bytes[n++] = (uint8_t)(left | 0x80);
			bytes[n++] = (uint8_t)(left & 0x7f);
			r = reader_of(bytes, n);
			assert_true(reader_s64(&r, &got_signed) && got_signed == (int64_t)value);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers), cmocka_unit_test(unsigned_refused),
		cmocka_unit_test(signed_numbers),   cmocka_unit_test(signed_refused),
		cmocka_unit_test(counts),           cmocka_unit_test(bytes_and_names),
		cmocka_unit_test(utf8_text),        cmocka_unit_test(round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
