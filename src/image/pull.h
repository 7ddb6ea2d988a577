/* SPDX-License-Identifier: Apache-2.0 */
/* pull.h: an image from its registry into the store. */
#ifndef IMAGE_PULL_H
#define IMAGE_PULL_H

#include "image/registry.h"
#include "image/store.h"

struct pull {
	struct registry_options options; /* of the connection */
	struct image_wish wish; /* which platform of an index */
	bool all; /* of all platforms */
	bool quiet;
};

/* It has its name in the store when this returns 0. *ret: what the name stands for. */
int pull(struct store *store, const struct pull *pull, const struct reference *reference,
	 struct oci_digest *ret, struct err *err);

#endif
