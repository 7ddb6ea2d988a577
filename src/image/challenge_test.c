/* SPDX-License-Identifier: Apache-2.0 */
/* challenge_test.c: what registries write into WWW-Authenticate, and what nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/challenge.h"

static void check(const char *text, bool basic, const char *realm, const char *service)
{
	struct challenge c;

	challenge_parse(&c, text);
	assert_int_equal(c.basic, basic);
	assert_int_equal(c.bearer, realm[0] != '\0');
	assert_string_equal(c.realm, realm);
	assert_string_equal(c.service, service);
}

static void usual_ones(void **state)
{
	struct challenge c;

	(void)state;
	check("Basic realm=\"x\"", true, "", "");
	check("basic", true, "", "");
	check("Bearer realm=\"https://a/t\",service=\"s\"", false, "https://a/t", "s");
	check("bEaReR  service = s , REALM = \"https://a/t\"", false, "https://a/t", "s");
	challenge_parse(
		&c, "Bearer realm=\"https://a/t\",scope=\"repository:a/b:pull,push\",error=\"x\"");
	assert_string_equal(c.scope, "repository:a/b:pull,push");
}

static void several(void **state)
{
	(void)state;
	check("Basic realm=\"no, Bearer realm=y\", Bearer realm=\"https://a\"", true, "https://a",
	      "");
	check("Negotiate YWJj==, Bearer realm=\"https://a\",service=b, Basic realm=\"c\"", true,
	      "https://a", "b");
	/* The first of its kind, and nothing of another scheme's. */
	check("Bearer realm=\"https://a\", Bearer realm=\"https://b\",service=\"c\"", false,
	      "https://a", "");
	check("Digest realm=\"d\",service=\"e\", Bearer realm=\"https://a\"", false, "https://a",
	      "");
}

static void escapes(void **state)
{
	(void)state;
	check("Bearer realm=\"https://a/\\\"b\\\\\",service=\"\\s\"", false, "https://a/\"b\\",
	      "s");
}

static void garbage(void **state)
{
	static const char *const texts[] = {"",
					    ",,,",
					    "=",
					    "\"",
					    "Bearer",
					    "Bearer realm=",
					    "Bearer realm=\"unended",
					    "Bearer realm=\"ends in a\\",
					    "Bearer \"realm\"=x",
					    "Bearer , = , \"",
					    "\x7f\x80\xff\n\r"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(texts[i], false, "", "");
	check("\x01 junk, Basic realm=x", true, "", "");
}

/* What does not fit is not there: it is not cut. */
static void too_long(void **state)
{
	struct challenge c;
	char *text = malloc(10000);

	(void)state;
	strcpy(text, "Bearer realm=\"https://");
	memset(text + strlen("Bearer realm=\"https://"), 'a', 5000);
	strcpy(text + strlen("Bearer realm=\"https://") + 5000, "\",service=s, Basic realm=x");
	challenge_parse(&c, text);
	assert_false(c.bearer);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_ones), cmocka_unit_test(several),  cmocka_unit_test(escapes),
		cmocka_unit_test(garbage),    cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
