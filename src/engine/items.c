/* SPDX-License-Identifier: Apache-2.0 */
/* items.c: memories, tables and globals in the embedder's hands. */
#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "exec/ref.h"

static int take_limits(struct image_limits *to, const struct skiff_limits *from, uint64_t most,
		       struct err *err)
{
	*to = (struct image_limits){.min = from->min, .max = from->max, .is64 = from->is64};
	if (from->min > from->max || from->min > most)
		return err_set(err, SKIFF_MISUSE,
			       "a minimum of %llu: over the maximum or over %llu",
			       (unsigned long long)from->min, (unsigned long long)most);
	return 0;
}

static int take_memory_limits(struct image_limits *to, const struct skiff_limits *from,
			      struct err *err)
{
	if (from->shared && from->max == UINT64_MAX)
		return err_set(err, SKIFF_MISUSE, "a shared memory has to have a maximum");
	if (take_limits(to, from, from->is64 ? LIMIT_PAGES64_MADE : LIMIT_PAGES32, err) != 0)
		return SKIFF_MISUSE;
	to->shared = from->shared;
	return 0;
}

static struct skiff_limits limits_out(const struct image_limits *limits, uint64_t now)
{
	return (struct skiff_limits){now, limits->max, limits->is64, limits->shared};
}

void skiff_extern_type(struct skiff_extern item, struct skiff_externtype *ret)
{
	*ret = (struct skiff_externtype){.kind = item.kind};
	switch (item.kind) {
	case SKIFF_KIND_FUNC:
		ret->func = func_signature(func_in(item.of.func)).type;
		break;
	case SKIFF_KIND_TABLE: {
		const struct table *table = table_in(item.of.table);

		ret->limits = limits_out(&table->limits, table->size);
		ret->value = table->type;
		break;
	}
	case SKIFF_KIND_MEMORY: {
		const struct memory *memory = memory_in(item.of.memory);

		ret->limits = limits_out(&memory->limits, memory_pages(memory));
		break;
	}
	case SKIFF_KIND_GLOBAL:
		ret->value = global_in(item.of.global)->type;
		ret->is_mutable = global_in(item.of.global)->is_mutable;
		break;
	case SKIFF_KIND_TAG:
		ret->func = tag_signature(tag_in(item.of.tag)).type;
		break;
	}
}

/* -- Memories ------------------------------------------------------------------------------ */

int skiff_memory_new(struct skiff_memory **ret, struct skiff_store *store,
		     const struct skiff_limits *limits, struct skiff_error *err)
{
	struct image_limits known;
	struct memory *memory;
	int error = take_memory_limits(&known, limits, err_in(err));

	if (error != 0)
		return error;
	error = store_memory(&memory, store_in(store), &known);
	if (error < 0)
		return err_set(err_in(err), error,
			       "a memory of %llu pages: refused by the limiter or out of memory",
			       (unsigned long long)limits->min);
	*ret = memory_out(memory);
	return 0;
}

int skiff_shared_memory_new(struct skiff_memory **ret, struct skiff_engine *engine,
			    const struct skiff_limits *limits, struct skiff_error *err)
{
	struct image_limits known;
	struct memory *memory;
	int error = take_memory_limits(&known, limits, err_in(err));

	if (error != 0)
		return error;
	if (!known.shared)
		return err_set(err_in(err), SKIFF_MISUSE, "the limits do not say shared");
	error = memory_new_shared(&memory, &engine->common.pool, NULL, &known);
	if (error < 0)
		return err_set(err_in(err), error, "a shared memory of %llu pages: out of memory",
			       (unsigned long long)limits->min);
	*ret = memory_out(memory);
	return 0;
}

void skiff_shared_memory_free(struct skiff_memory *memory)
{
	memory_unref(memory_in(memory));
}

uint8_t *skiff_memory_data(struct skiff_memory *memory)
{
	return memory_in(memory)->base;
}

uint64_t skiff_memory_size(const struct skiff_memory *memory)
{
	return memory_size(memory_in(memory));
}

