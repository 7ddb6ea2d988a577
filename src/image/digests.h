/* SPDX-License-Identifier: Apache-2.0 */
/* digests.h: a set of digests. Zero-initialised is empty. */
#ifndef IMAGE_DIGESTS_H
#define IMAGE_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "oci/digest.h"

struct digests {
	struct oci_digest *slots; /* owned; "": free */
	size_t room; /* a power of two, more than twice `count` */
	size_t count;
};

void digests_deinit(struct digests *set);
/* 1: it is new; 0: it was there; -ENOMEM. */
int digests_add(struct digests *set, const struct oci_digest *digest);
bool digests_has(const struct digests *set, const struct oci_digest *digest);

#endif
