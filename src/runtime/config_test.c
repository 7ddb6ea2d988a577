/* SPDX-License-Identifier: Apache-2.0 */
/* config_test.c: what a configuration may say, what it may not, and who may have written it. */
#include "runtime/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/skiff-config-XXXXXX";
static char warned[1024];

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	unsetenv("SKIFF_CACHE");
	unsetenv("SKIFF_CONFIG");
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void take_warning(void *env, const char *sentence)
{
	(void)env;
	assert_non_null(strstr(sentence, path));
	strncat(warned, sentence + strlen(path), sizeof(warned) - strlen(warned) - 1);
	strncat(warned, "\n", sizeof(warned) - strlen(warned) - 1);
}

static int read_text(struct config *ret, const char *text, struct err *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	warned[0] = '\0';
	return config_read(ret, path, take_warning, NULL, err);
}

static void test_defaults(void **state)
{
	char text[CONFIG_TEXT];
	struct config c;

	(void)state;
	config_init(&c);
	assert_true(c.cache_enabled);
	assert_string_equal(c.cache_dir, "");
	assert_int_equal(c.policy_landlock, CONFIG_LANDLOCK_WARN);
	assert_int_equal(c.limits_stack, 1 << 20);
	assert_int_equal(c.limits_grace, 10000);
	assert_true(c.limits_memory == CONFIG_NONE);
	assert_string_equal(config_text(&c, CONFIG_cache_max_age, text), "\"30d\"");
	assert_string_equal(config_text(&c, CONFIG_limits_fuel, text), "\"none\"");
	assert_null(c.file);
	config_deinit(&c);
}

static void test_values(void **state)
{
	char text[CONFIG_TEXT];
	struct err err = {""};
	struct config c;

	(void)state;
	assert_int_equal(read_text(&c,
				   "cache.enabled = false\n[policy]\nlandlock = 'require'\n"
				   "[limits]\nmemory = \"64M\"\nmemory_max = 134217728\ntime = "
				   "\"1500ms\"\nfuel = 7\nfuel_max = \"none\"\nstack = "
				   "0x100001\n\ngrace = \"2m\"\n",
				   &err),
			 0);
	assert_string_equal(warned, "");
	assert_false(c.cache_enabled);
	assert_int_equal(c.source[CONFIG_cache_enabled].line, 1);
	assert_int_equal(c.policy_landlock, CONFIG_LANDLOCK_REQUIRE);
	assert_int_equal(c.limits_memory, 64 << 20);
	assert_int_equal(c.source[CONFIG_limits_grace].line, 12);
	assert_int_equal(c.source[CONFIG_limits_grace].from, CONFIG_FROM_FILE);
	assert_int_equal(c.source[CONFIG_limits_time_max].from, CONFIG_FROM_DEFAULT);
	assert_string_equal(config_text(&c, CONFIG_limits_memory_max, text), "\"128M\"");
	assert_string_equal(config_text(&c, CONFIG_limits_time, text), "\"1500ms\"");
	assert_string_equal(config_text(&c, CONFIG_limits_grace, text), "\"2m\"");
	assert_string_equal(config_text(&c, CONFIG_limits_stack, text), "1048577");
	assert_string_equal(config_text(&c, CONFIG_limits_fuel, text), "7");
	assert_string_equal(config_text(&c, CONFIG_policy_landlock, text), "\"require\"");
	assert_string_equal(config_text(&c, CONFIG_cache_enabled, text), "false");
	config_deinit(&c);
}

/* The default of what may be asked for gives way; what was written does not. */
static void test_most(void **state)
{
	struct err err = {""};
	struct config c;

	(void)state;
	assert_int_equal(read_text(&c, "[limits]\nstack_max = \"256K\"\nfuel_max = 5\n", &err), 0);
	assert_int_equal(c.limits_stack, 256 << 10);
	assert_int_equal(c.limits_fuel, 5);
	assert_int_equal(c.source[CONFIG_limits_fuel].line, 3);
	config_deinit(&c);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"a", ":1:2: expected '=' after a key, found the end of the text"},
		{"[cache]\nenabled = 1", ":2: cache.enabled: must be true or false, is an integer"},
		{"cache = 1", ":1: cache: must be a table, is an integer"},
		{"[[cache]]", ":1: cache: must be a table, is an array"},
		{"[cache]\ndir = true", ":2: cache.dir: must be a string, is true or false"},
		{"[cache]\ndir = \"x\"", ":2: cache.dir: 'x' is not an absolute path"},
		{"[cache]\ndir = \"/x\\u0000\"", ":2: cache.dir: holds a zero byte"},
		{"[cache]\nmax_age = 30", ":2: cache.max_age: must be a string, is an integer"},
		{"[cache]\nmax_age = \"30\"",
		 ":2: cache.max_age: '30' is not a time with its unit"},
		{"[cache]\nmax_age = \"5ms\"", ":2: cache.max_age: is less than 1000 milliseconds"},
		{"[policy]\nlandlock = \"on\"",
		 ":2: policy.landlock: 'on' is none of \"require\", \"warn\", \"ignore\""},
		{"[limits]\nmemory = \"1X\"", ":2: limits.memory: '1X' is not a size"},
		{"[limits]\nmemory = -1", ":2: limits.memory: is negative"},
		{"[limits]\nmemory = 1.5",
		 ":2: limits.memory: must be an integer or a string, is a float"},
		{"[limits]\nfuel = 0", ":2: limits.fuel: is less than 1"},
		{"[limits]\nfuel = [1]", ":2: limits.fuel: must be an integer, is an array"},
		{"[limits]\nstack = \"64K\"", ":2: limits.stack: is not between 196608 and"},
		{"[limits]\nstack = \"none\"", ":2: limits.stack: 'none' is not a size"},
		{"[limits]\ntime_max = \"1s\"\n\ntime = \"2s\"",
		 ":4: limits.time: is more than limits.time_max"},
		{"[log]\nlevel = \"loud\"", ":2: log.level: 'loud' is none of"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {""};
		struct config c;
		int error = read_text(&c, cases[i].text, &err);

		config_deinit(&c);
		if (error >= 0 || strncmp(err.text, path, strlen(path)) != 0 ||
		    strncmp(err.text + strlen(path), cases[i].sentence,
			    strlen(cases[i].sentence)) != 0)
			fail_msg("%s\n gives %d: %s", cases[i].text, error, err.text);
	}
}

