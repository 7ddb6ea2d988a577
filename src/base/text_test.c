/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t distance(const char *a, const char *b)
{
	return text_distance(a, strlen(a), b, strlen(b));
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("run", ""), 3);
	assert_int_equal(distance("run", "run"), 0);
	assert_int_equal(distance("rnu", "run"), 1);
	assert_int_equal(distance("invok", "invoke"), 1);
	assert_int_equal(distance("kitten", "sitting"), 3);
	assert_true(distance("a", "123456789012345678901234567890123") == SIZE_MAX);
}

static const char *nearest(const char *word)
{
	static const char *const words[] = {"run", "inspect", "validate", "disasm", "version"};
	struct text_nearest n;

	text_nearest_init(&n, word, strlen(word));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		text_nearest_offer(&n, words[i], strlen(words[i]));
	return n.best;
}

static void nearest_words(void **state)
{
	(void)state;
	assert_string_equal(nearest("rnu"), "run");
	assert_string_equal(nearest("ru"), "run");
	assert_string_equal(nearest("valdiate"), "validate");
	assert_string_equal(nearest("disassm"), "disasm");
	assert_null(nearest("frobnicate"));
	assert_null(nearest("x"));
	assert_null(nearest(""));
}

static void numbers(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_true(text_parse_u64("18446744073709551615", &n) && n == UINT64_MAX);
	assert_true(text_parse_u64("0xFf", &n) && n == 255);
	assert_false(text_parse_u64("18446744073709551616", &n));
	assert_false(text_parse_u64("", &n) || text_parse_u64("0x", &n));
	assert_false(text_parse_u64("1k", &n) || text_parse_u64("-1", &n));
	assert_int_equal(n, 255);
	assert_true(text_parse_size("64K", &n) && n == 65536);
	assert_true(text_parse_size("1MiB", &n) && n == 1 << 20);
	assert_true(text_parse_size("2gB", &n) && n == UINT64_C(2) << 30);
	assert_true(text_parse_size("7", &n) && n == 7);
	assert_false(text_parse_size("16777216T", &n));
	assert_false(text_parse_size("1X", &n) || text_parse_size("1KK", &n));
	assert_false(text_parse_size("M", &n) || text_parse_size("1Ki", &n));
}

static void characters(void **state)
{
	uint32_t c = 0;

	(void)state;
	assert_int_equal(text_utf8("a", 1, &c), 1);
	assert_int_equal(text_utf8("\xe2\x82\xac", 3, &c), 3);
	assert_int_equal(c, 0x20ac);
	assert_int_equal(text_utf8("\xf4\x8f\xbf\xbf", 4, &c), 4);
	assert_int_equal(c, 0x10ffff);
	assert_int_equal(text_utf8("\xe2\x82", 2, &c), 0);    /* cut off */
	assert_int_equal(text_utf8("\xc0\x80", 2, &c), 0);    /* longer than needed */
	assert_int_equal(text_utf8("\xe0\x80\x80", 3, &c), 0);    /* the same */
	assert_int_equal(text_utf8("\xed\xa0\x80", 3, &c), 0);    /* a surrogate */
	assert_int_equal(text_utf8("\xf4\x90\x80\x80", 4, &c), 0); /* beyond the last */
	assert_int_equal(text_utf8("\x80", 1, &c), 0);
	assert_true(text_printable('a') && text_printable(0x20ac));
	assert_false(text_printable(0x1b) || text_printable(0x9b) || text_printable(0x202e));
}

static void written_characters(void **state)
{
	static const uint32_t all[] = {0,      'a',    0x7f,   0x80,    0x7ff,   0x800,
				       0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		char bytes[4];
		size_t size = text_put_utf8(bytes, all[i]);
		uint32_t c = 1;

		assert_int_equal(text_utf8(bytes, size, &c), size);
		assert_int_equal(c, all[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(nearest_words),
		cmocka_unit_test(numbers),
		cmocka_unit_test(characters),
		cmocka_unit_test(written_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
