/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_place.c: where in a container's root a mount goes, made where it is missing.
 *
 * The kernel does the looking up, with the root as its world: no link and no ".." leads out, whoever changes
 * the tree meanwhile. What is missing is made one name at a time, in a directory that is held open.
 */
#include "sandbox/view_parts.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/kernel.h"

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

static int lookup(int root, const char *path, uint64_t flags)
{
	int fd;

	/* EAGAIN: somebody renamed something while the kernel looked */
	do
		fd = kernel_openat2(root, path, O_PATH | flags, 0, IN_ROOT);
	while (fd == -EAGAIN || fd == -EINTR);
	return fd;
}

/* A link that leads nowhere is there, and yet nothing can be made or found at its place. */
static int make_one(int parent, const char *name, bool is_dir)
{
	int fd;

	if (is_dir)
		return mkdirat(parent, name, 0755) < 0 ? -errno : 0;
	fd = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* The place of path[0..end), made if it is missing, its parents being there. */
static int step(int root, char *path, size_t end, bool is_dir)
{
	char rest = path[end], *slash;
	int fd, parent, error;

	path[end] = '\0';
	fd = lookup(root, path, 0);
	if (fd == -ENOENT) {
		slash = strrchr(path, '/');
		*slash = '\0';
		parent = lookup(root, slash == path ? "/" : path, O_DIRECTORY);
		*slash = '/';
		error = parent < 0 ? parent : make_one(parent, slash + 1, is_dir);
		if (parent >= 0)
			close(parent);
		fd = error < 0 && error != -EEXIST ? error : lookup(root, path, 0);
	}
	path[end] = rest;
	return fd;
}

int view_place(int root, const char *destination, bool is_dir, int *ret, struct err *err)
{
	char path[PATH_MAX];
	size_t size = strlen(destination), end = 0;
	int fd = -ENOENT;

	if (size >= sizeof(path))
		return err_set(err, -ENAMETOOLONG, "the path is too long");
	memcpy(path, destination, size + 1);
	while (size > 1 && path[size - 1] == '/')
		path[--size] = '\0';
	fd = lookup(root, path, 0);
	while (fd == -ENOENT && end < size) {
		int at;

		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		at = step(root, path, end, end < size || is_dir);
		if (at < 0)
			return err_set(err, at, "make '%.*s' in the container's root: %s", (int)end,
				       path, strerror(-at));
		if (end == size)
			fd = at;
		else
			close(at);
	}
	if (fd < 0)
		return err_set(err, fd, "look it up in the container's root: %s", strerror(-fd));
	*ret = fd;
	return 0;
}
