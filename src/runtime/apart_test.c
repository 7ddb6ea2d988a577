/* SPDX-License-Identifier: Apache-2.0 */
/* apart_test.c: what comes back of work done apart, however it ends, and what it cannot do meanwhile. */
#include "runtime/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

#define SECRET "SKIFF_TEST_SECRET"

enum { MIB = 1 << 20 };

static int file = -1; /* what the work keeps */
static int other = -1; /* what it does not */

static int make_files(void **state)
{
	(void)state;
	setenv(SECRET, "told to nobody", 1);
	file = memfd_create("kept", MFD_CLOEXEC);
	other = memfd_create("other", MFD_CLOEXEC);
	return file >= 0 && other >= 0 ? 0 : -1;
}

static int close_files(void **state)
{
	(void)state;
	close(file);
	close(other);
	return 0;
}

static int run(skiff_work_fn *work, void *env, struct skiff_error *err)
{
	struct apart apart = {.bytes = UINT64_C(256) * MIB, .file_bytes = MIB, .seconds = 1};

	err->text[0] = '\0';
	return apart_run(&apart, file, work, env, err);
}

/* -- What comes back --------------------------------------------------------------------------------- */

static int answer(void *env, struct skiff_error *err)
{
	snprintf(err->text, sizeof(err->text), "because of %s", "this");
	return *(int *)env;
}

static void answers_come_back(void **state)
{
	int answers[] = {-EIO, -ENOMEM, SKIFF_INVALID, SKIFF_MALFORMED};
	struct skiff_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		assert_int_equal(run(answer, &answers[i], &err), answers[i]);
		assert_string_equal(err.text, "because of this");
	}
	answers[0] = 0;
	assert_int_equal(run(answer, &answers[0], &err), 0);
	assert_string_equal(err.text, "");
}

static int flood(void *env, struct skiff_error *err)
{
	memset(err->text, *(char *)env, sizeof(err->text));
	return -100000;
}

static void nonsense_is_cut(void **state)
{
	struct skiff_error err;
	char fill = 'A';

	(void)state;
	assert_int_equal(run(flood, &fill, &err), -EPROTO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	fill = '\033';
	run(flood, &fill, &err);
	assert_null(strchr(err.text, '\033'));
}

static int write_file(void *env, struct skiff_error *err)
{
	(void)err;
	return pwrite(file, env, strlen(env), 0) == (ssize_t)strlen(env) ? 0 : -errno;
}

static void what_it_writes_stays(void **state)
{
	struct skiff_error err;
	char text[16] = "";

	(void)state;
	assert_int_equal(run(write_file, (char[]){"written"}, &err), 0);
	assert_int_equal(pread(file, text, sizeof(text), 0), 7);
	assert_string_equal(text, "written");
	assert_string_equal(getenv(SECRET), "told to nobody");
}

/* -- How it may end ---------------------------------------------------------------------------------- */

static int end_by(void *env, struct skiff_error *err)
{
	(void)err;
	if (*(int *)env == 0)
		_exit(0);
	syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), *(int *)env);
	return 0;
}

static int spin(void *env, struct skiff_error *err)
{
	volatile unsigned *turns = env;

	(void)err;
	while (*turns < UINT32_MAX)
		*turns += *turns < UINT32_MAX / 2;
	return 0;
}

static int become(void *env, struct skiff_error *err)
{
	char *const none[] = {NULL};

	(void)env;
	(void)err;
	execve("/bin/true", none, none);
	return 0;
}

