/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h: JSON that is written into memory: single strings, and values of a tree as they were read. */
#ifndef IMAGE_JSON_TEXT_H
#define IMAGE_JSON_TEXT_H

#include "base/buf.h"
#include "base/json.h"

/* In quotes, escaped. 0 or -ENOMEM, as all here. */
int json_text_string(struct buf *to, const char *bytes, size_t size);
/* A value, a member a line; `depth`: tabs that its closing bracket stands behind. Numbers keep their digits. */
int json_text_value(struct buf *to, struct json_value value, unsigned depth);
/* A line and its tabs. */
int json_text_line(struct buf *to, unsigned depth);
int json_text_put(struct buf *to, const char *text);

#endif
