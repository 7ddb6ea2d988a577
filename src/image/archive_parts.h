/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_parts.h: what the files of the archives have of one another.
 *
 *   archive_load.c     what is in an archive gets its name     archive_save.c     what goes into an archive
 *   archive_read.c     entries of a tar into the store         archive_write.c    files of a tar, or of a directory
 *   archive_docker.c   manifest.json of docker, both ways      archive_walk.c     what an image consists of
 */
#ifndef IMAGE_ARCHIVE_PARTS_H
#define IMAGE_ARCHIVE_PARTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "command/emit.h"
#include "image/archive.h"
#include "image/layer.h"

#define ARCHIVE_LAYOUT_FILE "oci-layout"
#define ARCHIVE_INDEX_FILE "index.json"
#define ARCHIVE_DOCKER_FILE "manifest.json"

/* What containerd and docker take the name from, where ours has STORE_REF_NAME. */
#define ARCHIVE_NAME_NOTE "io.containerd.image.name"

/* -- What was read ------------------------------------------------------------------------------------- */

/* A file that has no digest for a name, as docker's archives have them; in the store by what it holds. */
struct archive_file {
	const char *name; /* in the arena */
	const char *link; /* the name it stands for; NULL: it is one itself */
	struct oci_digest digest;
	size_t order; /* in the archive */
};

struct archive_text {
	char *text; /* owned; NULL: it was not there */
	size_t size;
};

/* An archive on the way into the store. */
struct archive_load {
	const struct store *store; /* borrowed */
	const struct reference *name; /* borrowed, or NULL */
	int dir; /* owned: a layout that is a directory; -1: all that came is in the store */
	struct archive_text layout, index, docker;
	struct arena arena;
	struct buf files; /* struct archive_file; sorted by name when all is read */
	uint64_t bytes; /* of those so far */
	uint64_t given; /* bytes of all entries that went into the store */
	struct layer_limits limits; /* of these the ratio, here as of layers */
	uint32_t entries;
	struct buf *loaded; /* borrowed: struct archive_image */
	struct err *err;
};

/* A tar, until its end. */
int archive_read(struct archive_load *load, int fd);
/* The digest of a file of the archive; links are followed. -ENOENT with a sentence. */
int archive_file(const struct archive_load *load, const char *name, struct oci_digest *ret);
/* The images of manifest.json. */
int archive_docker_load(struct archive_load *load);
/* A descriptor whose blobs are there, or can be brought, by the names; `count` 0: as it is called by --name only. */
int archive_load_named(struct archive_load *load, const struct image_descriptor *descriptor,
		       const struct reference *names, size_t count);

/* -- What an image consists of ----------------------------------------------------------------------------- */

/*
 * Told of each blob once, manifests before what they lead to: when it returns 0 the blob is in the store and of the size it should be.
 * -ENOENT: it is nowhere.
 */
typedef int archive_need_fn(void *context, const struct image_descriptor *blob, struct err *err);

/*
 * All of it, below an index as well. Of an index platforms may be missing, as long as one is there; layers that may not be
 * distributed may be missing.
 */
int archive_walk(const struct store *store, const struct image_descriptor *descriptor,
		 archive_need_fn *need, void *context, struct err *err);
/* A need: it is in the store, or -ENOENT. */
int archive_walk_check(const struct store *store, const struct image_descriptor *blob,
		       struct err *err);
/* The type of what is in the store: as the descriptor says, or where that says nothing, as it looks. */
int archive_walk_type(const struct store *store, const struct image_descriptor *descriptor,
		      enum image_type *ret, struct err *err);

/* -- JSON that is made ---------------------------------------------------------------------------------------- */

typedef void archive_emit_fn(struct emit *emit, const void *context);
/* The caller owns the text. */
int archive_json(archive_emit_fn *fn, const void *context, char **ret, size_t *ret_size,
		 struct err *err);
/* mediaType, digest, size: the object stays open. */
void archive_emit_descriptor(struct emit *emit, const char *key, const char *media_type,
			     const struct oci_digest *digest, uint64_t size);

/* -- What is written --------------------------------------------------------------------------------------------- */

struct archive_sink;

/* `path` NULL: standard output. */
int archive_sink_open(struct archive_sink **ret, const char *path, bool is_directory,
		      struct err *err);
int archive_sink_folder(struct archive_sink *sink, const char *name, struct err *err);
int archive_sink_text(struct archive_sink *sink, const char *name, const char *text, size_t size,
		      struct err *err);
/* A blob, checked on the way. */
int archive_sink_blob(struct archive_sink *sink, const struct store *store,
		      const struct oci_digest *digest, struct err *err);
/* All of it is there: it gets its name. */
int archive_sink_end(struct archive_sink *sink, struct err *err);
/* Accepts NULL; what did not end is removed. */
struct archive_sink *archive_sink_close(struct archive_sink *sink);

#endif
