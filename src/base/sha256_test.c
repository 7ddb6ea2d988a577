/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256_test.c: the standard's examples, every way to hand over bytes in two parts, and one function of
 * blocks against the other.
 *
 * The file under test is included, to reach both.
 */
#include "base/sha256.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void digest_by(blocks_fn *blocks, const uint8_t *bytes, size_t size, char *text)
{
	uint8_t digest[SHA256_SIZE];
	struct sha256 sha;

	sha256_init(&sha);
	take(&sha, bytes, size, blocks);
	end(&sha, digest, blocks);
	sha256_text(digest, text);
}

static void expect(const void *bytes, size_t size, const char *digest)
{
	char text[SHA256_TEXT];
	uint8_t binary[SHA256_SIZE];

	sha256(bytes, size, binary);
	sha256_text(binary, text);
	assert_string_equal(text, digest);
	digest_by(blocks_plain, bytes, size, text);
	assert_string_equal(text, digest);
}

static void examples(void **state)
{
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	static const char four[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
				   "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
	size_t million = 1000000;
	char *as = malloc(million);

	(void)state;
	assert_non_null(as);
	memset(as, 'a', million);
	expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect(two, strlen(two),
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	expect(four, strlen(four),
	       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
	expect(as, million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(as);
}

/* Bytes without a pattern, the same each time. */
static void fill(uint8_t *bytes, size_t size)
{
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)x;
	}
}

/* What Python's hashlib says of the digests of all lengths, one behind the other. */
static void every_length_and_split(void **state)
{
	enum { LONGEST = 300 };
	uint8_t *bytes = malloc(LONGEST), digest[SHA256_SIZE], one[SHA256_SIZE];
	struct sha256 sha, all;
	char text[SHA256_TEXT];

	(void)state;
	assert_non_null(bytes);
	fill(bytes, LONGEST);
	sha256_init(&all);
	for (size_t size = 0; size <= LONGEST; size++) {
		sha256(bytes, size, one);
		sha256_take(&all, one, sizeof(one));
		for (size_t first = 0; first <= size; first++) {
			sha256_init(&sha);
			sha256_take(&sha, bytes, first);
			sha256_take(&sha, bytes + first, size - first);
			sha256_end(&sha, digest);
			assert_memory_equal(digest, one, sizeof(digest));
		}
	}
	sha256_end(&all, digest);
	sha256_text(digest, text);
	assert_string_equal(text,
			    "c0df07246ce540666d2495cf0bf7de82bcfa6369676aa113fad57bca0bb922db");
	free(bytes);
}

/* Byte by byte, and in parts of 1, 2, 3... bytes from every alignment. */
static void many_parts(void **state)
{
	enum { SIZE = 5000 };
	uint8_t *bytes = malloc(SIZE), digest[SHA256_SIZE], one[SHA256_SIZE];
	struct sha256 sha;

	(void)state;
	assert_non_null(bytes);
	fill(bytes, SIZE);
	sha256(bytes, SIZE, one);
	for (size_t step = 0; step < 2; step++) {
		sha256_init(&sha);
		for (size_t at = 0, part = 1; at < SIZE; at += part, part += step)
			sha256_take(&sha, bytes + at, MIN(part, SIZE - at));
		sha256_end(&sha, digest);
		assert_memory_equal(digest, one, sizeof(digest));
	}
	free(bytes);
}

static void both_ways(void **state)
{
	enum { SIZE = 4096 };
	blocks_fn *other = blocks_choose();
	uint8_t *bytes = malloc(SIZE);
	char a[SHA256_TEXT], b[SHA256_TEXT];

	(void)state;
	assert_non_null(bytes);
	fill(bytes, SIZE);
	if (other == blocks_plain)
		print_message("this CPU has no instructions for it: both are the same\n");
	for (size_t size = 0; size <= SIZE; size += 1 + size / 64) {
		digest_by(blocks_plain, bytes + SIZE - size, size, a);
		digest_by(other, bytes + SIZE - size, size, b);
		assert_string_equal(a, b);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(every_length_and_split),
		cmocka_unit_test(many_parts),
		cmocka_unit_test(both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
