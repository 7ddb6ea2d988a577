/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_alloc_test.c: an index, a manifest and a config with something of everything, read when the 1st, the 2nd, the 3rd...
 * allocation is refused: each time -ENOMEM with its sentence and nothing left, until there are enough.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_refuse.h"
#include "oci/image.h"

#define SHA "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D                                                                                        \
	"{\"mediaType\":\"application/wasm\",\"digest\":\"" SHA                                  \
	"\",\"size\":1,\"artifactType\":\"t\","                                                  \
	"\"platform\":{\"os\":\"a\",\"architecture\":\"b\",\"variant\":\"c\"},\"annotations\":{" \
	"\"k\":"                                                                                 \
	"\"v\"}}"

/* What is too large for a block of the arena has one of its own: filling of any length shifts what falls behind an edge. */
static const char *const texts[] = {
	"{\"annotations\":{\"a\":\"%*s\"},\"manifests\":[" D "," D "," D "]}",
	"{\"artifactType\":\"t\",\"annotations\":{\"a\":\"%*s\"},\"config\":" D ",\"layers\":[" D
	"," D "]}",
	"{\"created\":\"%*s\",\"config\":{\"Env\":[\"A=b\"],\"Cmd\":[\"c\"],\"Volumes\":{\"/"
	"v\":{}},"
	"\"ExposedPorts\":{\"1/"
	"tcp\":{}},\"Labels\":{\"l\":\"m\"},\"User\":\"u\"},\"rootfs\":{\"diff_"
	"ids\":[\"" SHA "\"]}}",
};

static int parse(size_t kind, const char *text, struct err *err)
{
	struct image_manifest manifest = {0};
	struct image_config config = {0};
	struct image_index index = {0};
	int rc;

	counting = true;
	if (kind == 0)
		rc = image_index_parse(&index, text, strlen(text), err);
	else if (kind == 1)
		rc = image_manifest_parse(&manifest, text, strlen(text), err);
	else
		rc = image_config_parse(&config, text, strlen(text), err);
	counting = false;
	image_index_deinit(&index);
	image_manifest_deinit(&manifest);
	image_config_deinit(&config);
	return rc;
}

static unsigned refuse_each(size_t kind, const char *text)
{
	for (refuse_at = 1;; refuse_at++) {
		struct err err = {""};
		int rc;

		calls = 0;
		rc = parse(kind, text, &err);
		if (calls < refuse_at) {
			assert_int_equal(rc, 0);
			return calls;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_non_null(strstr(err.text, "no memory"));
	}
}

static void test_refuse(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < sizeof(texts) / sizeof(texts[0]); kind++) {
		unsigned most = 0;

		for (int shift = 1; shift < 4096; shift += 24) {
			char text[8192];
			unsigned times;

			snprintf(text, sizeof(text), texts[kind], shift, "x");
			times = refuse_each(kind, text);
			most = times > most ? times : most;
		}
		assert_true(most >= 5);
	}
}

/* A guess that cannot be made is none. */
static void test_guess(void **state)
{
	static const char text[] = "{\"manifests\":[]}";

	(void)state;
	for (refuse_at = 1; refuse_at < 4; refuse_at++) {
		calls = 0;
		counting = true;
		assert_int_equal(image_guess(text, strlen(text)), IMAGE_UNKNOWN);
		counting = false;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
