/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.h: an image from its registry into the store.
 *
 * Of an index the store gets the index itself, which the name stands for, and the manifests and blobs of the platform that was
 * wished for, or of all. What is there already is not fetched again.
 */
#ifndef IMAGE_PULL_H
#define IMAGE_PULL_H

#include "image/registry.h"
#include "image/store.h"

struct pull_result {
	uint64_t size; /* of all blobs of what was wished for */
	bool news; /* something was fetched, or the name is new or stands for something else now */
};

struct pull {
	struct registry_options options; /* of the connection */
	struct image_wish wish; /* which platform of an index */
	bool all; /* of all platforms */
	bool quiet;
	struct pull_result *result; /* NULL: nobody wants to know */
};

/* It has its name in the store when this returns 0. *ret: what the name stands for. -ENOENT: there is no such image. */
int pull(struct store *store, const struct pull *pull, const struct reference *reference,
	 struct oci_digest *ret, struct err *err);

/* A manifest of a registry into a store; there already is success. */
int pull_keep(const struct store *store, const struct registry_manifest *manifest, struct err *err);

#endif