static void test_unknown(void **state)
{
	struct err err = {""};
	struct config c;

	(void)state;
	assert_int_equal(read_text(&c,
				   "x = 1\n[limit]\nmemory = 1\n[limits]\nmemry = 2\nqqqqqqqq = "
				   "3\n[limits.memory_may]\n[plugins.'a b']\n",
				   &err),
			 0);
	assert_string_equal(
		warned, ":1: unknown section 'x'\n"
			":2: unknown section 'limit', did you mean 'limits'?\n"
			":5: unknown key 'limits.memry', did you mean 'limits.memory'?\n"
			":6: unknown key 'limits.qqqqqqqq'\n"
			":7: unknown key 'limits.memory_may', did you mean 'limits.memory_max'?\n"
			":8: unknown section 'plugins'\n");
	assert_true(c.limits_memory == CONFIG_NONE);
	config_deinit(&c);
}

static void refused(const char *file, int code, const char *words)
{
	struct err err = {""};
	struct config c;

	assert_int_equal(config_read(&c, file, NULL, NULL, &err), code);
	if (strstr(err.text, words) == NULL)
		fail_msg("'%s' should have '%s'", err.text, words);
	config_deinit(&c);
}

static void test_files(void **state)
{
	struct err err = {""};
	struct config c;

	(void)state;
	assert_int_equal(read_text(&c, "[log]\nlevel = \"error\"\n", &err), 0);
	config_deinit(&c);
	assert_int_equal(chmod(path, 0620), 0);
	refused(path, -EPERM, "it is not used: it must belong to root");
	assert_int_equal(chmod(path, 0602), 0);
	refused(path, -EPERM, "nobody else may write to it");
	assert_int_equal(chmod(path, 0644), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1234, 1234), 0);
		refused(path, -EPERM, "it must belong to root");
		assert_int_equal(chown(path, 0, 0), 0);
	}
	refused("/tmp", -EINVAL, "/tmp: it is no file");
	refused("/nowhere/at/all", -ENOENT, "/nowhere/at/all: No such file");
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	refused(path, -EFBIG, "more than 1048576 bytes");
	assert_int_equal(config_read(&c, "", NULL, NULL, &err), 0);
	config_deinit(&c);
}

static void test_environment(void **state)
{
	struct err err = {""};
	struct config c;

	(void)state;
	assert_int_equal(read_text(&c, "[cache]\nenabled = false\ndir = \"/x\"\n", &err), 0);
	assert_string_equal(c.cache_dir, "/x");
	config_deinit(&c);
	setenv("SKIFF_CONFIG", path, 1);
	setenv("SKIFF_CACHE", "/y", 1);
	assert_int_equal(config_read(&c, NULL, NULL, NULL, &err), 0);
	assert_true(c.cache_enabled);
	assert_string_equal(c.cache_dir, "/y");
	assert_int_equal(c.source[CONFIG_cache_dir].from, CONFIG_FROM_ENVIRONMENT);
	config_deinit(&c);
	setenv("SKIFF_CACHE", "", 1);
	assert_int_equal(config_read(&c, NULL, NULL, NULL, &err), 0);
	assert_false(c.cache_enabled);
	config_deinit(&c);
	setenv("SKIFF_CONFIG", "/nowhere/at/all", 1);
	refused(NULL, -ENOENT, "/nowhere/at/all");
	setenv("SKIFF_CONFIG", "", 1);
	assert_int_equal(config_read(&c, NULL, NULL, NULL, &err), 0);
	assert_null(c.file);
	config_deinit(&c);
	unsetenv("SKIFF_CACHE");
	unsetenv("SKIFF_CONFIG");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_values),
		cmocka_unit_test(test_most),        cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_unknown),     cmocka_unit_test(test_files),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
