/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception.c: from an instruction to what catches there.
 *
 * The tries of an image lie in the order of the code, all functions' in one list. The last one that begins before an
 * instruction is either around it or inside of one that is: from there outwards, all that are around it are met, the
 * innermost first.
 */
#include "exec/exception.h"

#include <string.h>

struct exception *exception_new(struct store *store, struct tag *tag, const slot *values)
{
	struct exception *exception =
		(struct exception *)(void *)gc_new(store, OBJECT_EXCEPTION, tag->type, tag->slots,
						   sizeof(*exception) + tag->slots * sizeof(slot));

	if (exception == NULL)
		return NULL;
	exception->tag = tag;
	if (tag->slots != 0)
		memcpy(exception->values, values, tag->slots * sizeof(slot));
	return exception;
}

/* The last try that begins at or before the offset, or IMAGE_NONE. */
static uint32_t last_before(const struct image *image, uint32_t offset)
{
	const struct image_try *tries = IMAGE_ITEMS(image, struct image_try, tries);
	uint32_t low = 0, high = image->tries.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (tries[middle].begin <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1; /* IMAGE_NONE is the number before 0 */
}

const struct image_catch *exception_catch(const struct instance *instance, const uint8_t *pc,
					  const struct tag *tag)
{
	const struct image *image = instance->image;
	const struct image_try *tries = IMAGE_ITEMS(image, struct image_try, tries);
	const struct image_catch *catches = IMAGE_ITEMS(image, struct image_catch, catches);
	uint32_t offset = (uint32_t)(pc - image_module(image));
	uint32_t next;

	for (uint32_t try = last_before(image, offset); try != IMAGE_NONE; try = next) {
		next = tries[try].outer;
		if (offset >= tries[try].end)
			continue;
		for (uint32_t i = tries[try].first; i != IMAGE_NONE; i = catches[i].next) {
			if (catches[i].kind == CATCH_DELEGATE)
				next = catches[i].to;
			else if (catches[i].tag == IMAGE_NONE ||
				 instance->tags[catches[i].tag] == tag)
				return &catches[i];
		}
	}
	return NULL;
}
