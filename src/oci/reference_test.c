/* SPDX-License-Identifier: Apache-2.0 */
/* reference_test.c: digests and names of images: what they stand for, and the sentence of each that is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX
#define SHA_512 "sha512:" HEX HEX
#define TEN "abcdefghij"
#define FIFTY TEN TEN TEN TEN TEN

static void test_names(void **state)
{
	static const struct {
		const char *text, *host, *path, *tag, *digest, *brief;
	} rows[] = {
		{"hello", "docker.io", "library/hello", "latest", "", "hello:latest"},
		{"hello:1.0", "docker.io", "library/hello", "1.0", "", "hello:1.0"},
		{"team/app", "docker.io", "team/app", "latest", "", "team/app:latest"},
		{"docker.io/hello", "docker.io", "library/hello", "latest", "", "hello:latest"},
		{"index.docker.io/hello", "docker.io", "library/hello", "latest", "",
		 "hello:latest"},
		{"docker.io/library/hello", "docker.io", "library/hello", "latest", "",
		 "hello:latest"},
		{"library/hello", "docker.io", "library/hello", "latest", "", "hello:latest"},
		/* Without a slash there is no host. */
		{"localhost:5000", "docker.io", "library/localhost", "5000", "", "localhost:5000"},
		{"ghcr.io", "docker.io", "library/ghcr.io", "latest", "", "ghcr.io:latest"},
		{"localhost/a", "localhost", "a", "latest", "", "localhost/a:latest"},
		{"localhost:5000/a", "localhost:5000", "a", "latest", "",
		 "localhost:5000/a:latest"},
		{"host:1/a/b:v", "host:1", "a/b", "v", "", "host:1/a/b:v"},
		{"host:65535/a", "host:65535", "a", "latest", "", "host:65535/a:latest"},
		{"GHCR.io/a", "ghcr.io", "a", "latest", "", "ghcr.io/a:latest"},
		{"127.0.0.1:80/a", "127.0.0.1:80", "a", "latest", "", "127.0.0.1:80/a:latest"},
		{"[::1]:5000/a:b", "[::1]:5000", "a", "b", "", "[::1]:5000/a:b"},
		{"[2001:DB8::1]/a", "[2001:db8::1]", "a", "latest", "", "[2001:db8::1]/a:latest"},
		{"a.b-c.d/e", "a.b-c.d", "e", "latest", "", "a.b-c.d/e:latest"},
		{"a.b_c__d-e---f", "docker.io", "library/a.b_c__d-e---f", "latest", "",
		 "a.b_c__d-e---f:latest"},
		{"a:_.-X", "docker.io", "library/a", "_.-X", "", "a:_.-X"},
		{"hello@" SHA, "docker.io", "library/hello", "", SHA, "hello@" SHA},
		{"hello:1@" SHA_512, "docker.io", "library/hello", "1", SHA_512,
		 "hello:1@" SHA_512},
		/* Shorter it would be something else. */
		{"docker.io/a.b/c", "docker.io", "a.b/c", "latest", "", "docker.io/a.b/c:latest"},
		{"docker.io/library/a.b/c", "docker.io", "library/a.b/c", "latest", "",
		 "docker.io/library/a.b/c:latest"},
		{"docker.io/library/a/b", "docker.io", "library/a/b", "latest", "",
		 "docker.io/library/a/b:latest"},
		{"docker.io/library/sha256:" HEX, "docker.io", "library/sha256", HEX, "",
		 "docker.io/library/sha256:" HEX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reference r, again;
		struct err err = {""};
		char text[REFERENCE_ROOM];

		if (reference_parse(&r, rows[i].text, &err) != 0)
			fail_msg("%s", err.text);
		assert_string_equal(r.host, rows[i].host);
		assert_string_equal(r.path, rows[i].path);
		assert_string_equal(r.tag, rows[i].tag);
		assert_string_equal(r.digest.text, rows[i].digest);
		reference_short(&r, text);
		assert_string_equal(text, rows[i].brief);
		assert_int_equal(reference_parse(&again, text, NULL), 0);
		assert_memory_equal(&r, &again, sizeof(r));
		reference_text(&r, text);
		assert_int_equal(reference_parse(&again, text, NULL), 0);
		assert_memory_equal(&r, &again, sizeof(r));
	}
}

