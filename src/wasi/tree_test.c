/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_test.c: names are made, removed, renamed, linked and asked for as Linux does it, with Linux's errors.
 *
 * Most of it by comparison: two trees are alike; in one, a child process that is rooted there (chroot) does with the
 * kernel what the path layer does in the other, where it is a mount that is a root. Results, errors and, after each
 * step, the trees must be the same. What Linux has no like of (read-only mounts by flag, mounts by text) is in rows.
 */
#include "wasi/test_tree.h"

#include <sched.h>
#include <sys/wait.h>

static const char *const entries[] = {
	"file",
	"other",
	"dir/",
	"dir/file",
	"dir/sub/",
	"dir/up -> ..",
	"dir/root -> /file",
	"empty/",
	"link -> file",
	"dirlink -> dir",
	"slashlink -> dir/",
	"absolute -> /dir",
	"above -> ../../dir/file",
	"dangling -> missing",
	"danglingdir -> missing/",
	"loop -> loop",
	NULL,
};

enum operation {
	MAKE_DIR,
	REMOVE_DIR,
	REMOVE_FILE,
	RENAME,
	LINK,
	SYMLINK,
	READ_LINK,
	STAT,
	TIMES,
	OPERATIONS
};

static const char *const operation_names[] = {"mkdir",   "rmdir",    "unlink", "rename", "link",
					      "symlink", "readlink", "stat",   "utimes"};

struct request {
	enum operation operation;
	bool follow;
	char path[256];
	char other[256]; /* new name; target */
};

/* Pointers would differ between trees. */
struct reply {
	int result;
	mode_t mode;
	off_t size;
	char text[256];
};

static const struct timespec old_times[2] = {{1000, 5}, {2000, 6}};

static struct reply ask_path_layer(const struct place *from, const struct request *request)
{
	struct name name = name_of(from, request->path), other = name_of(from, request->other);
	struct reply reply = {0};
	struct stat st = {0};

	switch (request->operation) {
	case MAKE_DIR:
		reply.result = tree_make_dir(&name);
		break;
	case REMOVE_DIR:
		reply.result = tree_remove_dir(&name);
		break;
	case REMOVE_FILE:
		reply.result = tree_remove_file(&name);
		break;
	case RENAME:
		reply.result = tree_rename(&name, &other);
		break;
	case LINK:
		reply.result = tree_link(&name, request->follow, &other);
		break;
	case SYMLINK:
		reply.result = tree_symlink(request->other, strlen(request->other), &name);
		break;
	case READ_LINK:
		reply.result = (int)tree_read_link(&name, reply.text, sizeof(reply.text) - 1);
		break;
	case STAT:
		reply.result = tree_stat(&name, request->follow, &st);
		break;
	default:
		reply.result = tree_set_times(&name, request->follow, old_times);
		break;
	}
	reply.mode = st.st_mode;
	reply.size = S_ISDIR(st.st_mode) ? 0 : st.st_size;
	return reply;
}

static struct reply ask_kernel(const struct request *request)
{
	const char *path = request->path, *other = request->other;
	int nofollow = request->follow ? 0 : AT_SYMLINK_NOFOLLOW, r;
	struct reply reply = {0};
	struct stat st = {0};

	switch (request->operation) {
	case MAKE_DIR:
		r = mkdir(path, 0777);
		break;
	case REMOVE_DIR:
		r = rmdir(path);
		break;
	case REMOVE_FILE:
		r = unlink(path);
		break;
	case RENAME:
		r = rename(path, other);
		break;
	case LINK:
		r = linkat(AT_FDCWD, path, AT_FDCWD, other,
			   request->follow ? AT_SYMLINK_FOLLOW : 0);
		break;
	case SYMLINK:
		r = symlink(other, path);
		break;
	case READ_LINK:
		r = (int)readlink(path, reply.text, sizeof(reply.text) - 1);
		break;
	case STAT:
		r = fstatat(AT_FDCWD, path, &st, nofollow);
		break;
	default:
		r = utimensat(AT_FDCWD, path, old_times, nofollow);
		break;
	}
	reply.result = r < 0 ? -errno : r;
	reply.mode = st.st_mode;
	reply.size = S_ISDIR(st.st_mode) ? 0 : st.st_size;
	return reply;
}

