/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_test.c: mounts of a spec, seen from inside and from outside.
 *
 * Each case makes a root in a folder of its own, goes into it in a child, and says there what it finds: from a template, without
 * one, and the classic way, by a filter that hides the new calls. Needs to be root, as whoever mounts does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/kernel.h"
#include "sandbox/template.h"
#include "sandbox/view.h"
#include "sandbox/view_parts.h"

/* How a child comes to its view; besides: a template's descriptor. */
enum { NO_TEMPLATE = -1, CLASSIC = -2 };

static char folder[64];
static int template = -1;
static int host_proc = -1; /* opened where there is one */

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

/* This process and its children have Linux 5.1, as to calls. */
static void hide_new_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_open_tree, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	assert_int_equal(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &program), 0);
}

/* In a child: 0, or the sentence. */
static int go(const struct oci_spec *spec, int from, int bundle, struct err *err)
{
	struct view view;
	int error;

	if (from == CLASSIC)
		hide_new_calls();
	umask(077);
	error = view_open(&view, spec, bundle, -1, err);
	if (error != 0)
		return error;
	if (view_is_classic(&view) != (from == CLASSIC))
		return err_set(err, -EINVAL, "it is made the wrong way");
	if (from != CLASSIC)
		error = template_enter(from, err);
	return error == 0 ? view_enter(&view, spec, from >= 0, err) : error;
}

/* A child says what it finds in a container of this spec; the text of a failure in `said`. */
static void in_view(const struct oci_spec *spec, int from, inside_fn *inside, char said[ERR_MAX])
{
	int pipe_fds[2], bundle, status;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	bundle = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		struct err err = {""};
		int error = go(spec, from, bundle, &err);
		const char *wrong = error == 0 ? inside() : NULL;

		if (wrong != NULL)
			snprintf(err.text, sizeof(err.text), "%s (%s)", wrong, strerror(errno));
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
	in_view(spec, NO_TEMPLATE, inside, said);
	assert_string_equal(said, "");
	in_view(spec, CLASSIC, inside, said);
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
	struct stat null;

	SAY_UNLESS(holds("/hello", "hello"));
	SAY_UNLESS(fails(access("/proc", F_OK), ENOENT));
	SAY_UNLESS(fails(access("/sys", F_OK), ENOENT));
	SAY_UNLESS(fails(access("/../../tmp", F_OK), ENOENT));
	SAY_UNLESS(open("/dev/null", O_WRONLY) >= 0);
	SAY_UNLESS(open("/dev/urandom", O_RDONLY) >= 0);
	SAY_UNLESS(fails(write(open("/dev/full", O_WRONLY), "x", 1), ENOSPC));
	SAY_UNLESS(fails(access("/dev/sda", F_OK), ENOENT));
	SAY_UNLESS(stat("/dev/null", &null) == 0 && (null.st_mode & 07777) == 0666);
	SAY_UNLESS(umask(0) == 077);
	return NULL;
}

/*
 * Without its root, whoever joins the namespace anew is where that lay: at best on the file system that the kernel begins with, which
 * is under every root.
 */
static const char *nothing_below(void)
{
	int self = openat(host_proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);

	SAY_UNLESS(self >= 0);
	umount2("/", MNT_DETACH);
	SAY_UNLESS(setns(self, CLONE_NEWNS) < 0 || fails(access("/proc/self", F_OK), ENOENT));
	return NULL;
}

static void a_root_alone(void **state)
{
	struct oci_spec spec = {.root = "root"};

	(void)state;
	passes(&spec, plain);
	host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	passes(&spec, nothing_below);
	close(host_proc);
}

static const char *scratch(void)
{
	int fd = open("/hello", O_WRONLY | O_TRUNC);

	SAY_UNLESS(fd >= 0 && write(fd, "changed", 7) == 7 && close(fd) == 0);
	SAY_UNLESS(holds("/hello", "changed"));
	SAY_UNLESS(rmdir("/data") == 0 && mkdir("/data", 0700) == 0);
	SAY_UNLESS(mkdir("/data/new", 0700) == 0 && fails(rmdir("/data"), ENOTEMPTY));
	SAY_UNLESS(mkdir("/made", 0700) == 0 && rename("/made", "/moved") == 0);
	SAY_UNLESS(unlink("/hello") == 0 && fails(access("/hello", F_OK), ENOENT));
	SAY_UNLESS(fails(access("/lower", F_OK), ENOENT) && fails(access("/upper", F_OK), ENOENT));
	SAY_UNLESS(fails(access("/../lower", F_OK), ENOENT));
	SAY_UNLESS(access("/dev/null", F_OK) == 0);
	return NULL;
}