bool skiff_memory_grow(struct skiff_memory *memory, uint64_t pages, uint64_t *ret_old)
{
	uint64_t old = memory_grow(memory_in(memory), pages);

	if (old != UINT64_MAX && ret_old != NULL)
		*ret_old = old;
	return old != UINT64_MAX;
}

/* -- Tables -------------------------------------------------------------------------------- */

int skiff_table_new(struct skiff_table **ret, struct skiff_store *handle, uint32_t type,
		    const struct skiff_limits *limits, struct skiff_ref init,
		    struct skiff_error *err)
{
	struct store *store = store_in(handle);
	struct image_limits known;
	struct table *table;
	int error = take_limits(&known, limits, LIMIT_TABLE_ENTRIES, err_in(err));

	if (error != 0)
		return error;
	if (limits->shared)
		return err_set(err_in(err), SKIFF_MISUSE, "a table cannot be shared");
	if (!valtype_is_ref(type) || !ref_fits(store, init.word, type))
		return err_set(err_in(err), SKIFF_MISUSE, "the initial value is no %s",
			       valtype_name(type).text);
	error = store_table(&table, store, type, &known, init.word);
	if (error < 0)
		return err_set(err_in(err), error,
			       "a table of %llu entries: refused by the limiter or out of memory",
			       (unsigned long long)limits->min);
	*ret = table_out(table);
	return 0;
}

uint64_t skiff_table_size(const struct skiff_table *table)
{
	return table_in(table)->size;
}

bool skiff_table_get(struct skiff_table *table, uint64_t i, struct skiff_ref *ret)
{
	if (i >= table_in(table)->size)
		return false;
	ret->word = table_get(table_in(table), i);
	gc_pin(table_in(table)->store, ret->word);
	return true;
}

bool skiff_table_set(struct skiff_table *handle, uint64_t i, struct skiff_ref ref)
{
	struct table *table = table_in(handle);

	if (i >= table->size || !ref_fits(table->store, ref.word, table->type))
		return false;
	table_set(table, i, ref.word);
	return true;
}

bool skiff_table_grow(struct skiff_table *handle, uint64_t by, struct skiff_ref init,
		      uint64_t *ret_old)
{
	struct table *table = table_in(handle);
	uint64_t old;

	if (!ref_fits(table->store, init.word, table->type))
		return false;
	old = table_grow(table, by, init.word);
	if (old != UINT64_MAX && ret_old != NULL)
		*ret_old = old;
	return old != UINT64_MAX;
}

/* -- Globals ------------------------------------------------------------------------------- */

/* The types of globals are in the engine's numbering already. */
static const struct signature no_ids;

int skiff_global_new(struct skiff_global **ret, struct skiff_store *handle, bool is_mutable,
		     struct skiff_val value, struct skiff_error *err)
{
	struct store *store = store_in(handle);
	struct global *global;
	slot cell[2] = {0, 0};

	if (!values_in(store, &no_ids, &value.type, 1, &value, cell, err_in(err)))
		return SKIFF_MISUSE;
	if (store_global(&global, store, value.type, is_mutable) < 0)
		return err_set(err_in(err), -ENOMEM, "out of memory for a global");
	memcpy(global->cell, cell, sizeof(cell));
	*ret = global_out(global);
	return 0;
}

struct skiff_val skiff_global_get(const struct skiff_global *handle)
{
	const struct global *global = global_in(handle);
	struct skiff_val value;

	values_out(&global->type, 1, global->cell, &value);
	values_keep(global->store, &value, 1);
	return value;
}

bool skiff_global_set(struct skiff_global *handle, struct skiff_val value)
{
	struct global *global = global_in(handle);
	slot cell[2] = {0, 0};

	if (!global->is_mutable ||
	    !values_in(global->store, &no_ids, &global->type, 1, &value, cell, NULL))
		return false;
	memcpy(global->cell, cell, sizeof(cell));
	return true;
}
