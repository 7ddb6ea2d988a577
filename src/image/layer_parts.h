/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_parts.h: what unpacking a layer consists of.
 *
 *   layer_stream.c   packed bytes to those of the tar: counted, limited, digested
 *   layer_tree.c     where a path of the image lies below the root, and what of it lower layers brought
 *   layer_unpack.c   entries of the tar to files
 */
#ifndef IMAGE_LAYER_PARTS_H
#define IMAGE_LAYER_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "image/layer.h"

/* -- The tar's bytes --------------------------------------------------------------------------------- */

struct archive;

struct layer_stream {
	struct archive *raw; /* owned: takes the compression off */
	int fd; /* borrowed */
	struct hash hash; /* of what came out */
	struct layer_limits *left; /* borrowed */
	uint64_t taken, given; /* packed bytes, and unpacked */
	struct err *err; /* borrowed: has the sentence, where error is not 0 */
	int error;
	size_t peeked; /* bytes of `bytes` that were read to see what they are */
	uint8_t bytes[1 << 16];
};

int layer_stream_open(struct layer_stream *stream, int fd, enum image_type type,
		      struct layer_limits *left, struct err *err);
/* Some more, which stay until the next call: how many, 0 at the end, or the stream's error. */
ssize_t layer_stream_next(struct layer_stream *stream, const void **ret);
/* What is behind the tar's end, too, is of its digest. */
int layer_stream_end(struct layer_stream *stream, struct oci_digest *ret);
void layer_stream_close(struct layer_stream *stream);

/* -- The files ----------------------------------------------------------------------------------------- */

enum { LAYER_DEPTH_MAX = 255 }; /* directories in one another */

/* A directory that is there, by its descriptor. */
struct layer_place {
	int fd; /* O_PATH; borrowed from the tree until it is asked for another */
	unsigned depth; /* below the root */
	dev_t device;
	ino_t inode;
};

struct layer_key {
	uint64_t half[2];
};

struct layer_tree {
	int root; /* borrowed */
	struct layer_limits *left; /* borrowed */
	/* Where the last path led, since the next one mostly leads there, too. */
	bool near;
	char near_path[PATH_MAX];
	struct layer_place at; /* its fd is owned, or -1 */
	/* What this layer brought: directory and name, digested; a table of `room` keys, zeros where there is none. */
	struct layer_key *brought; /* owned */
	size_t count, room;
};

void layer_tree_init(struct layer_tree *tree, int root, struct layer_limits *left);
void layer_tree_deinit(struct layer_tree *tree);
/*
 * The directory `path`, "" for the root: its links are resolved with the root as their world. `make`: what is missing of it is made. -ENOENT,
 * -ENOTDIR, -ELOOP, -ENAMETOOLONG (of the depth, too), -EDQUOT: more entries than are allowed.
 */
int layer_tree_open(struct layer_tree *tree, const char *path, bool make, struct layer_place *ret);

/* Remember that this layer brought the name. -ENOMEM. */
int layer_tree_bring(struct layer_tree *tree, const struct layer_place *place, const char *name);
bool layer_tree_brought(const struct layer_tree *tree, const struct layer_place *place,
			const char *name);
/* Remove the name and all below it, where it is there; `lower`: but not what this layer brought. */
int layer_tree_remove(struct layer_tree *tree, const struct layer_place *place, const char *name,
		      bool lower);
/* Remove what lower layers brought into the directory. */
int layer_tree_opaque(struct layer_tree *tree, const struct layer_place *place);

#endif
