/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tree.h: trees of files to test the path layer on: made from a list, looked at as a whole, removed.
 *
 * A tree is a temporary directory. `inside` is what guests get as a mount, `outside` what they must never reach.
 */
#ifndef WASI_TEST_TREE_H
#define WASI_TEST_TREE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "wasi/path.h"
#include "wasi/tree.h"

struct tree {
	char dir[256];
	int fd;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_clear(struct tree *tree)
{
	close(tree->fd);
	assert_int_equal(nftw(tree->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void tree_temporary(struct tree *tree)
{
	const char *where = getenv("TMPDIR");

	snprintf(tree->dir, sizeof(tree->dir), "%s/skiff-test-XXXXXX",
		 where != NULL ? where : P_tmpdir);
	assert_non_null(mkdtemp(tree->dir));
	assert_int_equal(chmod(tree->dir, 0755), 0);
	tree->fd = open(tree->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(tree->fd >= 0);
}

/* A file with its own path as its content. */
static inline void make_file(int at, const char *path)
{
	int fd = openat(at, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, path, strlen(path)), strlen(path));
	close(fd);
}

/* Entries: "dir/", "file", "link -> target". NULL ends. */
static inline void make_tree(int at, const char *const *entries)
{
	for (; *entries != NULL; entries++) {
		const char *entry = *entries, *arrow = strstr(entry, " -> ");
		char name[512];

		snprintf(name, sizeof(name), "%.*s",
			 (int)(arrow != NULL ? (size_t)(arrow - entry) : strlen(entry)), entry);
		if (arrow != NULL)
			assert_int_equal(symlinkat(arrow + 4, at, name), 0);
		else if (name[strlen(name) - 1] == '/')
			assert_int_equal(mkdirat(at, name, 0755), 0);
		else
			make_file(at, name);
	}
}

static inline void make_tree_in(int at, const char *dir, const char *const *entries)
{
	int fd = openat(at, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	make_tree(fd, entries);
	close(fd);
}

/* What a tree holds, as text: one line an entry, sorted; to compare. */
static inline void picture_add(struct buf *out, int at, const char *path)
{
	struct dirent **names = NULL;
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char line[PATH_MAX + 512], below[PATH_MAX], text[256];
	int count;

	assert_true(fd >= 0);
	count = scandirat(fd, ".", &names, NULL, alphasort);
	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		struct stat st;
		ssize_t size = 0;
		int file;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
			if (S_ISLNK(st.st_mode)) {
				size = readlinkat(fd, name, text, sizeof(text));
			} else if (S_ISREG(st.st_mode)) {
				file = openat(fd, name, O_RDONLY | O_CLOEXEC);
				size = read(file, text, sizeof(text));
				close(file);
			}
			snprintf(below, sizeof(below), "%s/%s", path, name);
			snprintf(line, sizeof(line), "%s %o %u %s %.*s\n", below, st.st_mode,
				 S_ISDIR(st.st_mode) ? 0 : (unsigned)st.st_nlink,
				 st.st_mtime < 1000000 ? "old" : "new", (int)MAX(size, 0), text);
			buf_put(out, line, strlen(line));
			if (S_ISDIR(st.st_mode))
				picture_add(out, fd, name);
		}
		free(names[i]);
	}
	free(names);
	close(fd);
}

/* Freed by the caller. */
static inline char *picture(int at, const char *path)
{
	struct buf out = {0};

	picture_add(&out, at, path);
	buf_put(&out, "", 1);
	return (char *)out.data;
}

/* Is this inode one of the tree below? */
static inline bool holds(int at, const char *name, const struct stat *wanted)
{
	struct stat st;
	struct dirent *entry;
	bool found = false;
	int fd;
	DIR *dir;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino)
		return true;
	if (!S_ISDIR(st.st_mode))
		return false;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	while (!found && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			found = holds(fd, entry->d_name, wanted);
	closedir(dir);
	return found;
}

static inline unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* -- Mounts and places ----------------------------------------------------------------------------- */

static inline uint32_t add_mount(struct mounts *mounts, const char *guest, int at, const char *path,
				 unsigned flags)
{
	int fd = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = mounts_add(mounts, guest, fd, flags);

	assert_true(r >= 0);
	return (uint32_t)r;
}

static inline struct place place_top(const struct mounts *mounts, uint32_t mount)
{
	return (struct place){mounts, mount, mounts->items[mount].fd, "", NULL};
}

/* A directory below a mount's top, opened as a guest would. */
static inline struct place place_open(const struct mounts *mounts, uint32_t mount, const char *path)
{
	struct place top = place_top(mounts, mount);
	struct opened opened;

	if (path[0] == '\0')
		return top;
	assert_int_equal(path_open(&top, path, strlen(path), O_PATH | O_DIRECTORY, 0, &opened), 0);
	return (struct place){mounts, opened.mount, opened.fd, opened.path, NULL};
}

static inline void place_close(struct place *place)
{
	if (place->fd == place->mounts->items[place->mount].fd)
		return;
	close(place->fd);
	free((char *)place->path);
}

static inline struct name name_of(const struct place *from, const char *path)
{
	return (struct name){from, path, strlen(path)};
}

static inline void opened_close(struct opened *opened)
{
	close(opened->fd);
	free(opened->path);
}

#endif
