/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.c: paths as the guest gives them, and the fast way.
 *
 * A path is copied first: other threads of the guest may write to it meanwhile, and what was checked must be what is
 * used. The fast way is one openat2() under the place, which the kernel confines to what lies below and which refuses
 * links: as no link was met, the path's own text, tidied, is the canonical one. It is taken unless a nested mount could be
 * met, which the text tells. What it refuses for being confined (a link, a way up and out, a race) is walked (walk.c),
 * which has the last word; all else it says is the answer.
 *
 * Going up past where a descriptor was opened is by that descriptor's text, as it was then: who renames a directory
 * that is open may find ".." of it elsewhere than Linux would have it, but never outside.
 */
#include "wasi/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wasi/walk.h"

enum {
	OPEN_FLAGS = O_WRONLY | O_RDWR | O_PATH | O_CREAT | O_EXCL | O_TRUNC | O_DIRECTORY |
		     O_APPEND | O_SYNC /* and with it O_DSYNC */ | O_NOFOLLOW,
	OPEN_PATH_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW, /* all that O_PATH goes with */
};

/* A path that was taken over from the guest. */
struct taken {
	struct place from;
	const char *path; /* into text; relative, not empty */
	char text[PATH_MAX];
};

static int take(const struct place *from, const char *path, size_t size, struct taken *ret)
{
	const struct mount *mount = &from->mounts->items[from->mount];

	if (size == 0)
		return -ENOENT;
	if (size >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret->text, path, size);
	ret->text[size] = '\0';
	if (strlen(ret->text) != size)
		return -EINVAL;
	ret->from = *from;
	ret->path = ret->text;
	if (ret->text[0] == '/') {
		if ((mount->flags & MOUNT_ROOT) == 0)
			return -EPERM;
		ret->from.fd = mount->fd;
		ret->from.path = "";
		ret->path += strspn(ret->path, "/");
		if (*ret->path == '\0')
			ret->path = ".";
	}
	return 0;
}

/* The first name of a path: its size; *path is moved to it. 0: none left. */
static size_t first_name(const char **path)
{
	*path += strspn(*path, "/");
	return strcspn(*path, "/");
}

static bool is_dot(const char *name, size_t size)
{
	return size == 1 && name[0] == '.';
}

static bool is_dot_dot(const char *name, size_t size)
{
	return size == 2 && name[0] == '.' && name[1] == '.';
}

/* Could the path, if it meets no links, lead into a mount nested in its own? */
static bool meets_mount(const struct place *from, const char *path)
{
	const struct mount *mount = &from->mounts->items[from->mount];
	char guest[PATH_MAX];
	size_t size = strlen(mount->guest), length = strlen(from->path), name;

	if (!mount->has_nested)
		return false;
	/* Longer than any mount's path: the walk will tell. */
	if (size + 1 + length + 1 + strlen(path) >= sizeof(guest))
		return true;
	memcpy(guest, mount->guest, size);
	if (length > 0) {
		guest[size++] = '/';
		memcpy(guest + size, from->path, length);
		size += length;
	}
	for (; (name = first_name(&path)) > 0; path += name) {
		if (is_dot(path, name))
			continue;
		if (is_dot_dot(path, name))
			return true;
		guest[size++] = '/';
		memcpy(guest + size, path, name);
		size += name;
		if (mounts_find(from->mounts, guest, size) != MOUNTS_NONE)
			return true;
	}
	return false;
}

/* -- openat2 ------------------------------------------------------------------------------------- */

static int open_confined(int fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.mode = (flags & O_CREAT) != 0 ? mode & 07777 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int r = (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));

	return r < 0 ? -errno : r;
}

/*
 * Old kernels do not know the call, old filters forbid it with EPERM: then it is not tried again. The mounts are
 * everybody's and constant but for this flag, which any thread may set, once and for all.
 */
static void doubt_openat2(const struct place *from)
{
	int r = open_confined(from->fd, ".", O_PATH | O_CLOEXEC, 0);

	if (r >= 0)
		close(r);
	else if (r == -ENOSYS || r == -EPERM)
		__atomic_store_n(&((struct mounts *)from->mounts)->no_openat2, true,
				 __ATOMIC_RELAXED);
}

/* Which of them, and whether there is one, the walk knows. */
bool path_is_own(const struct place *from, const char *path, size_t size)
{
	static const char front[] = "proc/self/fd/";

	return size >= sizeof(front) && path[0] == front[0] && from->path[0] == '\0' &&
	       memcmp(path, front, sizeof(front) - 1) == 0 &&
	       (from->mounts->items[from->mount].flags & MOUNT_ROOT) != 0;
}

/* The fast way: a descriptor or the path's error. False: walk. */
static bool open_fast(const struct taken *taken, const char *path, int flags, mode_t mode, int *ret)
{
	const struct place *from = &taken->from;
	int r;

	if (__atomic_load_n(&from->mounts->no_openat2, __ATOMIC_RELAXED) ||
	    meets_mount(from, taken->path) || path_is_own(from, path, strlen(path)))
		return false;
	r = open_confined(from->fd, path, flags, mode);
	if (r == -ELOOP || r == -EXDEV || r == -EAGAIN)
		return false;
	if (r == -ENOSYS || r == -EPERM) {
		doubt_openat2(from);
		return false;
	}
	*ret = r;
	return true;
}

