/* SPDX-License-Identifier: Apache-2.0 */
/* contents.h: the blobs that manifests lead to, each once; and work on all of them by a few threads. */
#ifndef IMAGE_CONTENTS_H
#define IMAGE_CONTENTS_H

#include "base/buf.h"
#include "image/digests.h"
#include "oci/image.h"

struct contents { /* zeros: empty */
	struct buf manifests; /* struct image_manifest, owned */
	struct buf items; /* struct image_descriptor; texts borrowed from the manifests */
	struct digests seen;
	uint64_t size; /* of all items */
	size_t texts; /* bytes of all manifests that were added: 64 MiB at most */
};

/* Of a manifest: its config, then its layers. Foreign layers are refused by name, and sizes that contradict each other or nobody has. */
int contents_add(struct contents *contents, const char *text, size_t size, struct err *err);
void contents_deinit(struct contents *contents);
uint32_t contents_count(const struct contents *contents);
const struct image_descriptor *contents_item(const struct contents *contents, uint32_t i);

struct contents_work {
	/* For each item, by any thread; less than 0 ends it all. */
	int (*one)(void *context, const struct image_descriptor *item, struct err *err);
	/* The first failure: the others need not go on. */
	void (*stop)(void *context);
	void *context;
	unsigned threads; /* 0: 3 */
};
/* The first failure, with its sentence. */
int contents_each(const struct contents *contents, const struct contents_work *work,
		  struct err *err);

#endif
