/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "exec/gc.h"

int store_new(struct store **ret, struct common *common, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return err_set(err, -ENOMEM, "out of memory for a store");
	store->common = common;
	store->coredump_fd = -1;
	if (thread_init(&store->thread, store, common->stack_bytes, common->fuel) < 0) {
		free(store);
		return err_set(err, -ENOMEM, "cannot map a guest stack of %llu bytes",
			       (unsigned long long)common->stack_bytes);
	}
	*ret = store;
	return 0;
}

static void free_item(struct host_item *item)
{
	if (item->kind == EXTERN_TABLE)
		free(item->of.table.entries);
	if (item->is_shared)
		memory_unref(item->of.shared);
	else if (item->kind == EXTERN_MEMORY)
		memory_deinit(&item->of.memory);
	if (item->kind == EXTERN_TAG)
		free((void *)(uintptr_t)item->of.tag.params);
	free(item);
}

void store_free(struct store *store)
{
	if (store == NULL)
		return;
	while (store->instances != NULL)
		instance_free(store->instances);
	while (store->items != NULL) {
		struct host_item *item = store->items;

		store->items = item->next;
		free_item(item);
	}
	while (store->hosts != NULL) {
		struct host *host = store->hosts;

		store->hosts = host->next;
		host->release(host);
	}
	gc_deinit(store);
	thread_deinit(&store->thread);
	free(store);
}

/* -- Items of the host -------------------------------------------------------------------- */

static struct host_item *new_item(struct store *store, enum extern_kind kind)
{
	struct host_item *item = calloc(1, sizeof(*item));

	if (item == NULL)
		return NULL;
	item->kind = kind;
	item->next = store->items;
	store->items = item;
	return item;
}

/* Take back the item just added. */
static int drop_item(struct store *store, struct host_item *item)
{
	store->items = item->next;
	free(item);
	return -ENOMEM;
}

int store_global(struct global **ret, struct store *store, uint32_t type, bool is_mutable)
{
	struct host_item *item = new_item(store, EXTERN_GLOBAL);

	if (item == NULL)
		return -ENOMEM;
	item->of.global.type = type;
	item->of.global.is_mutable = is_mutable;
	item->of.global.store = store;
	*ret = &item->of.global;
	return 0;
}

int store_table(struct table **ret, struct store *store, uint32_t type,
		const struct image_limits *limits, slot init)
{
	struct host_item *item;
	struct table *table;

	if (limits->min > LIMIT_TABLE_ENTRIES ||
	    !store_may_grow(store, EXTERN_TABLE, 0, limits->min))
		return -ENOMEM;
	item = new_item(store, EXTERN_TABLE);
	if (item == NULL)
		return -ENOMEM;
	table = &item->of.table;
	table->entries = calloc(limits->min + 1, sizeof(slot));
	if (table->entries == NULL)
		return drop_item(store, item);
	table->size = limits->min;
	table->index_mask = table_index_mask(limits);
	table->room = limits->min + 1;
	table->lazy = limits->min;
	table->init = init;
	table->type = type;
	table->store = store;
	table->limits = *limits;
	*ret = table;
	return 0;
}

int store_memory(struct memory **ret, struct store *store, const struct image_limits *limits)
{
	struct host_item *item = new_item(store, EXTERN_MEMORY);

	if (item == NULL)
		return -ENOMEM;
	item->is_shared = limits->shared;
	if (limits->shared) {
		if (memory_new_shared(ret, &store->common->pool, store, limits) < 0)
			return drop_item(store, item);
		item->of.shared = *ret;
		return 0;
	}
	if (memory_init(&item->of.memory, &store->common->pool, store, limits, NULL) < 0)
		return drop_item(store, item);
	*ret = &item->of.memory;
	return 0;
}

int store_tag(struct tag **ret, struct store *store, const uint32_t *params, uint32_t count)
{
	struct host_item *item = new_item(store, EXTERN_TAG);
	uint32_t *copy;

	if (item == NULL)
		return -ENOMEM;
	copy = calloc(count + 1, sizeof(*copy));
	if (copy == NULL)
		return drop_item(store, item);
	if (count != 0)
		memcpy(copy, params, count * sizeof(*copy));
	item->of.tag.params = copy;
	item->of.tag.param_count = count;
	item->of.tag.store = store;
	*ret = &item->of.tag;
	return 0;
}
