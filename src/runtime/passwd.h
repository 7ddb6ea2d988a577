/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd.h: who "USER[:GROUP]" is in an image: numbers, or names from its /etc/passwd and /etc/group.
 *
 * Both files are somebody else's: they are looked up as the container would, within its root, and lines that make no sense are passed over.
 */
#ifndef RUNTIME_PASSWD_H
#define RUNTIME_PASSWD_H

#include "base/err.h"
#include "oci/spec.h"

enum { PASSWD_GROUPS = 64 };

struct passwd {
	struct oci_user user; /* its groups lie here: */
	gid_t groups
		[PASSWD_GROUPS]; /* further ones that have it as a member, where GROUP is not given */
};

/*
 * `root`: a directory; -1: there is none, and names are nobody's. An empty text is root. -EINVAL, -ENOENT: there is no such name,
 * with the sentence. It is not to be moved.
 */
int passwd_find(struct passwd *ret, int root, const char *text, struct err *err);

#endif
