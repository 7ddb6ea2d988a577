/* SPDX-License-Identifier: Apache-2.0 */
/* gc.c: a heap that keeps everything: objects end with their store. */
#include "exec/gc.h"

#include <stdlib.h>

#include "exec/store.h"

/* In front of an object: so a reference is 8 behind a multiple of 16, as ref.h wants it. */
struct gc_link {
	struct gc_link *next;
};

struct object *gc_new(struct store *store, enum object_kind kind, uint32_t type, uint32_t length,
		      uint64_t bytes)
{
	struct gc_link *link = calloc(1, sizeof(*link) + bytes);
	struct object *object = (struct object *)(void *)(link + 1);

	(void)kind;
	if (link == NULL)
		return NULL;
	link->next = store->objects;
	store->objects = link;
	object->type = type;
	object->length = length;
	return object;
}

void gc_deinit(struct store *store)
{
	while (store->objects != NULL) {
		struct gc_link *link = store->objects;

		store->objects = link->next;
		free(link);
	}
}
