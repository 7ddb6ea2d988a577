/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml_test.c: what toml.c takes, what it refuses and where it says so, and its life without memory.
 *
 * A tree is compared as text: {key:value,...}, [value,...], "string", true, 1, 1.5. The file under test is included, so
 * that its allocations can be made to fail one after the other.
 */
#include "base/test_left.h"

#include "base/toml.c"
#undef malloc
#undef realloc
#undef calloc

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* -- A tree as text ------------------------------------------------------------------------- */

struct shown {
	char text[4096];
	size_t size;
};

static void show(struct shown *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void show(struct shown *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	s->size += (size_t)vsnprintf(s->text + s->size, sizeof(s->text) - s->size, format, args);
	va_end(args);
	assert_true(s->size < sizeof(s->text));
}

static void show_scalar(struct shown *s, struct toml_value value)
{
	int64_t integer;
	double real;
	bool yes;

	if (toml_bool(value, &yes))
		show(s, yes ? "true" : "false");
	else if (toml_i64(value, &integer))
		show(s, "%" PRId64, integer);
	else if (toml_double(value, &real))
		show(s, isnan(real) ? "nan" : "%.17g", real);
	else
		show(s, "\"%s\"", toml_string(value, NULL));
}

/* A test may call itself. */
static void show_value(struct shown *s, struct toml_value value)
{
	bool table = toml_kind(value) == TOML_TABLE;
	const char *between = "";

	if (toml_kind(value) < TOML_ARRAY) {
		show_scalar(s, value);
		return;
	}
	show(s, table ? "{" : "[");
	for (struct toml_value v = toml_first(value); toml_exists(v); v = toml_next(v)) {
		show(s, "%s", between);
		if (table)
			show(s, "%s:", toml_name(v, NULL));
		show_value(s, v);
		between = ",";
	}
	show(s, table ? "}" : "]");
}

static struct toml *parse(const char *text, size_t size)
{
	struct toml_place place;
	struct err err = {""};
	struct toml *toml = NULL;
	char *copy = malloc(size > 0 ? size : 1); /* no byte more: a sanitizer sees an overrun */
	int rc;

	memcpy(copy, text, size);
	rc = toml_parse(&toml, copy, size, &place, &err);
	free(copy);
	if (rc != 0)
		fail_msg("%.60s: %u:%u: %s", text, place.line, place.column, err.text);
	return toml;
}

/* -- Good ------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *shown;
} good[] = {
	{"", "{}"},
	{"# nothing", "{}"},
	{"\n\r\n \t# x\n", "{}"},
	{"a=1", "{a:1}"},
	{"a = 1 # one\r\nb = 2", "{a:1,b:2}"},
	{"1 = 1\n-_9 = 2\ntrue = 3", "{1:1,-_9:2,true:3}"},
	{"\"\" = 1\n'x y' = 2\n\"\\u00e9\" = 3", "{:1,x y:2,\303\251:3}"},
	{"a.b . \"c.d\" = 1\na.e = 2", "{a:{b:{c.d:1},e:2}}"},
	{"3.14 = 1", "{3:{14:1}}"},
	/* Integers. */
	{"a=0\nb=-0\nc=+7\nd=1_000", "{a:0,b:0,c:7,d:1000}"},
	{"a=0xDEAD_beef\nb=0o755\nc=0b1_01", "{a:3735928559,b:493,c:5}"},
	{"a=9223372036854775807\nb=-9223372036854775808",
	 "{a:9223372036854775807,b:-9223372036854775808}"},
	{"a=0x7fffffffffffffff\nb=0x00", "{a:9223372036854775807,b:0}"},
	/* Floats. */
	{"a=1.5\nb=-0.25\nc=5e+2\nd=1E06\ne=6.5e-1\nf=1_0.2_5",
	 "{a:1.5,b:-0.25,c:500,d:1000000,e:0.65000000000000002,f:10.25}"},
	{"a=inf\nb=-inf\nc=+nan\nd=0e0", "{a:inf,b:-inf,c:nan,d:0}"},
	{"a=true\nb=false", "{a:true,b:false}"},
	/* Strings. */
	{"a=\"\"\nb=''\nc=\"x # y\" # z", "{a:\"\",b:\"\",c:\"x # y\"}"},
	{"a=\"\\b\\t\\n\\f\\r\\\"\\\\\"", "{a:\"\b\t\n\f\r\"\\\"}"},
	{"a='\\n\"'", "{a:\"\\n\"\"}"},
	{"a=\"\\u0041\\U0001F600\\u00df\"", "{a:\"A\360\237\230\200\303\237\"}"},
	{"a=\"\"\"\nx\r\ny\"\"\"", "{a:\"x\ny\"}"},
	{"a=\"\"\"x \\\n   \r\n \t y\\\n\"\"\"", "{a:\"x y\"}"},
	{"a=\"\"\"\"\"x\"\"\"\"\"", "{a:\"\"\"x\"\"\"}"},
	{"a=''''x''''", "{a:\"'x'\"}"},
	{"a=''''''''", "{a:\"''\"}"},
	{"a='''\n\\\n'''", "{a:\"\\\n\"}"},
	{"a=\"\"\"\"\"\"\nb=''''''", "{a:\"\",b:\"\"}"},
	/* Arrays and inline tables. */
	{"a=[]\nb=[ ]\nc=[1,2,]\nd=[ # x\n\n 1 # y\n , 'z',\n]", "{a:[],b:[],c:[1,2],d:[1,\"z\"]}"},
	{"a=[[1],[[]],{}]", "{a:[[1],[[]],{}]}"},
	{"a={}\nb={ }\nc={x=1}\nd={ x = 1 , y.z = [\n{q=2}\n] }",
	 "{a:{},b:{},c:{x:1},d:{x:1,y:{z:[{q:2}]}}}"},
	{"a={b.c=1,b.d=2}", "{a:{b:{c:1,d:2}}}"},
	/* Headers. */
	{"[a]", "{a:{}}"},
	{"[ a . 'b' ] # x\nc=1\n[d]", "{a:{b:{c:1}},d:{}}"},
	{"[a.b]\nx=1\n[a]\ny=2", "{a:{b:{x:1},y:2}}"},
	{"[[a]]\nx=1\n[[ a ]]\n[a.b]\ny=2\n[[a.c]]\n[[a]]", "{a:[{x:1},{b:{y:2},c:[{}]},{}]}"},
	{"[a]\nb.c=1\nb.d=2\n[a.b.e]\nf=3", "{a:{b:{c:1,d:2,e:{f:3}}}}"},
	{"[a]\nb.c=1\n[[a.b.d]]\n[[a.b.d]]", "{a:{b:{c:1,d:[{},{}]}}}"},
	{"[a.b.c]\n[a.b]\n[a]\nd=1", "{a:{b:{c:{}},d:1}}"},
	{"x.y=1\n[x.z]", "{x:{y:1,z:{}}}"},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct toml *toml = parse(good[i].text, strlen(good[i].text));
		struct shown s = {.size = 0};

		show_value(&s, toml_root(toml));
		assert_string_equal(s.text, good[i].shown);
		toml_free(toml);
	}
}

