/* SPDX-License-Identifier: Apache-2.0 */
/* root.h: the layers of an image to a directory of roots/. */
#ifndef IMAGE_ROOT_H
#define IMAGE_ROOT_H

#include "image/store.h"
#include "oci/store.h"

/*
 * Unpacked, unless it is there: root, and of an artifact module and path of *ret are filled in. `config` NULL: it has none that says what
 * the layers unpack to. Two processes with one image wait for one another.
 */
int root_make(const struct store *store, const struct image_manifest *manifest,
	      const struct image_config *config, struct ready *ret, struct err *err);
/* Does any file of it begin as a module does? */
bool root_has_module(const struct store *store, const char *root);

#endif
