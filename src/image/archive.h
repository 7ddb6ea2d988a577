/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.h: images from files and into files: OCI layouts, these as tar archives, and what docker saves.
 *
 * Reading goes from the beginning to the end once, so that an archive may come through a pipe, and packed by gzip, bzip2, xz or zstd.
 * What fails leaves blobs without a name, which the store collects; a name stands only for what is whole.
 */
#ifndef IMAGE_ARCHIVE_H
#define IMAGE_ARCHIVE_H

#include "base/buf.h"
#include "base/err.h"
#include "image/store.h"

struct archive_image { /* one that was loaded */
	struct reference name;
	struct oci_digest digest;
};

/*
 * `path`: an archive or a directory; NULL: standard input. `name`: what to call the one image in it, NULL: what it is called there.
 * *ret grows by a struct archive_image for each name that was given, also if it fails afterwards.
 */
int archive_load(const struct store *store, const char *path, const struct reference *name,
		 struct buf *ret, struct err *err);

enum archive_format {
	ARCHIVE_OCI, /* a layout as tar, and beside it manifest.json of docker, as docker 25 and later save it */
	ARCHIVE_LAYOUT, /* a directory */
	ARCHIVE_DOCKER, /* the same of one platform each, for those that know manifest.json only */
};

struct archive_save {
	enum archive_format format;
	const char *
		path; /* a file, or of a layout a directory that is empty or not there; NULL: standard output */
	char *const *words; /* images, as store_find() takes them */
	size_t count;
	struct image_wish wish; /* `given`: of an index this platform alone */
};

/*
 * The same images give the same bytes; manifest.json of an index names this machine's linux, if that is there. A file has its name when
 * it is whole.
 */
int archive_save(const struct store *store, const struct archive_save *save, struct err *err);

#endif
