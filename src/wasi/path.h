/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h: a guest's path to a descriptor, or to the directory that holds its last name.
 *
 * Fast: one openat2() that the kernel confines and that meets no link. Where it does, or where mounts are nested, or
 * without openat2: a walk, one component at a time, each an openat() of a single name that is not ".." and
 * is never followed. Going up is going back to a directory held open, or, above where the walk began, beginning again
 * at the mount's top. Whatever the host does to the tree meanwhile, every directory entered was, when it was
 * entered, an entry of one that was. Links are text: so those of /proc lead nowhere special either.
 */
#ifndef WASI_PATH_H
#define WASI_PATH_H

#include <limits.h>

#include "wasi/desc.h"
#include "wasi/mounts.h"

/* Where a path begins: an open directory of the guest's. All borrowed. */
struct place {
	const struct mounts *mounts;
	uint32_t mount;
	int fd;
	const char *path; /* below the mount's top, as desc.path */
	struct descs *descs; /* that /proc/self/fd means; NULL: nobody's */
};

/* What a path led to. */
struct opened {
	int fd;         /* owned */
	uint32_t mount; /* it lies in */
	char *path;     /* owned; directories only, as desc.path; else NULL */
	mode_t mode;    /* st_mode */
	/* Owned; NULL mostly: the path was a name of this descriptor, and fd is a copy of its fd, as by dup(). */
	struct desc *own;
};

/*
 * "/proc/self/fd/N" in a mount that is a root is the guest's descriptor N, whether there is a /proc or not: so the links that
 * root file systems have in /dev (stdin, stdout, stderr, fd) lead where they should, by their text alone. What is opened
 * so is no more than what the guest has: for writing only what it can write to (-EACCES), no directory, nothing truncated.
 */

/*
 * Open. `flags`: reading, writing or both, or O_PATH; O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY (not with O_CREAT), O_APPEND, O_SYNC,
 * O_DSYNC, O_NOFOLLOW (do not follow a link at the end: -ELOOP, with O_DIRECTORY -ENOTDIR, with O_PATH the link
 * itself). O_CLOEXEC, O_NOCTTY are added; O_NONBLOCK too, and taken back only by who owns the descriptor: so a FIFO
 * opened for writing that nobody reads is -ENXIO. -EPERM: the path leads out. -EROFS: writing under a
 * read-only mount. -EACCES also for what mounts_admit() withholds. -EINVAL: NUL inside, -ENOENT: empty, -ENAMETOOLONG.
 */
int path_open(const struct place *from, const char *path, size_t size, int flags, mode_t mode,
	      struct opened *ret);

/* Is a path, from a root's top, by its text such a name of a descriptor? */
bool path_is_own(const struct place *from, const char *path, size_t size);

/* The directory a last name is in. A final "." or ".." is resolved: name is then ".". */
struct leaf {
	int fd;
	bool owned; /* fd is; else it is the place's */
	uint32_t mount;
	bool is_top; /* the path is a mount's top itself: it cannot be removed or renamed */
	char name[NAME_MAX + 2]; /* with one final slash if the path ends with slashes */
};

/* `follow`: a link at the end is followed (until what is there is none, or nothing). */
int path_leaf(const struct place *from, const char *path, size_t size, bool follow,
	      struct leaf *ret);
void leaf_close(struct leaf *leaf);

#endif
