/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_alloc_test.c: mounts, paths and names when the 1st, the 2nd, the 3rd... allocation fails: -ENOMEM, nothing
 * left open, nothing changed.
 *
 * Linked so that allocations come through here (tests called *_alloc_test.c).
 */
#include "base/test_refuse.h"
#include "wasi/test_tree.h"

static const char *const entries[] = {
	"dir/", "dir/sub/", "dir/file", "link -> dir", "dir/sub/up -> ../../link/../dir/sub/../..",
	NULL};

static int open_dir(const struct place *from, const char *path, int flags)
{
	struct opened opened;
	int r = path_open(from, path, strlen(path), flags, 0644, &opened);

	if (r == 0)
		opened_close(&opened);
	return r;
}

static int fast(const struct place *from)
{
	return open_dir(from, "dir/sub", O_DIRECTORY);
}

static int walked(const struct place *from)
{
	return open_dir(from, "link/sub/up/link/sub/../.", O_DIRECTORY);
}

static int created(const struct place *from)
{
	int r = open_dir(from, "link/new", O_CREAT | O_WRONLY);

	if (r == 0)
		assert_int_equal(unlinkat(from->fd, "dir/new", 0), 0);
	else
		assert_int_equal(unlinkat(from->fd, "dir/new", 0), -1);
	return r;
}

static int leaf(const struct place *from)
{
	struct leaf leaf;
	int r = path_leaf(from, "dir/sub/up/dir/x", 16, false, &leaf);

	if (r == 0)
		leaf_close(&leaf);
	return r;
}

static int made(const struct place *from)
{
	struct name name = name_of(from, "link/sub/new"), other = name_of(from, "link/new");
	int r = tree_make_dir(&name);

	if (r < 0)
		return r;
	r = tree_rename(&name, &other);
	assert_int_equal(unlinkat(from->fd, r < 0 ? "dir/sub/new" : "dir/new", AT_REMOVEDIR), 0);
	return r;
}

static int asked(const struct place *from)
{
	struct name name = name_of(from, "link/");
	struct stat st;

	return tree_stat(&name, true, &st);
}

static int mounted(const struct place *from)
{
	struct mounts mounts = {0};
	int fd = dup(from->fd), r = mounts_add(&mounts, "a/b", fd, 0), second;

	if (r < 0) {
		close(fd);
		return r;
	}
	fd = dup(from->fd);
	second = mounts_add(&mounts, "a", fd, 0);
	if (second < 0)
		close(fd);
	assert_int_equal(mounts.count, second < 0 ? 1 : 2);
	mounts_deinit(&mounts);
	return second < 0 ? second : 0;
}

static int (*const works[])(const struct place *from) = {fast, walked, created, leaf,
							 made, asked,  mounted};

static void test_refused(void **state)
{
	struct tree tree;
	struct mounts mounts = {0};
	struct place top;
	unsigned refusals = 0, descriptors;

	(void)state;
	tree_temporary(&tree);
	make_tree(tree.fd, entries);
	add_mount(&mounts, "/", tree.fd, ".", 0);
	top = place_top(&mounts, 0);
	descriptors = count_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		int r = -ENOMEM;

		for (refuse_at = 1; r != 0; refuse_at++, refusals++) {
			assert_true(refuse_at < 100);
			calls = 0;
			counting = true;
			r = works[i](&top);
			counting = false;
			if (r != 0)
				assert_int_equal(r, -ENOMEM);
			assert_int_equal(count_descriptors(), descriptors);
		}
		assert_true(refuse_at > 2);
	}
	mounts_deinit(&mounts);
	tree_clear(&tree);
	print_message("%u allocations refused\n", refusals - (unsigned)ARRAY_SIZE(works));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
