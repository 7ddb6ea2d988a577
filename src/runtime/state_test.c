/* SPDX-License-Identifier: Apache-2.0 */
/* state_test.c: a state is written whole and read back; what is damaged, or somebody else's, is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "runtime/state.h"

static char folder[64];
static int root;

static int begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/state-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	close(root);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void comes_back(void **state)
{
	char bundle[] = "/a path/with \\ and\nlines", cgroup[] = "memory:1:/a\ncpu:1:/a\n";
	char image[] = "docker.io/library/hello:latest";
	const struct state was = {.bundle = bundle,
				  .cgroup = cgroup,
				  .init = {42, 77777777777},
				  .kept = true,
				  .created = 1790000000,
				  .image = image,
				  .has_ended = true,
				  .exit = 137,
				  .ended = 1790000001,
				  .ran_out = true};
	struct state is;
	struct err err;
	int dir;

	(void)state;
	dir = state_make(root, "one", &err);
	assert_true(dir >= 0);
	assert_int_equal(state_read(dir, &is, &err), -ENODATA);
	assert_int_equal(state_write(dir, &was, &err), 0);
	assert_int_equal(state_write(dir, &was, &err), 0);
	assert_int_equal(state_read(dir, &is, &err), 0);
	assert_string_equal(is.bundle, bundle);
	assert_string_equal(is.cgroup, cgroup);
	assert_int_equal(is.init.pid, 42);
	assert_true(is.kept);
	assert_int_equal(is.init.start, 77777777777);
	assert_int_equal(is.created, 1790000000);
	assert_string_equal(is.image, image);
	assert_true(is.has_ended && is.ran_out);
	assert_int_equal(is.exit, 137);
	assert_int_equal(is.ended, 1790000001);
	state_deinit(&is);
	close(dir);
	assert_int_equal(state_remove(root, "one", &err), 0);
	assert_int_equal(state_remove(root, "one", &err), 0);
	assert_int_equal(state_open(root, "one", &err), -ENOENT);
	assert_string_equal(err.text, "there is no container 'one'");
}

static void a_name_is_given_once(void **state)
{
	struct err err;
	int dir = state_make(root, "two", &err);

	(void)state;
	assert_true(dir >= 0);
	assert_int_equal(state_make(root, "two", &err), -EEXIST);
	assert_string_equal(err.text, "there is a container 'two' already");
	close(dir);
}

static void a_name_given_again_is_another(void **state)
{
	struct err err;
	int first = state_make(root, "again", &err), second;

	(void)state;
	assert_true(first >= 0);
	assert_true(state_is_named(root, "again", first));
	assert_int_equal(state_remove(root, "again", &err), 0);
	assert_false(state_is_named(root, "again", first));
	second = state_make(root, "again", &err);
	assert_true(second >= 0);
	assert_false(state_is_named(root, "again", first));
	assert_true(state_is_named(root, "again", second));
	close(first);
	close(second);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {"",    ".",   "..",       "a/b", "/a",
					  "a b", "a\n", "\xc3\xa4", "a:b"};
	static const char *const good[] = {"a", "A-1_2.3+4", "...", "0"};
	char longest[STATE_ID_MAX + 2];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(state_check_id(bad[i], &err), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(state_check_id(good[i], &err), 0);
	memset(longest, 'a', sizeof(longest));
	longest[STATE_ID_MAX + 1] = '\0';
	assert_int_equal(state_check_id(longest, &err), -EINVAL);
	longest[STATE_ID_MAX] = '\0';
	assert_int_equal(state_check_id(longest, &err), 0);
}

static void damage_is_told(void **state)
{
	static const char *const texts[] = {
		"",
		"skiff-state 2\nbundle /a\ncgroup \n",
		"skiff-state 1\n",
		"skiff-state 1\nbundle /a\n",
		"skiff-state 1\nbundle /a\ncgroup \ninit x\n",
		"skiff-state 1\nbundle /a\ncgroup \nend 1\n",
		"skiff-state 1\nbundle /a\ncgroup \ninit -5 1\n",
		"skiff-state 1\nbundle /a\ncgroup ",
		"skiff-state 1\nbundle\n",
	};
	struct err err;
	int dir = state_make(root, "three", &err);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = openat(dir, "state", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		struct state is;

		assert_int_equal(io_write(fd, texts[i], strlen(texts[i])), 0);
		close(fd);
		assert_int_equal(state_read(dir, &is, &err), -EINVAL);
		assert_string_equal(err.text, "the container's state is damaged");
	}
	close(dir);
}

static void later_keys_are_skipped(void **state)
{
	static const char text[] = "skiff-state 1\nfuture of ours\nbundle /a\ncgroup \ninit 1 2\n";
	struct state is;
	struct err err;
	int dir = state_make(root, "four", &err);
	int fd = openat(dir, "state", O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_int_equal(io_write(fd, text, strlen(text)), 0);
	close(fd);
	assert_int_equal(state_read(dir, &is, &err), 0);
	assert_string_equal(is.bundle, "/a");
	state_deinit(&is);
	close(dir);
}

static void a_process_is_known_by_its_start(void **state)
{
	pid_t pid = fork();
	struct state_process now;

	(void)state;
	if (pid == 0)
		pause();
	now = state_process_now(pid);
	assert_true(now.start != 0);
	assert_true(state_is_alive(&now));
	now.start++;
	assert_false(state_is_alive(&now));
	now.start--;
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	assert_false(state_is_alive(&now)); /* a zombie */
	waitpid(pid, NULL, 0);
	assert_false(state_is_alive(&now));
	now.pid = 0;
	assert_false(state_is_alive(&now));
}

static void *sleep_long(void *unused)
{
	pause();
	return unused;
}

/* Its first thread's state is a zombie's, and the process runs. */
static void it_lives_without_its_first_thread(void **state)
{
	pid_t pid = fork();
	struct state_process now;
	char stat[64], text[512];
	siginfo_t info;
	pthread_t thread;

	(void)state;
	if (pid == 0) {
		alarm(20); /* where the test fails nobody else ends it */
		if (pthread_create(&thread, NULL, sleep_long, NULL) != 0)
			_exit(1);
		syscall(SYS_exit, 0);
	}
	snprintf(stat, sizeof(stat), "/proc/%d/stat", (int)pid);
	do {
		int fd = open(stat, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof(text) - 1);

		close(fd);
		text[n > 0 ? n : 0] = '\0';
		usleep(1000);
	} while (strstr(text, ") Z ") == NULL);
	now = state_process_now(pid);
	assert_true(now.start != 0);
	assert_true(state_is_alive(&now));
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_code, CLD_KILLED); /* by that, and not before */
	assert_false(state_is_alive(&now));
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(a_name_is_given_once),
		cmocka_unit_test(a_name_given_again_is_another),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(later_keys_are_skipped),
		cmocka_unit_test(a_process_is_known_by_its_start),
		cmocka_unit_test(it_lives_without_its_first_thread),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
