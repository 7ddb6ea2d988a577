/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_test.c: paths that are in order lead where they should, the fast way and by the walk, with openat2 and without.
 *
 * The second half holds random paths against the kernel's own resolution under a root (RESOLVE_IN_ROOT), which a mount that
 * is one must agree with in result and error.
 */
#include "wasi/test_tree.h"

#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *const entries[] = {
	"file",
	"dir/",
	"dir/file",
	"dir/sub/",
	"dir/sub/deep",
	"dir/sub/up -> ..",
	"dir/sub/upup -> ../../file",
	"dir/root -> /file",
	"link -> file",
	"dirlink -> dir",
	"slashlink -> dir/",
	"fileslash -> file/",
	"linklink -> dirlink/link",
	"absolute -> /dir/file",
	"absolutedir -> /dir",
	"above -> ../../../file",
	"dangling -> missing/none",
	"newlink -> dir/new",
	"loop -> loop",
	"loop1 -> loop2",
	"loop2 -> loop1",
	"dot -> .",
	"dots -> ..",
	"vol/",
	"vol/..2026_1/",
	"vol/..2026_1/data",
	"vol/..data -> ..2026_1",
	"vol/data -> ..data/data",
	"data/",
	"data/hidden",
	NULL,
};

static const char *const volume[] = {
	"in",
	"shared/",
	"shared/file",
	"root -> /in",
	"out -> ../file",
	"stay -> shared/../in",
	"rootdir -> /shared",
	NULL,
};

struct world {
	struct tree tree;
	struct mounts mounts;
	unsigned descriptors;
};

/* The mounts, in the order they are added. */
enum { ROOT, BENEATH, FIXED, DATA, FAR, DATA_ROOT };

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->descriptors = count_descriptors();
	tree_temporary(&w->tree);
	assert_int_equal(mkdirat(w->tree.fd, "in", 0755), 0);
	assert_int_equal(mkdirat(w->tree.fd, "volume", 0755), 0);
	make_file(w->tree.fd, "file");
	make_tree_in(w->tree.fd, "in", entries);
	make_tree_in(w->tree.fd, "volume", volume);
	add_mount(&w->mounts, "/", w->tree.fd, "in", MOUNT_ROOT);
	add_mount(&w->mounts, "/alone", w->tree.fd, "in", 0);
	add_mount(&w->mounts, "fixed", w->tree.fd, "in", MOUNT_READ_ONLY);
	add_mount(&w->mounts, "./data", w->tree.fd, "volume", 0);
	add_mount(&w->mounts, "/no/where//far/", w->tree.fd, "volume", 0);
	add_mount(&w->mounts, "/data/shared", w->tree.fd, "volume", MOUNT_ROOT);
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	mounts_deinit(&w->mounts);
	tree_clear(&w->tree);
	assert_int_equal(count_descriptors(), w->descriptors);
	free(w);
	return 0;
}

/* One path: where from, how, and what comes of it. */
struct row {
	uint32_t mount;
	const char *place;
	const char *path;
	int flags;
	int want;         /* 0, -errno */
	const char *what; /* a file's content, or a directory's path below the mount it lies in */
};

#define DIR O_DIRECTORY
#define LOOK (O_PATH | O_NOFOLLOW)

