/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_platform_test.c: which manifest of an index is wanted. An index is written as words: a platform each, "-" for none, "?" for an
 * attestation, "!" for what is no manifest; the answer is the place of the one that was chosen.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/image.h"

enum { MOST = 32, NONE = -1 };

static struct image_descriptor items[MOST];
static char words[MOST][3][16];

static void make_item(struct image_descriptor *item, char parts[3][16], const char *word)
{
	static struct image_note attestation = {"vnd.docker.reference.type",
						"attestation-manifest"};

	memset(parts, 0, 3 * sizeof(parts[0]));
	*item = (struct image_descriptor){
		.media_type = image_media_type(IMAGE_MANIFEST),
		.type = IMAGE_MANIFEST,
		.has_platform = word[0] != '-',
		.artifact_type = "",
	};
	if (word[0] == '?') {
		item->notes = (struct image_notes){&attestation, 1};
		word = "unknown/unknown";
	} else if (word[0] == '!') {
		item->media_type = "application/x";
		item->type = IMAGE_UNKNOWN;
		word = "wasi/wasm";
	} else if (word[0] == '-') {
		word = "";
	}
	sscanf(word, "%15[^/ ]/%15[^/ ]/%15[^/ ]", parts[0], parts[1], parts[2]);
	item->platform = (struct image_platform){parts[0], parts[1], parts[2], ""};
}

static struct image_index make_index(const char *text)
{
	struct image_index index = {.manifests = items};

