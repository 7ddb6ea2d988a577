/* SPDX-License-Identifier: Apache-2.0 */
/*
 * race_test.c: other processes turn the tree over while paths are walked.
 *
 * Directories and files are exchanged with links that lead out, and a directory is moved out of the mount and back,
 * as fast as can be, while every call is made on paths through them: what is reached is never outside, and nothing
 * outside changes. Then a volume as Kubernetes has them is swapped all the time, what was before being removed: each read
 * gets a content whole, old or new, and never an error.
 *
 * SKIFF_RACE_SECONDS: how long each (default 2).
 */
#include "wasi/test_tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static const char *const jail_entries[] = {
	"file",
	"swap/",
	"swap/secret",
	"swap/dir/",
	"swap/dir/inner",
	"swap/empty/",
	"link -> ../canary",
	"leaf",
	"leaflink -> ../canary/secret",
	"dir/",
	"dir/sub/",
	"dir/sub/deep/",
	"dir/sub/deep/file",
	"dir/file",
	"dir/x/",
	"dir/x/secret",
	"dir/xlink -> ../../canary",
	NULL,
};
static const char *const canary_entries[] = {"secret", "dir/", "dir/inner", "empty/", NULL};

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double race_seconds(void)
{
	const char *text = getenv("SKIFF_RACE_SECONDS");

	return text != NULL ? atof(text) : 2;
}

/* A process that does this for ever, in this directory. */
static pid_t start(void (*turn)(int at, unsigned count), int at)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned count = 1;; count++)
		turn(at, count);
}

static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Else it had given up before. */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* -- Out -------------------------------------------------------------------------------------------------- */

static void exchange(int at, unsigned count)
{
	(void)count;
	if (renameat2(at, "jail/swap", at, "jail/link", RENAME_EXCHANGE) < 0 ||
	    renameat2(at, "jail/leaf", at, "jail/leaflink", RENAME_EXCHANGE) < 0 ||
	    renameat2(at, "jail/dir/x", at, "jail/dir/xlink", RENAME_EXCHANGE) < 0)
		_exit(1);
}

static void move_out(int at, unsigned count)
{
	bool out = count % 2 == 1;

	if (renameat(at, out ? "jail/dir/sub" : "outside/sub", at,
		     out ? "outside/sub" : "jail/dir/sub") < 0)
		_exit(1);
}

struct race {
	struct tree tree;
	struct mounts mounts;
	struct place top;
	struct place sub; /* is moved out and back */
	struct stat outside[9];
	unsigned outside_count;
	unsigned long found, refused, other;
};

static void note_outside(struct race *race, const char *path)
{
	assert_int_equal(fstatat(race->tree.fd, path, &race->outside[race->outside_count++], 0), 0);
}

static void race_open(struct race *race, unsigned flags, bool no_openat2)
{
	static const char *const outside[] = {".",           "..",
					      "/",           "outside",
					      "canary",      "canary/secret",
					      "canary/dir",  "canary/dir/inner",
					      "canary/empty"};

	*race = (struct race){0};
	tree_temporary(&race->tree);
	make_tree(race->tree.fd, (const char *const[]){"jail/", "canary/", "outside/", NULL});
	make_tree_in(race->tree.fd, "jail", jail_entries);
	make_tree_in(race->tree.fd, "canary", canary_entries);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		note_outside(race, outside[i]);
	add_mount(&race->mounts, "/", race->tree.fd, "jail", flags);
	race->mounts.no_openat2 = no_openat2;
	race->top = place_top(&race->mounts, 0);
	race->sub = place_open(&race->mounts, 0, "dir/sub");
}

static void race_close(struct race *race)
{
	place_close(&race->sub);
	mounts_deinit(&race->mounts);
	tree_clear(&race->tree);
}

static void count_result(struct race *race, const char *path, int r, const struct stat *st)
{
	if (r == -EPERM)
		race->refused++;
	else if (r < 0)
		race->other++;
	else
		race->found++;
	for (unsigned i = 0; r == 0 && st != NULL && i < race->outside_count; i++)
		if (st->st_ino == race->outside[i].st_ino && st->st_dev == race->outside[i].st_dev)
			fail_msg("'%s' led to the %u. of those outside", path, i);
}