static void test_whole(void **state)
{
	struct reference r;
	char text[REFERENCE_ROOM];

	(void)state;
	assert_int_equal(reference_parse(&r, "hello", NULL), 0);
	reference_text(&r, text);
	assert_string_equal(text, "docker.io/library/hello:latest");
	assert_int_equal(reference_parse(&r, "a.b:9/c:d@" SHA, NULL), 0);
	reference_text(&r, text);
	assert_string_equal(text, "a.b:9/c:d@" SHA);
}

static const struct {
	const char *text, *why; /* behind "image 'text': " */
} bad_names[] = {
	{"", "it is empty"},
	{"https://ghcr.io/a", "it is no address of the web: leave out 'https://'"},
	{"docker://a", "it is no address of the web: leave out 'docker://'"},
	{"a b", "there is a space or a control character in it"},
	{"a\tb", "there is a space or a control character in it"},
	{" a", "there is a space or a control character in it"},
	{"a\n", "there is a space or a control character in it"},
	{"Hello", "'Hello' is not the name of an image: it has no capitals: write 'hello'"},
	{"ghcr.io/Team/App:V1",
	 "'Team/App' is not the name of an image: it has no capitals: write 'team/app'"},
	{"/a", "'/a' is not the name of an image: a part of it is empty"},
	{"a//b", "'a//b' is not the name of an image: a part of it is empty"},
	{"a/", "'a/' is not the name of an image: a part of it is empty"},
	{"ghcr.io/", "behind its host belongs a path"},
	{":tag", "it has no path"},
	{"a.b/:tag", "it has no path"},
	{"@" SHA, "it has no path"},
	{"a:", "behind the colon belongs a tag, there is none"},
	{"a:-b", "'-b' is not a tag: it may have letters, digits, and _ . -, and begins "
		 "with neither . "
		 "nor -"},
	{"a:b+c", "'b+c' is not a tag: it may have letters, digits, and _ . -, and begins "
		  "with neither . "
		  "nor -"},
	{"a:b:c", "'a:b' is not the name of an image: it may have small letters, digits, "
		  "and . _ - /"},
	{"a:" FIFTY FIFTY TEN TEN "abcdefghi",
	 "a tag has at most 128 characters, this one has 129"},
	{"a_", "'a_' is not the name of an image: each part of it ends with a letter or a digit"},
	{"-a", "'-a' is not the name of an image: between two words of it belongs one of . _ __ "
	       "or dashes"},
	{"a..b", "'a..b' is not the name of an image: between two words of it belongs one of . _ "
		 "__ or dashes"},
	{"a___b", "'a___b' is not the name of an image: between two words of it belongs one of . "
		  "_ __ or dashes"},
	{"..", "'..' is not the name of an image: each part of it ends with a letter or a digit"},
	{"a/../b", "'a/../b' is not the name of an image: each part of it ends with a "
		   "letter or a digit"},
	{"a\xc3\xa9", "'a\xc3\xa9' is not the name of an image: it may have small letters, "
		      "digits, and . _ - /"},
	{"a.b:0/c", "'a.b:0' is not the name of a host: a port is a number from 1 to 65535"},
	{"a.b:65536/c",
	 "'a.b:65536' is not the name of a host: a port is a number from 1 to 65535"},
	{"a.b:99999999999999999999/c", "'a.b:99999999999999999999' is not the name of a "
				       "host: a port is a number from 1 to "
				       "65535"},
	{"a.b:/c", "'a.b:' is not the name of a host: a port is a number from 1 to 65535"},
	{"a.b:x/c", "'a.b:x' is not the name of a host: its port is no number"},
	{"a..b/c", "'a..b' is not the name of a host: there is nothing between two dots, or "
		   "beside one"},
	{".a/c", "'.a' is not the name of a host: there is nothing between two dots, or "
		 "beside one"},
	{"a.-b/c", "'a.-b' is not the name of a host: a dash begins or ends a part of it"},
	{"a_.b/c",
	 "'a_.b' is not the name of a host: it may have letters, digits, dots and dashes"},
	{"[::1/c", "'[::1' is not the name of a host: in brackets belongs an address of IPv6"},
	{"[]/c", "'[]' is not the name of a host: in brackets belongs an address of IPv6"},
	{"[::1]5/c", "'[::1]5' is not the name of a host: behind the bracket belongs a port"},
	{"a@sha256:12",
	 "'sha256:12' is not a digest: behind sha256: belong 64 digits, 0 to 9 and a to f"},
	{"a@", "'' is not a digest: it begins with neither sha256: nor sha512:"},
	{"a@b@" SHA, "'b@" SHA "' is not a digest: it begins with neither sha256: nor sha512:"},
	{SHA, "a digest goes behind a name: NAME@sha256:..."},
	{HEX, "a name does not look like a digest: write NAME@sha256:..."},
};

