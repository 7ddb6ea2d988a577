/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h: one repository of a registry, by the OCI distribution specification.
 *
 * A session may be used by several threads at once; its token is shared. Every answer is checked: digests, sizes, media types, where a
 * redirect leads (credentials never follow it to another host). What fails for a while is tried again, with growing pauses; what is said
 * in the end names the registry, the repository, and what to do.
 */
#ifndef IMAGE_REGISTRY_H
#define IMAGE_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "image/progress.h"
#include "image/store.h"
#include "oci/image.h"
#include "oci/reference.h"

struct registry_options { /* borrowed; zeros: as usual */
	const char *ca_file; /* --cacert: beside the system's roots */
	bool plain_http; /* --plain-http; of localhost it is tried without being asked for */
	const char *user, *password; /* --creds; else the files and helpers of login.h */
	unsigned jobs; /* layers at a time; 0: 3 */
};

struct registry;

int registry_open(struct registry **ret, const struct reference *reference,
		  const struct registry_options *options, struct err *err);
struct registry *registry_close(struct registry *registry);

struct registry_manifest {
	char *text; /* owned */
	size_t size;
	char media_type[128];
	enum image_type type;
	struct oci_digest digest; /* of the bytes, and what was asked for, if that was a digest */
};
/* `what`: a tag or a digest. -ENOENT: no such image, and the sentence lists tags there are. */
int registry_manifest(struct registry *registry, const char *what, struct registry_manifest *ret,
		      struct err *err);
/* Into the store, unless it is there; goes on where an earlier try ended. */
int registry_fetch(struct registry *registry, const struct image_descriptor *blob,
		   struct store *store, struct progress_item *item, struct err *err);
/* From the store, unless it is there; `from`: another repository of that registry to mount it from, or NULL. */
int registry_send(struct registry *registry, const struct image_descriptor *blob,
		  const struct store *store, const char *from, struct progress_item *item,
		  struct err *err);
int registry_send_manifest(struct registry *registry, const char *what, const char *media_type,
			   const char *text, size_t size, struct err *err);

#endif
