/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_v2_test.c: machines where nothing but version 2 is mounted, played by directories.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"
#include "sandbox/test_cgroup.h"

static struct cgroup *begin(struct fake *fake)
{
	struct cgroup *group;
	struct err err;

	fake_new(fake);
	fake_mount(fake, "unified", "cgroup2", "x", "/", "/");
	fake_file(fake, "unified/cgroup.controllers", "memory\n");
	assert_int_equal(fake_layout(fake), 0);
	if (cgroup_create(&group, &fake->layout, "/mine", "id", NULL, &err) < 0)
		fail_msg("%s", err.text);
	return group;
}

/* The first thing to be written is the hierarchy's name, which is no letter long. */
static void saved_alone(void **state)
{
	struct buf text = {0};
	struct fake fake;
	struct cgroup *group = begin(&fake), *again;
	struct err err;

	(void)state;
	assert_int_equal(cgroup_save(group, &text), 0);
	assert_non_null(buf_put(&text, "", 1));
	assert_string_equal((char *)text.data, ":1:/mine\n");
	cgroup_free(group);
	assert_int_equal(cgroup_load(&again, &fake.layout, (char *)text.data, &err), 0);
	assert_int_equal(cgroup_delete(again, 0, &err), 0);
	shell("[ ! -e '%s/unified/mine' ]", fake.top);
	cgroup_free(again);
	buf_deinit(&text);
	fake_free(&fake);
}

/* Left out of a hierarchy that is there. */
static void limits_without_group(void **state)
{
	struct oci_pair unified = {"memory.high", "1"};
	struct fake fake;
	struct cgroup *group = begin(&fake);

	(void)state;
	fake_file(&fake, "unified/mine/memory.max", "max");
	free(group->places[0].path);
	group->places[0].path = NULL;
	for (unsigned i = 0; i < 2; i++) {
		struct oci_resources resources = {.memory_limit = {.given = i == 0, .value = 5},
						  .unified = {&unified, i}};
		struct cgroup_notes notes = {0};
		struct err err;

		assert_int_equal(cgroup_update(group, &resources, NULL, &err), -EACCES);
		assert_non_null(strstr(err.text, "could get no group there"));
		assert_int_equal(cgroup_update(group, &resources, &notes, &err), 0);
		assert_int_equal(notes.count, 1);
		cgroup_notes_deinit(&notes);
	}
	assert_string_equal(fake_text(&fake, "unified/mine/memory.max"), "max");
	cgroup_free(group);
	fake_free(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saved_alone),
		cmocka_unit_test(limits_without_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
