/* SPDX-License-Identifier: Apache-2.0 */
/* places.h: where the programs look for what they share. */
#ifndef BASE_PLACES_H
#define BASE_PLACES_H

#include <limits.h>
#include <sys/types.h>

/* The states of containers (runtime/state.h): of root, */
#define PLACES_STATES "/run/skiff"
/* and of others: $XDG_RUNTIME_DIR/skiff, or where there is no such directory /tmp/skiff-UID. -ENAMETOOLONG. */
int places_users_states(uid_t user, char path[static PATH_MAX]);
/*
 * Whatever environment they were made with: the places where states of this user may be, from 0 on, until it returns -ENOENT.
 * Another -errno: go on with the next. One place may come twice.
 */
int places_states(unsigned which, uid_t user, char path[static PATH_MAX]);

#endif
