/* SPDX-License-Identifier: Apache-2.0 */
/* json_copy.h: JSON that was read is written as it was, whatever it says. */
#ifndef IMAGE_JSON_COPY_H
#define IMAGE_JSON_COPY_H

#include "base/json.h"
#include "command/emit.h"

/* `key` NULL: inside an array. No deeper than JSON_DEPTH_MAX; numbers beyond a double's become 0. */
void json_copy(struct emit *e, const char *key, struct json_value value);

#endif
