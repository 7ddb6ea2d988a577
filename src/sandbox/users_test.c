/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users_test.c: namespaces that are made, looked at by a child that goes there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/users.h"

enum { SOMEBODY = 12345 };

static struct oci_id_map rows[] = {{0, 100000, 1000}, {5000, 300000, 5}},
			 group_row = {0, 200000, 7};
static struct oci_id_map own_row = {7, SOMEBODY, 1}, wide_row = {0, SOMEBODY, 2};
static const struct oci_id_maps uids = {rows, 2}, gids = {&group_row, 1}, own = {&own_row, 1},
				wide = {&wide_row, 1};

static int need_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	return 0;
}

/* A child: its exit code. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static bool file_says(const char *path, const char *words)
{
	char text[256] = "", squeezed[256];
	FILE *file = fopen(path, "r");
	size_t used = 0, size = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

	if (file != NULL)
		fclose(file);
	for (size_t i = 0; i < size; i++)
		if (text[i] != ' ' || (used > 0 && squeezed[used - 1] != ' '))
			squeezed[used++] = text[i] == '\n' ? ';' : text[i];
	squeezed[used] = '\0';
	for (char *c = squeezed; (c = strstr(c, "; ")) != NULL;)
		memmove(c + 1, c + 2, strlen(c + 2) + 1);
	if (strcmp(squeezed, words) == 0)
		return true;
	fprintf(stderr, "%s: '%s'\n", path, squeezed);
	return false;
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* -- By root ---------------------------------------------------------------------------------------- */

static int enter_and_look(void)
{
	const struct oci_user user = {.uid = 3, .gid = 3};
	struct err err = {""};
	int fd = users_new(&uids, &gids, &err);

	if (fd < 0 || users_enter(fd, &err) != 0)
		return 1;
	if (!file_says("/proc/self/uid_map", "0 100000 1000;5000 300000 5;") ||
	    !file_says("/proc/self/gid_map", "0 200000 7;") ||
	    !file_says("/proc/self/setgroups", "allow;"))
		return 2;
	if (users_become(&user, &err) != 0 || getuid() != 0 || geteuid() != 0 || getgid() != 0)
		return 3;
	if (getgroups(0, NULL) != 0)
		return 4;
	/* Rights here, and none outside. */
	if (sethostname("x", 1) == 0 || errno != EPERM || unshare(CLONE_NEWUTS) != 0 ||
	    sethostname("x", 1) != 0)
		return 5;
	return 0;
}

static void root_maps_what_it_likes(void **state)
{
	(void)state;
	assert_int_equal(in_child(enter_and_look), 0);
}

static int become_somebody(void)
{
	static struct oci_id_map row = {9, 100000, 1};
	static const struct oci_id_maps only = {&row, 1};
	const struct oci_user user = {.uid = 9, .gid = 9}, nobody = {.uid = 10, .gid = 10};
	struct err err = {""};
	int fd = users_new(&only, &only, &err);

	if (fd < 0 || users_enter(fd, &err) != 0)
		return 1;
	if (users_become(&nobody, &err) == 0 || strstr(err.text, "neither") == NULL)
		return 2;
	return users_become(&user, &err) == 0 && getuid() == 9 && getgid() == 9 ? 0 : 3;
}

static void who_has_no_root_is_its_user(void **state)
{
	(void)state;
	assert_int_equal(in_child(become_somebody), 0);
}

