/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c: remove a directory that somebody else filled.
 *
 * Nothing is known of its depth, so nothing here goes down: a directory that is met is moved beside the one it was met in, and its turn
 * comes later. Two descriptors are open at a time, and no path is longer than a name. Directories that let their owner do nothing
 * are made to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/store_parts.h"

struct removal {
	int scratch; /* what is to go */
	uint64_t next; /* a name that was not given there yet */
	uint64_t *freed;
};

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Of an earlier, killed one there may be names already. */
static int move_aside(struct removal *r, int dir, const char *name)
{
	char aside[24];

	for (;;) {
		snprintf(aside, sizeof(aside), "%llu", (unsigned long long)r->next++);
		if (renameat2(dir, name, r->scratch, aside, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == EINVAL && renameat(dir, name, r->scratch, aside) == 0)
			return 0; /* a file system without that flag; a name that is taken refuses by itself */
		if (errno != EEXIST && errno != ENOTEMPTY)
			return -errno;
	}
}

static int remove_entry(struct removal *r, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode)) {
		if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
			return 0;
		/* To be moved, its ".." must be writable, too. */
		if ((st.st_mode & S_IRWXU) != S_IRWXU)
			fchmodat(dir, name, 0700, 0);
		return move_aside(r, dir, name);
	}
	if (unlinkat(dir, name, 0) < 0)
		return -errno;
	if (st.st_nlink == 1)
		*r->freed += (uint64_t)st.st_blocks * 512;
	return 0;
}

static int empty(struct removal *r, int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		error = -errno;
		close(fd);
		return error;
	}
	for (struct dirent *e = readdir(dir); e != NULL && error == 0; e = readdir(dir))
		if (!is_dots(e->d_name))
			error = remove_entry(r, fd, e->d_name);
	closedir(dir);
	return error;
}

/* One of those in the scratch directory; 0: there is none, 1: there was. */
static int remove_one(struct removal *r)
{
	int fd = openat(r->scratch, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char name[256] = "";

	if (dir == NULL) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	for (struct dirent *e = readdir(dir); e != NULL && name[0] == '\0'; e = readdir(dir))
		if (!is_dots(e->d_name))
			snprintf(name, sizeof(name), "%s", e->d_name);
	closedir(dir);
	if (name[0] == '\0')
		return 0;
	error = empty(r, r->scratch, name);
	if (error == 0 && unlinkat(r->scratch, name, AT_REMOVEDIR) < 0)
		error = -errno;
	return error == 0 ? 1 : error;
}

int tree_remove(int dir, const char *name, const char *scratch, uint64_t *freed)
{
	struct removal r = {.freed = freed};
	struct stat st;
	int error;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0) == 0 ? 0 : -errno;
	if (mkdirat(dir, scratch, 0700) < 0 && errno != EEXIST)
		return -errno;
	r.scratch = openat(dir, scratch, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r.scratch < 0)
		return -errno;
	fchmodat(dir, name, 0700, 0);
	error = move_aside(&r, dir, name);
	while (error == 0 && (error = remove_one(&r)) == 1)
		error = 0;
	close(r.scratch);
	if (error == 0 && unlinkat(dir, scratch, AT_REMOVEDIR) < 0)
		error = -errno;
	return error;
}
