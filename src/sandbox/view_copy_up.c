/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_copy_up.c: the option tmpcopyup: a new tmpfs gets what the root has at its place, before it covers that.
 *
 * The tree that is copied is the image's, or a volume's that another container changes meanwhile: names are opened in directories
 * that are held open, links are copied and never followed, of a file no more is read than it had at first. Devices and
 * sockets are left out: in the root a device is none (nodev), and a copy of it is not to be one either. What bounds it is
 * the size of the tmpfs.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "base/io.h"
#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

enum {
	DEPTH_MAX = 256,
	CHUNK = 32 * 1024,
	NAMES_MAX = 4096, /* of one file's attributes */
	VALUE_MAX = 4096,
};

/* Of one copy: room that is not to be on the stack of each directory. */
struct copy {
	int depth;
	char path[PATH_MAX]; /* what is being copied, from the top */
	char bytes[CHUNK];
	char names[NAMES_MAX];
	char value[VALUE_MAX];
};

static int copy_directory(struct copy *copy, int from, int to);

/* -- What a file has besides its content ---------------------------------------------------------------------- */

/* Ids that mean nothing here, and attributes a tmpfs does not have, are left as they are. */
static bool is_passed_over(int error)
{
	return error == -EINVAL || error == -EPERM || error == -EOPNOTSUPP;
}

static int copy_attribute(struct copy *copy, int from, int to, const char *name)
{
	ssize_t size;
	int error;

	if (strcmp(name, "security.selinux") == 0) /* the mount's label, or the policy's */
		return 0;
	size = fgetxattr(from, name, copy->value, sizeof(copy->value));
	if (size < 0)
		return 0;
	error = fsetxattr(to, name, copy->value, (size_t)size, 0) < 0 ? -errno : 0;
	return is_passed_over(error) ? 0 : error;
}

static int copy_attributes(struct copy *copy, int from, int to)
{
	ssize_t size = flistxattr(from, copy->names, sizeof(copy->names));
	int error = 0;

	for (const char *name = copy->names; error == 0 && name < copy->names + MAX(size, 0);
	     name += strlen(name) + 1)
		error = copy_attribute(copy, from, to, name);
	return error;
}

/* In this order: a new owner takes set-user-id away, everything else changes the times. */
static int finish(struct copy *copy, int from, int to, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	int error = fchown(to, st->st_uid, st->st_gid) < 0 ? -errno : 0;

	if (error == 0 || is_passed_over(error))
		error = fchmod(to, st->st_mode & 07777) < 0 ? -errno : 0;
	if (error == 0)
		error = copy_attributes(copy, from, to);
	if (error == 0 && futimens(to, times) < 0)
		error = -errno;
	return error;
}

static int finish_name(int dir, const char *name, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	int error =
		fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;

	if (error != 0 && !is_passed_over(error))
		return error;
	if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* -- One of each kind ------------------------------------------------------------------------------------------ */

/* [at, end), none of it a hole. A file that became shorter ends earlier. */
static int copy_bytes(struct copy *copy, int from, int to, off_t at, off_t end)
{
	int error = 0;

	while (error == 0 && at < end) {
		ssize_t n =
			pread(from, copy->bytes, MIN((size_t)(end - at), sizeof(copy->bytes)), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		error = io_write_at(to, copy->bytes, (size_t)n, (uint64_t)at);
		at += n;
	}
	return error;
}

static int copy_content(struct copy *copy, int from, int to, off_t size)
{
	off_t at = 0, end;
	int error = ftruncate(to, size) < 0 ? -errno : 0;

	while (error == 0 && at < size) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? 0 : -errno; /* nothing but a hole is left */
		end = lseek(from, at, SEEK_HOLE);
		if (end < 0)
			return -errno;
		end = MIN(end, size);
		error = copy_bytes(copy, from, to, at, end);
		at = end;
	}
	return error;
}

static int copy_file(struct copy *copy, int from, int to, const char *name)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int out = -1, error;
	struct stat st;

	if (in < 0)
		return -errno;
	error = fstat(in, &st) < 0 ? -errno : 0;
	if (error == 0 && !S_ISREG(st.st_mode))
		error = -EAGAIN; /* somebody else has put it there */
	if (error == 0) {
		out = openat(to, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
		error = out < 0 ? -errno : copy_content(copy, in, out, st.st_size);
	}
	if (error == 0)
		error = finish(copy, in, out, &st);
	if (out >= 0)
		close(out);
	close(in);
	return error;
}

static int copy_link(struct copy *copy, int from, int to, const char *name, const struct stat *st)
{
	char *text = copy->bytes;
	ssize_t size = readlinkat(from, name, text, PATH_MAX - 1);

	if (size < 0)
		return -errno;
	text[size] = '\0';
	return symlinkat(text, to, name) < 0 ? -errno : finish_name(to, name, st);
}

static int copy_pipe(int to, const char *name, const struct stat *st)
{
	return mknodat(to, name, S_IFIFO | 0600, 0) < 0 ? -errno : finish_name(to, name, st);
}

static int copy_below(struct copy *copy, int from, int to, const char *name)
{
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), out, error;

	if (in < 0)
		return -errno;
	error = mkdirat(to, name, 0700) < 0 ? -errno : 0;
	if (error == 0) {
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		error = out < 0 ? -errno : copy_directory(copy, in, out);
		if (out >= 0)
			close(out);
	}
	close(in);
	return error;
}

