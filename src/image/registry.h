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

enum { REGISTRY_FROM_MAX = 4 };

struct registry_options { /* borrowed; zeros: as usual */
	const char *ca_file; /* --cacert: beside the system's roots */
	bool plain_http; /* --plain-http; of localhost it is tried without being asked for */
	const char *user, *password; /* --creds; else the files and helpers of login.h */
	const char *proxy; /* instead of the environment's */
	const char *mirror; /* --mirror: before those of registries.h */
	unsigned jobs; /* layers at a time; 0: 3 */
	struct progress *progress; /* what is worth knowing is told above it */
	/* Of a session that pushes; set by push(). */
	bool push;
	const char *from[REGISTRY_FROM_MAX]; /* repositories of that registry to mount blobs of */
};

struct registry;

/* `mirror`: HOST[:PORT][/PATH] that has what the reference's registry has, to read from; NULL: that registry itself. */
int registry_open(struct registry **ret, const struct reference *reference, const char *mirror,
		  const struct registry_options *options, struct err *err);
struct registry *registry_close(struct registry *registry);
/* Whatever is under way ends with -ECANCELED. By any thread. */
void registry_stop(struct registry *registry);
/* Is anybody there, and content with who we are? For `skiff login`: the reference needs a host only. */
int registry_check(struct registry *registry, struct err *err);

struct registry_manifest {
	char *text; /* owned */
	size_t size;
	char media_type[128];
	enum image_type type; /* IMAGE_INDEX or IMAGE_MANIFEST */
	struct oci_digest digest; /* of the bytes, and what was asked for, if that was a digest */
};
void registry_manifest_deinit(struct registry_manifest *manifest);
/* `what`: a tag or a digest. -ENOENT: no such image, and the sentence lists tags there are. */
int registry_manifest(struct registry *registry, const char *what, struct registry_manifest *ret,
		      struct err *err);

enum { REGISTRY_THERE = 1, REGISTRY_MOUNTED = 2 }; /* outcomes: it need not be moved */
/* Into the store; goes on where an earlier try ended. REGISTRY_THERE. */
int registry_fetch(struct registry *registry, const struct image_descriptor *blob,
		   const struct store *store, struct progress_item *item, struct err *err);
/*
 * Of `fd`, from its beginning on, unless the registry has it: REGISTRY_THERE. `from`: another repository of that registry to mount it from, or
 * NULL: REGISTRY_MOUNTED.
 */
int registry_send(struct registry *registry, const struct image_descriptor *blob, int fd,
		  const char *from, struct progress_item *item, struct err *err);
/* `what`: a tag or the digest. */
int registry_send_manifest(struct registry *registry, const char *what, const char *media_type,
			   const void *text, size_t size, struct err *err);

#endif
