/* SPDX-License-Identifier: Apache-2.0 */
/* decode.h: bytes to image. The one door through which a module enters. */
#ifndef WASM_DECODE_H
#define WASM_DECODE_H

#include "base/err.h"
#include "wasm/image.h"

/* Outcomes of decode(): the module's fault, told apart as the specification does. */
enum {
	DECODE_MALFORMED = 1,
	DECODE_INVALID = 2,
};

/*
 * Decode and validate the module in the block (image_new, image_input). On success the block has become
 * the image and may have moved: *image is updated. Otherwise the block is the caller's as before,
 * with its module's bytes in an unknown state. `features` are FEATURE_BIT()s.
 */
int decode(struct image **image, uint64_t features, struct err *err);

#endif