static void race_path(struct race *race, const struct place *from, const char *path)
{
	static const int ways[] = {
		O_RDONLY,          O_PATH, O_RDWR, O_RDONLY | O_DIRECTORY, O_WRONLY | O_TRUNC,
		O_WRONLY | O_CREAT};
	struct name name = name_of(from, path);
	struct stat st = {0};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct opened opened;

		r = path_open(from, path, strlen(path), ways[i], 0644, &opened);
		if (r == 0) {
			assert_int_equal(fstat(opened.fd, &st), 0);
			opened_close(&opened);
		}
		count_result(race, path, r, &st);
	}
	r = tree_stat(&name, true, &st);
	count_result(race, path, r, &st);
	r = tree_stat(&name, false, &st);
	count_result(race, path, r, &st);
}

static void race_changes(struct race *race, const char *dir)
{
	static const struct timespec times[2] = {{500, 0}, {500, 0}};
	char path[64], path2[64];
	struct name name = {&race->top, path, 0}, file = name_of(&race->top, "file");
	struct name name2 = {&race->top, path2, 0};

	name.size = (size_t)snprintf(path, sizeof(path), "%s/new", dir);
	name2.size = (size_t)snprintf(path2, sizeof(path2), "%s/new2", dir);
	count_result(race, path, tree_make_dir(&name), NULL);
	count_result(race, path, tree_rename(&name, &name2), NULL);
	count_result(race, path, tree_remove_dir(&name2), NULL);
	count_result(race, path, tree_symlink("file", 4, &name), NULL);
	count_result(race, path, tree_set_times(&name, false, times), NULL);
	count_result(race, path, tree_remove_file(&name), NULL);
	count_result(race, path, tree_link(&file, false, &name), NULL);
	count_result(race, path, tree_rename(&name, &name2), NULL);
	count_result(race, path, tree_remove_file(&name2), NULL);
	name.size = (size_t)snprintf(path, sizeof(path), "%s/secret", dir);
	count_result(race, path, tree_set_times(&name, true, times), NULL);
	count_result(race, path, tree_link(&name, true, &name2), NULL);
	count_result(race, path, tree_remove_file(&name2), NULL);
}

/* A file that is a link out a moment later gets another name, and other times. */
static void race_leaf(struct race *race)
{
	static const struct timespec times[2] = {{500, 0}, {500, 0}};
	struct name leaf = name_of(&race->top, "leaf"), hard = name_of(&race->top, "hard");
	struct stat st = {0};
	int r;

	count_result(race, "leaf", tree_set_times(&leaf, true, times), NULL);
	count_result(race, "leaf", tree_link(&leaf, true, &hard), NULL);
	r = tree_stat(&hard, false, &st);
	count_result(race, "hard", r, &st);
	count_result(race, "hard", tree_remove_file(&hard), NULL);
}

