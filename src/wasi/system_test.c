/* SPDX-License-Identifier: Apache-2.0 */
/* system_test.c: descriptors and their numbers; arguments, environment, directories as the guest gets them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "wasi/path.h"
#include "wasi/system.h"

/* -- The table --------------------------------------------------------------------------------------- */

static struct desc *open_null(void)
{
	struct desc *desc;

	assert_int_equal(desc_new(&desc, open("/dev/null", O_RDONLY | O_CLOEXEC), 0, 0), 0);
	return desc;
}

static void test_numbers(void **state)
{
	struct descs descs;

	(void)state;
	descs_init(&descs);
	for (int i = 0; i < 20; i++)
		assert_int_equal(descs_add(&descs, open_null(), 3), 3 + i);
	assert_int_equal(descs_close(&descs, 7), 0);
	assert_int_equal(descs_close(&descs, 7), -EBADF);
	assert_int_equal(descs_close(&descs, 1000), -EBADF);
	assert_int_equal(descs_close(&descs, UINT32_MAX), -EBADF);
	assert_int_equal(descs_add(&descs, open_null(), 3), 7); /* the lowest */
	assert_int_equal(descs_add(&descs, open_null(), 0), 0);
	descs_deinit(&descs);
}

static void test_limit(void **state)
{
	struct desc *desc = open_null();
	struct descs descs;

	(void)state;
	descs_init(&descs);
	descs.limit = 5;
	assert_int_equal(descs_add(&descs, open_null(), 3), 3);
	assert_int_equal(descs_add(&descs, open_null(), 3), 4);
	assert_int_equal(descs_add(&descs, desc, 3), -EMFILE);
	assert_int_equal(descs_set(&descs, UINT32_MAX, desc), -EMFILE);
	desc_unref(desc); /* still ours */
	descs_deinit(&descs);
}

static void test_renumber(void **state)
{
	struct descs descs;
	struct desc *desc;

	(void)state;
	descs_init(&descs);
	descs_add(&descs, open_null(), 3);
	descs_add(&descs, open_null(), 3);
	desc = descs_get(&descs, 3);
	assert_int_equal(descs_renumber(&descs, 3, 5), -EBADF);
	assert_int_equal(descs_renumber(&descs, 5, 3), -EBADF);
	assert_int_equal(descs_renumber(&descs, 3, 3), 0);
	assert_ptr_equal(descs.items[3], desc);
	assert_int_equal(descs_renumber(&descs, 3, 4), 0);
	assert_null(descs_get(&descs, 3));
	assert_ptr_equal(descs.items[4], desc);
	desc_unref(desc);
	descs_deinit(&descs);
}

/* Who uses a descriptor keeps it open though the guest closes it. */
static void test_used_while_closed(void **state)
{
	struct descs descs;
	struct desc *desc;

	(void)state;
	descs_init(&descs);
	descs_add(&descs, open_null(), 3);
	desc = descs_get(&descs, 3);
	assert_int_equal(descs_close(&descs, 3), 0);
	assert_true(fcntl(desc->fd, F_GETFD) >= 0);
	desc_unref(desc);
	descs_deinit(&descs);
}

/* -- Environment ----------------------------------------------------------------------------------------- */

static void test_environment(void **state)
{
	static const char expected[] = "B=2\0A=3\0AB=x=y\0C=";
	struct system *system;

	(void)state;
	assert_int_equal(system_new(&system), 0);
	assert_int_equal(system_env(system, "A=1"), 0);
	assert_int_equal(system_env(system, "B=2"), 0);
	assert_int_equal(system_env(system, "A=3"), 0);
	assert_int_equal(system_env(system, "AB=x=y"), 0);
	assert_int_equal(system_env(system, "C="), 0);
	assert_int_equal(system_env(system, "D"), -EINVAL);
	assert_int_equal(system_env(system, "=D"), -EINVAL);
	assert_int_equal(system_seal(system), 0);
	assert_int_equal(system->env.count, 4);
	assert_int_equal(system->env.bytes.size, sizeof(expected));
	assert_memory_equal(system->env.bytes.data, expected, sizeof(expected));
	system_unref(system);
}

