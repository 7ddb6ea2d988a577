/* SPDX-License-Identifier: Apache-2.0 */
/* push.h: an image of the store to a registry: blobs, a few at a time, then manifests, those an index leads to first. */
#ifndef IMAGE_PUSH_H
#define IMAGE_PUSH_H

#include "image/registry.h"
#include "image/store.h"

struct push {
	struct registry_options options; /* of the connection */
	struct image_wish wish; /* `given`: of an index this platform alone */
	bool quiet;
	uint64_t *size; /* of all blobs; NULL: nobody wants to know */
};

/* `what`: of the store. *ret: what the registry has under that name now. */
int push(struct store *store, const struct push *push, const struct image_descriptor *what,
	 const struct reference *to, struct oci_digest *ret, struct err *err);

#endif
