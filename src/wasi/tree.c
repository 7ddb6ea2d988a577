/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c: what is done to names.
 *
 * Each call is the kernel's on a directory and one name in it, which path_leaf() found. The last name may end with one
 * slash, since making, removing, renaming and linking to such a name have errors of their own, and the kernel knows
 * them best. That is safe just where the kernel looks the name up without following it, slash or no: mkdirat, unlinkat
 * with and without AT_REMOVEDIR, both names of renameat, the new name of symlinkat and linkat. It is not where "x/" is
 * an ordinary path: fstatat, readlinkat, utimensat and the old name of linkat follow a link x then, whatever flags
 * say. These never get the slash: what must be a directory is found as one first (path_open).
 *
 * Where a path is resolved a second time, a guest may have changed its bytes in between. Then it gets the answer to another
 * question than it asked; each resolution is confined by itself.
 */
#include "wasi/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int find_leaf(const struct name *name, bool follow, struct leaf *ret)
{
	return path_leaf(name->from, name->path, name->size, follow, ret);
}

/* The last name is no name: "." stands for the directory itself. */
static bool is_self(const struct leaf *leaf)
{
	return strcmp(leaf->name, ".") == 0;
}

/* Take the slash from the name: was there one? */
static bool cut_slash(struct leaf *leaf)
{
	size_t size = strlen(leaf->name);

	if (leaf->name[size - 1] != '/')
		return false;
	leaf->name[size - 1] = '\0';
	return true;
}

static bool is_read_only(const struct name *name, const struct leaf *leaf)
{
	return (name->from->mounts->items[leaf->mount].flags & MOUNT_READ_ONLY) != 0;
}

/* Of a call of the kernel: 0, -errno. */
static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int finish(struct leaf *leaf, int r)
{
	leaf_close(leaf);
	return r;
}

