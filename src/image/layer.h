/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer.h: layers of images: unpack them so that nothing gets out, and make them so that the same files give the same bytes.
 *
 * Unpacking follows no link by the kernel: a path is walked name by name, and links in its way, of this layer or of lower ones, are resolved
 * with the root as their world, as a container would see them. An entry replaces what is there by its name, a link above all; whiteouts remove
 * what lower layers brought and nothing else. Device nodes, FIFOs and sockets are left out; set-id bits are dropped, and of extended
 * attributes all but those of users; owners are kept by root only. An ordinary user may always write in the directories: else the image
 * could not be removed.
 */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/hash.h"
#include "image/store.h"
#include "oci/image.h"

struct layer_limits { /* of all layers of an image together */
	uint64_t bytes; /* unpacked; default 16 GiB */
	uint64_t entries; /* default 1,000,000 */
	uint64_t ratio; /* unpacked against packed, once 64 MiB are unpacked; default 1,000 */
	uint64_t left_out; /* counted up: what is no file, directory or link */
};
extern const struct layer_limits layer_limits_default;
/* These, or what $SKIFF_UNPACK_BYTES, $SKIFF_UNPACK_ENTRIES and $SKIFF_UNPACK_RATIO say. */
int layer_limits_read(struct layer_limits *ret, struct err *err);

/*
 * Over what lies in `root`. *left shrinks. *diff: digest of the tar, to be compared with the config's. Nobody else works in the root meanwhile.
 * -EBADMSG: it is damaged, or no tar. -EINVAL: it says what no layer may say. -EFBIG: a limit, and the sentence says how to raise it.
 */
int layer_unpack(int fd, enum image_type type, int root, struct layer_limits *left,
		 struct oci_digest *diff, struct err *err);

/* A file of a layer that is made. What it borrows stays as long as it does. */
struct layer_file {
	const char *path; /* in the image: absolute, without dots */
	const char *source; /* on this machine; NULL: a directory, or a link */
	int root; /* a descriptor below which the source is, whatever links lead to; AT_FDCWD: it is wherever the user says */
	const char *link; /* the text of a link */
	uint32_t
		mode; /* 0: as the source has it: 0644, or 0755 where it may be executed; 0755 of directories */
	uint32_t user, group;
};

/* A descriptor of its source. */
int layer_file_open(const struct layer_file *file);

struct layer_list {
	const struct layer_file *files; /* of one path the last counts */
	uint32_t count;
	int64_t time; /* of all of them */
};

/*
 * As tar+gzip (level 9, no name, no time, sorted by path, no names of users, parents added) into the store: the same files give the same
 * bytes. -ENOTDIR: a path has another file's for a parent. The descriptor's texts are static.
 */
int layer_make(const struct store *store, const struct layer_list *list,
	       struct image_descriptor *ret, struct oci_digest *diff, struct err *err);

#endif