static void ends_are_told(void **state)
{
	const struct {
		skiff_work_fn *work;
		int env, result;
		const char *words;
	} cases[] = {
		{end_by, 0, -EPROTO, "shut in"},
		{end_by, SIGKILL, -ETIMEDOUT, "was killed"},
		{end_by, SIGTERM, -EPROTO, "signal 15"},
		{spin, 0, -ETIMEDOUT, "took too long"},
		{become, 0, -EPROTO, "signal 31"},
	};
	struct skiff_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int env = cases[i].env;

		assert_int_equal(run(cases[i].work, &env, &err), cases[i].result);
		assert_non_null(strstr(err.text, cases[i].words));
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

/* -- What it cannot do -------------------------------------------------------------------------------- */

enum { ATTEMPTS = 20 };

static long attempt(int which)
{
	char byte = 0;

	switch (which) {
	case 0:
		return open("/dev/null", O_RDONLY);
	case 1:
		return open("/tmp/skiff-apart", O_WRONLY | O_CREAT, 0600);
	case 2:
		return syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0);
	case 3:
		return socket(AF_INET, SOCK_DGRAM, 0);
	case 4:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case 5:
		return kill(getppid(), 0);
	case 6:
		return kill(1, 0);
	case 7:
		return pread(other, &byte, 1, 0);
	case 8:
		return pwrite(other, &byte, 1, 0);
	case 9:
		return pwrite(2, "", 1, 0);
	case 10:
		return write(file, "x", 1);
	case 11:
		return fchmod(file, 0777);
	case 12:
		return fcntl(file, F_SETOWN, getppid());
	case 13:
		return syscall(SYS_flock, file, 8);
	case 14:
		return syscall(SYS_memfd_create, "x", 0);
	case 15:
		return syscall(SYS_clock_nanosleep, 0, 0, NULL, NULL);
	case 16:
		return unlink("/tmp/skiff-apart");
	case 17:
		return chdir("/");
	case 18:
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) == MAP_FAILED
			       ? -1
			       : 0;
	default:
		return getenv(SECRET) != NULL && *getenv(SECRET) != '\0' ? 0 : -1;
	}
}

/* The number of the first attempt that came off. */
static int try_all(void *env, struct skiff_error *err)
{
	(void)env;
	(void)err;
	for (int i = 0; i < ATTEMPTS; i++)
		if (attempt(i) >= 0)
			return 1000 + i;
	return SKIFF_INVALID;
}

static void nothing_else_can_be_done(void **state)
{
	struct skiff_error err;

	(void)state;
	assert_int_equal(run(try_all, NULL, &err), SKIFF_INVALID);
}

static int take_memory(void *env, struct skiff_error *err)
{
	size_t size = *(size_t *)env * MIB;
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)err;
	return room == MAP_FAILED ? -errno : 0;
}

static int grow_file(void *env, struct skiff_error *err)
{
	(void)err;
	return pwrite(file, "x", 1, *(off_t *)env) == 1 ? 0 : -errno;
}

static void limits_hold(void **state)
{
	size_t mebibytes = 200;
	off_t at = MIB - 1;
	struct skiff_error err;

	(void)state;
	assert_int_equal(run(take_memory, &mebibytes, &err), 0);
	mebibytes = 300;
	assert_int_equal(run(take_memory, &mebibytes, &err), -ENOMEM);
	assert_int_equal(run(grow_file, &at, &err), 0);
	at = MIB;
	assert_int_equal(run(grow_file, &at, &err), -EFBIG);
}

/* -- Whose end is its own ------------------------------------------------------------------------------ */

static int born[2], gate[2]; /* pipes: it is there, and may go on */

static void wait_at_the_gate(void)
{
	char word = 0;

	if (write(born[1], &word, 1) != 1 || read(gate[0], &word, 1) != 1)
		_exit(1);
}

static int leave_a_mark(void *env, struct skiff_error *err)
{
	(void)err;
	*(volatile bool *)env = true;
	return 0;
}

static _Noreturn void be_killed(bool *mark)
{
	struct skiff_error err;

	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	if (pthread_atfork(NULL, NULL, wait_at_the_gate) != 0)
		_exit(1);
	run(leave_a_mark, mark, &err);
	_exit(1);
}

/* Also where that comes before it can have been told. */
static void it_ends_with_who_asked(void **state)
{
	bool *mark = mmap(NULL, sizeof(*mark), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	char word = 0;
	pid_t pid;

	(void)state;
	assert_ptr_not_equal(mark, MAP_FAILED);
	assert_int_equal(pipe(born) | pipe(gate) | prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	pid = fork();
	if (pid == 0)
		be_killed(mark);
	assert_int_equal(read(born[0], &word, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(write(gate[1], &word, 1), 1);
	assert_true(waitpid(-1, NULL, 0) > 0);
	assert_false(*mark);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		close(born[i]);
		close(gate[i]);
	}
	munmap(mark, sizeof(*mark));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_come_back, make_files, close_files),
		cmocka_unit_test_setup_teardown(nonsense_is_cut, make_files, close_files),
		cmocka_unit_test_setup_teardown(what_it_writes_stays, make_files, close_files),
		cmocka_unit_test_setup_teardown(ends_are_told, make_files, close_files),
		cmocka_unit_test_setup_teardown(nothing_else_can_be_done, make_files, close_files),
		cmocka_unit_test_setup_teardown(limits_hold, make_files, close_files),
		cmocka_unit_test_setup_teardown(it_ends_with_who_asked, make_files, close_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