static void test_bad_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++) {
		struct reference r = {.tag = "untouched"};
		struct err err = {""};
		char *why;

		assert_int_equal(reference_parse(&r, bad_names[i].text, &err), -EINVAL);
		assert_string_equal(r.tag, "untouched");
		assert_memory_equal(err.text, "image '", 7);
		why = err.text + strlen("image '") + strlen(bad_names[i].text);
		assert_memory_equal(why, "': ", 3);
		assert_string_equal(why + 3, bad_names[i].why);
	}
}

static void test_long(void **state)
{
	char text[1024] = "a.b/";
	struct reference r;
	struct err err;

	(void)state;
	memset(text + 4, 'c', 251);
	assert_int_equal(reference_parse(&r, text, &err), 0);
	assert_int_equal(strlen(r.path), 251);
	text[255] = 'c';
	assert_int_equal(reference_parse(&r, text, &err), -EINVAL);
	assert_non_null(
		strstr(err.text, "host and path have at most 255 characters, these have 256"));
	/* docker.io/library/ counts. */
	assert_int_equal(reference_parse(&r, text + 4 + 14, &err), -EINVAL);
	assert_non_null(strstr(err.text, "these have 256"));
	assert_int_equal(reference_parse(&r, text + 4 + 15, &err), 0);
	memset(text, 'h', 300);
	text[1] = '.';
	memcpy(text + 300, "/a", 3);
	assert_int_equal(reference_parse(&r, text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "its host has more than 255 characters"));
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(reference_parse(&r, text, &err), -EINVAL);
}

static void test_digests(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256",
		"sha256:",
		"sha256:" HEX "0",
		"sha512:" HEX,
		"md5:" HEX,
		":" HEX,
		HEX,
		"SHA256:" HEX,
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:../0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		" sha256:" HEX,
		"sha256:" HEX "\n",
	};
	struct oci_digest a, b;
	struct err err;

	(void)state;
	assert_int_equal(oci_digest_parse(&a, SHA, &err), 0);
	assert_string_equal(oci_digest_hex(&a), HEX);
	assert_int_equal(oci_digest_parse(&b, SHA_512, &err), 0);
	assert_string_equal(b.text, SHA_512);
	assert_false(oci_digest_is(&a, &b));
	assert_true(oci_digest_is(&a, &a));
	b = (struct oci_digest){""};
	assert_string_equal(oci_digest_hex(&b), "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		b = a;
		assert_int_equal(oci_digest_parse(&b, bad[i], &err), -EINVAL);
		assert_true(oci_digest_is(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),     cmocka_unit_test(test_whole),
		cmocka_unit_test(test_bad_names), cmocka_unit_test(test_long),
		cmocka_unit_test(test_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
