/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources.h: where an image is read from: mirrors, in their order, then its registry.
 *
 * Sessions are opened when they are needed. A mirror that fails is told of, and what it had to give is asked of the next; of the registry
 * itself a failure is one. Used by several threads at once.
 */
#ifndef IMAGE_SOURCES_H
#define IMAGE_SOURCES_H

#include <pthread.h>

#include "image/registries.h"
#include "image/registry.h"

enum { SOURCES_MAX = REGISTRIES_MIRRORS + 2 };

struct sources {
	const struct reference *reference; /* borrowed */
	const struct registry_options *options; /* borrowed */
	struct registries_entry entry;
	const char *mirrors[SOURCES_MAX]; /* the last: NULL, the registry itself */
	unsigned count;
	pthread_mutex_t lock; /* of the rest */
	struct registry *open[SOURCES_MAX]; /* owned; NULL: not yet */
	bool useless[SOURCES_MAX];
	bool stopped;
};

/* Its storage stays where it is until deinit. */
int sources_init(struct sources *ret, const struct reference *reference,
		 const struct registry_options *options, struct err *err);
void sources_deinit(struct sources *sources);
void sources_stop(struct sources *sources);
/* registry_manifest(), registry_fetch() of the first that can. */
int sources_manifest(struct sources *sources, const char *what, struct registry_manifest *ret,
		     struct err *err);
int sources_fetch(struct sources *sources, const struct image_descriptor *blob,
		  const struct store *store, struct progress_item *item, struct err *err);

#endif
