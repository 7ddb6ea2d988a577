/* SPDX-License-Identifier: Apache-2.0 */
/* view_calls.c: the few things done with mounts, each in the one way or the other. */
#include <stdio.h>

#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

int view_tree(struct view *view, int dir, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (view_is_classic(view))
		return view_classic_tree(view, dir, path, recursive);
	if (path[0] == '\0')
		flags |= AT_EMPTY_PATH;
	return kernel_open_tree(dir, path, flags | (recursive ? AT_RECURSIVE : 0));
}

int view_set(struct view *view, int mount, bool recursive, const struct mount_attr *attr)
{
	struct mount_attr copy = *attr;

	if (view_is_classic(view))
		return view_classic_set(mount, recursive, attr);
	return kernel_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, &copy);
}

int view_move(struct view *view, int mount, int place)
{
	return view_is_classic(view) ? view_classic_move(mount, place)
				     : kernel_move_mount(mount, place);
}

/* The first flags of mount(2) are the first attributes. */
_Static_assert(MS_RDONLY == MOUNT_ATTR_RDONLY && MS_NOSUID == MOUNT_ATTR_NOSUID &&
		       MS_NODEV == MOUNT_ATTR_NODEV && MS_NOEXEC == MOUNT_ATTR_NOEXEC,
	       "flags and attributes part");

static int detached_tmpfs(const char *size, const char *mode, unsigned attributes)
{
	int fs = kernel_fsopen("tmpfs"), mount, error;

	if (fs < 0)
		return fs;
	error = kernel_fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode);
	if (error == 0)
		error = kernel_fsconfig(fs, FSCONFIG_SET_STRING, "size", size);
	if (error == 0)
		error = kernel_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	mount = error == 0 ? kernel_fsmount(fs, attributes) : error;
	close(fs);
	return mount;
}

int view_tmpfs(struct view *view, const char *size, const char *mode, unsigned flags)
{
	char options[64];

	if (view == NULL || !view_is_classic(view))
		return detached_tmpfs(size, mode, flags);
	snprintf(options, sizeof(options), "size=%s,mode=%s", size, mode);
	return view_classic_mount(view, "tmpfs", "none", flags, options);
}

int view_empty(struct view *view)
{
	return view_tmpfs(view, "4k", "0555", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
}
