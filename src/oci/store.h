/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h: where images lie on a node, as far as whoever runs them needs to know; image/store.h writes it.
 *
 *   STORE/oci-layout, index.json, blobs/   an OCI image layout; the name of an image is the annotation org.opencontainers.image.ref.name
 *                                          of its descriptor, whole (reference_text())
 *   STORE/roots/HEX/                       layers unpacked one over the other; HEX: sha256 of the layers' digests, each with a newline
 *   STORE/ready/HEX[.PLATFORM]             what running an image takes, by the digest its name stands for: lines "KEY VALUE"
 *                                              skiff-ready 1
 *                                              manifest sha256:...     of the platform that was chosen
 *                                              config sha256:...       a blob
 *                                              root HEX                a directory of roots/
 *                                              module sha256:... PATH  of an artifact: the module, which lies there in the root
 *   STORE/lock                             flock: shared by whoever uses what lies there, exclusive for who collects garbage
 *   STORE/index.lock                       flock: exclusive while index.json is read and written
 *   STORE/partial/                         blobs that are not whole yet
 *
 * What is ready never changes, since its name is a digest; it goes with the image. A root is in use while a state of a container
 * names it (its config.json's root.path), or while whoever is about to write that state holds the lock.
 */
#ifndef OCI_STORE_H
#define OCI_STORE_H

#include <limits.h>

#include "base/buf.h"
#include "base/err.h"
#include "oci/digest.h"
#include "oci/image.h"
#include "oci/reference.h"

#define STORE_REF_NAME "org.opencontainers.image.ref.name"

struct ready {
	struct oci_digest manifest, config;
	char root[80]; /* HEX */
	struct oci_digest module; /* "": the image's entrypoint names it */
	char path[PATH_MAX]; /* of it */
};

enum { STORE_READY_NAME = 256 };

/* The directory: $SKIFF_STORE, of root /var/lib/skiff/images, of others $XDG_DATA_HOME/skiff/images or ~/.local/share/skiff/images. */
int store_path(char path[static PATH_MAX], struct err *err);
/*
 * What lies in a store is run as it is: so it must be ours or root's, and nobody else may write there. -EPERM, with the sentence; `path`
 * is what that calls it.
 */
int store_believe(int dir, const char *path, struct err *err);
/*
 * The lock, held shared as long as the descriptor is open: it is returned and the caller's, as is *ret_dir, the store. -ENOENT:
 * there is no store yet; -EPERM: as above.
 */
int store_use(int *ret_dir, struct err *err);
/* What the name stands for: -ENOENT. Of several the last. One with a digest is that digest, by whatever name it lies there. */
int store_lookup(int dir, const struct reference *reference, struct oci_digest *ret,
		 struct err *err);
/* -ENOENT: not ready, or not in words that we know. `platform`: as it was asked for, or NULL. */
int store_ready(int dir, const struct oci_digest *digest, const char *platform, struct ready *ret,
		struct err *err);
/* A blob, whole, without checking its digest: it was when it came. The caller owns the text. At most IMAGE_JSON_MAX bytes. */
int store_blob(int dir, const struct oci_digest *digest, char **ret, size_t *ret_size,
	       struct err *err);

/* What writes ready/ needs as well: the name in it (spellings of one platform have one), the path of a blob, and the text. */
int store_ready_name(const struct oci_digest *digest, const char *platform,
		     char name[static STORE_READY_NAME], struct err *err);
void store_blob_path(const struct oci_digest *digest, char path[static STORE_READY_NAME]);
int store_ready_parse(struct ready *ret, const char *text, struct err *err);
/* 0 or -ENOMEM; -EINVAL: a path that is no line. */
int store_ready_put(const struct ready *ready, struct buf *text);

#endif