static int copy_one(struct copy *copy, int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(copy, from, to, name);
	case S_IFDIR:
		return copy_below(copy, from, to, name);
	case S_IFLNK:
		return copy_link(copy, from, to, name, &st);
	case S_IFIFO:
		return copy_pipe(to, name, &st);
	default:
		return 0;
	}
}

/* -- Directories ------------------------------------------------------------------------------------------------ */

/* On failure the path stays. */
static int copy_entries(struct copy *copy, int from, DIR *dir, int to)
{
	size_t end = strlen(copy->path);
	int error = 0;

	while (error == 0) {
		const struct dirent *entry;

		copy->path[end] = '\0';
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (end + 1 + strlen(entry->d_name) >= sizeof(copy->path))
			return -ENAMETOOLONG;
		copy->path[end] = '/';
		strcpy(copy->path + end + 1, entry->d_name);
		error = copy_one(copy, from, to, entry->d_name);
	}
	return error;
}

static int copy_directory(struct copy *copy, int from, int to)
{
	int own = -1, error = copy->depth == DEPTH_MAX ? -ENAMETOOLONG : 0;
	struct stat st;
	DIR *dir = NULL;

	if (error == 0 && fstat(from, &st) < 0)
		error = -errno;
	if (error == 0) {
		copy->depth++;
		own = fcntl(from, F_DUPFD_CLOEXEC, 0);
		dir = own < 0 ? NULL : fdopendir(own);
		error = dir == NULL ? -errno : copy_entries(copy, from, dir, to);
		copy->depth--;
	}
	if (error == 0)
		error = finish(copy, from, to, &st);
	if (dir != NULL)
		closedir(dir);
	else if (own >= 0)
		close(own);
	return error;
}

/* What its options say of the top stays. */
static int keep(int to, const struct stat *st, const struct oci_mount *mount)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < mount->data.count; i++) {
		const char *option = mount->data.items[i];

		if (strncmp(option, "uid=", 4) == 0)
			error = fchown(to, st->st_uid, (gid_t)-1) < 0 ? -errno : 0;
		else if (strncmp(option, "gid=", 4) == 0)
			error = fchown(to, (uid_t)-1, st->st_gid) < 0 ? -errno : 0;
	}
	for (uint32_t i = 0; error == 0 && i < mount->data.count; i++)
		if (strncmp(mount->data.items[i], "mode=", 5) == 0)
			error = fchmod(to, st->st_mode & 07777) < 0 ? -errno : 0;
	return error;
}

static int copy_top(struct copy *copy, int from, int to, const struct oci_mount *mount)
{
	struct stat st;
	int error = fstat(to, &st) < 0 ? -errno : 0;

	if (error == 0)
		error = copy_directory(copy, from, to);
	return error == 0 ? keep(to, &st, mount) : error;
}

int view_copy_up(const struct oci_mount *mount, int place, int tmpfs, struct err *err)
{
	int from = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int to = openat(tmpfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	struct copy copy = {.depth = 0};

	if (from < 0 || to < 0)
		error = -errno;
	else
		error = copy_top(&copy, from, to, mount);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	if (error == -ENOSPC)
		return err_set(err, error, "it has no room for '%s%s', which the root has there",
			       mount->destination, copy.path);
	if (error != 0)
		return err_set(err, error, "copy '%s%s' into it: %s", mount->destination, copy.path,
			       strerror(-error));
	return 0;
}