/* -- Bad ---------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	uint32_t line, column;
	const char *words;
} bad[] = {
	{"a", 1, 2, "'=' after a key"},
	{"a 1", 1, 3, "'=' after a key, found '1'"},
	{"= 1", 1, 1, "a key"},
	{"a.=1", 1, 3, "a key"},
	{".a=1", 1, 1, "a key"},
	{"\303\251=1", 1, 1, "a key, found byte 0xc3"},
	{"\"\"\"a\"\"\"=1", 1, 1, "a key of several lines"},
	{"'''a'''=1", 1, 1, "a key of several lines"},
	{"a=", 1, 3, "a value, found the end of the text"},
	{"a=\nb=1", 1, 3, "a value, found the end of the line"},
	{"a=1 b=2", 1, 5, "the end of the line"},
	{"x=1\n  a=1\n\ta=2", 3, 2, "'a' is there already"},
	{"a=1\n'a'=2", 2, 1, "'a' is there already"},
	{"a=1\na.b=2", 2, 1, "'a' is an integer, not a table"},
	{"a={}\na.b=2", 2, 1, "closed with '}'"},
	{"a.b=1\na.b=2", 2, 3, "'b' is there already"},
	{"a=yes", 1, 3, "a value, found 'y'"},
	{"a=True", 1, 3, "a value"},
	{"a=truely", 1, 3, "a value"},
	{"a=\xef\xbb\xbf", 1, 3, "a value"},
	{"\xef\xbb\xbf"
	 "a=1",
	 1, 1, "a key"},
	{"a=1\r", 1, 4, "the end of the line"},
	{"# x\r", 1, 4, "control character 0x0d"},
	{"# \x01", 1, 3, "control character 0x01"},
	{"# \xff", 1, 3, "UTF-8"},
	/* Numbers. */
	{"a=01", 1, 3, "not a number"},
	{"a=-01", 1, 3, "not a number"},
	{"a=1_", 1, 3, "not a number"},
	{"a=1__0", 1, 3, "not a number"},
	{"a=_1", 1, 3, "a value"},
	{"a=+", 1, 3, "not a number"},
	{"a=--1", 1, 3, "not a number"},
	{"a=+0x1", 1, 3, "not a number"},
	{"a=0x", 1, 3, "not a number"},
	{"a=0xg", 1, 3, "not a number"},
	{"a=0b2", 1, 3, "not a number"},
	{"a=0o8", 1, 3, "not a number"},
	{"a=0X1", 1, 3, "not a number"},
	{"a=9223372036854775808", 1, 3, "beyond"},
	{"a=-9223372036854775809", 1, 3, "beyond"},
	{"a=0x8000000000000000", 1, 3, "beyond"},
	{"a=1.", 1, 3, "not a number"},
	{"a=.1", 1, 3, "a value"},
	{"a=1.e1", 1, 3, "not a number"},
	{"a=1e", 1, 3, "not a number"},
	{"a=1.2.3", 1, 3, "not a number"},
	{"a=00.5", 1, 3, "not a number"},
	{"a=1._5", 1, 3, "not a number"},
	{"a=infinity", 1, 3, "a value"},
	{"a=1979-05-27", 1, 3, "a date or a time"},
	{"a=07:32:00", 1, 3, "a date or a time"},
	{"a=[1979-05-27T07:32:00Z]", 1, 4, "a date or a time"},
	/* Strings. */
	{"a=\"x", 1, 3, "does not end in its line"},
	{"a=\"x\ny\"", 1, 3, "does not end in its line"},
	{"a='x", 1, 3, "does not end in its line"},
	{"a=\"\"\"x\n\"\"", 1, 3, "does not end"},
	{"a='''", 1, 3, "does not end"},
	{"a=\"\\x41\"", 1, 5, "after a backslash, found 'x'"},
	{"a=\"\\u12g4\"", 1, 8, "four hexadecimal digits"},
	{"a=\"\\ud800\"", 1, 4, "no character"},
	{"a=\"\\U00110000\"", 1, 4, "no character"},
	{"a=\"\x7f\"", 1, 4, "control character 0x7f"},
	{"a='\xc0\x80'", 1, 4, "UTF-8"},
	{"a=\"\"\"\n\n  \\q\"\"\"", 3, 4, "after a backslash"},
	{"a=\"\"\"\r\"\"\"", 1, 6, "control character 0x0d"},
	{"a='''''''''", 1, 11, "the end of the line"},
	/* Arrays and inline tables. */
	{"a=[1 2]", 1, 6, "',' or ']'"},
	{"a=[,]", 1, 4, "a value"},
	{"a=[1,,2]", 1, 6, "a value"},
	{"a=[1\n\n", 3, 1, "',' or ']', found the end of the text"},
	{"a={x=1,}", 1, 8, "a key, found '}'"},
	{"a={x=1\n}", 1, 7, "',' or '}', found the end of the line"},
	{"a={\nx=1}", 1, 4, "a key"},
	{"a={x=1,x=2}", 1, 8, "'x' is there already"},
	{"a={x.y=1,x=2}", 1, 10, "'x' is there already"},
	{"a={x={},x.y=2}", 1, 9, "closed with '}'"},
	{"a=[1]\n[[a]]", 2, 3, "'a' is there already"},
	{"a=[{}]\n[a.b]", 2, 2, "'a' is an array, not a table"},
	{"a={b={}}\n[a.b.c]", 2, 2, "closed with '}'"},
	/* Headers. */
	{"[]", 1, 2, "a key"},
	{"[a", 1, 3, "']' after a table's name"},
	{"[a]b=1", 1, 4, "the end of the line"},
	{"[a.]", 1, 4, "a key"},
	{"[[a]", 1, 4, "']]' after a table's name"},
	{"[[a] ]", 1, 4, "']]' after a table's name"},
	{"[ [a]]", 1, 3, "a key"},
	{"[a]\n[b]\n[a]", 3, 2, "'a' is there already"},
	{"[a]\n[[a]]", 2, 3, "'a' is there already"},
	{"[[a]]\n[a]", 2, 2, "'a' is there already"},
	{"a.b=1\n[a]", 2, 2, "'a' is there already"},
	{"[a]\nb.c=1\n[a.b]", 3, 4, "'b' is there already"},
	{"[a.b]\n[a]\nb.c=1", 3, 1, "a header of its own"},
	{"[a.b.c]\n[a]\nb.d=1", 3, 1, "a header of its own"},
	{"[a]\nb=1\n[a.b.c]", 3, 4, "'b' is an integer"},
	{"[a.b]\n[a]\nb=1", 3, 1, "'b' is there already"},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct toml_place place = {0, 0};
		struct toml *toml = NULL;
		struct err err = {""};
		int rc = toml_parse(&toml, bad[i].text, strlen(bad[i].text), &place, &err);

		if (rc != TOML_INVALID || toml != NULL || place.line != bad[i].line ||
		    place.column != bad[i].column || strstr(err.text, bad[i].words) == NULL)
			fail_msg("%s\n gives %d, %u:%u: %s", bad[i].text, rc, place.line,
				 place.column, err.text);
	}
}