/* -- Comparison -------------------------------------------------------------------------------------- */

/* The process that is rooted in the other tree. */
struct rooted {
	pid_t pid;
	int requests;
	int replies;
};

static void serve(const char *root, int requests, int replies)
{
	struct request request;
	struct reply reply;

	if (chroot(root) < 0 && (unshare(CLONE_NEWUSER) < 0 || chroot(root) < 0))
		_exit(77);
	if (chdir("/") < 0 || write(replies, "+", 1) != 1)
		_exit(1);
	while (read(requests, &request, sizeof(request)) == sizeof(request)) {
		reply = ask_kernel(&request);
		if (write(replies, &reply, sizeof(reply)) != sizeof(reply))
			_exit(1);
	}
	_exit(0);
}

/* False: this machine lets us have none. */
static bool rooted_open(struct rooted *rooted, const char *root)
{
	int down[2], up[2];
	char ready;

	assert_int_equal(pipe2(down, O_CLOEXEC) | pipe2(up, O_CLOEXEC), 0);
	rooted->pid = fork();
	if (rooted->pid == 0) {
		close(down[1]);
		close(up[0]);
		serve(root, down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	rooted->requests = down[1];
	rooted->replies = up[0];
	return read(up[0], &ready, 1) == 1;
}

static void rooted_close(struct rooted *rooted)
{
	close(rooted->requests);
	close(rooted->replies);
	assert_int_equal(waitpid(rooted->pid, NULL, 0), rooted->pid);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void random_path(uint32_t *seed, char *path)
{
	static const char *const words[] = {
		"file", "other",   "dir",       "sub",      "up",    "root",     "empty",
		"link", "dirlink", "slashlink", "absolute", "above", "dangling", "danglingdir",
		"loop", ".",       "..",        "new",      "new2",  "missing",
	};
	static const uint8_t lengths[] = {1, 1, 1, 1, 2, 2, 2, 3};
	uint32_t count = lengths[random_next(seed) % sizeof(lengths)];

	*path = '\0';
	if (random_next(seed) % 8 == 0)
		strcpy(path, "/");
	for (uint32_t i = 0; i < count; i++) {
		strcat(path, words[random_next(seed) % ARRAY_SIZE(words)]);
		if (i + 1 < count || random_next(seed) % 5 == 0)
			strcat(path, random_next(seed) % 8 == 0 ? "//" : "/");
	}
}

static void random_request(uint32_t *seed, struct request *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->operation = random_next(seed) % OPERATIONS;
	ret->follow = random_next(seed) % 2 == 0;
	random_path(seed, ret->path);
	random_path(seed, ret->other);
}

/* Seen from within. */
static char *picture_of(const struct tree *tree, const char *name)
{
	int fd = openat(tree->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *all;

	assert_true(fd >= 0);
	all = picture(fd, ".");
	close(fd);
	return all;
}

static void compare_step(const struct place *top, const struct tree *tree,
			 const struct rooted *rooted, const struct request *request)
{
	struct reply want, reply;
	char *ours, *theirs;

	assert_int_equal(write(rooted->requests, request, sizeof(*request)), sizeof(*request));
	assert_int_equal(read(rooted->replies, &want, sizeof(want)), sizeof(want));
	reply = ask_path_layer(top, request);
	if (memcmp(&reply, &want, sizeof(reply)) != 0)
		fail_msg("%s '%s' '%s' %d: %d, the kernel says %d; %o %o '%s' '%s'",
			 operation_names[request->operation], request->path, request->other,
			 request->follow, reply.result, want.result, reply.mode, want.mode,
			 reply.text, want.text);
	if (request->operation >= READ_LINK && request->operation != TIMES)
		return;
	ours = picture_of(tree, "ours");
	theirs = picture_of(tree, "their");
	if (strcmp(ours, theirs) != 0)
		fail_msg("%s '%s' '%s' %d (%d):\n%s\nthe kernel's:\n%s",
			 operation_names[request->operation], request->path, request->other,
			 request->follow, reply.result, ours, theirs);
	free(ours);
	free(theirs);
}

enum { ROUNDS = 30, STEPS = 150 };

static void test_against_kernel(void **state)
{
	uint32_t seed = 20261122;
	unsigned done = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct mounts mounts = {0};
		struct rooted rooted;
		struct tree tree;
		char root[512];
		struct place top;

		tree_temporary(&tree);
		assert_int_equal(mkdirat(tree.fd, "ours", 0755) | mkdirat(tree.fd, "their", 0755),
				 0);
		make_tree_in(tree.fd, "ours", entries);
		make_tree_in(tree.fd, "their", entries);
		snprintf(root, sizeof(root), "%s/their", tree.dir);
		if (!rooted_open(&rooted, root)) {
			rooted_close(&rooted);
			tree_clear(&tree);
			print_message("skipped: chroot is not permitted\n");
			skip();
		}
		add_mount(&mounts, "/", tree.fd, "ours", MOUNT_ROOT);
		mounts.no_openat2 = round % 2 == 1;
		top = place_top(&mounts, 0);
		for (int i = 0; i < STEPS; i++, done++) {
			struct request request;

			random_request(&seed, &request);
			compare_step(&top, &tree, &rooted, &request);
		}
		rooted_close(&rooted);
		mounts_deinit(&mounts);
		tree_clear(&tree);
	}
	print_message("%u steps as the kernel's\n", done);
}

/* -- Rows --------------------------------------------------------------------------------------------- */

struct row {
	enum operation operation;
	uint32_t mount;
	const char *path;
	uint32_t other_mount;
	const char *other;
	int want;
	bool follow;
};

enum { ROOT, BENEATH, FIXED, NESTED, NESTED_FIXED };

static const struct row rows[] = {
	/* Nothing changes where it is read-only; errors that Linux finds before that come before. */
	{MAKE_DIR, FIXED, "new", 0, "", -EROFS, false},
	{MAKE_DIR, FIXED, "dir", 0, "", -EEXIST, false},
	{MAKE_DIR, FIXED, "dir/", 0, "", -EEXIST, false},
	{MAKE_DIR, FIXED, ".", 0, "", -EEXIST, false},
	{MAKE_DIR, FIXED, "missing/new", 0, "", -ENOENT, false},
	{REMOVE_DIR, FIXED, "empty", 0, "", -EROFS, false},
	{REMOVE_FILE, FIXED, "file", 0, "", -EROFS, false},
	{RENAME, FIXED, "file", FIXED, "new", -EROFS, false},
	{LINK, FIXED, "file", FIXED, "new", -EROFS, false},
	{LINK, FIXED, "file", FIXED, "other", -EEXIST, false},
	{SYMLINK, FIXED, "new", 0, "file", -EROFS, false},
	{SYMLINK, FIXED, "link", 0, "file", -EEXIST, false},
	{TIMES, FIXED, "file", 0, "", -EROFS, false},
	{TIMES, FIXED, "link", 0, "", -EROFS, true},
	{TIMES, FIXED, "dir/", 0, "", -EROFS, false},
	{TIMES, FIXED, ".", 0, "", -EROFS, false},
	{STAT, FIXED, "link", 0, "", 0, true},
	{READ_LINK, FIXED, "link", 0, "", 4, false},
	/* Also where it lies in one that is not. */
	{MAKE_DIR, ROOT, "nested/fixed/new", 0, "", -EROFS, false},
	{REMOVE_FILE, ROOT, "nested/fixed/file", 0, "", -EROFS, false},
	{TIMES, ROOT, "nested/fixed", 0, "", -EROFS, false},
	/* The tops of mounts stay. */
	{REMOVE_DIR, ROOT, "nested", 0, "", -EBUSY, false},
	{REMOVE_DIR, ROOT, "nested/", 0, "", -EBUSY, false},
	{REMOVE_DIR, ROOT, "/", 0, "", -EBUSY, false},
	{REMOVE_DIR, ROOT, ".", 0, "", -EINVAL, false},
	{REMOVE_DIR, ROOT, "..", 0, "", -ENOTEMPTY, false},
	{REMOVE_DIR, ROOT, "dir/sub/..", 0, "", -ENOTEMPTY, false},
	{REMOVE_FILE, ROOT, "nested", 0, "", -EISDIR, false},
	{RENAME, ROOT, "nested", ROOT, "new", -EBUSY, false},
	{RENAME, ROOT, "empty", ROOT, "nested", -EBUSY, false},
	{RENAME, ROOT, "empty", ROOT, "nested/fixed/", -EBUSY, false},
	{RENAME, ROOT, ".", ROOT, "new", -EBUSY, false},
	{RENAME, ROOT, "empty", ROOT, "dir/..", -EBUSY, false},
	{MAKE_DIR, ROOT, "nested", 0, "", -EEXIST, false},
	{SYMLINK, ROOT, "nested", 0, "x", -EEXIST, false},
	{LINK, ROOT, "file", ROOT, "nested", -EEXIST, false},
	{LINK, ROOT, "nested", ROOT, "new", -EXDEV, false},
	{READ_LINK, ROOT, "nested", 0, "", -EINVAL, false},
	{STAT, ROOT, "nested", 0, "", 0, false},
	{STAT, ROOT, "nested/fixed/", 0, "", 0, true},
	/* Mounts are apart, even of one file system. */
	{RENAME, ROOT, "file", ROOT, "nested/file2", -EXDEV, false},
	{RENAME, BENEATH, "file", NESTED, "file2", -EXDEV, false},
	{LINK, BENEATH, "file", NESTED, "file2", -EXDEV, false},
	{LINK, ROOT, "nested/file", ROOT, "file2", -EXDEV, true},
	/* Links that lead nowhere may be made, but not absolute ones. */
	{SYMLINK, BENEATH, "new", 0, "/file", -EPERM, false},
	{SYMLINK, BENEATH, "link", 0, "/file", -EPERM, false},
	{SYMLINK, ROOT, "nested/new", 0, "/file", -EPERM, false},
	{SYMLINK, BENEATH, "new", 0, "", -ENOENT, false},
	{SYMLINK, BENEATH, "new/", 0, "x", -ENOENT, false},
	{SYMLINK, BENEATH, "dir/", 0, "x", -EEXIST, false},
	{SYMLINK, BENEATH, "file/", 0, "x", -EEXIST, false},
	{SYMLINK, BENEATH, "dangling/", 0, "x", -EEXIST, false},
	/* A slash at the end of a link. */
	{MAKE_DIR, BENEATH, "dangling/", 0, "", -EEXIST, false},
	{REMOVE_DIR, BENEATH, "dirlink/", 0, "", -ENOTDIR, false},
	{REMOVE_FILE, BENEATH, "link/", 0, "", -ENOTDIR, false},
	{RENAME, BENEATH, "dirlink/", BENEATH, "new", -ENOTDIR, false},
	{LINK, BENEATH, "dirlink/", BENEATH, "new", -EPERM, false},
	{LINK, BENEATH, "link/", BENEATH, "new", -ENOTDIR, false},
	{READ_LINK, BENEATH, "dirlink/", 0, "", -EINVAL, false},
	{READ_LINK, BENEATH, "absolute/", 0, "", -EPERM, false},
	{STAT, BENEATH, "absolute/", 0, "", -EPERM, false},
	{STAT, BENEATH, "link/", 0, "", -ENOTDIR, false},
	{STAT, BENEATH, "file/", 0, "", -ENOTDIR, false},
	{STAT, BENEATH, "dirlink/", 0, "", 0, false},
	{TIMES, BENEATH, "absolute/", 0, "", -EPERM, false},
	{TIMES, BENEATH, "file/", 0, "", -ENOTDIR, false},
	{LINK, BENEATH, "absolute", BENEATH, "new", -EPERM, true},
	/* Up and out. */
	{MAKE_DIR, BENEATH, "../new", 0, "", -EPERM, false},
	{STAT, BENEATH, "..", 0, "", -EPERM, true},
	{STAT, BENEATH, "/", 0, "", -EPERM, true},
	{RENAME, BENEATH, "file", BENEATH, "../new", -EPERM, false},
	{RENAME, BENEATH, "../ours/file", BENEATH, "new", -EPERM, false},
};

static int run_row(const struct mounts *mounts, const struct row *row)
{
	struct place from = place_top(mounts, row->mount);
	struct place to = place_top(mounts, row->other_mount);
	struct name old = name_of(&from, row->path), new = name_of(&to, row->other);
	struct request request = {.operation = row->operation, .follow = row->follow};

	if (row->operation == RENAME)
		return tree_rename(&old, &new);
	if (row->operation == LINK)
		return tree_link(&old, row->follow, &new);
	strcpy(request.path, row->path);
	strcpy(request.other, row->other);
	return ask_path_layer(&from, &request).result;
}

static void test_rows(void **state)
{
	struct mounts mounts = {0};
	unsigned descriptors = count_descriptors();
	struct tree tree;
	char *before, *after;

	(void)state;
	tree_temporary(&tree);
	assert_int_equal(mkdirat(tree.fd, "ours", 0755) | mkdirat(tree.fd, "their", 0755), 0);
	make_tree_in(tree.fd, "ours", entries);
	make_tree_in(tree.fd, "their", entries);
	add_mount(&mounts, "/", tree.fd, "ours", MOUNT_ROOT);
	add_mount(&mounts, "/alone", tree.fd, "ours", 0);
	add_mount(&mounts, "/fixed", tree.fd, "ours", MOUNT_READ_ONLY);
	add_mount(&mounts, "/nested", tree.fd, "their", 0);
	add_mount(&mounts, "/nested/fixed", tree.fd, "their", MOUNT_READ_ONLY);
	before = picture(tree.fd, ".");
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i / 2];
		int r;

		mounts.no_openat2 = i % 2 == 1;
		r = run_row(&mounts, row);
		if (r != row->want)
			fail_msg("%s %u '%s' '%s': %d, not %d", operation_names[row->operation],
				 row->mount, row->path, row->other, r, row->want);
	}
	after = picture(tree.fd, ".");
	assert_string_equal(before, after);
	free(before);
	free(after);
	mounts_deinit(&mounts);
	tree_clear(&tree);
	assert_int_equal(count_descriptors(), descriptors);
	print_message("%zu rows, twice\n", ARRAY_SIZE(rows));
}

/* -- What rows cannot say ------------------------------------------------------------------------------ */

static void test_texts(void **state)
{
	struct mounts mounts = {0};
	struct place top;
	struct name name;
	struct tree tree;
	struct stat st;
	char text[16], *longest = calloc(1, PATH_MAX + 1);

	(void)state;
	tree_temporary(&tree);
	add_mount(&mounts, "/", tree.fd, ".", 0);
	top = place_top(&mounts, 0);
	name = name_of(&top, "link");
	assert_int_equal(tree_symlink("target\0x", 8, &name), -EINVAL);
	memset(longest, 'x', PATH_MAX);
	assert_int_equal(tree_symlink(longest, PATH_MAX, &name), -ENAMETOOLONG);
	assert_int_equal(tree_symlink("../target", 9, &name), 0);
	memset(text, '-', sizeof(text));
	assert_int_equal(tree_read_link(&name, text, 4), 4);
	assert_memory_equal(text, "../t-", 5);
	assert_int_equal(tree_read_link(&name, text, 0), 0);
	assert_int_equal(tree_read_link(&name, text, sizeof(text)), 9);
	assert_int_equal(tree_stat(&name, false, &st), 0);
	assert_true(S_ISLNK(st.st_mode) && st.st_size == 9);
	assert_int_equal(tree_stat(&name, true, &st), -EPERM);
	assert_int_equal(tree_set_times(&name, false, old_times), 0);
	assert_int_equal(tree_stat(&name, false, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 6);
	name = (struct name){&top, "lin\0k", 5};
	assert_int_equal(tree_stat(&name, false, &st), -EINVAL);
	assert_int_equal(tree_remove_file(&name), -EINVAL);
	free(longest);
	mounts_deinit(&mounts);
	tree_clear(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_against_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
