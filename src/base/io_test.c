/* SPDX-License-Identifier: Apache-2.0 */
/* io_test.c: a whole file, and what is none. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void whole(void **state)
{
	int fd = memfd_create("io_test", MFD_CLOEXEC);
	char *text;
	size_t size;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(io_whole(fd, 0, &text, &size), 0);
	assert_int_equal(size, 0);
	assert_string_equal(text, "");
	free(text);
	/* From its beginning, wherever it stands. */
	assert_int_equal(io_write(fd, "a\0bc", 4), 0);
	assert_int_equal(io_whole(fd, 4, &text, &size), 0);
	assert_int_equal(size, 4);
	assert_memory_equal(text, "a\0bc", 5);
	free(text);
	assert_int_equal(io_whole(fd, 3, &text, &size), -EFBIG);
	assert_int_equal(size, 4);
	assert_null(text);
	close(fd);
}

static void none(void **state)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ends[2];
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(io_whole(fd, SIZE_MAX, &text, &size), -EINVAL);
	assert_null(text);
	close(fd);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(io_whole(ends[0], SIZE_MAX, &text, &size), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(io_whole(ends[0], SIZE_MAX, &text, &size), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