/* -- The rest ------------------------------------------------------------------------------------ */

static void test_places(void **state)
{
	static const char text[] = "\n a.b = 1\n[c]\n[[d]]\n x = [ 7,\n  8]\n[e.f]\n[e]\n";
	struct toml *toml = parse(text, sizeof(text) - 1);
	struct toml_value root = toml_root(toml), d = toml_first(toml_find(root, "d")),
			  x = toml_find(d, "x"), e = toml_find(root, "e");
	const struct {
		struct toml_value value;
		uint32_t line, column;
	} cases[] = {
		{root, 1, 1},
		{toml_find(root, "a"), 2, 2},
		{toml_find(toml_find(root, "a"), "b"), 2, 4},
		{toml_find(root, "c"), 3, 2},
		{d, 4, 3},
		{x, 5, 2},
		{toml_first(x), 5, 8},
		{toml_next(toml_first(x)), 6, 3},
		{e, 8, 2},
		{toml_find(e, "f"), 7, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct toml_place place = toml_place(cases[i].value);

		if (place.line != cases[i].line || place.column != cases[i].column)
			fail_msg("case %zu: %u:%u", i, place.line, place.column);
	}
	toml_free(toml);
}

static void test_absent(void **state)
{
	static const char text[] = "a = 1\ns = \"x\\u0000y\"";
	struct toml *toml = parse(text, sizeof(text) - 1);
	struct toml_value none = toml_find(toml_find(toml_root(toml), "a"), "b");
	double real = 7;
	size_t size = 0;
	bool yes;

	(void)state;
	assert_false(toml_exists(none));
	assert_int_equal(toml_kind(none), TOML_NONE);
	assert_int_equal(toml_count(none), 0);
	assert_int_equal(toml_place(none).line, 0);
	assert_null(toml_string(none, NULL));
	assert_null(toml_name(none, NULL));
	assert_null(toml_name(toml_root(toml), NULL));
	assert_false(toml_exists(toml_next(none)) || toml_exists(toml_first(none)));
	assert_false(toml_double(toml_find(toml_root(toml), "a"), &real) || toml_bool(none, &yes));
	assert_true(real == 7);
	assert_non_null(toml_string(toml_find(toml_root(toml), "s"), &size));
	assert_int_equal(size, 3);
	toml_free(toml);
	assert_null(toml_free(NULL));
}

static int parse_only(const char *text, size_t size, struct err *err)
{
	struct toml_place place;
	struct toml *toml = NULL;
	int rc = toml_parse(&toml, text, size, &place, err);

	toml_free(toml);
	return rc;
}

/* However deep: brackets, braces, dots, or all of them. */
static void test_depth(void **state)
{
	static const struct {
		const char *begin, *part;
		uint32_t each; /* tables or arrays it makes */
	} cases[] = {{"a=", "[", 1},
		     {"a=", "{a=", 1},
		     {"a", ".a", 1},
		     {"[a", ".a", 1},
		     {"a=", "[{a=", 2}};
	static char text[8 * TOML_DEPTH_MAX + 16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {""};

		strcpy(text, cases[i].begin);
		for (uint32_t n = 0; n < 2 * TOML_DEPTH_MAX; n += cases[i].each)
			strcat(text, cases[i].part);
		if (strchr(cases[i].begin, '=') == NULL)
			strcat(text, cases[i].begin[0] == '[' ? "]" : "=1");
		assert_int_equal(parse_only(text, strlen(text), &err), TOML_INVALID);
		assert_non_null(strstr(err.text, "in each other"));
	}
	strcpy(text, "a=");
	for (uint32_t n = 1; n < TOML_DEPTH_MAX; n++)
		strcat(text, "[");
	for (uint32_t n = 1; n < TOML_DEPTH_MAX; n++)
		strcat(text, "]");
	assert_int_equal(parse_only(text, strlen(text), NULL), 0);
}

static void test_size(void **state)
{
	char *text = malloc(TOML_SIZE_MAX + 1);
	struct err err = {""};
	size_t size = 0;

	(void)state;
	memset(text, '\n', TOML_SIZE_MAX + 1);
	assert_int_equal(parse_only(text, TOML_SIZE_MAX, &err), 0);
	assert_int_equal(parse_only(text, TOML_SIZE_MAX + 1, &err), TOML_INVALID);
	assert_non_null(strstr(err.text, "more than the 1048576 allowed"));
	for (uint32_t i = 0; i < TOML_KEYS_MAX; i++)
		size += (size_t)sprintf(text + size, "k%u=1\n", i);
	assert_int_equal(parse_only(text, size, &err), 0);
	size += (size_t)sprintf(text + size, "one=1\n");
	assert_int_equal(parse_only(text, size, &err), TOML_INVALID);
	assert_non_null(strstr(err.text, "more than 1024 keys"));
	free(text);
}

static void test_refused_memory(void **state)
{
	static const char text[] =
		"a.b.c.d.e.f=1\n[[x]]\n[[x]]\ny=[[1,2,3,4],[5,6,7,8],[9,10,11,12],[13,14,"
		"15,16],[17,18,19,20],[21,22,23,24]]\nz={p=1,q=[\"s\"]}\n";
	struct err err = {""};
	int rc = -ENOMEM;

	(void)state;
	for (int n = 0; rc != 0; n++) {
		assert_true(n < 10);
		allocations_left = n;
		rc = parse_only(text, sizeof(text) - 1, &err);
		allocations_left = -1;
		if (rc != 0) {
			assert_int_equal(rc, -ENOMEM);
			assert_non_null(strstr(err.text, "no memory"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),           cmocka_unit_test(test_bad),
		cmocka_unit_test(test_places),         cmocka_unit_test(test_absent),
		cmocka_unit_test(test_depth),          cmocka_unit_test(test_size),
		cmocka_unit_test(test_refused_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