static const struct row rows[] = {
	/* Plain. */
	{ROOT, "", "file", 0, 0, "file"},
	{BENEATH, "", "file", 0, 0, "file"},
	{BENEATH, "", "dir/sub/deep", 0, 0, "dir/sub/deep"},
	{BENEATH, "dir", "sub/deep", 0, 0, "dir/sub/deep"},
	{BENEATH, "", "missing", 0, -ENOENT, NULL},
	{BENEATH, "", "missing/file", 0, -ENOENT, NULL},
	{BENEATH, "", "file/file", 0, -ENOTDIR, NULL},
	{BENEATH, "", "file", DIR, -ENOTDIR, NULL},
	{BENEATH, "", "dir", O_WRONLY, -EISDIR, NULL},
	{BENEATH, "", "file", O_CREAT | O_EXCL | O_WRONLY, -EEXIST, NULL},
	{BENEATH, "", "dir", O_CREAT, -EISDIR, NULL},
	{BENEATH, "", "dir", O_CREAT | DIR, -EINVAL, NULL},
	{BENEATH, "", "file", O_NONBLOCK, -EINVAL, NULL},
	/* Dots and slashes. */
	{BENEATH, "", ".", 0, 0, ""},
	{BENEATH, "dir", ".", 0, 0, "dir"},
	{BENEATH, "", "./.", 0, 0, ""},
	{BENEATH, "", "./dir/.", 0, 0, "dir"},
	{BENEATH, "", "dir//sub///", 0, 0, "dir/sub"},
	{BENEATH, "", "dir/../dir/sub/..", 0, 0, "dir"},
	{BENEATH, "", "dir/..", 0, 0, ""},
	{BENEATH, "", "dir/../file", 0, 0, "file"},
	{BENEATH, "", "file/", 0, -ENOTDIR, NULL},
	{BENEATH, "", "file/.", 0, -ENOTDIR, NULL},
	{BENEATH, "", "file/..", 0, -ENOTDIR, NULL},
	{BENEATH, "", "missing/..", 0, -ENOENT, NULL},
	{BENEATH, "", "new/", O_CREAT | O_WRONLY, -EISDIR, NULL},
	{BENEATH, "", "dir/", 0, 0, "dir"},
	/* Out. */
	{BENEATH, "", "..", 0, -EPERM, NULL},
	{BENEATH, "", "../in/file", 0, -EPERM, NULL},
	{BENEATH, "", "dir/../..", 0, -EPERM, NULL},
	{BENEATH, "dir", "..", 0, -EPERM, NULL},
	{BENEATH, "dir", "../file", 0, -EPERM, NULL},
	{BENEATH, "dir", "sub/../../file", 0, -EPERM, NULL},
	{BENEATH, "", "/file", 0, -EPERM, NULL},
	{BENEATH, "", "/", 0, -EPERM, NULL},
	{BENEATH, "", "absolute", 0, -EPERM, NULL},
	{BENEATH, "", "dir/root", 0, -EPERM, NULL},
	{BENEATH, "", "above", 0, -EPERM, NULL},
	{BENEATH, "", "dots", 0, -EPERM, NULL},
	{BENEATH, "", "dots/in/file", 0, -EPERM, NULL},
	/* A root has no outside. */
	{ROOT, "", "..", 0, 0, ""},
	{ROOT, "", "../../..", 0, 0, ""},
	{ROOT, "", "../in/file", 0, -ENOENT, NULL},
	{ROOT, "", "dir/../../file", 0, 0, "file"},
	{ROOT, "dir/sub", "../../file", 0, 0, "file"},
	{ROOT, "dir/sub", "..", 0, 0, "dir"},
	{ROOT, "dir/sub", "../..", 0, 0, ""},
	{ROOT, "dir/sub", "../../../dir/", 0, 0, "dir"},
	{ROOT, "", "/file", 0, 0, "file"},
	{ROOT, "dir", "//file", 0, 0, "file"},
	{ROOT, "dir", "/", 0, 0, ""},
	{ROOT, "dir/sub", "/dir", 0, 0, "dir"},
	{ROOT, "", "absolute", 0, 0, "dir/file"},
	{ROOT, "dir", "root", 0, 0, "file"},
	{ROOT, "", "absolutedir/sub/..", 0, 0, "dir"},
	{ROOT, "", "above", 0, 0, "file"},
	{ROOT, "", "dots", 0, 0, ""},
	/* Links. */
	{BENEATH, "", "link", 0, 0, "file"},
	{BENEATH, "", "link", O_NOFOLLOW, -ELOOP, NULL},
	{BENEATH, "", "link", O_NOFOLLOW | DIR, -ENOTDIR, NULL},
	{BENEATH, "", "link", LOOK, 0, NULL},
	{BENEATH, "", "link", O_PATH, 0, NULL},
	{BENEATH, "", "link", DIR, -ENOTDIR, NULL},
	{BENEATH, "", "link/", 0, -ENOTDIR, NULL},
	{BENEATH, "", "dirlink", 0, 0, "dir"},
	{BENEATH, "", "dirlink", DIR, 0, "dir"},
	{BENEATH, "", "dirlink", O_PATH | DIR, 0, "dir"},
	{BENEATH, "", "dirlink", O_NOFOLLOW, -ELOOP, NULL},
	{BENEATH, "", "dirlink/", O_NOFOLLOW, 0, "dir"},
	{BENEATH, "", "dirlink/file", O_NOFOLLOW, 0, "dir/file"},
	{BENEATH, "", "dirlink/sub/deep", 0, 0, "dir/sub/deep"},
	{BENEATH, "", "slashlink", 0, 0, "dir"},
	{BENEATH, "", "slashlink/file", 0, 0, "dir/file"},
	{BENEATH, "", "fileslash", 0, -ENOTDIR, NULL},
	{BENEATH, "", "dirlink/../file", 0, 0, "file"},
	{BENEATH, "dir/sub", "up/file", 0, 0, "dir/file"},
	{BENEATH, "dir/sub", "up", 0, 0, "dir"},
	{BENEATH, "dir/sub", "upup", 0, 0, "file"},
	{BENEATH, "", "dir/sub/up/file", 0, 0, "dir/file"},
	{BENEATH, "", "dot/dot/dot/file", 0, 0, "file"},
	{BENEATH, "", "linklink", 0, -ENOENT, NULL},
	{BENEATH, "", "dangling", 0, -ENOENT, NULL},
	{BENEATH, "", "dangling", O_CREAT | O_WRONLY, -ENOENT, NULL},
	{BENEATH, "", "dangling", LOOK, 0, NULL},
	{BENEATH, "", "newlink", O_CREAT | O_EXCL | O_WRONLY, -EEXIST, NULL},
	{BENEATH, "", "loop", 0, -ELOOP, NULL},
	{BENEATH, "", "loop/file", 0, -ELOOP, NULL},
	{BENEATH, "", "loop1", 0, -ELOOP, NULL},
	{BENEATH, "", "loop1", O_CREAT | O_WRONLY, -ELOOP, NULL},
	/* A volume of Kubernetes. */
	{BENEATH, "", "vol/data", 0, 0, "vol/..2026_1/data"},
	{BENEATH, "vol", "data", 0, 0, "vol/..2026_1/data"},
	{BENEATH, "vol", "..data", 0, 0, "vol/..2026_1"},
	{BENEATH, "vol", "..data/data", 0, 0, "vol/..2026_1/data"},
	{FIXED, "vol", "data", 0, 0, "vol/..2026_1/data"},
	/* Read-only. */
	{FIXED, "", "file", 0, 0, "file"},
	{FIXED, "", "file", O_WRONLY, -EROFS, NULL},
	{FIXED, "", "file", O_RDWR, -EROFS, NULL},
	{FIXED, "", "file", O_TRUNC, -EROFS, NULL},
	{FIXED, "", "file", O_CREAT, 0, "file"},
	{FIXED, "", "link", O_CREAT, 0, "file"},
	{FIXED, "", "link", O_WRONLY, -EROFS, NULL},
	{FIXED, "", "link", O_WRONLY | O_NOFOLLOW, -ELOOP, NULL},
	{FIXED, "", "file", O_CREAT | O_EXCL, -EEXIST, NULL},
	{FIXED, "", "missing", O_CREAT | O_WRONLY, -EROFS, NULL},
	{FIXED, "", "missing", O_WRONLY, -ENOENT, NULL},
	{FIXED, "", "newlink", O_CREAT | O_WRONLY, -EROFS, NULL},
	{FIXED, "", "dir", O_RDWR, -EISDIR, NULL},
	{FIXED, "", "dir", O_CREAT, -EISDIR, NULL},
	{FIXED, "", ".", O_WRONLY, -EISDIR, NULL},
	{FIXED, "", "dir", 0, 0, "dir"},
	{FIXED, "", "file", O_PATH, 0, NULL},
	{ROOT, "", "fixed/file", O_WRONLY, -EROFS, NULL},
	/* Nested mounts hide what lies under them, and need not have anything under them. */
	{ROOT, "", "data/in", 0, 0, "in"},
	{ROOT, "", "data/hidden", 0, -ENOENT, NULL},
	{ROOT, "", "data", O_CREAT | O_EXCL, -EEXIST, NULL},
	{ROOT, "", "data", O_CREAT, -EISDIR, NULL},
	{ROOT, "", "data/shared/file", 0, -ENOENT, NULL},
	{ROOT, "", "data/shared/root", 0, 0, "in"},
	{ROOT, "", "data/root", 0, -EPERM, NULL},
	{ROOT, "", "data/stay", 0, 0, "in"},
	{DATA, "", "shared/in", 0, 0, "in"},
	{ROOT, "", "no", 0, -ENOENT, NULL},
	{ROOT, "", "no/where", 0, -ENOENT, NULL},
	{ROOT, "", "no/where/far/in", 0, 0, "in"},
	{ROOT, "", "no/where/else", 0, -ENOENT, NULL},
	{ROOT, "", "no/where/new", O_CREAT | O_WRONLY, -ENOENT, NULL},
	{ROOT, "dir", "/no/../no/./where/far/../far/in", 0, 0, "in"},
	{ROOT, "dir", "../data/in", 0, 0, "in"},
	/* Out of one into what is around it; a mount where the path began has nothing around it. */
	{ROOT, "", "data/..", 0, 0, ""},
	{ROOT, "", "data/../file", 0, 0, "file"},
	{ROOT, "dir", "/data/../dir/file", 0, 0, "dir/file"},
	{ROOT, "", "data/out", 0, 0, "file"},
	{ROOT, "", "data/shared/../in", 0, 0, "in"},
	{ROOT, "", "data/shared/../../file", 0, 0, "file"},
	{ROOT, "", "data/shared/shared/../../../dir", 0, 0, "dir"},
	{ROOT, "", "data/shared/root/../../..", 0, -ENOTDIR, NULL},
	{ROOT, "", "data/shared/rootdir/file", 0, 0, "shared/file"},
	{ROOT, "", "data/shared/rootdir/../../../in", 0, 0, "in"},
	{ROOT, "", "data/shared/rootdir/../../../dir", 0, -ENOENT, NULL},
	{ROOT, "", "no/where/far/../../../file", 0, 0, "file"},
	{DATA, "", "..", 0, -EPERM, NULL},
	{DATA, "", "out", 0, -EPERM, NULL},
	{DATA_ROOT, "", "..", 0, 0, ""},
	{DATA_ROOT, "", "out", 0, -ENOENT, NULL},
	{DATA, "", "shared/..", 0, 0, ""},
	{DATA, "", "shared/../..", 0, -EPERM, NULL},
};

