/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_test.c: mounts of a spec, seen from inside and from outside.
 *
 * Each case makes a root in a folder of its own, goes into it in a child, and says there what it finds. Needs to be
 * root, as whoever mounts does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/kernel.h"
#include "sandbox/template.h"
#include "sandbox/view.h"

static char folder[64];
static int template = -1;

static void path_in(char *path, const char *name)
{
	snprintf(path, 256, "%s/%s", folder, name);
}

static void make_dir(const char *name)
{
	char path[256];

	path_in(path, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	path_in(path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_link(const char *name, const char *to)
{
	char path[256];

	path_in(path, name);
	assert_int_equal(symlink(to, path), 0);
}

static int begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/view-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	make_dir("root");
	make_dir("root/data");
	make_dir("volume");
	make_file("root/hello", "hello");
	make_file("volume/file", "volume");
	make_file("hosts", "hosts");
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

/* -- What a child says ------------------------------------------------------------------------------ */

/* In the container's root: NULL, or what is wrong. */
typedef const char *inside_fn(void);

/* A child says what it finds in a container of this spec; the text of a failure in `said`. */
static void in_view(const struct oci_spec *spec, int from, inside_fn *inside, char said[ERR_MAX])
{
	int pipe_fds[2], bundle, status;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	bundle = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		struct view view;
		struct err err = {""};
		int error = view_open(&view, spec, bundle, -1, &err);

		if (error == 0)
			error = template_enter(from, &err);
		if (error == 0)
			error = view_enter(&view, spec, &err);
		if (error == 0 && inside() != NULL)
			snprintf(err.text, sizeof(err.text), "%s (%s)", inside(), strerror(errno));
		(void)!write(pipe_fds[1], err.text, strlen(err.text));
		_exit(0);
	}
	close(pipe_fds[1]);
	memset(said, 0, ERR_MAX);
	for (size_t n = 0, more = 1; more != 0; n += more)
		more = (size_t)read(pipe_fds[0], said + n, ERR_MAX - 1 - n);
	waitpid(pid, &status, 0);
	close(pipe_fds[0]);
	close(bundle);
	assert_int_equal(status, 0);
}

static void passes(const struct oci_spec *spec, inside_fn *inside)
{
	char said[ERR_MAX];

	in_view(spec, template, inside, said);
	assert_string_equal(said, "");
	in_view(spec, -1, inside, said);
	assert_string_equal(said, "");
}

static bool holds(const char *path, const char *text)
{
	char found[64] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, found, sizeof(found) - 1);

	if (fd >= 0)
		close(fd);
	return n >= 0 && strcmp(found, text) == 0;
}

static bool fails(int r, int number)
{
	return r < 0 && errno == number;
}

#define SAY_UNLESS(truth)              \
	do {                           \
		if (!(truth))          \
			return #truth; \
	} while (0)

/* -- Cases -------------------------------------------------------------------------------------------- */

static const char *plain(void)
{
	SAY_UNLESS(holds("/hello", "hello"));
	SAY_UNLESS(fails(access("/proc", F_OK), ENOENT));
	SAY_UNLESS(fails(access("/sys", F_OK), ENOENT));
	SAY_UNLESS(fails(access("/../../tmp", F_OK), ENOENT));
	SAY_UNLESS(open("/dev/null", O_WRONLY) >= 0);
	SAY_UNLESS(open("/dev/urandom", O_RDONLY) >= 0);
	SAY_UNLESS(fails(write(open("/dev/full", O_WRONLY), "x", 1), ENOSPC));
	SAY_UNLESS(fails(access("/dev/sda", F_OK), ENOENT));
	return NULL;
}

static void a_root_alone(void **state)
{
	struct oci_spec spec = {.root = "root"};

	(void)state;
	passes(&spec, plain);
}

static const char *volumes(void)
{
	SAY_UNLESS(holds("/data/file", "volume"));
	SAY_UNLESS(fails(open("/data/file", O_WRONLY), EROFS));
	SAY_UNLESS(holds("/etc/hosts", "hosts"));
	SAY_UNLESS(open("/etc/hosts", O_WRONLY) >= 0);
	SAY_UNLESS(holds("/deep/er/file", "volume"));
	SAY_UNLESS(open("/tmp/new", O_WRONLY | O_CREAT, 0600) >= 0);
	SAY_UNLESS(fails(mknod("/data/disk", S_IFBLK | 0600, makedev(8, 0)), EROFS));
	SAY_UNLESS(holds("/tmp/below/file", "volume"));
	SAY_UNLESS(fails(access("/proc", F_OK), ENOENT));
	return NULL;
}

static void volumes_of_all_kinds(void **state)
{
	static const char *size[] = {"size=64k", "mode=1777"};
	struct oci_mount mounts[] = {
		{.destination = "/proc", .type = "proc", .source = "proc"},
		{.destination = "/dev", .type = "tmpfs", .source = "tmpfs"},
		{.destination = "/data", .source = "volume", .is_bind = true, .set = MS_RDONLY},
		{.destination = "/etc/hosts", .source = "hosts", .is_bind = true},
		{.destination = "/deep/er",
		 .source = "volume",
		 .is_bind = true,
		 .is_recursive = true},
		{.destination = "/tmp", .type = "tmpfs", .data = {size, 2}},
		{.destination = "/tmp/below/", .source = "volume", .is_bind = true},
	};
	struct oci_spec spec = {
		.root = "root", .mounts = mounts, .mount_count = ARRAY_SIZE(mounts)};

	(void)state;
	passes(&spec, volumes);
}

static const char *linked(void)
{
	SAY_UNLESS(holds("/elsewhere/hosts", "hosts"));
	SAY_UNLESS(holds("/etc/hosts", "hosts"));
	SAY_UNLESS(holds("/tmp/x/hosts", "hosts"));
	return NULL;
}

/* Links in the root lead where they lead for the container, not for us. */
static void links_stay_inside(void **state)
{
	struct oci_mount mounts[] = {
		{.destination = "/etc/hosts", .source = "hosts", .is_bind = true},
		{.destination = "/up/x/hosts", .source = "hosts", .is_bind = true},
	};
	struct oci_spec spec = {
		.root = "root", .mounts = mounts, .mount_count = ARRAY_SIZE(mounts)};

	(void)state;
	make_dir("root/elsewhere");
	make_dir("root/tmp");
	make_link("root/etc", "/elsewhere");
	make_link("root/up", "../../../../../../../../tmp");
	passes(&spec, linked);
	assert_int_not_equal(access("/tmp/x", F_OK), 0);
}

static const char *read_only(void)
{
	SAY_UNLESS(fails(open("/hello", O_WRONLY), EROFS));
	SAY_UNLESS(fails(mkdir("/new", 0700), EROFS));
	SAY_UNLESS(open("/data/file", O_WRONLY) >= 0);
	SAY_UNLESS(fails(open("/data/part/a", O_WRONLY), EROFS));
	SAY_UNLESS(holds("/hidden", ""));
	SAY_UNLESS(fails(access("/shut/file", F_OK), ENOENT));
	return NULL;
}

static void read_only_and_hidden(void **state)
{
	static const char *hide[] = {"/hidden", "/shut", "/proc/kcore"},
			  *fix[] = {"/data/part", "/proc/bus"};
	struct oci_mount mounts[] = {{.destination = "/data", .source = "volume", .is_bind = true}};
	struct oci_spec spec = {.root = "root",
				.root_is_readonly = true,
				.mounts = mounts,
				.mount_count = 1,
				.masked_paths = {hide, 3},
				.readonly_paths = {fix, 2}};

	(void)state;
	make_dir("volume/part");
	make_file("volume/part/a", "a");
	make_file("root/hidden", "secret");
	make_dir("root/shut");
	make_file("root/shut/file", "secret");
	passes(&spec, read_only);
}

static const char *no_devices(void)
{
	SAY_UNLESS(fails(open("/data/null", O_WRONLY), EACCES));
	SAY_UNLESS(fails(open("/null", O_WRONLY), EACCES));
	SAY_UNLESS(open("/dev/listed", O_WRONLY) >= 0);
	SAY_UNLESS(open("/allowed", O_WRONLY) >= 0);
	return NULL;
}

static void devices_are_listed_ones(void **state)
{
	struct oci_mount mounts[] = {
		{.destination = "/data", .source = "volume", .is_bind = true, .is_recursive = true},
		{.destination = "/allowed",
		 .source = "volume/null",
		 .is_bind = true,
		 .clear = MS_NODEV},
	};
	struct oci_device device = {
		.path = "/dev/listed", .type = S_IFCHR, .mode = 0666, .major = 1, .minor = 3};
	struct oci_spec spec = {.root = "root",
				.mounts = mounts,
				.mount_count = 2,
				.devices = &device,
				.device_count = 1};
	char path[256];

	(void)state;
	path_in(path, "volume/null");
	assert_int_equal(mknod(path, S_IFCHR | 0666, makedev(1, 3)), 0);
	path_in(path, "root/null");
	assert_int_equal(mknod(path, S_IFCHR | 0666, makedev(1, 3)), 0);
	passes(&spec, no_devices);
}

static const char *nothing(void)
{
	return NULL;
}

static void refused(const struct oci_mount *mount, const char *sentence)
{
	struct oci_spec spec = {
		.root = "root", .mounts = (struct oci_mount *)(uintptr_t)mount, .mount_count = 1};
	char said[ERR_MAX];

	in_view(&spec, template, nothing, said);
	if (strstr(said, sentence) == NULL)
		fail_msg("said: %s", said);
}

static void mistakes_are_named(void **state)
{
	const struct oci_mount missing = {
		.destination = "/a", .source = "nowhere", .is_bind = true};
	const struct oci_mount kind = {.destination = "/a", .type = "nofs"};
	const struct oci_mount option = {
		.destination = "/a", .type = "tmpfs", .data = {(const char *[]){"colour=blue"}, 1}};
	const struct oci_mount over = {
		.destination = "/hello", .source = "volume", .is_bind = true};
	const struct oci_mount ring = {
		.destination = "/lost/a", .source = "volume", .is_bind = true};
	struct oci_spec no_root = {.root = "nowhere"};
	char said[ERR_MAX];

	(void)state;
	make_link("root/lost", "/lost");
	refused(&missing, "mount '/a': 'nowhere': No such file or directory");
	refused(&kind, "mount '/a': this kernel has no file system 'nofs'");
	refused(&option, "mount '/a': option 'colour=blue': Invalid argument");
	refused(&over, "mount '/hello': its source is a directory, its place is none");
	refused(&ring, "mount '/lost/a': look it up in the container's root: Too many levels of "
		       "symbolic links");
	in_view(&no_root, template, nothing, said);
	assert_string_equal(said, "root.path: 'nowhere': No such file or directory");
}

/* -- From outside --------------------------------------------------------------------------------------- */

static int host_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "r");
	int lines = 0, c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static void the_host_sees_nothing(void **state)
{
	struct oci_mount mounts[] = {
		{.destination = "/data", .source = "volume", .is_bind = true},
		{.destination = "/tmp", .type = "tmpfs"},
	};
	struct oci_spec spec = {
		.root = "root", .mounts = mounts, .mount_count = ARRAY_SIZE(mounts)};
	int before = host_mounts(), pipe_fds[2], bundle;
	struct err err;
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	bundle = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		struct view view;

		if (view_open(&view, &spec, bundle, -1, &err) == 0 &&
		    template_enter(template, &err) == 0 && view_enter(&view, &spec, &err) == 0)
			(void)!write(pipe_fds[1], "y", 1);
		pause();
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(host_mounts(), before);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(host_mounts(), before);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(bundle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_root_alone, begin, end),
		cmocka_unit_test_setup_teardown(volumes_of_all_kinds, begin, end),
		cmocka_unit_test_setup_teardown(links_stay_inside, begin, end),
		cmocka_unit_test_setup_teardown(read_only_and_hidden, begin, end),
		cmocka_unit_test_setup_teardown(devices_are_listed_ones, begin, end),
		cmocka_unit_test_setup_teardown(mistakes_are_named, begin, end),
		cmocka_unit_test_setup_teardown(the_host_sees_nothing, begin, end),
	};
	struct err err = {""};

	if (geteuid() != 0) {
		puts("skipped: mounting needs root");
		return 77;
	}
	template = template_new(&err);
	if (template <0) {
		printf("skipped: no mount namespaces here: %s\n", err.text);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
