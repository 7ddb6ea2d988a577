/* SPDX-License-Identifier: Apache-2.0 */
/* fds_test.c: which descriptors are closed, or are by an exec, with close_range() and where a filter says there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fds.h"

enum { MANY = 200, FIRST = 50, KEPT = 60, HIGH = 1500 };

static void hide_close_range(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

/* The exit code of a child: 0, or what is wrong. */
static int marks(bool hidden)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (hidden)
			hide_close_range();
		for (int fd = 3; fd < MANY; fd++)
			if (dup2(0, fd) < 0)
				_exit(1);
		fds_close_on_exec(FIRST);
		for (int fd = 3; fd < MANY; fd++)
			if (fcntl(fd, F_GETFD) != (fd < FIRST ? 0 : FD_CLOEXEC))
				_exit(2);
		_exit(fcntl(MANY, F_GETFD) == -1 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* The same. */
static int closes(bool hidden, int keep)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit limit = {HIGH + 1, HIGH + 1};

		/* One that is beyond the usual limit, where it may be raised. */
		bool has_high = setrlimit(RLIMIT_NOFILE, &limit) == 0 && dup2(0, HIGH) == HIGH;

		if (hidden)
			hide_close_range();
		for (int fd = 3; fd < MANY; fd++)
			if (dup2(2, fd) < 0)
				_exit(1);
		fds_close_but(keep);
		for (int fd = 0; fd < MANY; fd++)
			if ((fcntl(fd, F_GETFD) >= 0) != (fd == keep))
				_exit(2);
		_exit(has_high && fcntl(HIGH, F_GETFD) >= 0 ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* The same. */
static int closes_inherited(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 3; fd < MANY; fd++)
			if (dup2(0, fd) < 0 || (fd % 2 == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0))
				_exit(1);
		fds_close_inherited(FIRST);
		for (int fd = 3; fd < MANY; fd++)
			if ((fcntl(fd, F_GETFD) >= 0) != (fd < FIRST || fd % 2 == 0))
				_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void inherited(void **state)
{
	(void)state;
	assert_int_equal(closes_inherited(), 0);
}

static void with_close_range(void **state)
{
	(void)state;
	assert_int_equal(marks(false), 0);
	assert_int_equal(closes(false, KEPT), 0);
	assert_int_equal(closes(false, 0), 0);
}

static void without(void **state)
{
	int result = marks(true);

	(void)state;
	if (result == 77)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(closes(true, KEPT), 0);
	assert_int_equal(closes(true, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_close_range),
		cmocka_unit_test(without),
		cmocka_unit_test(inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