/* Directories that lie in another mount. */
static const struct {
	struct row row;
	uint32_t in;
} crossings[] = {
	{{ROOT, "", "data", 0, 0, ""}, DATA},
	{{ROOT, "", "data/", 0, 0, ""}, DATA},
	{{ROOT, "", "./data/.", DIR, 0, ""}, DATA},
	{{ROOT, "", "data/shared", 0, 0, ""}, DATA_ROOT},
	{{ROOT, "", "data/shared/shared", 0, 0, "shared"}, DATA_ROOT},
	{{DATA, "", "shared", 0, 0, ""}, DATA_ROOT},
	{{ROOT, "", "no/where/far", 0, 0, ""}, FAR},
	{{ROOT, "", "data/shared/shared", 0, 0, "shared"}, DATA_ROOT},
	{{ROOT, "", "data/..", 0, 0, ""}, ROOT},
};

static void read_all(int fd, char *text, size_t room)
{
	ssize_t size = read(fd, text, room - 1);

	assert_true(size >= 0);
	text[size] = '\0';
}

static void check_row(const struct mounts *mounts, const struct row *row, uint32_t in)
{
	struct place from = place_open(mounts, row->mount, row->place);
	struct opened opened = {.fd = -1};
	char text[256] = "";
	int r = path_open(&from, row->path, strlen(row->path), row->flags, 0644, &opened);

	if (r != row->want)
		fail_msg("%u '%s' '%s' %o: %d, not %d", row->mount, row->place, row->path,
			 row->flags, r, row->want);
	place_close(&from);
	if (r < 0)
		return;
	assert_int_equal(fcntl(opened.fd, F_GETFD), FD_CLOEXEC);
	if (S_ISDIR(opened.mode)) {
		assert_int_equal(opened.mount, in);
		snprintf(text, sizeof(text), "%s", opened.path);
	} else if ((row->flags & O_PATH) == 0) {
		read_all(opened.fd, text, sizeof(text));
	}
	assert_true((opened.path != NULL) == S_ISDIR(opened.mode));
	if (row->what != NULL && strcmp(text, row->what) != 0)
		fail_msg("%u '%s' '%s': '%s', not '%s'", row->mount, row->place, row->path, text,
			 row->what);
	assert_int_equal(S_ISLNK(opened.mode),
			 (row->flags & LOOK) == LOOK && row->path[strlen(row->path) - 1] != '/');
	opened_close(&opened);
}

