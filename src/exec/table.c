/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "exec/store.h"

/* The item of the last active segment that covers entry i; false: none does. */
static bool covering(const struct table *table, uint64_t i, uint32_t *ret_item)
{
	const struct image *image = table->owner->image;
	const struct image_element *elements = IMAGE_ITEMS(image, struct image_element, elements);
	const uint32_t *items = IMAGE_ITEMS(image, uint32_t, items);

	for (uint32_t s = image->elements.count; s-- > 0;) {
		const struct image_element *e = &elements[s];

		if (e->mode == MODE_ACTIVE && e->table == table->index &&
		    table->owner->dropped_elements[s] && e->offset.kind == INIT_VALUE &&
		    i - e->offset.value < e->count) {
			*ret_item = items[e->first + (uint32_t)(i - e->offset.value)];
			return true;
		}
	}
	return false;
}

static slot first_value(const struct table *table, uint64_t i)
{
	uint32_t item;

	if (i >= table->lazy)
		return 0;
	if (table->owner == NULL || !covering(table, i, &item))
		return table->init;
	return item == ITEM_NULL ? 0 : ref_from_func(instance_func(table->owner, item));
}

slot table_get(struct table *table, uint64_t i)
{
	slot word = table->entries[i];

	if (word == 0) {
		word = first_value(table, i);
		table_set(table, i, word);
		return word;
	}
	return word == TABLE_NULL ? 0 : word;
}

/* Room for `size` entries in an array of the table's own. */
static bool make_room(struct table *table, uint64_t size)
{
	uint64_t room = MAX(size, table->room * 2);
	slot *entries;

	if (size <= table->room)
		return true;
	entries = realloc(table->room != 0 ? table->entries : NULL, room * sizeof(slot));
	if (entries == NULL)
		return false;
	if (table->room == 0 && table->size != 0)
		memcpy(entries, table->entries, table->size * sizeof(slot));
	table->entries = entries;
	table->room = room;
	return true;
}

uint64_t table_grow(struct table *table, uint64_t by, slot ref)
{
	uint64_t old = table->size;
	uint64_t most = MIN(table->limits.max, (uint64_t)LIMIT_TABLE_ENTRIES);

	if (by > most || old + by > most)
		return UINT64_MAX;
	if (by == 0)
		return old;
	if (!store_may_grow(table->store, EXTERN_TABLE, old, old + by) ||
	    !make_room(table, old + by))
		return UINT64_MAX;
	for (uint64_t i = old; i < old + by; i++)
		table_set(table, i, ref);
	table->size = old + by;
	return old;
}
