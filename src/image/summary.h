/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h: what is said of an image in a line. */
#ifndef IMAGE_SUMMARY_H
#define IMAGE_SUMMARY_H

#include "base/buf.h"
#include "image/store.h"

enum { SUMMARY_PLATFORM = 128 };

struct summary {
	struct buf
		platforms; /* char[SUMMARY_PLATFORM] each; not those of an index that were not fetched */
	uint64_t size; /* bytes of its blobs that are in the store, each counted once */
	bool damaged; /* something of it is missing or cannot be read */
};

/* -ENOMEM only: what cannot be read is damaged. */
int summary_make(const struct store *store, const struct image_descriptor *image,
		 struct summary *ret);
void summary_deinit(struct summary *summary);

/* Its name as people write it, or "-"; another tool's as it is. */
void summary_name(const struct image_descriptor *image, char text[static REFERENCE_ROOM]);
/* "5 minutes ago", by the annotation of the name; "-": nobody knows. */
void summary_when(const struct image_descriptor *image, char text[static 32]);
/* The annotation itself; "": none. */
const char *summary_since(const struct image_descriptor *image);

#endif