/* 4 MiB in a hundred thousand variables, half of them doubles: in no time. */
static void test_large_environment(void **state)
{
	enum { COUNT = 100000 };
	struct system *system;
	char text[64];

	(void)state;
	assert_int_equal(system_new(&system), 0);
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "VARIABLE_%d=%030d", i % (COUNT / 2), i);
		assert_int_equal(system_env(system, text), 0);
	}
	assert_int_equal(system_seal(system), 0);
	assert_int_equal(system->env.count, COUNT / 2);
	snprintf(text, sizeof(text), "VARIABLE_0=%030d", COUNT / 2);
	assert_string_equal((char *)system->env.bytes.data, text);
	system_unref(system);
}

/* -- Directories ------------------------------------------------------------------------------------------- */

static char base[] = "/tmp/skiff-system-XXXXXX";

static int make_tree(void **state)
{
	(void)state;
	strcpy(base + sizeof(base) - 7, "XXXXXX");
	if (mkdtemp(base) == NULL || chdir(base) < 0)
		return -1;
	return mkdir("job", 0755) | mkdir("job/deep", 0755) | mkdir("other", 0755);
}

static int remove_tree(void **state)
{
	(void)state;
	return rmdir("job/deep") | rmdir("job") | rmdir("other") | rmdir(base);
}

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void test_preopens(void **state)
{
	struct system *system;
	struct place place;
	const char *rest;

	(void)state;
	assert_int_equal(system_new(&system), 0);
	assert_int_equal(system_dir(system, "/", open_dir(base), 0), 0);
	assert_int_equal(system_dir(system, "/data", open_dir("other"), MOUNT_READ_ONLY), 0);
	assert_int_equal(system_seal(system), 0);
	assert_string_equal(system->descs.items[3]->name, "/");
	assert_string_equal(system->descs.items[4]->name, "/data");
	assert_true(system->descs.items[4]->flags & DESC_READ_ONLY);
	assert_true(system_place(system, "/", &place, &rest));
	assert_int_equal(place.mount, 0);
	assert_string_equal(rest, ".");
	assert_true(system_place(system, "/data/x/y", &place, &rest));
	assert_int_equal(place.mount, 1);
	assert_string_equal(rest, "x/y");
	assert_true(system_place(system, "/database", &place, &rest));
	assert_int_equal(place.mount, 0);
	system_unref(system);
}

static void test_workdir(void **state)
{
	struct system *system;
	const struct desc *desc;

	(void)state;
	assert_int_equal(system_new(&system), 0);
	assert_int_equal(system_dir(system, "/", open_dir(base), 0), 0);
	assert_int_equal(system_workdir(system, "/job/deep/"), 0);
	assert_int_equal(system_seal(system), 0);
	desc = system->descs.items[4];
	assert_string_equal(desc->name, "/job/deep");
	assert_string_equal(desc->path, "job/deep");
	desc = system->descs.items[5];
	assert_string_equal(desc->name, ".");
	assert_string_equal(desc->path, "job/deep");
	assert_string_equal((char *)system->env.bytes.data, "PWD=/job/deep");
	system_unref(system);

	assert_int_equal(system_new(&system), 0);
	assert_int_equal(system_dir(system, "/", open_dir(base), 0), 0);
	assert_int_equal(system_workdir(system, "/missing"), 0);
	assert_int_equal(system_seal(system), -ENOENT);
	/* Nothing is changed by that. */
	assert_int_equal(system_workdir(system, "/job"), 0);
	assert_int_equal(system_seal(system), 0);
	assert_string_equal(system->descs.items[3]->name, "/");
	assert_string_equal(system->descs.items[4]->name, "/job");
	assert_string_equal(system->descs.items[5]->name, ".");
	assert_null(system->descs.items[6]);
	system_unref(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_renumber),
		cmocka_unit_test(test_used_while_closed),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_large_environment),
		cmocka_unit_test_setup_teardown(test_preopens, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_workdir, make_tree, remove_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
