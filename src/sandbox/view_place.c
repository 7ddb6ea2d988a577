/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_place.c: where in a container's root a mount goes, made where it is missing.
 *
 * The kernel does the looking up, with the root as its world: no link and no ".." leads out, whoever changes
 * the tree meanwhile; view_walk.c does it for a kernel that cannot. What is missing is made one name at a time, in a
 * directory that is held open.
 */
#include "sandbox/view_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/kernel.h"

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

int view_lookup(int root, const char *path, int flags)
{
	int fd;

	/* EAGAIN: somebody renamed something while the kernel looked */
	do
		fd = kernel_openat2(root, path, (uint64_t)(O_PATH | flags), 0, IN_ROOT);
	while (fd == -EAGAIN || fd == -EINTR);
	return fd == -ENOSYS ? view_walk(root, path, flags) : fd;
}

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
	fd = view_lookup(root, path, 0);
	if (fd == -ENOENT) {
		slash = strrchr(path, '/');
		*slash = '\0';
		parent = view_lookup(root, slash == path ? "/" : path, O_DIRECTORY);
		*slash = '/';
		error = parent < 0 ? parent : make_one(parent, slash + 1, is_dir);
		if (parent >= 0)
			close(parent);
		fd = error < 0 && error != -EEXIST ? error : view_lookup(root, path, 0);
	}
	path[end] = rest;
	return fd;
}

/* What a link says, from the root's top. -EINVAL: it is none. */
static int read_link(int root, const char *path, char text[PATH_MAX])
{
	int fd = view_lookup(root, path, O_NOFOLLOW);
	ssize_t size;

	if (fd < 0)
		return fd;
	size = readlinkat(fd, "", text, PATH_MAX - 1);
	close(fd);
	if (size < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	text[size] = '\0';
	return 0;
}

/*
 * path[0..end) is a link to what is not there (/var/run to a /run that is to be made): its text takes its place, and what
 * the kernel would have found is made.
 */
static int replace_link(int root, char *path, size_t end)
{
	char text[PATH_MAX], whole[2 * PATH_MAX], rest = path[end];
	size_t parent;
	int error;

	path[end] = '\0';
	error = read_link(root, path, text);
	parent = text[0] == '/' ? 0 : (size_t)(strrchr(path, '/') - path);
	path[end] = rest;
	if (error != 0)
		return error == -EINVAL ? -ENOENT : error;
	if (snprintf(whole, sizeof(whole), "%.*s/%s%s", (int)parent, path, text, path + end) >=
	    PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(path, whole);
	return 0;
}

int view_place(int root, const char *destination, bool is_dir, int *ret, struct err *err)
{
	char path[PATH_MAX];
	size_t size = strlen(destination), end = 0;
	int fd = -ENOENT, links = 0;

	if (size >= sizeof(path))
		return err_set(err, -ENAMETOOLONG, "the path is too long");
	memcpy(path, destination, size + 1);
	while (size > 1 && path[size - 1] == '/')
		path[--size] = '\0';
	fd = view_lookup(root, path, 0);
	while (fd == -ENOENT && end < size) {
		int at;

		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		at = step(root, path, end, end < size || is_dir);
		if (at == -ENOENT && links++ < VIEW_LINKS_MAX) {
			at = replace_link(root, path, end);
			size = strlen(path);
			end = 0;
			if (at == 0)
				continue;
		}
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
