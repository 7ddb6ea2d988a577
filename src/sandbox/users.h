/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users.h: user namespaces, as descriptors.
 *
 *   users_new()    one with the maps given, which nobody is in: for a container, or for the ids of a mount (view.h)
 *   users_open()   the one a spec asks for: new, or that of a path
 *   users_enter()  the calling process goes there, for good: what rights it had outside are gone
 *
 * The maps are written from outside, by whoever calls: root may map any ids. An ordinary user may map the own user and group,
 * each alone, and for more the programs newuidmap and newgidmap are asked, which know what /etc/subuid grants.
 */
#ifndef SANDBOX_USERS_H
#define SANDBOX_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/spec.h"

/* A descriptor of the namespace, which lives as long as it; or a negative errno with the sentence. Takes a /proc. */
int users_new(const struct oci_id_maps *uids, const struct oci_id_maps *gids, struct err *err);
/* The same for linux.namespaces, which has one. */
int users_open(const struct oci_spec *spec, struct err *err);

/*
 * Join it, with all rights there and none outside. The process has one thread. users_become() must follow: until then it
 * is outside's user, which files may not be made as.
 */
int users_enter(int users, struct err *err);
/* In the namespace: become its root, without other groups; where it has none, `user`. */
int users_become(const struct oci_user *user, struct err *err);

/* What an id inside is outside; UINT32_MAX, for chown(2) to pass over: nobody there, or not known. */
uint32_t users_outside(const struct oci_id_maps *maps, uint32_t inside);

/* Are we in the user namespace the machine began with: else there are things that our root may not do. Takes a /proc. */
bool users_are_hosts(void);

/*
 * The sentence for a kernel that refuses an ordinary user namespaces, or rights in them, with the knob that says so; returns
 * `error`.
 */
int users_refused(int error, const char *what, struct err *err);

#endif
