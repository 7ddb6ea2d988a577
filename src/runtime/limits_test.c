/* SPDX-License-Identifier: Apache-2.0 */
/* limits_test.c: who decides how much a guest may take. */
#include "runtime/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char warned[256];

static void take_warning(void *env, const char *sentence)
{
	(void)env;
	snprintf(warned, sizeof(warned), "%s", sentence);
}

static int resolve(struct limits *limits, const char *annotations, const struct config *config,
		   struct err *err)
{
	struct oci_spec *spec = NULL;
	char text[512];
	int error, size = snprintf(text, sizeof(text),
				   "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"x\"},"
				   "\"annotations\":{%s}}",
				   annotations);

	assert_int_equal(oci_spec_parse(&spec, text, (size_t)size, err), 0);
	warned[0] = '\0';
	error = limits_resolve(limits, spec, config, take_warning, NULL, err);
	oci_spec_free(spec);
	return error;
}

static void test_who_decides(void **state)
{
	struct limits limits = {.of[LIMIT_FUEL] = 3, .asked[LIMIT_FUEL] = true};
	struct config config;
	struct err err = {""};

	(void)state;
	config_init(&config);
	config.limits_time = 500;
	config.limits_grace = 7;
	assert_int_equal(resolve(&limits,
				 "\"skiff.fuel\":\"5\",\"skiff.memory\":\"16M\",\"skiff.grace\":"
				 "\"2s\",\"other\":\"x\"",
				 &config, &err),
			 0);
	assert_int_equal(limits.of[LIMIT_FUEL], 3);
	assert_int_equal(limits.of[LIMIT_MEMORY], 16 << 20);
	assert_int_equal(limits.of[LIMIT_TIME], 500);
	assert_int_equal(limits.of[LIMIT_STACK], 1 << 20);
	assert_int_equal(limits.of[LIMIT_GRACE], 2000);
	assert_string_equal(warned, "");
	assert_int_equal(resolve(&limits, "\"skiff.mmory\":\"5\",\"skiff\":\"\"", &config, &err),
			 0);
	assert_string_equal(warned,
			    "unknown annotation 'skiff.mmory', did you mean 'skiff.memory'?");
	config_deinit(&config);
}

static void test_refused(void **state)
{
	static const struct {
		const char *annotations, *words;
	} cases[] = {
		{"\"skiff.memory\":\"much\"", "annotation 'skiff.memory': 'much' is not a size"},
		{"\"skiff.time\":\"5\"",
		 "annotation 'skiff.time': '5' is not a time with its unit"},
		{"\"skiff.stack\":\"1K\"", "annotation 'skiff.stack': is not between"},
		{"\"skiff.fuel\":\"101\"", "annotation 'skiff.fuel': is more than this node "
					   "allows: FILE has limits.fuel_max = "
					   "100"},
		{"\"skiff.fuel\":\"none\"",
		 "annotation 'skiff.fuel': is more than this node allows"},
	};
	struct config config;

	(void)state;
	config_init(&config);
	config.file = "FILE";
	config.limits_fuel = config.limits_fuel_max = 100;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct limits limits = {.of = {0}};
		struct err err = {""};

		assert_int_equal(resolve(&limits, cases[i].annotations, &config, &err), -EINVAL);
		if (strncmp(err.text, cases[i].words, strlen(cases[i].words)) != 0)
			fail_msg("%s", err.text);
	}
	{
		struct limits limits = {.of[LIMIT_FUEL] = 101, .asked[LIMIT_FUEL] = true};
		struct err err = {""};

		assert_int_equal(resolve(&limits, "", &config, &err), -EINVAL);
		assert_non_null(strstr(err.text, "option '--fuel': is more than"));
		limits = (struct limits){.of = {0}};
		assert_int_equal(resolve(&limits, "\"skiff.fuel\":\"100\"", &config, &err), 0);
	}
	config_deinit(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_decides),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