/* Can something of this name be made: 0, -EEXIST, -EROFS. Where nothing can be made, existing comes first. */
static int check_new(const struct name *name, const struct leaf *leaf)
{
	struct leaf plain;
	struct stat st;

	if (is_self(leaf))
		return -EEXIST;
	if (!is_read_only(name, leaf))
		return 0;
	plain = *leaf;
	cut_slash(&plain);
	return fstatat(plain.fd, plain.name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? -EEXIST : -EROFS;
}

/* What a path with a final slash leads to is a directory: open it as one, to use as a leaf. */
static int find_dir(const struct name *name, struct leaf *ret)
{
	struct opened opened;
	int r = path_open(name->from, name->path, name->size, O_PATH | O_DIRECTORY, 0, &opened);

	if (r < 0)
		return r;
	*ret = (struct leaf){opened.fd, true, opened.mount, opened.path[0] == '\0', "."};
	free(opened.path);
	return 0;
}

/* A leaf whose name can be given to calls that follow a slash. */
static int find_plain(const struct name *name, bool follow, struct leaf *ret)
{
	struct leaf leaf;
	int r = find_leaf(name, follow, &leaf);

	if (r < 0)
		return r;
	if (cut_slash(&leaf)) {
		leaf_close(&leaf);
		return find_dir(name, ret);
	}
	*ret = leaf;
	return 0;
}

/* -- Make and remove ------------------------------------------------------------------------------ */

int tree_make_dir(const struct name *name)
{
	struct leaf leaf;
	int r = find_leaf(name, false, &leaf);

	if (r < 0)
		return r;
	r = check_new(name, &leaf);
	return finish(&leaf, r < 0 ? r : result(mkdirat(leaf.fd, leaf.name, 0777)));
}

/* As how many dots the path itself ends: 1 for ".", 2 for "..", 0 for another name. */
static int last_dots(const struct name *name)
{
	size_t end = name->size, start;

	while (end > 0 && name->path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && name->path[start - 1] == '.'; start--)
		;
	if (end - start > 2 || (start > 0 && name->path[start - 1] != '/'))
		return 0;
	return (int)(end - start);
}

/* 0 if the directory may be removed, as far as can be told without looking into it. */
static int check_remove_dir(const struct name *name, const struct leaf *leaf)
{
	int dots = last_dots(name);

	if (dots > 0)
		return dots == 1 ? -EINVAL : -ENOTEMPTY;
	if (is_self(leaf))
		return -EBUSY;
	return is_read_only(name, leaf) ? -EROFS : 0;
}

int tree_remove_dir(const struct name *name)
{
	struct leaf leaf;
	int r = find_leaf(name, false, &leaf);

	if (r < 0)
		return r;
	r = check_remove_dir(name, &leaf);
	return finish(&leaf, r < 0 ? r : result(unlinkat(leaf.fd, leaf.name, AT_REMOVEDIR)));
}

int tree_remove_file(const struct name *name)
{
	struct leaf leaf;
	int r = find_leaf(name, false, &leaf);

	if (r < 0)
		return r;
	if (is_self(&leaf))
		r = -EISDIR;
	else if (is_read_only(name, &leaf))
		r = -EROFS;
	return finish(&leaf, r < 0 ? r : result(unlinkat(leaf.fd, leaf.name, 0)));
}

/* -- Rename and link ------------------------------------------------------------------------------ */

/* 0 if one can become the other. */
static int check_rename(const struct name *old, const struct leaf *old_leaf, const struct name *new,
			const struct leaf *new_leaf)
{
	if (is_self(old_leaf) || is_self(new_leaf))
		return -EBUSY;
	if (old_leaf->mount != new_leaf->mount)
		return -EXDEV;
	return is_read_only(old, old_leaf) || is_read_only(new, new_leaf) ? -EROFS : 0;
}

int tree_rename(const struct name *old, const struct name *new)
{
	struct leaf old_leaf, new_leaf;
	int r = find_leaf(old, false, &old_leaf);

	if (r < 0)
		return r;
	r = find_leaf(new, false, &new_leaf);
	if (r < 0)
		return finish(&old_leaf, r);
	r = check_rename(old, &old_leaf, new, &new_leaf);
	if (r == 0)
		r = result(renameat(old_leaf.fd, old_leaf.name, new_leaf.fd, new_leaf.name));
	r = finish(&new_leaf, r);
	return finish(&old_leaf, r);
}

/* What is to get another name must be there: that is the first error Linux has. */
static int find_existing(const struct name *name, bool follow, struct leaf *ret)
{
	struct leaf leaf;
	struct stat st;
	int r = find_plain(name, follow, &leaf);

	if (r < 0)
		return r;
	if (fstatat(leaf.fd, leaf.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return finish(&leaf, -errno);
	*ret = leaf;
	return 0;
}

int tree_link(const struct name *old, bool follow, const struct name *new)
{
	struct leaf old_leaf, new_leaf;
	int r = find_existing(old, follow, &old_leaf);

	if (r < 0)
		return r;
	r = find_leaf(new, false, &new_leaf);
	if (r < 0)
		return finish(&old_leaf, r);
	r = check_new(new, &new_leaf);
	if (r == 0 && old_leaf.mount != new_leaf.mount)
		r = -EXDEV;
	if (r == 0)
		r = result(linkat(old_leaf.fd, old_leaf.name, new_leaf.fd, new_leaf.name, 0));
	r = finish(&new_leaf, r);
	return finish(&old_leaf, r);
}

/* -- Symbolic links ------------------------------------------------------------------------------- */

/* The target, terminated. */
static int take_target(const char *target, size_t size, char ret[PATH_MAX])
{
	if (size == 0)
		return -ENOENT;
	if (size >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret, target, size);
	ret[size] = '\0';
	return strlen(ret) == size ? 0 : -EINVAL;
}

int tree_symlink(const char *target, size_t size, const struct name *name)
{
	char text[PATH_MAX];
	struct leaf leaf;
	int r = take_target(target, size, text);

	if (r < 0)
		return r;
	r = find_leaf(name, false, &leaf);
	if (r < 0)
		return r;
	r = check_new(name, &leaf);
	if (r == 0 && text[0] == '/' &&
	    (name->from->mounts->items[leaf.mount].flags & MOUNT_ROOT) == 0)
		r = -EPERM;
	return finish(&leaf, r < 0 ? r : result(symlinkat(text, leaf.fd, leaf.name)));
}

ssize_t tree_read_link(const struct name *name, char *text, size_t room)
{
	struct leaf leaf;
	char none[1];
	ssize_t size;
	int r = find_plain(name, false, &leaf);

	if (r < 0)
		return r;
	/* The kernel takes no room for a mistake. */
	size = readlinkat(leaf.fd, leaf.name, room > 0 ? text : none, room > 0 ? room : 1);
	if (size < 0)
		size = -errno;
	else if (room == 0)
		size = 0;
	leaf_close(&leaf);
	return size;
}

/* -- Ask, and set times --------------------------------------------------------------------------- */

/* Of what the path leads to, through links. */
static int stat_opened(const struct name *name, int flags, struct stat *ret)
{
	struct opened opened;
	int r = path_open(name->from, name->path, name->size, O_PATH | flags, 0, &opened);

	if (r < 0)
		return r;
	r = fstat(opened.fd, ret) < 0 ? -errno : 0;
	close(opened.fd);
	free(opened.path);
	desc_unref(opened.own);
	return r;
}

/* A number at the end may be that of a descriptor, behind links to directories that are not there. */
static bool may_be_own(const struct name *name)
{
	return name->from->descs != NULL && name->size > 0 && name->path[name->size - 1] >= '0' &&
	       name->path[name->size - 1] <= '9';
}

int tree_stat(const struct name *name, bool follow, struct stat *ret)
{
	struct leaf leaf;
	struct stat st;
	bool slash;
	int r = find_leaf(name, false, &leaf);

	if (r == -ENOENT && follow && may_be_own(name))
		return stat_opened(name, 0, ret);
	if (r < 0)
		return r;
	slash = cut_slash(&leaf);
	r = finish(&leaf, result(fstatat(leaf.fd, leaf.name, &st, AT_SYMLINK_NOFOLLOW)));
	if (r < 0)
		return r;
	if ((follow || slash) && S_ISLNK(st.st_mode))
		return stat_opened(name, slash ? O_DIRECTORY : 0, ret);
	if (slash && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	*ret = st;
	return 0;
}

int tree_set_times(const struct name *name, bool follow, const struct timespec times[2])
{
	struct leaf leaf;
	int r = find_plain(name, follow, &leaf);

	if (r < 0)
		return r;
	if (is_read_only(name, &leaf))
		r = -EROFS;
	else
		r = result(utimensat(leaf.fd, leaf.name, times, AT_SYMLINK_NOFOLLOW));
	return finish(&leaf, r);
}
