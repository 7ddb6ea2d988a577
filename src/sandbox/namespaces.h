/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespaces.h: the namespaces of a container but for three: that of pids is entered at birth (runtime/launch.c), that of
 * mounts with the view (view.h), that of users is a matter of its own (users.h).
 */
#ifndef SANDBOX_NAMESPACES_H
#define SANDBOX_NAMESPACES_H

#include "base/err.h"
#include "oci/spec.h"

/*
 * Join those that have a path, make the others, and set what is new up: the loopback interface, names, sysctls. Done where
 * the host's /proc is still in sight. `users`: the user namespace that new ones belong to, which the caller stays outside
 * of; -1: the caller's own. 0 or a negative errno.
 */
int namespaces_enter(const struct oci_spec *spec, int users, struct err *err);

#endif