	while (*text != '\0') {
		assert_true(index.count < MOST);
		make_item(&items[index.count], words[index.count], text);
		index.count++;
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return index;
}

static int choose(const char *text, const char *wanted, struct err *err)
{
	struct image_index index = make_index(text);
	const struct image_descriptor *found;
	struct image_wish wish = {.given = false};
	char room[128];

	if (wanted != NULL && image_wish_parse(&wish, wanted, room, err) < 0)
		fail_msg("%s", err->text);
	found = image_choose(&index, &wish, err);
	return found == NULL ? NONE : (int)(found - items);
}

static void test_choose(void **state)
{
	static const struct {
		const char *index, *wish;
		int which;
	} rows[] = {
		{"linux/amd64 wasi/wasm", NULL, 1},
		{"linux/amd64 wasi/wasm32", NULL, 1},
		{"wasip2/wasm wasip1/wasm wasi/wasm", NULL, 2},
		{"wasip2/wasm wasip1/wasm", NULL, 1},
		{"linux/s390x wasip2/wasm", NULL, 1},
		{"linux/s390x", NULL, 0}, /* alone */
		{"-", NULL, 0},
		{"? linux/s390x ?", NULL, 1},
		{"linux/s390x linux/riscv64", NULL, NONE},
		{"- -", NULL, NONE},
		{"", NULL, NONE},
		{"?", NULL, NONE},
		{"unknown/unknown", NULL, NONE},
		{"!", NULL, NONE},
		{"! wasi/wasm", NULL, 1},
		{"wasi/wasm wasi/wasm", NULL, 0},
		{"linux/amd64 wasi/wasm", "linux/amd64", 0},
		{"linux/amd64 wasi/wasm", "linux/x86_64", 0},
		{"linux/x86_64", "linux/amd64", 0},
		{"linux/arm64/v8", "linux/arm64", 0},
		{"linux/arm64", "linux/aarch64/v8", 0},
		{"linux/amd64/v3 linux/amd64", "linux/amd64", 1},
		{"linux/amd64/v3", "linux/amd64", 0},
		{"linux/amd64 linux/amd64/v3", "linux/amd64/v3", 1},
		{"linux/amd64", "linux/amd64/v3", NONE},
		{"linux/arm/v6 linux/arm/v7", "linux/armhf", 1},
		{"linux/arm/v6 linux/arm/v7", "linux/armel", 0},
		{"linux/arm/v6 linux/arm/v7", "linux/arm", 0},
		{"wasi/wasm", "WASI/wasm32", 0},
		{"wasi/wasm", "wasi", 0},
		{"wasi/wasm", "wasm", 0},
		{"wasi/wasm", "wasm32", 0},
		{"wasi/wasm64 wasi/wasm", "wasi/wasm64", 0},
		{"wasip2/wasm wasip1/wasm", "wasi/wasm", 1},
		{"wasip2/wasm", "wasi/wasm", 0},
		{"wasi/wasm wasip1/wasm", "wasip1/wasm", 1},
		{"wasip2/wasm wasi/wasm", "wasip1", 1},
		{"wasip2/wasm", "wasip1/wasm", NONE},
		{"wasip1/wasm", "wasip2/wasm", NONE},
		{"linux/wasm", "wasi/wasm", NONE},
		{"-", "wasi/wasm", 0}, /* its config tells */
		{"linux/amd64", "wasi/wasm", NONE}, /* one alone that says what it is */
		{"?", "unknown/unknown", NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = {""};
		int which = choose(rows[i].index, rows[i].wish, &err);

		if (which != rows[i].which)
			fail_msg("'%s' of '%s': %d, not %d", rows[i].wish, rows[i].index, which,
				 rows[i].which);
		assert_true((which == NONE) == (err.text[0] != '\0'));
	}
}

/* Where there is no wasm: what this machine runs itself, and by one word, too. */
static void test_machine(void **state)
{
	struct utsname machine;
	char text[256];
	struct err err;

	(void)state;
	assert_int_equal(uname(&machine), 0);
	snprintf(text, sizeof(text), "linux/riscv32 linux/%s", machine.machine);
	assert_int_equal(choose(text, NULL, &err), 1);
	assert_int_equal(choose(text, "linux", &err), 1);
	assert_int_equal(choose("linux/riscv32", "linux", &err), NONE);
}

static void test_sentences(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(choose("linux/amd64 ? linux/arm64/v8 -", "wasi/wasm", &err), NONE);
	assert_string_equal(
		err.text,
		"there is no image for wasi/wasm in it, only for linux/amd64, linux/arm64/v8, ?");
	assert_int_equal(choose("? !", "wasip1", &err), NONE);
	assert_string_equal(err.text, "the index lists no image, for whatever platform");
	assert_int_equal(
		choose("a/b a/c a/d a/e a/f a/g a/h a/i a/j a/k a/l a/m a/n a/o", "x/y", &err),
		NONE);
	assert_string_equal(err.text,
			    "there is no image for x/y in it, only for a/b, a/c, a/d, a/e, a/f, "
			    "a/g, a/h, a/i, a/j, a/k, a/l, a/m and 2 more");
	assert_int_equal(choose("a/b a/c", NULL, &err), NONE);
	assert_memory_equal(err.text, "there is no image for wasi/wasm or linux/", 41);
}

/* One more than fits a part. */
static const char long_word[] = "linux/abcdefghijklmnopqrstuvwxyzabcdef";

static void test_wishes(void **state)
{
	static const struct {
		const char *text, *whole;
	} rows[] = {
		{"wasi", "wasi/wasm"},
		{"wasi/wasm32", "wasi/wasm"},
		{"wasip1", "wasip1/wasm"},
		{"wasm64", "wasi/wasm64"},
		{"Linux/AMD64", "linux/amd64"},
		{"linux/armhf", "linux/arm/v7"},
		{"linux/arm/v6", "linux/arm/v6"},
		{"linux/aarch64/v8", "linux/arm64"},
		{"windows/amd64", "windows/amd64"},
		{"linux/abcdefghijklmnopqrstuvwxyzabcde", "linux/abcdefghijklmnopqrstuvwxyzabcde"},
	};
	static const char *const bad[] = {
		"",        "/",        "a/",
		"/a",      "a//b",     "a/b/",
		"a/b/c/d", "a b",      "linux/amd64\n",
		"a,b",     "\xc3\xa9", long_word,
	};
	struct image_wish wish;
	char room[128], text[128];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(image_wish_parse(&wish, rows[i].text, room, &err), 0);
		assert_true(wish.given);
		image_platform_text(&wish.platform, text);
		assert_string_equal(text, rows[i].whole);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(image_wish_parse(&wish, bad[i], room, &err), -EINVAL);
		assert_non_null(strstr(err.text, "is not a platform"));
	}
	wish.platform = (struct image_platform){"", "", "", ""};
	image_platform_text(&wish.platform, text);
	assert_string_equal(text, "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