/* -- Opening ------------------------------------------------------------------------------------- */

/* Where a path without links leads, below the mount's top. */
static char *canonical(const struct place *from, const char *path)
{
	size_t size = strlen(from->path), name;
	char *text = malloc(size + strlen(path) + 2);

	if (text == NULL)
		return NULL;
	memcpy(text, from->path, size);
	for (; (name = first_name(&path)) > 0; path += name) {
		if (is_dot_dot(path, name)) {
			while (size > 0 && text[size - 1] != '/')
				size--;
			size -= size > 0; /* the slash */
		} else if (!is_dot(path, name)) {
			if (size > 0)
				text[size++] = '/';
			memcpy(text + size, path, name);
			size += name;
		}
	}
	text[size] = '\0';
	return text;
}

/* Opened the fast way: hand it out. Takes fd. */
static int arrive(const struct taken *taken, int fd, int flags, struct opened *ret)
{
	const struct place *from = &taken->from;
	char *path = NULL;
	mode_t mode = 0;
	int r = mounts_admit(&from->mounts->items[from->mount], fd, flags, &mode);

	if (r == 0 && S_ISDIR(mode)) {
		path = canonical(from, taken->path);
		r = path == NULL ? -ENOMEM : 0;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = (struct opened){fd, from->mount, path, mode, NULL};
	return 0;
}

/* Would the fast way write under a read-only mount? The walk knows the right error. */
static bool is_refused(const struct place *from, int flags)
{
	return (from->mounts->items[from->mount].flags & MOUNT_READ_ONLY) != 0 &&
	       (OPEN_WRITES(flags) || (flags & (O_CREAT | O_TRUNC)) != 0);
}

int path_open(const struct place *from, const char *path, size_t size, int flags, mode_t mode,
	      struct opened *ret)
{
	struct taken taken;
	int r = take(from, path, size, &taken), fd;

	if (r < 0)
		return r;
	if ((flags & ~OPEN_FLAGS) != 0 || ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0))
		return -EINVAL;
	if ((flags & O_PATH) != 0)
		flags &= OPEN_PATH_FLAGS;
	else
		flags |= O_NOCTTY | O_NONBLOCK;
	flags |= O_CLOEXEC;
	if (is_refused(&taken.from, flags) || !open_fast(&taken, taken.path, flags, mode, &fd))
		return walk_open(&taken.from, taken.path, flags, mode, ret);
	return fd < 0 ? fd : arrive(&taken, fd, flags, ret);
}

/* -- Leaves --------------------------------------------------------------------------------------- */

/* A path in two: what leads to the last name, and that. */
struct halves {
	size_t parent_size; /* 0: nothing */
	const char *name;
	size_t name_size;
	bool slash;
};

static void split(const char *path, struct halves *ret)
{
	size_t end = strlen(path), start;

	ret->slash = path[end - 1] == '/';
	while (path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	*ret = (struct halves){start, path + start, end - start, ret->slash};
}

/* The parent by one openat2(), or none at all for the place itself. False: walk. */
static bool leaf_fast(const struct taken *taken, struct leaf *leaf, int *ret)
{
	struct halves halves;
	char parent[PATH_MAX];
	bool dot;

	split(taken->path, &halves);
	dot = is_dot(halves.name, halves.name_size);
	if (is_dot_dot(halves.name, halves.name_size) || (dot && halves.parent_size > 0) ||
	    halves.name_size > NAME_MAX)
		return false;
	leaf->fd = taken->from.fd;
	leaf->owned = halves.parent_size > 0;
	leaf->mount = taken->from.mount;
	leaf->is_top = dot && taken->from.path[0] == '\0';
	memcpy(leaf->name, halves.name, halves.name_size);
	strcpy(leaf->name + halves.name_size, halves.slash && !dot ? "/" : "");
	if (halves.parent_size == 0) {
		*ret = 0;
		return !meets_mount(&taken->from, taken->path);
	}
	memcpy(parent, taken->path, halves.parent_size);
	parent[halves.parent_size] = '\0';
	if (!open_fast(taken, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, ret))
		return false;
	leaf->fd = *ret;
	*ret = *ret < 0 ? *ret : 0;
	return true;
}

/* Is what a leaf names a link? */
static bool is_link(const struct leaf *leaf)
{
	char name[sizeof(leaf->name)], text[1];

	strcpy(name, leaf->name);
	name[strcspn(name, "/")] = '\0'; /* a slash would have the kernel follow */
	return readlinkat(leaf->fd, name, text, sizeof(text)) >= 0;
}

int path_leaf(const struct place *from, const char *path, size_t size, bool follow,
	      struct leaf *ret)
{
	struct taken taken;
	struct leaf leaf;
	int r = take(from, path, size, &taken);

	if (r < 0)
		return r;
	if (!leaf_fast(&taken, &leaf, &r))
		return walk_leaf(&taken.from, taken.path, follow, ret);
	if (r < 0)
		return r;
	if (follow && is_link(&leaf)) {
		leaf_close(&leaf);
		return walk_leaf(&taken.from, taken.path, true, ret);
	}
	*ret = leaf;
	return 0;
}

void leaf_close(struct leaf *leaf)
{
	if (leaf->owned)
		close(leaf->fd);
	leaf->fd = -1;
	leaf->owned = false;
}