static void test_rows(void **state)
{
	struct world *w = *state;
	unsigned before = count_descriptors();

	for (int walk = 0; walk < 2; walk++) {
		w->mounts.no_openat2 = walk == 1;
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			check_row(&w->mounts, &rows[i], rows[i].mount);
		for (size_t i = 0; i < ARRAY_SIZE(crossings); i++)
			check_row(&w->mounts, &crossings[i].row, crossings[i].in);
	}
	assert_int_equal(count_descriptors(), before);
	w->mounts.no_openat2 = false;
	print_message("%zu paths, twice\n", ARRAY_SIZE(rows) + ARRAY_SIZE(crossings));
}

static void test_bytes(void **state)
{
	struct world *w = *state;
	struct place top = place_top(&w->mounts, BENEATH);
	struct opened opened;
	struct leaf leaf;
	char *longest = malloc(2 * PATH_MAX);

	memset(longest, 'x', 2 * PATH_MAX);
	for (int walk = 0; walk < 2; walk++) {
		w->mounts.no_openat2 = walk == 1;
		assert_int_equal(path_open(&top, "", 0, 0, 0, &opened), -ENOENT);
		assert_int_equal(path_open(&top, "fi\0le", 5, 0, 0, &opened), -EINVAL);
		assert_int_equal(path_open(&top, "file\0", 5, 0, 0, &opened), -EINVAL);
		assert_int_equal(path_open(&top, longest, PATH_MAX, 0, 0, &opened), -ENAMETOOLONG);
		assert_int_equal(path_open(&top, longest, 256, 0, 0, &opened), -ENAMETOOLONG);
		assert_int_equal(path_open(&top, longest, 255, 0, 0, &opened), -ENOENT);
		assert_int_equal(path_leaf(&top, longest, 256, false, &leaf), -ENAMETOOLONG);
		assert_int_equal(path_leaf(&top, "", 0, false, &leaf), -ENOENT);
		assert_int_equal(path_leaf(&top, "a\0", 2, false, &leaf), -EINVAL);
		assert_int_equal(path_leaf(&top, longest, 255, false, &leaf), 0);
		assert_int_equal(strlen(leaf.name), 255);
		leaf_close(&leaf);
		/* The longest path there is. */
		for (size_t i = 0; i < PATH_MAX; i += 2)
			memcpy(longest + i, "./", 2);
		memcpy(longest + PATH_MAX - 6, "/link", 5);
		assert_int_equal(path_open(&top, longest, PATH_MAX - 1, 0, 0, &opened), 0);
		opened_close(&opened);
		memset(longest, 'x', 2 * PATH_MAX);
	}
	w->mounts.no_openat2 = false;
	free(longest);
}

