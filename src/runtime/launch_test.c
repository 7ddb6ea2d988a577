/* SPDX-License-Identifier: Apache-2.0 */
/* launch_test.c: a container's process that somebody else has taken over says what he likes, and for as long as he likes. */
#include "runtime/launch.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

enum { PATIENCE = 20 /* seconds: then the test has failed */ };

static int far; /* the process's side */
static struct child child;

static int begin(void **state)
{
	int ends[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	far = ends[1];
	child = CHILD_NONE;
	child.socket = ends[0];
	child.stop = eventfd(0, EFD_CLOEXEC);
	alarm(PATIENCE);
	return child.stop < 0;
}

static int end(void **state)
{
	(void)state;
	alarm(0);
	close(child.stop);
	close(far);
	child_deinit(&child);
	return 0;
}

static void a_failure_is_one_whatever_its_number(void **state)
{
	static const int lies[] = {0, 256, 1 << 16, -ECANCELED, -1, INT32_MIN, INT32_MAX};
	struct err err;

	(void)state;
	assert_int_equal(message_send(far, MESSAGE_FAILED, 255, "why"), 0);
	assert_int_equal(launch_wait_ready(&child, &err), 255);
	assert_string_equal(err.text, "why");
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		assert_int_equal(message_send(far, MESSAGE_FAILED, lies[i], "why"), 0);
		assert_int_equal(launch_wait_ready(&child, &err), -EPROTO);
		assert_int_equal(message_send(far, MESSAGE_FAILED, lies[i], "why"), 0);
		assert_int_equal(launch_go(&child, &err), -EPROTO);
	}
}

static void ask_to_stop(void)
{
	const uint64_t one = 1;

	assert_int_equal(write(child.stop, &one, sizeof(one)), sizeof(one));
}

static void who_waits_can_be_stopped(void **state)
{
	struct err err;

	(void)state;
	ask_to_stop();
	assert_int_equal(launch_wait_ready(&child, &err), -ECANCELED);
	assert_int_equal(launch_go(&child, &err), -ECANCELED);
	assert_int_equal(launch_leave(&child, &err), -ECANCELED);
}

/* The guest has said something already, and was sent a signal for it: that is the guest's, who was not stopped before. */
static void who_has_begun_was_not_stopped_before(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(message_send(far, MESSAGE_WARNING, 0, "a word on the way"), 0);
	assert_int_equal(shutdown(far, SHUT_WR), 0);
	ask_to_stop();
	assert_int_equal(launch_go(&child, &err), 0);
	assert_int_equal(launch_leave(&child, &err), 0);
	assert_int_equal(launch_wait_ready(&child, &err), -ECANCELED);
}

static void count_note(void *env, enum message_kind kind, const char *sentence)
{
	int *count = env;

	(void)kind;
	(void)sentence;
	if (++*count == 1000)
		ask_to_stop();
}

static void notes_without_end_do_not_keep_him(void **state)
{
	int count = 0;
	struct err err;
	pid_t pid;

	(void)state;
	child.note = count_note;
	child.note_env = &count;
	pid = fork();
	if (pid == 0) {
		alarm(PATIENCE); /* where the test fails nobody else ends it */
		while (message_send(far, MESSAGE_WARNING, 0, "and") == 0)
			;
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(launch_wait_ready(&child, &err), -ECANCELED);
	assert_int_equal(count, 1000);
	assert_int_equal(launch_go(&child, &err), -ECANCELED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_failure_is_one_whatever_its_number, begin, end),
		cmocka_unit_test_setup_teardown(who_waits_can_be_stopped, begin, end),
		cmocka_unit_test_setup_teardown(who_has_begun_was_not_stopped_before, begin, end),
		cmocka_unit_test_setup_teardown(notes_without_end_do_not_keep_him, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
