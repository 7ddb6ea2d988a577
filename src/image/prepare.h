/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.h: make what lies in the store ready to run: root unpacked, and what oci/store.h calls ready. */
#ifndef IMAGE_PREPARE_H
#define IMAGE_PREPARE_H

#include "image/store.h"

/* `platform`: as it was asked for, or NULL. Of an image without any wasm the sentence says what it is instead. */
int prepare(struct store *store, const struct oci_digest *digest, const char *platform,
	    struct err *err);

#endif
