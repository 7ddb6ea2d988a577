/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local.h: an image of this node, ready to run; fetched and unpacked before by skiff-image, or now.
 *
 * Only what is not there, or not ready, takes the other program: else three small files are read.
 */
#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include <limits.h>
#include <stdbool.h>

#include "oci/image.h"
#include "oci/reference.h"
#include "oci/store.h"

enum local_pull { LOCAL_MISSING, LOCAL_ALWAYS, LOCAL_NEVER };

struct local_wish {
	const char *word; /* a reference */
	const char *platform; /* NULL: what suits best */
	enum local_pull pull;
};

struct local {
	char name[REFERENCE_ROOM]; /* whole */
	int lock; /* owned: nobody collects it, until it is closed */
	int root; /* owned: its directory */
	char path[PATH_MAX]; /* the same */
	struct ready ready;
	struct image_config config; /* owned; members NULL: an artifact's, and none of an image */
};

/* Does this word of a command line name a file: whatever is one or looks like one, but for a directory called as an image that is there. */
bool local_is_file(const char *word);
/* An exit code, and where it is EXIT_OK *ret is to be closed. */
int local_find(struct local *ret, const struct local_wish *wish);
void local_close(struct local *local);

#endif
