/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_image.h: what data segments leave in a module's first memory, as a range of a file.
 *
 * The range is mapped copy-on-write over the memory of each instance, so no segment is copied and pages that nobody writes
 * to are shared. It lies in a file of its own, which a module makes for its second instance, or in the module's artifact.
 */
#ifndef EXEC_MEMORY_IMAGE_H
#define EXEC_MEMORY_IMAGE_H

#include <stdbool.h>

#include "wasm/image.h"

#define MEMORY_IMAGE_PAGE 4096

struct memory_image {
	int fd; /* whoever holds the struct says who owns it; -1: none made */
	uint64_t at; /* offset in the file, page-aligned */
	uint64_t begin; /* page-aligned addresses of the memory it covers */
	uint64_t end;
};

/*
 * Which addresses it covers: all that data segments of constant place write to. False: a segment may fail, or lies elsewhere
 * than in a memory 0 of our own, or more than `holes` bytes in between, and more than the segments themselves, would
 * hold nothing.
 */
bool memory_image_extent(const struct image *image, uint64_t holes, struct memory_image *ret);

/* Write the segments to a file that is long enough and zero there. 0 or a negative errno. */
int memory_image_write(const struct image *image, const struct memory_image *memory);

#endif
