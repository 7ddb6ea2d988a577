/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_walk.c: a path looked up with a root as its world, without openat2().
 *
 * One name at a time, each opened as what it is in a directory that is held open: no link is followed by the kernel. A
 * link's text is put in front of what is left of the path. ".." is never asked of a directory: it goes back to the one we came
 * from, so whoever moves directories meanwhile sends us nowhere above the root; what is reached lies in what lay in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/view_parts.h"

enum { DEPTH_MAX = 256 };

struct walk {
	int way[DEPTH_MAX]; /* owned, but the first: the root */
	int depth; /* the last one's index: where we are */
	int links;
	char rest[PATH_MAX];
};

static void go_up(struct walk *walk)
{
	if (walk->depth > 0)
		close(walk->way[walk->depth--]);
}

static void go_to_root(struct walk *walk)
{
	while (walk->depth > 0)
		go_up(walk);
}

/* Cuts the next name off; false: there is none. */
static bool next(struct walk *walk, char name[NAME_MAX + 1], int *ret_error)
{
	size_t from = strspn(walk->rest, "/"), size = strcspn(walk->rest + from, "/");

	*ret_error = size > NAME_MAX ? -ENAMETOOLONG : 0;
	if (size == 0 || size > NAME_MAX)
		return false;
	memcpy(name, walk->rest + from, size);
	name[size] = '\0';
	memmove(walk->rest, walk->rest + from + size, strlen(walk->rest + from + size) + 1);
	return true;
}

static int follow(struct walk *walk, int link)
{
	char text[PATH_MAX];
	size_t left = strlen(walk->rest);
	ssize_t size = readlinkat(link, "", text, sizeof(text));

	if (size <= 0)
		return size < 0 ? -errno : -ENOENT;
	if (++walk->links > VIEW_LINKS_MAX)
		return -ELOOP;
	/* What is left begins with a slash, or is nothing. */
	if ((size_t)size + left >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + size, walk->rest, left + 1);
	memcpy(walk->rest, text, (size_t)size);
	if (text[0] == '/')
		go_to_root(walk);
	return 0;
}

static int enter(struct walk *walk, const char *name, int flags)
{
	struct stat st;
	int fd = openat(walk->way[walk->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = 0;
	bool is_last = walk->rest[0] == '\0';

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		error = -errno;
	else if (S_ISLNK(st.st_mode) && !(is_last && (flags & O_NOFOLLOW)))
		error = follow(walk, fd);
	else if (!S_ISDIR(st.st_mode) && (!is_last || (flags & O_DIRECTORY)))
		error = -ENOTDIR;
	else if (walk->depth + 1 == DEPTH_MAX)
		error = -ENAMETOOLONG;
	else {
		walk->way[++walk->depth] = fd;
		return 0;
	}
	close(fd);
	return error;
}

int view_walk(int root, const char *path, int flags)
{
	struct walk walk = {.way = {root}};
	char name[NAME_MAX + 1];
	int error = 0, fd;

	if (path[0] == '\0')
		return -ENOENT;
	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	strcpy(walk.rest, path);
	while (error == 0 && next(&walk, name, &error)) {
		if (strcmp(name, "..") == 0)
			go_up(&walk);
		else if (strcmp(name, ".") != 0)
			error = enter(&walk, name, flags);
	}
	fd = error == 0 ? fcntl(walk.way[walk.depth], F_DUPFD_CLOEXEC, 0) : error;
	if (error == 0 && fd < 0)
		fd = -errno;
	go_to_root(&walk);
	return fd;
}
