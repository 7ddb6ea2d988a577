/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h: what is done to names: make, remove, rename, link, ask. Paths as path.h has them; -errno. Mounts that are
 * read-only answer -EROFS, a mount's top -EBUSY where it would be removed or replaced.
 */
#ifndef WASI_TREE_H
#define WASI_TREE_H

#include <sys/stat.h>

#include "wasi/path.h"

struct name {
	const struct place *from; /* borrowed */
	const char *path;         /* borrowed; not terminated */
	size_t size;
};

int tree_make_dir(const struct name *name);
int tree_remove_dir(const struct name *name);
int tree_remove_file(const struct name *name);
int tree_rename(const struct name *old, const struct name *new);
/* A hard link; -EXDEV between mounts. `follow`: of what `old` leads to. */
int tree_link(const struct name *old, bool follow, const struct name *new);
/* A target that is absolute is refused with -EPERM unless the mount is a root. */
int tree_symlink(const char *target, size_t size, const struct name *name);
/* The text of a link, cut to `room`: its bytes. */
ssize_t tree_read_link(const struct name *name, char *text, size_t room);
int tree_stat(const struct name *name, bool follow, struct stat *ret);
int tree_set_times(const struct name *name, bool follow, const struct timespec times[2]);

#endif
