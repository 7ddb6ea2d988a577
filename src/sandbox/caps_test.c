/* SPDX-License-Identifier: Apache-2.0 */
/* caps_test.c: what is set is what the kernel has, and only shrinks. In children; as root, or skipped. */
#include "sandbox/caps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SET = 0x3 };

static int attempt(void)
{
	struct oci_capabilities caps, now;
	struct err err = {.text = ""};

	if (caps_get(&caps, &err) < 0)
		return 1;
	if (caps_bound(SET, &err) < 0)
		return 2;
	caps.permitted = caps.effective = caps.inheritable = SET;
	caps.ambient = SET | 4;
	if (caps_set(&caps, &err) < 0)
		return 3;
	if (caps_get(&now, &err) < 0 || now.bounding != SET || now.permitted != SET ||
	    now.effective != SET || now.inheritable != SET || now.ambient != SET)
		return 4;
	caps.permitted = SET | 4;
	if (caps_set(&caps, &err) != -EPERM || strstr(err.text, "capabilities") == NULL)
		return 5;
	/* Without CAP_SETPCAP nothing more is dropped. */
	if (caps_bound(0, &err) != -EPERM)
		return 6;
	/* High halves are halves of their own. */
	caps.permitted = caps.effective = caps.inheritable = 0;
	caps.ambient = 0;
	if (caps_set(&caps, &err) < 0 || caps_get(&now, &err) < 0 || now.permitted != 0 ||
	    now.ambient != 0)
		return 7;
	return 0;
}

static void shrinks(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
	child = fork();
	if (child == 0)
		_exit(attempt());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int attempt_high(void)
{
	struct oci_capabilities caps, now;

	if (caps_get(&caps, NULL) < 0)
		return 1;
	caps.permitted = caps.effective = caps.inheritable = CAPS_ONE(40) | CAPS_ONE(1);
	caps.ambient = CAPS_ONE(40);
	if (caps_set(&caps, NULL) < 0 || caps_get(&now, NULL) < 0)
		return 2;
	return now.effective == caps.effective && now.ambient == CAPS_ONE(40) ? 0 : 3;
}

static void high_half(void **state)
{
	struct oci_capabilities caps;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(caps_get(&caps, NULL), 0);
	if ((caps.permitted & CAPS_ONE(40)) == 0) {
		print_message("skipped: CAP_CHECKPOINT_RESTORE is not ours\n");
		skip();
	}
	child = fork();
	if (child == 0)
		_exit(attempt_high());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shrinks),
		cmocka_unit_test(high_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
