/* SPDX-License-Identifier: Apache-2.0 */
/* terms_test.c: what was written is read; what is cut off is refused. */
#include "runtime/terms.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_round_trip(void **state)
{
	struct terms terms, read;
	struct buf buf = {0};
	const char *text;

	(void)state;
	terms_init(&terms);
	terms.limits[LIMIT_FUEL] = 7;
	terms.features = 5;
	terms.threads = 3;
	terms.has_threads = terms.reactor = terms.dumps = true;
	terms.invoke = "add";
	terms.argv0 = "";
	terms.allow = (struct terms_list){"a:1\0b:2", 8};
	terms.listen = (struct terms_list){"\0x:1\0", 6};
	assert_int_equal(terms_write(&terms, &buf), 0);
	assert_int_equal(terms_read(&read, (char *)buf.data, buf.size, NULL), 0);
	assert_memory_equal(read.limits, terms.limits, sizeof(terms.limits));
	assert_true(read.features == 5 && read.threads == 3 && read.has_threads && read.reactor &&
		    read.dumps);
	assert_int_equal(read.landlock, CONFIG_LANDLOCK_WARN);
	assert_string_equal(read.invoke, "add");
	assert_string_equal(read.argv0, "");
	text = terms_first(&read.allow);
	assert_string_equal(text, "a:1");
	text = terms_next(&read.allow, text);
	assert_string_equal(text, "b:2");
	assert_null(terms_next(&read.allow, text));
	text = terms_first(&read.listen);
	assert_string_equal(text, "");
	text = terms_next(&read.listen, text);
	assert_string_equal(text, "x:1");
	text = terms_next(&read.listen, text);
	assert_string_equal(text, "");
	assert_null(terms_next(&read.listen, text));
	for (size_t size = 1; size < buf.size; size++) {
		char *cut = malloc(size); /* no byte more: a sanitizer sees an overrun */

		memcpy(cut, buf.data, size);
		assert_int_equal(terms_read(&read, cut, size, NULL), -EINVAL);
		free(cut);
	}
	buf_deinit(&buf);
}

static void test_nothing_special(void **state)
{
	struct terms terms, read;
	struct buf buf = {0};

	(void)state;
	terms_init(&terms);
	assert_int_equal(terms_read(&read, NULL, 0, NULL), 0);
	assert_memory_equal(read.limits, terms.limits, sizeof(terms.limits));
	assert_int_equal(terms_write(&terms, &buf), 0);
	assert_int_equal(terms_read(&read, (char *)buf.data, buf.size, NULL), 0);
	assert_null(read.invoke);
	assert_null(read.argv0);
	assert_null(terms_first(&read.allow));
	assert_null(terms_first(&read.listen));
	assert_true(!read.has_threads && read.limits[LIMIT_MEMORY] == CONFIG_NONE);
	buf_deinit(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nothing_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