static void test_create(void **state)
{
	static const char *const ways[][2] = {
		{"newlink", "dir/new"},
		{"new", "new"},
		{"dirlink/new", "dir/new"},
		{"dir/sub/up/new", "dir/new"},
	};
	struct world *w = *state;
	struct place top = place_top(&w->mounts, BENEATH);
	struct opened opened;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		const char *path = ways[i / 2][0];
		struct stat st;

		w->mounts.no_openat2 = i % 2 == 1;
		assert_int_equal(
			path_open(&top, path, strlen(path), O_CREAT | O_RDWR, 0640, &opened), 0);
		assert_int_equal(write(opened.fd, "x", 1), 1);
		assert_int_equal(fstatat(top.fd, ways[i / 2][1], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(st.st_size, 1);
		opened_close(&opened);
		assert_int_equal(
			path_open(&top, path, strlen(path), O_TRUNC | O_WRONLY, 0, &opened), 0);
		opened_close(&opened);
		assert_int_equal(fstatat(top.fd, ways[i / 2][1], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_size, 0);
		assert_int_equal(unlinkat(top.fd, ways[i / 2][1], 0), 0);
	}
	w->mounts.no_openat2 = false;
}

/* A FIFO does not block, and has nobody to write to. */
static void test_fifo(void **state)
{
	struct world *w = *state;
	struct place top = place_top(&w->mounts, BENEATH);
	struct opened opened;

	assert_int_equal(mkfifoat(top.fd, "fifo", 0600), 0);
	for (int walk = 0; walk < 2; walk++) {
		w->mounts.no_openat2 = walk == 1;
		assert_int_equal(path_open(&top, "fifo", 4, O_WRONLY, 0, &opened), -ENXIO);
		assert_int_equal(path_open(&top, "fifo", 4, O_RDONLY, 0, &opened), 0);
		assert_true(S_ISFIFO(opened.mode));
		opened_close(&opened);
	}
	w->mounts.no_openat2 = false;
	assert_int_equal(unlinkat(top.fd, "fifo", 0), 0);
}

/* -- Leaves ---------------------------------------------------------------------------------------- */

struct leaf_row {
	uint32_t mount;
	const char *place;
	const char *path;
	bool follow;
	int want;
	const char *parent; /* the directory, below the tree */
	const char *name;
	bool top;
};

static const struct leaf_row leaf_rows[] = {
	{BENEATH, "", "file", false, 0, "in", "file", false},
	{BENEATH, "", "missing", true, 0, "in", "missing", false},
	{BENEATH, "dir", "file", false, 0, "in/dir", "file", false},
	{BENEATH, "", "dir/new", false, 0, "in/dir", "new", false},
	{BENEATH, "", "dir//new///", false, 0, "in/dir", "new/", false},
	{BENEATH, "", "dirlink/new", false, 0, "in/dir", "new", false},
	{BENEATH, "", "link", false, 0, "in", "link", false},
	{BENEATH, "", "link", true, 0, "in", "file", false},
	{BENEATH, "", "dirlink/", false, 0, "in", "dirlink/", false},
	{BENEATH, "", "dirlink/", true, 0, "in", "dir/", false},
	{BENEATH, "", "newlink", true, 0, "in/dir", "new", false},
	{BENEATH, "", "loop", true, -ELOOP, NULL, NULL, false},
	{BENEATH, "", "loop", false, 0, "in", "loop", false},
	{BENEATH, "", "absolute", true, -EPERM, NULL, NULL, false},
	{BENEATH, "", "absolute", false, 0, "in", "absolute", false},
	{ROOT, "", "absolute", true, 0, "in/dir", "file", false},
	{BENEATH, "", ".", false, 0, "in", ".", true},
	{BENEATH, "", "./", false, 0, "in", ".", true},
	{BENEATH, "dir", ".", false, 0, "in/dir", ".", false},
	{BENEATH, "", "dir/.", false, 0, "in/dir", ".", false},
	{BENEATH, "", "dir/sub/..", false, 0, "in/dir", ".", false},
	{BENEATH, "", "dir/..", false, 0, "in", ".", true},
	{BENEATH, "", "dirlink/.", false, 0, "in/dir", ".", false},
	{BENEATH, "", "..", false, -EPERM, NULL, NULL, false},
	{BENEATH, "dir", "..", false, -EPERM, NULL, NULL, false},
	{BENEATH, "", "../x", false, -EPERM, NULL, NULL, false},
	{BENEATH, "", "file/x", false, -ENOTDIR, NULL, NULL, false},
	{BENEATH, "", "missing/x", false, -ENOENT, NULL, NULL, false},
	{ROOT, "", "..", false, 0, "in", ".", true},
	{ROOT, "dir", "..", false, 0, "in", ".", true},
	{ROOT, "dir", "/", false, 0, "in", ".", true},
	{ROOT, "dir/sub", "../new", false, 0, "in/dir", "new", false},
	{ROOT, "", "data", false, 0, "volume", ".", true},
	{ROOT, "", "data/", false, 0, "volume", ".", true},
	{ROOT, "", "data/shared", false, 0, "volume", ".", true},
	{ROOT, "", "data/new", false, 0, "volume", "new", false},
	{ROOT, "", "data/../new", false, 0, "in", "new", false},
	{ROOT, "", "no", false, 0, "in", "no", false},
	{ROOT, "", "no/where", false, -ENOENT, NULL, NULL, false},
	{ROOT, "", "no/.", false, -ENOENT, NULL, NULL, false},
	{ROOT, "", "no/where/far", false, 0, "volume", ".", true},
	{ROOT, "", "no/where/far/..", false, -ENOENT, NULL, NULL, false},
};

static void check_leaf(struct world *w, const struct leaf_row *row)
{
	struct place from = place_open(&w->mounts, row->mount, row->place);
	struct leaf leaf = {.fd = -1};
	struct stat st, parent;
	int r = path_leaf(&from, row->path, strlen(row->path), row->follow, &leaf);

	if (r != row->want)
		fail_msg("%u '%s' '%s': %d, not %d", row->mount, row->place, row->path, r,
			 row->want);
	if (r == 0) {
		assert_string_equal(leaf.name, row->name);
		assert_int_equal(leaf.is_top, row->top);
		assert_int_equal(fstat(leaf.fd, &st), 0);
		assert_int_equal(fstatat(w->tree.fd, row->parent, &parent, 0), 0);
		if (st.st_ino != parent.st_ino)
			fail_msg("%u '%s' '%s': not in '%s'", row->mount, row->place, row->path,
				 row->parent);
		leaf_close(&leaf);
	}
	place_close(&from);
}

static void test_leaves(void **state)
{
	struct world *w = *state;
	unsigned before = count_descriptors();

	for (int walk = 0; walk < 2; walk++) {
		w->mounts.no_openat2 = walk == 1;
		for (size_t i = 0; i < ARRAY_SIZE(leaf_rows); i++)
			check_leaf(w, &leaf_rows[i]);
	}
	w->mounts.no_openat2 = false;
	assert_int_equal(count_descriptors(), before);
}

/* -- Mounts ---------------------------------------------------------------------------------------- */

static void test_mounts(void **state)
{
	struct world *w = *state;
	struct mounts mounts = {0};
	int fd = openat(w->tree.fd, "in", O_PATH | O_CLOEXEC);
	int file = openat(w->tree.fd, "file", O_RDONLY | O_CLOEXEC), again = dup(fd);

	assert_int_equal(mounts_add(&mounts, "a/../b", fd, 0), -EINVAL);
	assert_int_equal(mounts_add(&mounts, "a", file, 0), -ENOTDIR);
	assert_int_equal(mounts_add(&mounts, "a", -1, 0), -EBADF);
	assert_int_equal(mounts_add(&mounts, "a/b/..c", fd, 0), 0);
	assert_string_equal(mounts.items[0].guest, "/a/b/..c");
	assert_int_equal(mounts_add(&mounts, "/a//b/./..c/", again, 0), -EEXIST);
	assert_int_equal(mounts_add(&mounts, "/a/bc", dup(fd), 0), 1);
	assert_false(mounts.items[0].has_nested || mounts.items[1].has_nested);
	assert_int_equal(mounts_add(&mounts, "/a/b", dup(fd), 0), 2);
	assert_true(mounts.items[2].has_nested);
	assert_int_equal(mounts_add(&mounts, ".", dup(fd), 0), 3);
	assert_string_equal(mounts.items[3].guest, "");
	assert_true(mounts.items[3].has_nested);
	assert_false(mounts.items[0].has_nested);
	assert_int_equal(mounts_find(&mounts, "/a/b", 4), 2);
	assert_int_equal(mounts_find(&mounts, "", 0), 3);
	assert_int_equal(mounts_find(&mounts, "/a", 2), MOUNTS_NONE);
	assert_int_equal(mounts_around(&mounts, "/a/b/..c/d", 10), 0);
	assert_int_equal(mounts_around(&mounts, "/a/bc", 5), 1);
	assert_int_equal(mounts_around(&mounts, "/a/bcd", 6), 3);
	assert_int_equal(mounts_around(&mounts, "", 0), 3);
	assert_true(mounts_below(&mounts, "/a", 2));
	assert_false(mounts_below(&mounts, "/a/bc", 5));
	mounts_deinit(&mounts);
	/* It took those it added. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(close(again) | close(file), 0);
}

/* -- Depth, and few descriptors --------------------------------------------------------------------- */

enum { DEPTH = 2500 };

static void make_deep(int top)
{
	int at = dup(top);

	for (int i = 0; i < DEPTH; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_PATH | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	make_file(at, "bottom");
	close(at);
}

static void clear_deep(int top)
{
	/* What is below the first is moved to its side, again and again: paths stay short. */
	for (int i = 1; i < DEPTH; i++) {
		assert_int_equal(renameat(top, "d/d", top, "e"), 0);
		assert_int_equal(unlinkat(top, "d", AT_REMOVEDIR), 0);
		assert_int_equal(renameat(top, "e", top, "d"), 0);
	}
	assert_int_equal(unlinkat(top, "d/bottom", 0) | unlinkat(top, "d", AT_REMOVEDIR), 0);
}

static char *repeat(const char *text, size_t count, const char *end)
{
	char *all = malloc(strlen(text) * count + strlen(end) + 1);

	*all = '\0';
	for (size_t i = 0; i < count; i++)
		memcpy(all + i * strlen(text), text, strlen(text) + 1);
	strcat(all, end);
	return all;
}

/* Down by two places, as one path is too short; then up, past all that is kept. */
static void walk_deep(const struct mounts *mounts, uint32_t mount)
{
	char *half = repeat("d/", DEPTH / 2, ""), *up = repeat("../", DEPTH / 2, "");
	char *past = repeat("../", DEPTH / 2 + 10, "file");
	struct place top = place_top(mounts, mount), middle, bottom;
	struct opened opened;
	char *both;

	assert_int_equal(path_open(&top, half, strlen(half), DIR, 0, &opened), 0);
	middle = (struct place){mounts, mount, opened.fd, opened.path, NULL};
	assert_int_equal(path_open(&middle, half, strlen(half), DIR, 0, &opened), 0);
	bottom = (struct place){mounts, mount, opened.fd, opened.path, NULL};
	assert_int_equal(strlen(bottom.path), 2 * DEPTH - 1);
	assert_int_equal(path_open(&bottom, "bottom", 6, 0, 0, &opened), 0);
	opened_close(&opened);
	/* Within one path: the way down is the way up. */
	both = malloc(strlen(half) + strlen(up) + 1);
	sprintf(both, "%.600s%.900s", half, up);
	assert_int_equal(path_open(&middle, both, strlen(both), DIR, 0, &opened), 0);
	assert_string_equal(opened.path, middle.path);
	opened_close(&opened);
	if ((mounts->items[mount].flags & MOUNT_ROOT) != 0) {
		assert_int_equal(path_open(&bottom, up, strlen(up), DIR, 0, &opened), 0);
		assert_int_equal(strlen(opened.path), DEPTH - 1);
		opened_close(&opened);
		assert_int_equal(path_open(&middle, past, strlen(past), 0, 0, &opened), 0);
		opened_close(&opened);
	} else {
		assert_int_equal(path_open(&bottom, up, strlen(up), DIR, 0, &opened), -EPERM);
	}
	place_close(&bottom);
	place_close(&middle);
	free(both);
	free(past);
	free(up);
	free(half);
}

static void test_deep(void **state)
{
	struct world *w = *state;
	struct place top = place_top(&w->mounts, BENEATH);
	unsigned before = count_descriptors();

	make_deep(top.fd);
	for (int walk = 0; walk < 2; walk++) {
		w->mounts.no_openat2 = walk == 1;
		walk_deep(&w->mounts, BENEATH);
		walk_deep(&w->mounts, ROOT);
	}
	w->mounts.no_openat2 = false;
	assert_int_equal(count_descriptors(), before);
	clear_deep(top.fd);
}

/* With `spare` descriptors left. */
static int open_with(const struct place *from, const char *path, int spare)
{
	struct rlimit old, few;
	struct opened opened;
	int next = dup(0), r;

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){(rlim_t)(next + spare), old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = path_open(from, path, strlen(path), 0, 0, &opened);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	if (r == 0)
		opened_close(&opened);
	return r;
}

static void test_few_descriptors(void **state)
{
	struct world *w = *state;
	struct place top = place_top(&w->mounts, BENEATH);
	const char *path = "dir/sub/up/sub/up/sub/up/../dir/sub/up/../file";

	assert_int_equal(open_with(&top, "file", 0), -EMFILE);
	assert_int_equal(open_with(&top, "file", 1), 0);
	assert_int_equal(open_with(&top, path, 0), -EMFILE);
	for (int spare = 2; spare < 8; spare++)
		assert_int_equal(open_with(&top, path, spare), 0);
	w->mounts.no_openat2 = true;
	assert_int_equal(open_with(&top, "file", 0), -EMFILE);
	assert_int_equal(open_with(&top, "file", 1), 0);
	assert_int_equal(open_with(&top, "dir/sub/../file", 1), -EMFILE);
	for (int spare = 2; spare < 8; spare++)
		assert_int_equal(open_with(&top, "dir/sub/../sub/../../dir/sub/deep", spare), 0);
	w->mounts.no_openat2 = false;
}

/* -- Permissions ------------------------------------------------------------------------------------- */

/* In a child that is nobody: its exit status. */
static int as_nobody(const struct mounts *mounts)
{
	static const struct row closed[] = {
		{BENEATH, "", "x/file", 0, 0, "x/file"}, /* search, no read */
		{BENEATH, "", "x", 0, -EACCES, NULL},
		{BENEATH, "", "x", O_PATH, 0, NULL},
		{BENEATH, "", "r/file", 0, -EACCES, NULL}, /* read, no search */
		{BENEATH, "", "r", 0, 0, "r"},
		{BENEATH, "", "r/../file", 0, 0, "file"},
		{BENEATH, "", "dot/r/file", 0, -EACCES, NULL},
		{BENEATH, "", "dot/x/file", 0, 0, "x/file"},
		{BENEATH, "", "r/new", O_CREAT | O_WRONLY, -EACCES, NULL},
		{BENEATH, "", "dot/x/new", O_CREAT | O_WRONLY, -EACCES, NULL},
	};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct place top = place_top(mounts, BENEATH);

		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(77);
		for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
			struct opened opened;
			int r = path_open(&top, closed[i].path, strlen(closed[i].path),
					  closed[i].flags, 0644, &opened);

			/* The kernel refuses the ".." of what cannot be searched, the walk need not ask. */
			if (r == -EACCES && strcmp(closed[i].path, "r/../file") == 0)
				continue;
			if (r != closed[i].want) {
				dprintf(2, "'%s': %d, not %d\n", closed[i].path, r, closed[i].want);
				_exit(1);
			}
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_permissions(void **state)
{
	struct world *w = *state;
	struct place top = place_top(&w->mounts, BENEATH);

	make_tree(top.fd, (const char *const[]){"x/", "x/file", "r/", "r/file", NULL});
	assert_int_equal(fchmodat(top.fd, "x", 0111, 0), 0);
	assert_int_equal(fchmodat(top.fd, "r", 0444, 0), 0);
	for (int walk = 0; walk < 2; walk++) {
		w->mounts.no_openat2 = walk == 1;
		assert_int_equal(as_nobody(&w->mounts), 0);
	}
	w->mounts.no_openat2 = false;
	assert_int_equal(fchmodat(top.fd, "r", 0755, 0), 0);
	assert_int_equal(fchmodat(top.fd, "x", 0755, 0), 0);
	assert_int_equal(unlinkat(top.fd, "x/file", 0) | unlinkat(top.fd, "r/file", 0), 0);
	assert_int_equal(unlinkat(top.fd, "x", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(top.fd, "r", AT_REMOVEDIR), 0);
}

/* -- Against the kernel ------------------------------------------------------------------------------ */

static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static const char *const words[] = {
	"file",        "dir",     "sub",      "deep",      "up",        "upup",
	"root",        "link",    "dirlink",  "slashlink", "fileslash", "absolute",
	"absolutedir", "above",   "dangling", "newlink",   "loop",      "dot",
	"dots",        "vol",     "data",     "..data",    "..",        "..",
	".",           "missing", "new",      "linklink",  "none",
};

static void random_path(uint32_t *seed, char *path, size_t room)
{
	uint32_t count = 1 + random_next(seed) % 5;

	*path = '\0';
	if (random_next(seed) % 8 == 0)
		strcpy(path, "/");
	for (uint32_t i = 0; i < count; i++) {
		strncat(path, words[random_next(seed) % ARRAY_SIZE(words)], room - 16);
		if (i + 1 < count || random_next(seed) % 6 == 0)
			strcat(path, random_next(seed) % 8 == 0 ? "//" : "/");
	}
}

static bool is_entry(const char *path)
{
	size_t size = strlen(path);

	for (size_t i = 0; entries[i] != NULL; i++)
		if (strncmp(entries[i], path, size) == 0 && strchr(" /", entries[i][size]) != NULL)
			return true;
	return false;
}

/* Remove what was created; a number that says what. */
static unsigned remove_new(int top)
{
	static const char *const dirs[] = {"",     "dir/",          "dir/sub/",
					   "vol/", "vol/..2026_1/", "data/"};
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) * ARRAY_SIZE(words); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s%s", dirs[i % ARRAY_SIZE(dirs)],
			 words[i / ARRAY_SIZE(dirs)]);
		if (!is_entry(path) && unlinkat(top, path, 0) == 0)
			found = found * 1000 + (unsigned)i + 1;
	}
	return found;
}

static int open_in_root(int top, const char *path, int flags, struct stat *st)
{
	bool plain = (flags & O_PATH) != 0;
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC | (plain ? 0 : O_NOCTTY | O_NONBLOCK),
		.mode = (flags & O_CREAT) != 0 ? 0644 : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	/* It asks to be asked again where anything was renamed anywhere meanwhile. */
	do
		fd = (int)syscall(SYS_openat2, top, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN);
	if (fd < 0)
		return -errno;
	fstat(fd, st);
	close(fd);
	return 0;
}

static void test_against_kernel(void **state)
{
	static const int ways[] = {0,
				   DIR,
				   O_NOFOLLOW,
				   O_PATH,
				   LOOK,
				   O_PATH | DIR,
				   LOOK | DIR,
				   O_RDWR,
				   O_CREAT | O_WRONLY,
				   O_CREAT | O_EXCL | O_WRONLY,
				   O_CREAT | O_NOFOLLOW | O_RDWR,
				   O_NOFOLLOW | DIR};
	struct world *w = *state;
	struct mounts mounts = {0};
	struct place top;
	uint32_t seed = 20261121, count = 0, found = 0;
	struct stat st, want_st;

	add_mount(&mounts, "/", w->tree.fd, "in", MOUNT_ROOT);
	top = place_top(&mounts, 0);
	if (open_in_root(top.fd, "file", 0, &st) == -ENOSYS)
		skip();
	for (; count < 15000; count++) {
		int flags = ways[random_next(&seed) % ARRAY_SIZE(ways)], r, want;
		struct opened opened;
		unsigned made;
		char path[256];

		random_path(&seed, path, sizeof(path));
		mounts.no_openat2 = count % 2 == 1;
		memset(&st, 0, sizeof(st));
		memset(&want_st, 0, sizeof(want_st));
		want = open_in_root(top.fd, path, flags, &want_st);
		made = (flags & O_CREAT) != 0 ? remove_new(top.fd) : 0;
		r = path_open(&top, path, strlen(path), flags, 0644, &opened);
		if (r == 0) {
			fstat(opened.fd, &st);
			opened_close(&opened);
			found++;
		}
		if (((flags & O_CREAT) != 0 && remove_new(top.fd) != made) || r != want ||
		    (made == 0 && st.st_ino != want_st.st_ino))
			fail_msg("'%s' %o: %d, the kernel says %d", path, flags, r, want);
	}
	mounts_deinit(&mounts);
	print_message("%u random paths, %u lead somewhere\n", count, found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts),      cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bytes),       cmocka_unit_test(test_create),
		cmocka_unit_test(test_fifo),        cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_deep),        cmocka_unit_test(test_few_descriptors),
		cmocka_unit_test(test_permissions), cmocka_unit_test(test_against_kernel),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
