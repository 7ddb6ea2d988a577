/* SPDX-License-Identifier: Apache-2.0 */
/* build_test.c: patterns, ports, paths and words, where a whole build would hide which of them was wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "image/build.h"
#include "image/dockerfile.h"

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool flat, deep;
	} cases[] = {
		{"", "", true, true},
		{"", "a", false, false},
		{"a", "a", true, true},
		{"a", "ab", false, false},
		{"*", "", true, true},
		{"*", "abc", true, true},
		{"*", "a/b", false, false},
		{"*.c", "a.c", true, true},
		{"a*b*c", "aXbbYc", true, true},
		{"a*b*c", "aXbbYd", false, false},
		{"?", "a", true, true},
		{"?", "/", false, false},
		{"?", "", false, false},
		{"[a-c]x", "bx", true, true},
		{"[^a-c]x", "bx", false, false},
		{"[^a-c]x", "dx", true, true},
		{"[]a]", "]", true, true},
		{"[a", "a", false, false},
		{"[\\]]", "]", true, true},
		{"[a-]", "-", true, true},
		{"[^a]", "/", false, false},
		{"\\*", "*", true, true},
		{"\\*", "a", false, false},
		{"a\\", "a\\", true, true},
		{"**", "a/b/c", false, true},
		{"**/c", "c", false, true},
		{"**/c", "a/b/c", false, true},
		{"**/c", "a/bc", false, false},
		{"a/**", "a/b/c", false, true},
		{"a/**", "a", false, false},
		{"a/**/c", "a/c", false, true},
		{"a/**/c", "a/x/y/c", false, true},
		{"a**c", "a/b/c", false, true},
		{"**/*.c", "x/y.c", true, true},
		{"a/*/c", "a/b/c", true, true},
		{"a/*/c", "a/c", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (pattern_match(cases[i].pattern, cases[i].path, false) != cases[i].flat ||
		    pattern_match(cases[i].pattern, cases[i].path, true) != cases[i].deep)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].path);
	}
}

/* Stars that would take for ever by trying. */
static void a_pattern_of_many_stars(void **state)
{
	char pattern[402], path[2002];

	(void)state;
	for (size_t i = 0; i < 400; i += 2)
		memcpy(pattern + i, "*a", 2);
	strcpy(pattern + 400, "b");
	memset(path, 'a', 2000);
	path[2000] = '\0';
	assert_false(pattern_match(pattern, path, true));
	strcpy(path + 1999, "b");
	assert_true(pattern_match(pattern, path, false));
}

static void paths(void **state)
{
	static const struct {
		const char *directory, *path, *expected;
	} cases[] = {
		{"", "/a", "/a"},
		{"", "", "/"},
		{"/w", "a", "/w/a"},
		{"/w", "/a", "/a"},
		{"/w", "../../../a", "/a"},
		{"/w/x", "..//./y/", "/w/y"},
		{"/", ".", "/"},
		{"", "...", "/..."},
	};
	char path[PATH_MAX], longest[PATH_MAX + 10];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(build_path(cases[i].directory, cases[i].path, path, &err), 0);
		assert_string_equal(path, cases[i].expected);
	}
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 == 0 ? '/' : 'a';
	longest[sizeof(longest) - 1] = '\0';
	assert_true(build_path("", longest, path, &err) < 0);
}

static const char *find(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "A") == 0 ? "x y" : strcmp(name, "E") == 0 ? "" : NULL;
}

static void words(void **state)
{
	static const struct {
		const char *word, *expected; /* NULL: refused */
	} cases[] = {
		{"a", "a"},
		{"$A", "x y"},
		{"${A}b", "x yb"},
		{"'$A'", "$A"},
		{"\"$A\"", "x y"},
		{"\\$A", "$A"},
		{"$", "$"},
		{"$1", "$1"},
		{"a$-b", "a$-b"},
		{"${E:-d}", "d"},
		{"${E-d}", ""},
		{"${N-d}", "d"},
		{"${A:+s}", "s"},
		{"${E:+s}", ""},
		{"${E+s}", "s"},
		{"${N:-${A}}", "x y"},
		{"${N:-'}'}", "}"},
		{"${N:-\\}}", "}"},
		{"\"a\\\"b\"", "a\"b"},
		{"'a\\'", "a\\"},
		{"\"\\a\"", "\\a"},
		{"${A?no}", "x y"},
		{"${N?no}", NULL},
		{"${A", NULL},
		{"${", NULL},
		{"${}", NULL},
		{"${A%x}", NULL},
		{"'", NULL},
		{"\"", NULL},
		{"${N:-", NULL},
	};
	struct word_scope scope = {'\\', find, NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = {0};
		struct err err = {""};
		int error = word_expand(cases[i].word, strlen(cases[i].word), &scope, &out, &err);

		if ((error == 0) != (cases[i].expected != NULL) ||
		    (error == 0 && strcmp((char *)out.data, cases[i].expected) != 0) ||
		    (error < 0 && err.text[0] == '\0'))
			fail_msg("%s: %s", cases[i].word, error == 0 ? (char *)out.data : err.text);
		buf_deinit(&out);
	}
}

static void lines(void **state)
{
	const char text[] =
		"# escape=`\n# c\n FROM a`\n\n# x\n  b  \n\tenv A `\r\n=1\r\nRUN <<X\nnothing\nX\n"
		"CMD [] `";
	struct dockerfile file;
	struct err err;
	const struct instruction *at;

	(void)state;
	assert_int_equal(dockerfile_parse(&file, "D", text, sizeof(text) - 1, &err), 0);
	assert_int_equal(BUF_COUNT(&file.instructions, struct instruction), 4);
	at = BUF_ITEM(&file.instructions, struct instruction, 0);
	assert_int_equal(at[0].kind, INSTRUCTION_FROM);
	assert_string_equal(at[0].rest, "a  b");
	assert_int_equal(at[0].line, 3);
	assert_int_equal(at[1].kind, INSTRUCTION_ENV);
	assert_string_equal(at[1].rest, "A =1");
	assert_int_equal(at[1].line, 7);
	assert_true(at[2].has_document);
	assert_string_equal(at[3].rest, "[]");
	assert_int_equal(at[3].line, 12);
	dockerfile_deinit(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns), cmocka_unit_test(a_pattern_of_many_stars),
		cmocka_unit_test(paths),    cmocka_unit_test(words),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