static void race_once(struct race *race)
{
	static const char *const paths[] = {
		"swap/secret",
		"swap/dir/inner",
		"swap",
		"swap/",
		"swap/.",
		"swap/..",
		"swap/../..",
		"swap/../canary/secret",
		"swap/empty/made",
		"link/secret",
		"link/dir/..",
		"leaf",
		"leaf/",
		"leaflink",
		"dir/x/secret",
		"dir/x/..",
		"dir/x/../..",
		"dir/x/../../../canary/secret",
		"dir/sub/..",
		"dir/sub/../..",
		"dir/sub/../../canary/secret",
		"dir/sub/deep/../..",
		"dir/sub/deep/../../..",
		"dir/sub/deep/../../../canary/secret",
		"dir/sub/deep/file",
		"dir/sub/../canary/secret",
	};
	static const char *const sub_paths[] = {
		"..",           "../..",         "../canary",
		"deep/..",      "deep/../..",    "deep/../../canary/secret",
		"deep/file",    "deep/../../..", "../../canary/secret",
		"../sub/../..",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		race_path(race, &race->top, paths[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sub_paths); i++)
		race_path(race, &race->sub, sub_paths[i]);
	for (int i = 0; i < 20; i++)
		race_leaf(race);
	race_changes(race, "swap");
	race_changes(race, "link");
	race_changes(race, "dir/x");
}

static void race_out(unsigned flags, bool no_openat2, double seconds)
{
	struct race race;
	char *before, *after;
	pid_t exchanger, mover;
	double end;

	race_open(&race, flags, no_openat2);
	before = picture(race.tree.fd, "canary");
	exchanger = start(exchange, race.tree.fd);
	mover = start(move_out, race.tree.fd);
	for (end = now() + seconds; now() < end;)
		race_once(&race);
	stop(exchanger);
	stop(mover);
	after = picture(race.tree.fd, "canary");
	assert_string_equal(before, after);
	free(before);
	free(after);
	print_message("%s, %s openat2: %lu found, %lu refused, %lu other errors\n",
		      flags == 0 ? "beneath" : "root", no_openat2 ? "without" : "with", race.found,
		      race.refused, race.other);
	/* Both sides were seen. */
	assert_true(race.found > 0 && race.other > 0 && (flags != 0 || race.refused > 0));
	race_close(&race);
}

static void test_out(void **state)
{
	unsigned descriptors = count_descriptors();

	(void)state;
	for (int i = 0; i < 4; i++)
		race_out(i % 2 == 0 ? 0 : MOUNT_ROOT, i / 2 == 1, race_seconds() / 2);
	assert_int_equal(count_descriptors(), descriptors);
}

/* -- A volume --------------------------------------------------------------------------------------------- */

static void swap_volume(int at, unsigned count)
{
	char dir[32], old[32], file[64], text[64];
	int fd, size = snprintf(text, sizeof(text), "content %u\n", count);

	snprintf(dir, sizeof(dir), "jail/..2026_%u", count);
	snprintf(old, sizeof(old), "jail/..2026_%u", count - 1);
	snprintf(file, sizeof(file), "%s/data", dir);
	if (mkdirat(at, dir, 0755) < 0)
		_exit(1);
	fd = openat(at, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, (size_t)size) != size || close(fd) < 0 ||
	    symlinkat(dir + strlen("jail/"), at, "jail/..data_tmp") < 0 ||
	    renameat(at, "jail/..data_tmp", at, "jail/..data") < 0)
		_exit(1);
	snprintf(file, sizeof(file), "%s/data", old);
	if (unlinkat(at, file, 0) < 0 || unlinkat(at, old, AT_REMOVEDIR) < 0)
		_exit(1);
}

static unsigned read_volume(const struct place *top)
{
	struct opened opened;
	char text[64];
	unsigned number;
	ssize_t size;
	int r = path_open(top, "data", 4, O_RDONLY, 0, &opened);

	if (r < 0)
		fail_msg("reading the volume: %s", strerror(-r));
	size = read(opened.fd, text, sizeof(text) - 1);
	opened_close(&opened);
	assert_true(size > 0);
	text[size] = '\0';
	assert_int_equal(sscanf(text, "content %u\n", &number), 1);
	assert_int_equal(text[size - 1], '\n');
	return number;
}

static void race_volume(bool no_openat2, double seconds)
{
	static const char *const entries[] = {"jail/", "jail/..2026_0/", "jail/..data -> ..2026_0",
					      "jail/data -> ..data/data", NULL};
	struct mounts mounts = {0};
	struct tree tree;
	struct place top;
	unsigned long reads = 0;
	unsigned last = 0, number;
	pid_t pid;
	int fd;

	tree_temporary(&tree);
	make_tree(tree.fd, entries);
	fd = openat(tree.fd, "jail/..2026_0/data", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "content 0\n", 10), 10);
	close(fd);
	add_mount(&mounts, "/", tree.fd, "jail", MOUNT_READ_ONLY);
	mounts.no_openat2 = no_openat2;
	top = place_top(&mounts, 0);
	pid = start(swap_volume, tree.fd);
	for (double end = now() + seconds; now() < end; reads++) {
		number = read_volume(&top);
		assert_true(number >= last);
		last = number;
	}
	stop(pid);
	print_message("%s openat2: %lu reads, %u swaps\n", no_openat2 ? "without" : "with", reads,
		      last);
	assert_true(last > 0);
	mounts_deinit(&mounts);
	tree_clear(&tree);
}

static void test_volume(void **state)
{
	(void)state;
	race_volume(false, race_seconds() / 2);
	race_volume(true, race_seconds() / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
