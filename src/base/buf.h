/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h: a growing array of bytes or of equal items.
 *
 * Zero-initialised is empty. Growth doubles, so n appends cost O(n) copies; a failed growth leaves the
 * content as it was. Pointers into it die with the next append.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned */
	size_t size;   /* bytes in use */
	size_t room;   /* bytes allocated */
};

void buf_deinit(struct buf *buf);

/* Make room for `more` bytes behind the content: 0 or -ENOMEM. */
int buf_reserve(struct buf *buf, size_t more);

/* Append; returns the place of the new bytes, or NULL for no memory. buf_add leaves them as they are
 * (undefined), buf_zero clears them, buf_put copies. */
void *buf_add(struct buf *buf, size_t size);
void *buf_zero(struct buf *buf, size_t size);
void *buf_put(struct buf *buf, const void *bytes, size_t size);

/* The i-th item of an array of `type`. */
#define BUF_ITEM(buf, type, i) (&((type *)(void *)(buf)->data)[i])
#define BUF_COUNT(buf, type) ((buf)->size / sizeof(type))

#endif
