/* SPDX-License-Identifier: Apache-2.0 */
/* platform.h: the option --platform, as verbs of images have it. */
#ifndef IMAGE_PLATFORM_H
#define IMAGE_PLATFORM_H

#include <stdbool.h>

#include "command/options.h"
#include "oci/image.h"

/* Of the option just read; what the wish borrows lies in `room`. False: a sentence was said, and o->code is set. */
bool platform_option(struct options *o, struct image_wish *ret, char room[static 128]);

#endif
