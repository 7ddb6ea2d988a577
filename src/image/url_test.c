/* SPDX-License-Identifier: Apache-2.0 */
/* url_test.c: addresses, and where a Location leads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "image/url.h"

static struct url of(const char *text)
{
	struct url url;

	assert_int_equal(url_parse(&url, text, NULL), 0);
	return url;
}

static void parts(void **state)
{
	struct url url = of("HTTPS://Example.COM/a?b#c");

	(void)state;
	assert_true(url.https);
	assert_string_equal(url.host, "example.com");
	assert_int_equal(url.port, 443);
	assert_null(strchr(url.text, '#'));
	url = of("http://[::1]:5000/x");
	assert_false(url.https);
	assert_string_equal(url.host, "[::1]");
	assert_int_equal(url.port, 5000);
}

static void refused(void **state)
{
	static const char *const texts[] = {"",
					    "file:///etc/passwd",
					    "ftp://a/b",
					    "gopher://a",
					    "https://",
					    "http://a:99999/",
					    "https://user@a/",
					    "https://user:pass@a/",
					    "javascript:x",
					    "/relative",
					    "http://a b/"};
	struct url url;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(url_parse(&url, texts[i], &err), -EINVAL);
}

static void leads(const char *base, const char *location, const char *expected)
{
	struct url from = of(base), to;

	assert_int_equal(url_follow(&to, &from, location, NULL), 0);
	assert_string_equal(to.text, expected);
	/* Also into itself. */
	assert_int_equal(url_follow(&from, &from, location, NULL), 0);
	assert_string_equal(from.text, expected);
}

static void followed(void **state)
{
	struct url from = of("https://a/v2/x"), to;

	(void)state;
	leads("https://a:5/v2/x/blobs/uploads/", "/v2/x/blobs/uploads/1?s=t",
	      "https://a:5/v2/x/blobs/uploads/1?s=t");
	leads("https://a/v2/x/y", "z", "https://a/v2/x/z");
	leads("https://a/v2/x", "//b/c", "https://b/c");
	leads("https://a/v2/x", "http://b:1/c", "http://b:1/c");
	leads("https://a/v2/x?y=z", "?q=1", "https://a/v2/x?q=1");
	assert_int_equal(url_follow(&to, &from, "file:///etc/passwd", NULL), -EINVAL);
	assert_int_equal(url_follow(&to, &from, "//u:p@b/c", NULL), -EINVAL);
}

static void places(void **state)
{
	struct url a = of("https://a/x"), b = of("https://A:443/y"), c = of("http://a:443/x"),
		   d = of("https://a:444/x");

	(void)state;
	assert_true(url_same_place(&a, &b));
	assert_false(url_same_place(&a, &c));
	assert_false(url_same_place(&a, &d));
}

static void local_ones(void **state)
{
	static const struct {
		const char *text;
		bool local;
	} rows[] = {{"http://localhost/", true},    {"http://127.0.0.1:5/", true},
		    {"http://127.9.9.9/", true},    {"http://[::1]/", true},
		    {"http://LOCALHOST/", true},    {"http://localhost.example/", false},
		    {"http://127.example/", false}, {"http://128.0.0.1/", false},
		    {"http://[::2]/", false},       {"http://0.0.0.0/", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url url = of(rows[i].text);

		assert_int_equal(url_local(&url), rows[i].local);
	}
}

static void queries(void **state)
{
	struct url url = of("https://a/t");
	char shown[256], text[URL_MAX];

	(void)state;
	assert_int_equal(url_query(&url, "scope", "repository:a/b:pull,push", NULL), 0);
	assert_int_equal(url_query(&url, "x", "& =", NULL), 0);
	assert_string_equal(url.text,
			    "https://a/t?scope=repository%3Aa%2Fb%3Apull%2Cpush&x=%26%20%3D");
	assert_string_equal(url_shown(&url, shown), "https://a/t");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(url_query(&url, "y", text, NULL), -EINVAL);
	assert_null(strstr(url.text, "y="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),  cmocka_unit_test(refused),    cmocka_unit_test(followed),
		cmocka_unit_test(places), cmocka_unit_test(local_ones), cmocka_unit_test(queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
