/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.h: which other repositories of a registry have blobs that are about to be pushed there.
 *
 * The store knows: a name in it, of the same registry, was pushed or pulled there. It may be wrong, or we may not be allowed to;
 * then the registry says so and the blob is sent.
 */
#ifndef IMAGE_MOUNTS_H
#define IMAGE_MOUNTS_H

#include "image/contents.h"
#include "image/registry.h"
#include "image/store.h"

struct mounts {
	char paths[REGISTRY_FROM_MAX][REFERENCE_NAME_MAX + 1];
	struct digests blobs[REGISTRY_FROM_MAX]; /* that each has */
	unsigned count;
};

int mounts_find(struct mounts *ret, const struct store *store, const struct contents *contents,
		const struct reference *to, struct err *err);
void mounts_deinit(struct mounts *mounts);
/* The path of one that has it; NULL: none. */
const char *mounts_from(const struct mounts *mounts, const struct oci_digest *digest);

#endif
