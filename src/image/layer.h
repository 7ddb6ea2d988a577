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

/* One that is made: entries sorted by path, owner 0, time 0 (or SOURCE_DATE_EPOCH), no names of users, parents added. */
struct layer_file {
	const char *path; /* in the image, absolute */
	const char *source; /* on this machine; NULL: a directory */
	uint32_t mode; /* 0: as the source has it: 0644, or 0755 where it may be executed */
};
/* As tar+gzip (level 9, no name, no time) into the store. */
int layer_make(struct store *store, const struct layer_file *files, uint32_t count,
	       struct image_descriptor *ret, struct oci_digest *diff, struct err *err);

#endif
