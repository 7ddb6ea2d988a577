/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h: a mount namespace with one empty tmpfs, to begin others from.
 *
 * A new mount namespace is a copy of the caller's, mount by mount. Who makes many copies this one instead: he joins it and
 * unshares, which takes the same time whatever the host has mounted.
 */
#ifndef SANDBOX_TEMPLATE_H
#define SANDBOX_TEMPLATE_H

#include "base/err.h"

/* A descriptor of such a namespace, which lives as long as it; or a negative errno, -ENOSYS before Linux 5.12. */
int template_new(struct err *err);

/* Go to a copy of the template; -1: to a copy of our own namespace. Not for a classic view. 0 or a negative errno. */
int template_enter(int fd, struct err *err);
/*
 * The same in two steps, between which one goes to another user namespace: the first takes rights over the template,
 * the copy belongs to whoever makes the second.
 */
int template_join(int fd, struct err *err);
int template_copy(struct err *err);
/* Of the copy of our own namespace nothing stays but this detached mount, its root and ours from now on. 0 or a negative errno. */
int template_keep(int mount);

#endif
