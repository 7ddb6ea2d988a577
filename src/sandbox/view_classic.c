/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_classic.c: mounts where the kernel has none that are detached (before Linux 5.12: the calls came with 5.2, the one that
 * makes them private with 5.12).
 *
 * The process goes to a copy of the host's mount namespace. In it, on /proc/fs, which every kernel has and which we make private
 * first, lies a small tmpfs: the shelf. A mount is made on an entry of it, and so is as good as detached: nothing it is
 * mounted on is shared with anybody. Later it is moved to its place by mount(MS_MOVE), and the root becomes the root by
 * pivot_root(). Places are named by their descriptors, in /proc/self/fd, and so are never looked up a second time.
 *
 * The other mounts of the copy stay as they are, shared with the host's or not: a bind that is to be shared must be. So
 * nothing is ever mounted on one of them, and they are made private before they are let go, as what is taken away from a shared
 * one is taken away from the host's. When the process dies before, the kernel drops the copy and tells nobody.
 */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

enum { NAME_SIZE = 64 };

/* -- The shelf ---------------------------------------------------------------------------------------- */

static int make_shelf(struct view *view)
{
	static const char place[] = "/proc/fs";
	int error = kernel_mount(NULL, "/proc", NULL, MS_PRIVATE | MS_REC, NULL);

	if (error == 0)
		error = kernel_mount("skiff", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
				     "size=64k,mode=0700");
	if (error != 0)
		return error;
	view->shelf = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return view->shelf < 0 ? -errno : 0;
}

int view_classic_begin(struct view *view, int bundle, struct err *err)
{
	int error;

	/* A descriptor stays in the namespace it is of; the working directory comes along. */
	if (bundle >= 0 && fchdir(bundle) < 0)
		return err_set(err, -errno, "the bundle: %s", strerror(errno));
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(err, -errno, "a mount namespace: %s", strerror(errno));
	error = make_shelf(view);
	return error == 0 ? 0
			  : err_set(err, error, "a place for mounts in /proc/fs: %s",
				    strerror(-error));
}

static void name_fd(char name[NAME_SIZE], int fd)
{
	snprintf(name, NAME_SIZE, "/proc/self/fd/%d", fd);
}

/* A new entry, by its name, to mount on. */
static int make_entry(struct view *view, bool is_dir, char name[NAME_SIZE])
{
	char number[16];
	int fd;

	snprintf(number, sizeof(number), "%u", view->shelved++);
	snprintf(name, NAME_SIZE, "/proc/self/fd/%d/%s", view->shelf, number);
	if (is_dir)
		return mkdirat(view->shelf, number, 0700) < 0 ? -errno : 0;
	fd = openat(view->shelf, number, O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* What was mounted on one. */
static int open_entry(const char *name)
{
	int fd = open(name, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* -- Mounts on it ------------------------------------------------------------------------------------- */

int view_classic_tree(struct view *view, int dir, const char *path, bool recursive)
{
	char source[NAME_SIZE], entry[NAME_SIZE];
	int fd, is_dir, error;

	if (path[0] == '\0') {
		name_fd(source, dir);
		path = source;
	} else if (path[0] != '/' && dir < 0)
		return -EBADF;
	fd = open(path, O_PATH | O_CLOEXEC);
	is_dir = fd < 0 ? -errno : kernel_is_dir(fd);
	if (fd >= 0)
		close(fd);
	error = is_dir < 0 ? is_dir : make_entry(view, is_dir == 1, entry);
	if (error == 0)
		error = kernel_mount(path, entry, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL);
	return error == 0 ? open_entry(entry) : error;
}

int view_classic_mount(struct view *view, const char *type, const char *source, uint64_t flags,
		       const char *data)
{
	char entry[NAME_SIZE];
	int error = make_entry(view, true, entry);

	if (error == 0)
		error = kernel_mount(source, entry, type, flags, data);
	return error == 0 ? open_entry(entry) : error;
}

int view_classic_move(int mount, int place)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	name_fd(from, mount);
	name_fd(to, place);
	return kernel_mount(from, to, NULL, MS_MOVE, NULL);
}

/* -- The end of the copy -------------------------------------------------------------------------------- */

int view_classic_take_root(struct view *view)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (old < 0)
		return -errno;
	error = fchdir(view->root) < 0 ? -errno : kernel_result(syscall(SYS_pivot_root, ".", "."));
	/* The old root lies on top of the new one. */
	if (error == 0 && fchdir(old) < 0)
		error = -errno;
	if (error == 0)
		error = kernel_mount(NULL, ".", NULL, MS_PRIVATE | MS_REC, NULL);
	if (error == 0)
		error = kernel_umount(".");
	if (error == 0 && chdir("/") < 0)
		error = -errno;
	close(old);
	return error;
}
