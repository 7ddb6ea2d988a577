/* SPDX-License-Identifier: Apache-2.0 */
/* store_uses.h: which roots containers run in, by their states. */
#ifndef IMAGE_STORE_USES_H
#define IMAGE_STORE_USES_H

#include "base/buf.h"
#include "image/store.h"

struct store_use_of { /* one container */
	char id[256];
	char root[80]; /* HEX, of roots/ */
};

struct store_uses {
	struct buf items; /* of struct store_use_of */
};

/*
 * All containers of this user whose root lies in the store. What is about to become one holds the store's lock and may not be told yet.
 * In doubt, where a state that is there cannot be read, it is a failure.
 */
int store_uses_read(const struct store *store, struct store_uses *ret, struct err *err);
void store_uses_deinit(struct store_uses *uses);
/* NULL: nobody runs in it. */
const char *store_uses_find(const struct store_uses *uses, const char *root);

#endif
