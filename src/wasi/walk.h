/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h: a path resolved in user space, one component at a time: where one openat2() does not answer (path.c).
 *
 * Results are those of path_open() and path_leaf(). Paths are terminated, not empty and not absolute: path.c has seen to
 * that. `flags` are all that the last open gets, but for O_NOFOLLOW, which is added and whose absence means that a link
 * at the end is followed.
 */
#ifndef WASI_WALK_H
#define WASI_WALK_H

#include "wasi/path.h"

int walk_open(const struct place *from, const char *path, int flags, mode_t mode,
	      struct opened *ret);
int walk_leaf(const struct place *from, const char *path, bool follow, struct leaf *ret);

#endif
