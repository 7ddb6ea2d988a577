/* SPDX-License-Identifier: Apache-2.0 */
/* hash_test.c: digests of known bytes, at once and piece by piece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image/hash.h"

static const char abc_256[] =
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char abc_512[] =
	"sha512:"
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
	"feebbd454d4423643ce80e2a9ac94fa54ca49f";
static const char empty_256[] =
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void test_known(void **state)
{
	struct oci_digest like = {""}, digest, parsed;
	struct hash hash;

	(void)state;
	hash_of("abc", 3, &digest);
	assert_string_equal(digest.text, abc_256);
	hash_of("", 0, &digest);
	assert_string_equal(digest.text, empty_256);
	assert_int_equal(hash_begin(&hash, NULL), 0);
	hash_take(&hash, "a", 1);
	hash_take(&hash, "", 0);
	hash_take(&hash, "bc", 2);
	hash_end(&hash, &digest);
	assert_string_equal(digest.text, abc_256);
	strcpy(like.text, abc_512);
	assert_int_equal(hash_begin(&hash, &like), 0);
	hash_take(&hash, "abc", 3);
	hash_end(&hash, &digest);
	assert_true(oci_digest_is(&digest, &like));
	assert_int_equal(oci_digest_parse(&parsed, digest.text, NULL), 0);
}

static void test_drop(void **state)
{
	struct oci_digest like = {""};
	struct hash hash;

	(void)state;
	strcpy(like.text, abc_256);
	assert_int_equal(hash_begin(&hash, &like), 0);
	hash_take(&hash, "abc", 3);
	hash_drop(&hash);
	hash_drop(&hash);
	assert_null(hash.context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
