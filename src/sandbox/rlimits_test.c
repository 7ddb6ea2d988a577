/* SPDX-License-Identifier: Apache-2.0 */
/* rlimits_test.c: limits, score and turns as the kernel has them afterwards, in children. */
#include "sandbox/rlimits.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int in_child(int (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(body());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct oci_process process_with(struct oci_rlimit *limits, uint32_t count)
{
	return (struct oci_process){
		.rlimits = limits, .rlimit_count = count, .scheduler_policy = -1};
}

static int body_limits(void)
{
	struct oci_rlimit limits[] = {
		{.resource = RLIMIT_NOFILE, .soft = 100, .hard = 200},
		{.resource = RLIMIT_STACK, .soft = 1 << 20, .hard = RLIM_INFINITY},
	};
	struct oci_rlimit core = {.resource = RLIMIT_CORE, .soft = 4096, .hard = 4096};
	struct oci_rlimit wrong = {.resource = RLIMIT_NOFILE, .soft = 3, .hard = 2};
	struct oci_process process = process_with(limits, 2);
	struct err err = {.text = ""};
	struct rlimit found;

	if (getrlimit(RLIMIT_CORE, &found) < 0 || found.rlim_max < 4096)
		core.soft = core.hard = 0;
	getrlimit(RLIMIT_STACK, &found);
	limits[1].hard = found.rlim_max;
	process.rlimits = &core;
	process.rlimit_count = 1;
	if (rlimits_apply(&process, &err) != 0 || getrlimit(RLIMIT_CORE, &found) < 0 ||
	    found.rlim_cur != core.soft)
		return 1;
	process = process_with(limits, 2);
	if (rlimits_apply(&process, &err) != 0)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &found) < 0 || found.rlim_cur != 100 || found.rlim_max != 200)
		return 3;
	if (getrlimit(RLIMIT_STACK, &found) < 0 || found.rlim_cur != 1 << 20 ||
	    found.rlim_max != limits[1].hard)
		return 4;
	if (getrlimit(RLIMIT_CORE, &found) < 0 || found.rlim_cur != 0 || found.rlim_max != 0)
		return 5;
	process = process_with(&wrong, 1);
	if (rlimits_apply(&process, &err) != -EINVAL || strstr(err.text, "RLIMIT_NOFILE") == NULL)
		return 6;
	return 0;
}

/* What is high enough already is left alone; what is not is raised, or refused by the kernel. */
static int body_raise(void)
{
	struct oci_rlimit limit = {.resource = RLIMIT_NOFILE, .soft = 10, .hard = 20};
	struct oci_process process = process_with(&limit, 1);
	struct rlimit given = {50, 100}, found;
	struct err err = {.text = ""};
	int error;

	if (setrlimit(RLIMIT_NOFILE, &given) < 0 || rlimits_raise(&process, &err) != 0)
		return 1;
	if (getrlimit(RLIMIT_NOFILE, &found) < 0 || found.rlim_cur != 50 || found.rlim_max != 100)
		return 2;
	limit.hard = 200;
	error = rlimits_raise(&process, &err);
	if (getrlimit(RLIMIT_NOFILE, &found) < 0 || found.rlim_cur != 50)
		return 3;
	if (error == -EPERM)
		return found.rlim_max == 100 && strstr(err.text, "RLIMIT_NOFILE") != NULL ? 0 : 4;
	return error == 0 && found.rlim_max == 200 ? 0 : 5;
}

static void raise_only(void **state)
{
	(void)state;
	assert_int_equal(in_child(body_raise), 0);
}

static void limits(void **state)
{
	(void)state;
	assert_int_equal(in_child(body_limits), 0);
	assert_string_equal(rlimits_name(RLIMIT_NOFILE), "RLIMIT_NOFILE");
	assert_null(rlimits_name(-1));
	assert_null(rlimits_name(16));
}

static int body_score(void)
{
	static const int scores[] = {1000, 999, 0};
	char text[16];
	struct err err;
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), result;

	for (size_t i = 0; i < sizeof(scores) / sizeof(*scores); i++) {
		memset(text, 0, sizeof(text));
		if (rlimits_write_oom_score(fd, scores[i], &err) != 0 ||
		    pread(fd, text, sizeof(text) - 1, 0) <= 0 || atoi(text) != scores[i])
			return 1 + (int)i;
	}
	/* Below what it was born with takes CAP_SYS_RESOURCE. */
	memset(text, 0, sizeof(text));
	result = rlimits_write_oom_score(fd, -17, &err);
	if (result != RLIMITS_NOT_ALLOWED &&
	    (result != 0 || pread(fd, text, sizeof(text) - 1, 0) <= 0 || atoi(text) != -17))
		return 10;
	return rlimits_write_oom_score(fd, 1001, &err) == -EINVAL ? 0 : 11;
}

static void score(void **state)
{
	(void)state;
	assert_int_equal(in_child(body_score), 0);
}

static int body_turns(void)
{
	struct oci_process process = process_with(NULL, 0);
	struct err err = {.text = ""};

	if (rlimits_schedule(&process, &err) != 0 || sched_getscheduler(0) != SCHED_OTHER)
		return 1;
	process.scheduler_policy = SCHED_BATCH;
	process.scheduler_nice = 5;
	process.ioprio_class = 2;
	process.ioprio_level = 6;
	if (rlimits_schedule(&process, &err) != 0)
		return 2;
	if (sched_getscheduler(0) != SCHED_BATCH || getpriority(PRIO_PROCESS, 0) != 5)
		return 3;
	if (syscall(SYS_ioprio_get, 1, 0) != (2 << 13 | 6))
		return 4;
	process.ioprio_class = 7;
	if (rlimits_schedule(&process, &err) != -EINVAL || strstr(err.text, "ioPriority") == NULL)
		return 5;
	process.ioprio_class = 0;
	process.scheduler_policy = 77;
	if (rlimits_schedule(&process, &err) != -EINVAL || strstr(err.text, "scheduler") == NULL)
		return 6;
	process.scheduler_policy = SCHED_FIFO;
	process.scheduler_nice = 0;
	process.scheduler_priority = 3;
	if (geteuid() == 0 && setuid(12345) < 0)
		return 7;
	return rlimits_schedule(&process, &err) == RLIMITS_NOT_ALLOWED ? 0 : 8;
}

static void turns(void **state)
{
	(void)state;
	assert_int_equal(in_child(body_turns), 0);
}

static int body_affinity(void)
{
	struct err err = {""};
	cpu_set_t set;

	if (rlimits_affinity(NULL, &err) != 0 || rlimits_affinity("0, 5000-6000", &err) != 0)
		return 1;
	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) != 1 ||
	    !CPU_ISSET(0, &set))
		return 2;
	/* None of them is there; the kernel says so. */
	if (rlimits_affinity("7000", &err) != -EINVAL || strstr(err.text, "'7000'") == NULL)
		return 3;
	return rlimits_affinity("x", &err) == -EINVAL ? 0 : 4;
}

static void affinity(void **state)
{
	(void)state;
	assert_int_equal(in_child(body_affinity), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits), cmocka_unit_test(raise_only), cmocka_unit_test(score),
		cmocka_unit_test(turns),  cmocka_unit_test(affinity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
