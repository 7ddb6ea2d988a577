/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h: RFC 4648, with + and / and padding. */
#ifndef IMAGE_BASE64_H
#define IMAGE_BASE64_H

#include <stddef.h>

/* The caller owns it; NULL: no memory. */
char *base64_encode(const void *bytes, size_t size);
/* Strict, but for missing padding. NULL: it is none, or no memory. A NUL stands behind the bytes. */
char *base64_decode(const char *text, size_t *ret_size);

#endif
