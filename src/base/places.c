/* SPDX-License-Identifier: Apache-2.0 */
#include "base/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int whole(int n)
{
	return n >= 0 && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int places_users_states(uid_t user, char path[static PATH_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	return whole(runtime != NULL && runtime[0] == '/'
			     ? snprintf(path, PATH_MAX, "%s/skiff", runtime)
			     : snprintf(path, PATH_MAX, "/tmp/skiff-%u", (unsigned)user));
}

int places_states(unsigned which, uid_t user, char path[static PATH_MAX])
{
	switch (which) {
	case 0:
		return whole(snprintf(path, PATH_MAX, PLACES_STATES));
	case 1:
		return places_users_states(user, path);
	case 2:
		return whole(snprintf(path, PATH_MAX, "/run/user/%u/skiff", (unsigned)user));
	case 3:
		return whole(snprintf(path, PATH_MAX, "/tmp/skiff-%u", (unsigned)user));
	default:
		return -ENOENT;
	}
}
