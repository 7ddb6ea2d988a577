/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_test.c: what json.c takes, what it refuses and where it says so, and its life without memory.
 *
 * The file under test is included, so that its allocations can be made to fail one after the other.
 */
#include "base/test_left.h"

#include "base/json.c"
#undef malloc
#undef realloc
#undef calloc

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static struct json *parse_bytes(const char *text, size_t size)
{
	struct err err = {""};
	struct json *json = NULL;
	char *copy = malloc(size > 0 ? size : 1); /* no byte more: a sanitizer sees an overrun */
	int rc;

	memcpy(copy, text, size);
	rc = json_parse(&json, copy, size, &err);
	free(copy);
	if (rc != 0)
		fail_msg("%.40s: %s", text, err.text);
	return json;
}

static struct json *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void test_scalars(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
	} cases[] = {
		{"null", JSON_NULL},   {"true", JSON_BOOL},      {" false\r\n\t", JSON_BOOL},
		{"0", JSON_NUMBER},    {"-0.5e+7", JSON_NUMBER}, {"1E9", JSON_NUMBER},
		{"\"\"", JSON_STRING}, {"[]", JSON_ARRAY},       {"{ }", JSON_OBJECT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = parse(cases[i].text);

		assert_int_equal(json_kind(json_root(json)), cases[i].kind);
		assert_false(json_exists(json_first(json_root(json))));
		assert_false(json_exists(json_next(json_root(json))));
		assert_null(json_name(json_root(json), NULL));
		json_free(json);
	}
}

static void test_tree(void **state)
{
	struct json *json =
		parse("{\"a\": [1, {\"b\": [[], {}]}, \"x\"], \"\": null, \"c\": true}");
	struct json_value root = json_root(json), a = json_find(root, "a"), v;
	bool yes = false;
	size_t size;

	(void)state;
	assert_int_equal(json_count(root), 3);
	assert_int_equal(json_count(a), 3);
	assert_string_equal(json_name(a, NULL), "a");
	assert_int_equal(json_kind(json_find(root, "")), JSON_NULL);
	assert_string_equal(json_name(json_find(root, ""), &size), "");
	assert_int_equal(size, 0);
	assert_true(json_bool(json_find(root, "c"), &yes) && yes);
	v = json_first(a);
	assert_null(json_name(v, NULL));
	assert_int_equal(json_kind(v), JSON_NUMBER);
	v = json_next(v);
	assert_int_equal(json_count(json_find(v, "b")), 2);
	assert_int_equal(json_kind(json_next(json_first(json_find(v, "b")))), JSON_OBJECT);
	v = json_next(v);
	assert_string_equal(json_string(v, NULL), "x");
	assert_false(json_exists(json_next(v)));
	json_free(json);
}

static void test_absent(void **state)
{
	struct json *json = parse("{\"a\": 1}");
	struct json_value none = json_find(json_find(json_root(json), "a"), "b");
	uint64_t u = 7;
	bool b;

	(void)state;
	assert_false(json_exists(none));
	assert_false(json_exists(json_find(json_root(json), "A")));
	assert_int_equal(json_kind(none), JSON_NONE);
	assert_int_equal(json_count(none), 0);
	assert_null(json_string(none, NULL));
	assert_null(json_name(none, NULL));
	assert_false(json_u64(none, &u) || json_bool(none, &b));
	assert_false(json_exists(json_next(none)) || json_exists(json_first(none)));
	assert_int_equal(u, 7);
	json_free(json);
	assert_null(json_free(NULL));
}

static void test_last_member_wins(void **state)
{
	struct json *json = parse("{\"a\": 1, \"b\": 2, \"\\u0061\": 3}");
	uint64_t n = 0;

	(void)state;
	assert_true(json_u64(json_find(json_root(json), "a"), &n));
	assert_int_equal(n, 3);
	assert_int_equal(json_count(json_root(json)), 3);
	json_free(json);
}

static void check_string(const char *text, const char *expected, size_t expected_size)
{
	struct json *json = parse(text);
	size_t size = 0;
	const char *found = json_string(json_root(json), &size);

	assert_int_equal(size, expected_size);
	assert_memory_equal(found, expected, size + 1);
	json_free(json);
}

