/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h: the images of a node, to be written; oci/store.h has what lies where.
 *
 * Everything becomes visible by one rename: a blob when its digest was found right, a name with a new index.json, a root when it is
 * whole. Whoever is killed leaves partial/ and roots/NAME.new, which the next one goes on with or collects. Directories and
 * files are synced before they are named where losing power would otherwise leave a name without content.
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "image/hash.h"
#include "oci/image.h"
#include "oci/reference.h"

struct store {
	int dir; /* owned */
	int lock; /* owned: held shared */
	char *path; /* owned: absolute */
	bool quiet; /* who has to wait for another process does not say so */
};

/*
 * Made where it is missing. `path` NULL: the default. -EPERM: others could have written what lies there; -EEXIST: it is no store, and
 * not empty either.
 */
int store_open(struct store *ret, const char *path, struct err *err);
/* Collects what was left to whoever ends last. */
void store_close(struct store *store);

/* -- Blobs ------------------------------------------------------------------------------------------ */

bool store_has(const struct store *store, const struct oci_digest *digest);
/* To read; -ENOENT with a sentence. */
int store_blob_open(const struct store *store, const struct oci_digest *digest, uint64_t *ret_size,
		    struct err *err);
/* Whole and checked against its digest: a store that was damaged is found out. The caller owns the text. */
int store_blob_read(const struct store *store, const struct oci_digest *digest, size_t most,
		    char **ret, size_t *ret_size, struct err *err);
/* Small ones at one go; there already is success. */
int store_blob_put(const struct store *store, const void *bytes, size_t size,
		   struct oci_digest *ret, struct err *err);

/* One that comes piece by piece. */
struct store_writer {
	const struct store *store; /* borrowed */
	int fd; /* owned; locked, so that two of one digest write one after the other */
	char name[OCI_DIGEST_ROOM]; /* in partial/ */
	int error; /* of an earlier piece: nothing can follow it */
	struct hash hash;
	struct oci_digest expected; /* "": whatever it will be */
	uint64_t size; /* bytes so far: after store_write_begin() those of an earlier try */
	uint64_t most; /* more are refused, -EFBIG */
};

enum {
	STORE_THERE = 1
}; /* outcome of store_write_begin(): the blob is there, perhaps since somebody else's try ended; nothing begun */
/* `expected` NULL: not known before it is whole. `most`: its size, where that is known. */
int store_write_begin(const struct store *store, struct store_writer *ret,
		      const struct oci_digest *expected, uint64_t most, struct err *err);
/* From the beginning again: what was there is of no use. */
int store_write_again(struct store_writer *writer, struct err *err);
int store_write(struct store_writer *writer, const void *bytes, size_t size, struct err *err);
/* It gets its name. -EBADMSG: it is not what was expected, and gone. */
int store_write_end(struct store_writer *writer, struct oci_digest *ret, struct err *err);
/* What came of an expected one stays for the next try, unless the disk is full; of another it goes. Ended already: nothing. */
void store_write_leave(struct store_writer *writer);

/* -- Names ------------------------------------------------------------------------------------------ */

/* By a name, or by at least 4 digits of a digest or a whole one. -ENOENT, -ENOTUNIQ, with a sentence that says what there is. */
int store_find(const struct store *store, const char *word, struct image_index *ret_index,
	       const struct image_descriptor **ret, struct err *err);
/* The name stands for this from now on. Its blobs are there. */
int store_name(const struct store *store, const struct reference *reference,
	       const struct image_descriptor *descriptor, struct err *err);
/* -ENOENT: there is none. */
int store_unname(const struct store *store, const struct reference *reference, struct err *err);
/* The same for what other tools called it, with `digest` for whatever leads there, named or not; one of both is NULL. */
int store_forget(const struct store *store, const char *name, const struct oci_digest *digest,
		 struct err *err);
/* All of index.json. */
int store_list(const struct store *store, struct image_index *ret, struct err *err);

/* -- Garbage ------------------------------------------------------------------------------------------ */

struct store_freed {
	uint64_t bytes;
	uint32_t blobs, roots;
	bool later; /* somebody uses the store: who ends last collects it */
};

/*
 * Whatever no name leads to, and nobody uses, goes. Gives up our own share of the lock while it does. `parts`: those of blobs, too, that
 * could be gone on with.
 */
int store_collect(struct store *store, bool parts, struct store_freed *ret, struct err *err);

#endif