/* Three times, each beginning with what lies below as it was. */
static void a_scratch_root(void **state)
{
	struct oci_pair pair = {OCI_ROOT_ANNOTATION, OCI_ROOT_SCRATCH};
	struct oci_spec spec = {.root = "root", .annotations = {&pair, 1}};
	char path[256];

	(void)state;
	passes(&spec, scratch);
	path_in(path, "root/hello");
	assert_true(holds(path, "hello"));
	path_in(path, "root/dev");
	assert_true(fails(access(path, F_OK), ENOENT));
	path_in(path, "root/moved");
	assert_true(fails(access(path, F_OK), ENOENT));
}

static const char *read_only_scratch(void)
{
	SAY_UNLESS(fails(mkdir("/x", 0700), EROFS));
	SAY_UNLESS(fails(open("/hello", O_WRONLY), EROFS));
	return plain();
}

static void a_scratch_root_that_is_read_only(void **state)
{
	struct oci_pair pair = {OCI_ROOT_ANNOTATION, OCI_ROOT_SCRATCH};
	struct oci_spec spec = {
		.root = "root", .root_is_readonly = true, .annotations = {&pair, 1}};
	char path[256];

	(void)state;
	passes(&spec, read_only_scratch);
	path_in(path, "root/dev");
	assert_true(fails(access(path, F_OK), ENOENT));
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

static void refused_as(const struct oci_mount *mount, const char *sentence, const char *classic)
{
	struct oci_spec spec = {
		.root = "root", .mounts = (struct oci_mount *)(uintptr_t)mount, .mount_count = 1};
	char said[ERR_MAX];

	in_view(&spec, template, nothing, said);
	if (strstr(said, sentence) == NULL)
		fail_msg("said: %s", said);
	in_view(&spec, CLASSIC, nothing, said);
	if (strstr(said, classic) == NULL)
		fail_msg("the classic way: said: %s", said);
}

static void refused(const struct oci_mount *mount, const char *sentence)
{
	refused_as(mount, sentence, sentence);
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
	struct oci_mount mapped = {
		.destination = "/a", .source = "volume", .is_bind = true, .idmap = true};
	struct oci_spec no_root = {.root = "nowhere"};
	struct oci_spec ids = {.root = "root", .mounts = &mapped, .mount_count = 1};
	char said[ERR_MAX];

	(void)state;
	make_link("root/lost", "/lost");
	refused(&missing, "mount '/a': 'nowhere': No such file or directory");
	refused(&kind, "mount '/a': this kernel has no file system 'nofs'");
	refused_as(&option, "mount '/a': option 'colour=blue': Invalid argument",
		   "mount '/a': a tmpfs with 'colour=blue': Invalid argument");
	refused(&over, "mount '/hello': its source is a directory, its place is none");
	refused(&ring, "mount '/lost/a': look it up in the container's root: Too many levels of "
		       "symbolic links");
	in_view(&no_root, template, nothing, said);
	assert_string_equal(said, "root.path: 'nowhere': No such file or directory");
	in_view(&no_root, CLASSIC, nothing, said);
	assert_string_equal(said, "root.path: 'nowhere': No such file or directory");
	in_view(&ids, CLASSIC, nothing, said);
	assert_string_equal(said, "mount '/a': mapping its ids takes Linux 5.12");
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

static void host_sees_nothing(int from)
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

	assert_int_equal(pipe(pipe_fds), 0);
	bundle = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		if (go(&spec, from, bundle, &err) == 0)
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

static void the_host_sees_nothing(void **state)
{
	(void)state;
	host_sees_nothing(template);
	host_sees_nothing(NO_TEMPLATE);
	host_sees_nothing(CLASSIC);
}

/* -- The classic way's own ------------------------------------------------------------------------------ */

/* What a path leads to: "dev:inode", or an errno. */
static void identify(int fd, char text[64])
{
	struct stat st;

	if (fd < 0) {
		snprintf(text, 64, "%s", strerror(-fd));
		return;
	}
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(text, 64, "%llx:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	close(fd);
}

static void the_walk_goes_where_the_kernel_does(void **state)
{
	static const char *const paths[] = {
		"/",
		"",
		"/hello",
		"hello",
		"/hello/",
		"/hello/x",
		"/.",
		"/..",
		"/../../hello",
		"/data/../hello",
		"/data/./",
		"/nowhere",
		"/nowhere/x",
		"/to-hello",
		"/to-hello/",
		"/to-data",
		"/to-data/",
		"/to-data/deep",
		"/up",
		"/up/hello",
		"/out",
		"/out/hello",
		"/loop",
		"/loop/x",
		"/dangling",
		"/a/b/c/back",
		"/a/b/c/back",
		"/a/b/../../a",
		"/a/b/c/../..",
		"//data//deep//",
		"/a/b/c/back/to-hello",
		"/data/deep/../../to-data/../hello",
	};
	static const int flags[] = {0, O_NOFOLLOW, O_DIRECTORY, O_NOFOLLOW | O_DIRECTORY};
	char path[256], kernels[64], ours[64];
	int root;

	(void)state;
	make_dir("root/data/deep");
	make_dir("root/a");
	make_dir("root/a/b");
	make_dir("root/a/b/c");
	make_link("root/to-hello", "hello");
	make_link("root/to-data", "/a/../data");
	make_link("root/up", "../../../..");
	make_link("root/out", "/a/b/../../../../../..");
	make_link("root/loop", "loop");
	make_link("root/dangling", "/not/there");
	make_link("root/a/b/c/back", "../../../");
	path_in(path, "root");
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(flags); j++) {
			identify(view_lookup(root, paths[i], flags[j]), kernels);
			identify(view_walk(root, paths[i], flags[j]), ours);
			if (strcmp(kernels, ours) != 0)
				fail_msg("'%s' (%d): %s, but %s", paths[i], flags[j], kernels,
					 ours);
		}
	}
	close(root);
}

static int swap(const char *a, const char *b)
{
	char from[256], to[256];

	path_in(from, a);
	path_in(to, b);
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
}

static const char *nothing_to_write(void)
{
	static const char *const places[] = {"/data/a/inner/f", "/data/b/inner/f"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int fd = open(places[i], O_WRONLY);

		SAY_UNLESS(fails(fd, EROFS) || fails(fd, ENOENT));
	}
	return NULL;
}

/* Directories above a mount are exchanged while its flags are set. */
static void a_race_below(void **state)
{
	struct oci_mount mount = {.destination = "/data",
				  .source = "volume",
				  .is_bind = true,
				  .is_recursive = true,
				  .set_recursive = MS_RDONLY};
	struct oci_spec spec = {.root = "root", .mounts = &mount, .mount_count = 1};
	char path[256], said[ERR_MAX];
	pid_t swapper;

	(void)state;
	make_dir("volume/a");
	make_dir("volume/a/inner");
	make_dir("volume/b");
	make_dir("volume/b/inner");
	path_in(path, "volume/a/inner");
	assert_int_equal(kernel_mount("none", path, "tmpfs", 0, NULL), 0);
	make_file("volume/a/inner/f", "f");
	swapper = fork();
	while (swapper == 0 && getppid() != 1)
		swap("volume/a", "volume/b");
	for (int i = 0; i < 200; i++) {
		in_view(&spec, CLASSIC, nothing_to_write, said);
		if (said[0] != '\0')
			break;
	}
	kill(swapper, SIGKILL);
	waitpid(swapper, NULL, 0);
	kernel_umount(path);
	path_in(path, "volume/b/inner");
	kernel_umount(path);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_root_alone, begin, end),
		cmocka_unit_test_setup_teardown(a_scratch_root, begin, end),
		cmocka_unit_test_setup_teardown(a_scratch_root_that_is_read_only, begin, end),
		cmocka_unit_test_setup_teardown(volumes_of_all_kinds, begin, end),
		cmocka_unit_test_setup_teardown(links_stay_inside, begin, end),
		cmocka_unit_test_setup_teardown(read_only_and_hidden, begin, end),
		cmocka_unit_test_setup_teardown(devices_are_listed_ones, begin, end),
		cmocka_unit_test_setup_teardown(mistakes_are_named, begin, end),
		cmocka_unit_test_setup_teardown(the_host_sees_nothing, begin, end),
		cmocka_unit_test_setup_teardown(the_walk_goes_where_the_kernel_does, begin, end),
		cmocka_unit_test_setup_teardown(a_race_below, begin, end),
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