static void test_strings(void **state)
{
	(void)state;
	check_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
	check_string("\"a\\u0000b\"", "a\0b", 3);
	check_string("\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
	check_string("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"",
		     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f", 10);
	check_string("\"\\uFFFF\\uD7FF\\uE000\\u07ff\\u0800\"",
		     "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xdf\xbf\xe0\xa0\x80", 14);
	check_string("\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf", 4);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool is_u64, is_i64, is_double;
		uint64_t u;
		int64_t i;
		double d;
	} cases[] = {
		{"0", true, true, true, 0, 0, 0},
		{"-0", false, true, true, 0, 0, 0},
		{"18446744073709551615", true, false, true, UINT64_MAX, 0, 18446744073709551615.0},
		{"18446744073709551616", false, false, true, 0, 0, 18446744073709551616.0},
		{"9223372036854775807", true, true, true, INT64_MAX, INT64_MAX, 0x1p63},
		{"9223372036854775808", true, false, true, UINT64_C(1) << 63, 0, 0x1p63},
		{"-9223372036854775808", false, true, true, 0, INT64_MIN, -0x1p63},
		{"-9223372036854775809", false, false, true, 0, 0, -0x1p63},
		{"1.5", false, false, true, 0, 0, 1.5},
		{"1e2", false, false, true, 0, 0, 100},
		{"-2.5E-1", false, false, true, 0, 0, -0.25},
		{"1e999", false, false, false, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = parse(cases[i].text);
		struct json_value v = json_root(json);
		uint64_t u = 0;
		int64_t s = 0;
		double d = 0;

		assert_true(json_u64(v, &u) == cases[i].is_u64 && u == cases[i].u);
		assert_true(json_i64(v, &s) == cases[i].is_i64 && s == cases[i].i);
		assert_true(json_double(v, &d) == cases[i].is_double && d == cases[i].d);
		json_free(json);
	}
}

static void test_refused(void **state)
{
	/* table-like: what is wrong, and the beginning of the sentence */
	static const char *const cases[][2] = {
		{"", "line 1, column 1: expected a value, found the end of the text"},
		{" \n ", "line 2, column 2: expected a value, found the end"},
		{"\xef\xbb\xbf{}", "line 1, column 1: expected a value, found byte 0xef"},
		{"[1,]", "line 1, column 4: expected a value, found ']'"},
		{"[1 2]", "line 1, column 4: expected ',' or ']', found '2'"},
		{"[\n1,\n 2}", "line 3, column 3: expected ',' or ']', found '}'"},
		{"[", "line 1, column 2: expected a value, found the end"},
		{"[[]", "line 1, column 4: expected ',' or ']', found the end"},
		{"{", "line 1, column 2: expected a name in quotes, found the end"},
		{"{\"a\":1,}", "line 1, column 8: expected a name in quotes, found '}'"},
		{"{\"a\" 1}", "line 1, column 6: expected ':' after a name, found '1'"},
		{"{\"a\":1]", "line 1, column 7: expected ',' or '}', found ']'"},
		{"{a:1}", "line 1, column 2: expected a name in quotes, found 'a'"},
		{"[]x", "line 1, column 3: expected the end of the text, found 'x'"},
		{"null,", "line 1, column 5: expected the end of the text, found ','"},
		{"]", "line 1, column 1: expected a value, found ']'"},
		{"nul", "line 1, column 1: expected a value, found 'n'"},
		{"nullx", "line 1, column 5: expected the end"},
		{"NaN", "line 1, column 1: expected a value"},
		{"// c\n1", "line 1, column 1: expected a value, found '/'"},
		{"01", "line 1, column 2: a digit after a leading zero"},
		{"-", "line 1, column 2: expected a digit after '-', found the end"},
		{"+1", "line 1, column 1: expected a value, found '+'"},
		{".5", "line 1, column 1: expected a value, found '.'"},
		{"1.", "line 1, column 3: expected a digit after '.', found the end"},
		{"1e+", "line 1, column 4: expected a digit in the exponent"},
		{"0x10", "line 1, column 2: expected the end of the text, found 'x'"},
		{"\"a", "line 1, column 1: a string that does not end"},
		{"\"\\", "line 1, column 3: expected one of"},
		{"\"\\x\"", "line 1, column 3: expected one of"},
		{"\"a\tb\"", "line 1, column 3: control character 0x09 in a string"},
		{"\"a\nb\"", "line 1, column 3: control character 0x0a in a string"},
		{"\"\\u12g4\"", "line 1, column 6: expected four hexadecimal digits"},
		{"\"\\u12", "line 1, column 6: expected four hexadecimal digits"},
		{"\"\\ud800\"", "line 1, column 2: a high surrogate without"},
		{"\"\\ud800\\n\"", "line 1, column 2: a high surrogate without"},
		{"\"\\ud800\\ud800\"", "line 1, column 2: a high surrogate without"},
		{"\"\\udc00\"", "line 1, column 2: a low surrogate without"},
		{"\"\x80\"", "line 1, column 2: byte 0x80 does not begin valid UTF-8"},
		{"\"\xc0\xaf\"", "line 1, column 2: byte 0xc0"},
		{"\"\xc1\xbf\"", "line 1, column 2: byte 0xc1"},
		{"\"\xc3\"", "line 1, column 2: byte 0xc3"},
		{"\"\xc3", "line 1, column 2: byte 0xc3"},
		{"\"\xe0\x9f\xbf\"", "line 1, column 2: byte 0xe0"},
		{"\"\xed\xa0\x80\"", "line 1, column 2: byte 0xed"},
		{"\"\xe2\x82\"", "line 1, column 2: byte 0xe2"},
		{"\"\xf0\x8f\xbf\xbf\"", "line 1, column 2: byte 0xf0"},
		{"\"\xf4\x90\x80\x80\"", "line 1, column 2: byte 0xf4"},
		{"\"\xf5\x80\x80\x80\"", "line 1, column 2: byte 0xf5"},
		{"\"\xff\"", "line 1, column 2: byte 0xff"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = NULL;
		struct err err = {""};

		assert_int_equal(json_parse(&json, cases[i][0], strlen(cases[i][0]), &err),
				 JSON_INVALID);
		assert_null(json);
		if (strncmp(err.text, cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("'%s' gave: %s", cases[i][0], err.text);
		assert_int_equal(json_parse(&json, cases[i][0], strlen(cases[i][0]), NULL),
				 JSON_INVALID);
	}
}

/* A NUL in the text is a byte like another, not the end. */
static void test_nul_bytes(void **state)
{
	struct json *json = NULL;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(&json, "1\0", 2, &err), JSON_INVALID);
	assert_string_equal(err.text,
			    "line 1, column 2: expected the end of the text, found byte 0x00");
	assert_int_equal(json_parse(&json, "\"\0\"", 3, &err), JSON_INVALID);
	assert_int_equal(json_parse(&json, "\"\\\0\"", 4, &err), JSON_INVALID);
}

static void test_depth(void **state)
{
	char text[2 * JSON_DEPTH_MAX + 3];
	struct json *json = NULL;
	struct err err;

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	json = parse_bytes(text + 1, 2 * JSON_DEPTH_MAX);
	json_free(json);
	assert_int_equal(json_parse(&json, text, sizeof(text) - 1, &err), JSON_INVALID);
	assert_string_equal(err.text,
			    "line 1, column 65: more than 64 arrays and objects in each other");
}

static void test_size(void **state)
{
	size_t size = JSON_SIZE_MAX;
	char *text = malloc(size + 1);
	struct json *json = NULL;
	struct err err;

	(void)state;
	memset(text, ' ', size + 1);
	text[0] = '7';
	assert_int_equal(json_parse(&json, text, size + 1, &err), JSON_INVALID);
	assert_string_equal(err.text,
			    "line 1, column 1: 16777217 bytes are more than the 16777216 allowed");
	assert_int_equal(json_parse(&json, text, size, &err), 0);
	json_free(json);
	free(text);
}

static void test_no_memory(void **state)
{
	static char text[300 * 1024] = "[\"a\""; /* more than is looked at to guess what it needs */
	struct json *json = NULL;
	struct err err;
	size_t at;
	int fails = 0, rc;

	(void)state;
	for (at = 4; at + 4 < sizeof(text); at += 3)
		memcpy(text + at, ",{}", 4);
	strcpy(text + at, "]");
	for (;; fails++) {
		err.text[0] = '\0';
		allocations_left = fails;
		rc = json_parse(&json, text, strlen(text), &err);
		allocations_left = -1;
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(json);
		assert_non_null(strstr(err.text, "no memory"));
	}
	assert_in_range(fails, 4, 10);
	assert_int_equal(json_count(json_root(json)), 1 + (sizeof(text) - 6) / 3);
	json_free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),   cmocka_unit_test(test_tree),
		cmocka_unit_test(test_absent),    cmocka_unit_test(test_last_member_wins),
		cmocka_unit_test(test_strings),   cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_depth),     cmocka_unit_test(test_size),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