static void nothing_is_left_of_the_helper(void **state)
{
	struct err err = {""};
	int before = open_fds(), fd;

	(void)state;
	fd = users_new(&uids, &gids, &err);
	assert_true(fd >= 0);
	assert_int_equal(open_fds(), before + 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	/* It did not take away what we may be looked at by. */
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
}

static void maps_the_kernel_does_not_take(void **state)
{
	struct oci_id_map overlap[] = {{0, 1, 5}, {2, 100, 5}}, many[340];
	const struct oci_id_maps bad = {overlap, 2}, long_text = {many, 340};
	struct err err = {""};
	int before = open_fds();

	(void)state;
	assert_int_equal(users_new(&bad, &gids, &err), -EINVAL);
	assert_non_null(strstr(err.text, "uid_map"));
	for (uint32_t i = 0; i < 340; i++)
		many[i] = (struct oci_id_map){1000000000 + i, 2000000000 + 2 * i, 1};
	assert_int_equal(users_new(&long_text, &gids, &err), -E2BIG);
	assert_int_equal(open_fds(), before);
}

/* -- By path ------------------------------------------------------------------------------------------ */

static void a_path_is_opened(void **state)
{
	struct oci_spec spec = {.namespaces = {[OCI_NS_USER] = {true, "/proc/self/ns/user"}}};
	struct err err = {""};
	int fd = users_open(&spec, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(users_enter(fd, &err), -EINVAL);
	assert_non_null(strstr(err.text, "the one we are in"));
	close(fd);
	spec.namespaces[OCI_NS_USER].path = "/nowhere";
	assert_int_equal(users_open(&spec, &err), -ENOENT);
	assert_non_null(strstr(err.text, "user namespace '/nowhere'"));
}

/* -- By somebody -------------------------------------------------------------------------------------- */

static bool be_somebody(void)
{
	return setgroups(0, NULL) == 0 && setresgid(SOMEBODY, SOMEBODY, SOMEBODY) == 0 &&
	       setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static int somebody_alone(void)
{
	const struct oci_user user = {.uid = 7, .gid = 7};
	struct err err = {""};
	int fd = be_somebody() ? users_new(&own, &own, &err) : -1;

	if (fd < 0 || users_enter(fd, &err) != 0 || users_become(&user, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (!file_says("/proc/self/uid_map", "7 12345 1;") ||
	    !file_says("/proc/self/setgroups", "deny;") || getuid() != 7)
		return 2;
	return unshare(CLONE_NEWNS) == 0 ? 0 : 3;
}

static void somebody_maps_themselves(void **state)
{
	(void)state;
	assert_int_equal(in_child(somebody_alone), 0);
}

static int somebody_with_others(void)
{
	struct err err = {""};

	setenv("PATH", "/nowhere", 1);
	if (!be_somebody() || users_new(&wide, &own, &err) != -EPERM)
		return 1;
	return strstr(err.text, "newuidmap") != NULL && strstr(err.text, "/etc/subuid") != NULL ? 0
												: 2;
}

static void somebody_needs_the_mapper_for_more(void **state)
{
	(void)state;
	assert_int_equal(in_child(somebody_with_others), 0);
}

/* A mapper that only writes down what it was asked. */
static char folder[] = "/tmp/users-test-XXXXXX";

static int asks_the_mapper(void)
{
	struct err err = {""};
	char path[64];

	setenv("PATH", folder, 1);
	if (!be_somebody())
		return 1;
	if (users_new(&wide, &own, &err) != -EPERM || strstr(err.text, "newgidmap refuses") == NULL)
		return 2;
	snprintf(path, sizeof(path), "%s/said", folder);
	return file_says(path, "0 12345 2;") ? 0 : 3;
}

static void make_script(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, 0755);
}

static void the_mapper_is_told_the_map(void **state)
{
	char script[256], command[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	chmod(folder, 0777);
	/* The number is that of a process in a user namespace of its own. */
	snprintf(script, sizeof(script),
		 "#!/bin/sh\n[ $(/usr/bin/readlink /proc/$1/ns/user) != "
		 "$(/usr/bin/readlink /proc/self/ns/user) ] || exit 1\n"
		 "shift; echo $* > %s/said\n",
		 folder);
	make_script("newuidmap", script);
	make_script("newgidmap", "#!/bin/sh\necho not a word of this\nexit 3\n");
	assert_int_equal(in_child(asks_the_mapper), 0);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* -- Where it is switched off ---------------------------------------------------------------------------- */

static int switched_off(void)
{
	const struct oci_user user = {0};
	struct err err = {""};
	int fd = users_new(&uids, &gids, &err), knob;

	/* A limit of that namespace alone. */
	if (fd < 0 || users_enter(fd, &err) != 0 || users_become(&user, &err) != 0)
		return 1;
	knob = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
	if (knob < 0 || write(knob, "0", 1) != 1)
		return 2;
	if (users_new(&own, &own, &err) != -ENOSPC)
		return 3;
	return strstr(err.text, "sysctl user.max_user_namespaces is 0") != NULL ? 0 : 4;
}

static void the_knob_is_named(void **state)
{
	(void)state;
	assert_int_equal(in_child(switched_off), 0);
}

static void ids_outside(void **state)
{
	(void)state;
	assert_int_equal(users_outside(&uids, 0), 100000);
	assert_int_equal(users_outside(&uids, 999), 100999);
	assert_int_equal(users_outside(&uids, 1000), UINT32_MAX);
	assert_int_equal(users_outside(&uids, 5004), 300004);
	assert_int_equal(users_outside(&uids, 5005), UINT32_MAX);
	assert_int_equal(users_outside(&(struct oci_id_maps){0}, 0), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(root_maps_what_it_likes, need_root),
		cmocka_unit_test_setup(who_has_no_root_is_its_user, need_root),
		cmocka_unit_test_setup(nothing_is_left_of_the_helper, need_root),
		cmocka_unit_test_setup(maps_the_kernel_does_not_take, need_root),
		cmocka_unit_test(a_path_is_opened),
		cmocka_unit_test_setup(somebody_maps_themselves, need_root),
		cmocka_unit_test_setup(somebody_needs_the_mapper_for_more, need_root),
		cmocka_unit_test_setup(the_mapper_is_told_the_map, need_root),
		cmocka_unit_test_setup(the_knob_is_named, need_root),
		cmocka_unit_test(ids_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
