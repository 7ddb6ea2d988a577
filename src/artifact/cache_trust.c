/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_trust.c: may what lies in this directory be believed?
 *
 * It and every directory above belong to root or to us, and nobody else may write to them. Where others may, the sticky
 * bit saves what is ours from being renamed: then the directory above it is none the worse. The group counts as
 * others; access control lists need no look of their own, as the group's bits of the mode are their mask.
 *
 * Going up is by "..", so it is about where the directory is, whatever links lead there. It ends at the root we have, of
 * a container for instance.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>

#include "artifact/cache_parts.h"
#include "base/base.h"

enum { DEPTH_MAX = 100 };

static const char *fault(const struct stat *st, bool sticks, uid_t user)
{
	if (st->st_uid != 0 && st->st_uid != user)
		return "belongs to another user";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !(sticks && (st->st_mode & S_ISVTX) != 0))
		return "lets others write to it";
	return NULL;
}

const char *cache_trust_state(const struct stat *st, uid_t user)
{
	return fault(st, false, user);
}

/* The sentence names the directory so many steps above. */
static COLD bool tell(const char *path, size_t depth, const char *what, struct err *err)
{
	char *real = realpath(path, NULL);

	for (size_t i = 0; real != NULL && i < depth && strcmp(real, "/") != 0; i++) {
		char *slash = strrchr(real, '/');

		slash[slash == real ? 1 : 0] = '\0';
	}
	if (real != NULL)
		err_set(err, 0, "'%s' %s", real, what);
	else
		err_set(err, 0, "a directory %zu above '%s' %s", depth, path, what);
	free(real);
	return false;
}

bool cache_trust(int dir, const char *path, uid_t user, struct err *err)
{
	char up[3 * DEPTH_MAX + 1] = "..";
	struct stat st, above;
	const char *what;
	size_t depth = 0;

	if (fstat(dir, &st) < 0)
		return tell(path, depth, strerror(errno), err);
	what = fault(&st, false, user);
	while (what == NULL && ++depth < DEPTH_MAX) {
		if (fstatat(dir, up, &above, 0) < 0)
			return tell(path, depth, strerror(errno), err);
		if (above.st_dev == st.st_dev && above.st_ino == st.st_ino)
			return true;
		/* What lies in it, seen before, is root's or ours. */
		what = fault(&above, true, user);
		st = above;
		memcpy(up + 3 * depth - 1, "/..", sizeof("/.."));
	}
	return tell(path, depth, what != NULL ? what : "lies too deep", err);
}
