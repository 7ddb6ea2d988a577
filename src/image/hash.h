/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h: make digests, by libcrypto. */
#ifndef IMAGE_HASH_H
#define IMAGE_HASH_H

#include <stddef.h>

#include "oci/digest.h"

struct evp_md_ctx_st;

struct hash {
	struct evp_md_ctx_st *context; /* owned */
	const char *kind; /* "sha256" or "sha512" */
};

/* Of the kind of `like`, or sha256 (NULL). 0 or -ENOMEM. */
int hash_begin(struct hash *hash, const struct oci_digest *like);
void hash_take(struct hash *hash, const void *bytes, size_t size);
void hash_end(struct hash *hash, struct oci_digest *ret); /* and frees it */
void hash_drop(struct hash *hash);
/* sha256, all at once. */
void hash_of(const void *bytes, size_t size, struct oci_digest *ret);

#endif
