/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.c: a guest's mounts, and what may be opened under one.
 *
 * Guest paths are made canonical once, here, so that everybody else compares bytes. There are few mounts, most often
 * one, and those who ask do so only where mounts are nested: a list that is searched from its start will do.
 *
 * procfs is the one file system whose files reach into the process that opens them, and a guest may see it (its / may
 * be the host's). A file whose device is the mount's own is ordinary; only for others is the file system asked.
 */
#include "wasi/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The part of `text` up to its next slash: its length. */
static size_t name_size(const char *text)
{
	return strcspn(text, "/");
}

/* "a//./b/" -> "/a/b", "." -> "". */
static int canonical(const char *guest, char **ret)
{
	char *text = malloc(strlen(guest) + 2), *end = text;

	if (text == NULL)
		return -ENOMEM;
	while (*guest != '\0') {
		size_t size = name_size(guest);

		if (size == 2 && memcmp(guest, "..", 2) == 0) {
			free(text);
			return -EINVAL;
		}
		if (size > 0 && !(size == 1 && *guest == '.')) {
			*end++ = '/';
			memcpy(end, guest, size);
			end += size;
		}
		guest += size;
		guest += *guest == '/';
	}
	*end = '\0';
	if (end - text >= PATH_MAX) {
		free(text);
		return -ENAMETOOLONG;
	}
	*ret = text;
	return 0;
}

/* Is `inner` below `outer`, and not the same? */
static bool lies_below(const char *inner, const char *outer, size_t outer_size)
{
	return strlen(inner) > outer_size && memcmp(inner, outer, outer_size) == 0 &&
	       inner[outer_size] == '/';
}

/* Fill in what the descriptor says. */
static int examine(struct mount *mount)
{
	struct stat st;
	struct statfs fs;

	if (fstat(mount->fd, &st) < 0 || fstatfs(mount->fd, &fs) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	mount->device = fs.f_type == PROC_SUPER_MAGIC ? 0 : st.st_dev;
	return 0;
}

static int append(struct mounts *mounts, const struct mount *mount)
{
	struct mount *items = realloc(mounts->items, (mounts->count + 1) * sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	mounts->items = items;
	for (uint32_t i = 0; i < mounts->count; i++)
		if (lies_below(mount->guest, items[i].guest, strlen(items[i].guest)))
			items[i].has_nested = true;
	items[mounts->count] = *mount;
	items[mounts->count].has_nested = mounts_below(mounts, mount->guest, strlen(mount->guest));
	return (int)mounts->count++;
}

int mounts_add(struct mounts *mounts, const char *guest, int fd, unsigned flags)
{
	struct mount mount = {.fd = fd, .flags = flags};
	int r = examine(&mount);

	if (r == 0)
		r = canonical(guest, &mount.guest);
	if (r != 0)
		return r;
	mount.given = strdup(guest);
	if (mount.given == NULL)
		r = -ENOMEM;
	else if (mounts_find(mounts, mount.guest, strlen(mount.guest)) != MOUNTS_NONE)
		r = -EEXIST;
	else
		r = append(mounts, &mount);
	if (r < 0) {
		free(mount.given);
		free(mount.guest);
	}
	return r;
}

void mounts_deinit(struct mounts *mounts)
{
	for (uint32_t i = 0; i < mounts->count; i++) {
		close(mounts->items[i].fd);
		free(mounts->items[i].given);
		free(mounts->items[i].guest);
	}
	free(mounts->items);
	*mounts = (struct mounts){0};
}

uint32_t mounts_find(const struct mounts *mounts, const char *guest, size_t size)
{
	for (uint32_t i = 0; i < mounts->count; i++) {
		const char *other = mounts->items[i].guest;

		if (strlen(other) == size && memcmp(other, guest, size) == 0)
			return i;
	}
	return MOUNTS_NONE;
}

uint32_t mounts_around(const struct mounts *mounts, const char *guest, size_t size)
{
	uint32_t found = MOUNTS_NONE;
	size_t longest = 0;

	for (uint32_t i = 0; i < mounts->count; i++) {
		const char *other = mounts->items[i].guest;
		size_t length = strlen(other);

		if (length > size || memcmp(other, guest, length) != 0 ||
		    (length < size && guest[length] != '/'))
			continue;
		if (found == MOUNTS_NONE || length > longest) {
			found = i;
			longest = length;
		}
	}
	return found;
}

bool mounts_below(const struct mounts *mounts, const char *guest, size_t size)
{
	for (uint32_t i = 0; i < mounts->count; i++)
		if (lies_below(mounts->items[i].guest, guest, size))
			return true;
	return false;
}

int mounts_admit(const struct mount *mount, int fd, int flags, mode_t *ret)
{
	bool writes = OPEN_WRITES(flags) || (flags & O_TRUNC) != 0;
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((flags & O_PATH) == 0 && S_ISREG(st.st_mode) && st.st_dev != mount->device) {
		if (fstatfs(fd, &fs) < 0)
			return -errno;
		if (fs.f_type == PROC_SUPER_MAGIC && (writes || (st.st_mode & S_IROTH) == 0))
			return -EACCES;
	}
	*ret = st.st_mode;
	return 0;
}
