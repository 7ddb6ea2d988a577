/* SPDX-License-Identifier: Apache-2.0 */
/* fences_test.c: what is said of a kernel with less than ours. The file under test is included, to stand in for the kernel. */
#include "sandbox/landlock.h"

static int version;

static int test_version(void)
{
	return version;
}

#define landlock_version test_version
#include "runtime/fences.c"
#undef landlock_version

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char noted[ERR_MAX + 16];

static void take_note(void *env, enum message_kind kind, const char *sentence)
{
	(void)env;
	snprintf(noted, sizeof(noted), "%d %s", (int)kind, sentence);
}

static int check(int kernel, enum config_word policy, uint64_t space, struct err *err)
{
	struct oci_rlimit limit = {.resource = RLIMIT_AS, .soft = space, .hard = space};
	struct oci_spec spec = {.process = {.rlimits = &limit, .rlimit_count = 1}};

	version = kernel;
	noted[0] = '\0';
	return fences_check(&spec, policy, take_note, NULL, err);
}

static void test_landlock(void **state)
{
	char warning[4], info[4];
	struct err err = {""};

	(void)state;
	snprintf(warning, sizeof(warning), "%d ", MESSAGE_WARNING);
	snprintf(info, sizeof(info), "%d ", MESSAGE_INFO);
	assert_int_equal(check(7, CONFIG_LANDLOCK_REQUIRE, RLIM_INFINITY, &err), 0);
	assert_string_equal(noted, "");
	assert_int_equal(check(0, CONFIG_LANDLOCK_WARN, RLIM_INFINITY, &err), 0);
	assert_true(strncmp(noted, warning, strlen(warning)) == 0);
	assert_non_null(strstr(noted, "no Landlock"));
	assert_int_equal(check(0, CONFIG_LANDLOCK_IGNORE, RLIM_INFINITY, &err), 0);
	assert_string_equal(noted, "");
	assert_int_equal(check(0, CONFIG_LANDLOCK_REQUIRE, RLIM_INFINITY, &err), -EPERM);
	assert_non_null(strstr(err.text, "policy.landlock requires it"));
	assert_string_equal(noted, "");
	assert_int_equal(check(2, CONFIG_LANDLOCK_REQUIRE, RLIM_INFINITY, &err), 0);
	assert_true(strncmp(noted, info, strlen(info)) == 0);
	assert_non_null(strstr(noted, "version 2"));
}

static void test_address_space(void **state)
{
	(void)state;
	assert_int_equal(check(7, CONFIG_LANDLOCK_WARN, UINT64_C(1) << 33, NULL), 0);
	assert_non_null(strstr(noted, "RLIMIT_AS is 8589934592 bytes"));
	check(7, CONFIG_LANDLOCK_WARN, UINT64_C(1) << 34, NULL);
	assert_string_equal(noted, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_landlock),
		cmocka_unit_test(test_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
