/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.c: making, resetting and ending instances (specification: "Execution, Instantiation").
 */
#include "exec/instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "exec/init.h"
#include "exec/module.h"
#include "exec/runtime.h"
#include "exec/store.h"

/* Larger blocks come from the system a page at a time as they are touched. */
enum { BLOCK_MAPPED = 16 * 1024 };

static struct instance *block_new(size_t size)
{
	void *block;

	if (size < BLOCK_MAPPED) {
		block = aligned_alloc(64, align_up(size, 64));
		return block == NULL ? NULL : memset(block, 0, size);
	}
	block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return block == MAP_FAILED ? NULL : block;
}

static void block_free(struct instance *instance)
{
	if (instance->block < BLOCK_MAPPED)
		free(instance);
	else
		munmap(instance, instance->block);
}

#define AT(instance, offset) ((void *)((uint8_t *)(instance) + (offset)))

static void place(struct instance *in, struct store *store, struct module *module)
{
	const struct module_layout *l = &module->layout;
	const struct image *image = module->image;

	in->block = l->size;
	in->store = store;
	in->module = module_ref(module);
	in->image = image;
	in->type_ids = module->type_ids;
	in->type_infos = module->type_infos;
	in->imported_funcs = image->imported_funcs;
	in->globals = AT(in, l->globals);
	in->imports = AT(in, l->imports);
	in->tables = AT(in, l->tables);
	in->memories = AT(in, l->memories);
	in->tags = AT(in, l->tags);
	in->own_memories = AT(in, l->own_memories);
	in->own_tables = AT(in, l->own_tables);
	in->own_globals = AT(in, l->own_globals);
	in->own_tags = AT(in, l->own_tags);
	in->dropped_datas = AT(in, l->dropped);
	in->dropped_elements = in->dropped_datas + image->datas.count;
	in->own_entries = AT(in, l->entries);
	in->funcs = AT(in, l->funcs);
	in->func_base = (uintptr_t)in->funcs - image->imported_funcs * sizeof(struct func);
}

/* -- Imports ----------------------------------------------------------------------------- */

static void take_imports(struct instance *in, const union extern_item *items)
{
	const struct image_import *imports = IMAGE_ITEMS(in->image, struct image_import, imports);

	for (uint32_t i = 0; i < in->image->imports.count; i++) {
		uint32_t index = imports[i].index;

		switch ((enum extern_kind)imports[i].kind) {
		case EXTERN_FUNC:
			in->imports[index] = items[i].func;
			break;
		case EXTERN_TABLE:
			in->tables[index] = items[i].table;
			break;
		case EXTERN_MEMORY:
			in->memories[index] = memory_ref(items[i].memory);
			break;
		case EXTERN_GLOBAL:
			in->globals[index] = items[i].global;
			break;
		case EXTERN_TAG:
			in->tags[index] = items[i].tag;
			break;
		}
	}
}

/* -- Functions --------------------------------------------------------------------------- */

struct func *instance_func_slow(struct instance *in, uint32_t index)
{
	const struct image *image = in->image;
	const struct image_func *from = image_func(image, index);
	struct func *func;

	if (index < in->imported_funcs)
		return in->imports[index];
	func = &in->funcs[index - in->imported_funcs];
	if (func->entry != NULL)
		return func;
	module_fuse(in->module, index);
	func->of.instance = in;
	func->code = image_module(image) + from->code;
	func->side = IMAGE_ITEMS(image, struct image_side, side) + from->side;
	if (from->local_map != IMAGE_NONE)
		func->local_map = IMAGE_ITEMS(image, uint16_t, local_slots) + from->local_map;
	func->type = in->type_ids[from->type];
	func->index = index;
	func->params = from->params;
	func->results = from->results;
	func->locals = from->locals;
	func->frame = from->frame;
	func->entry = in->store->common->tier.entry;
	return func;
}

/* -- State ------------------------------------------------------------------------------- */

static enum trap init_globals(struct instance *in)
{
	const struct image_global *globals = IMAGE_ITEMS(in->image, struct image_global, globals);
	uint32_t imported = in->image->imported_globals;
	enum trap trap = TRAP_NONE;

	for (uint32_t i = imported; trap == TRAP_NONE && i < in->image->globals.count; i++) {
		struct global *global = &in->own_globals[i - imported];

		global->type = registry_valtype(in->type_ids, globals[i].type);
		global->is_mutable = globals[i].is_mutable;
		global->store = in->store;
		in->globals[i] = global;
		trap = init_value(in, &globals[i].init, global->cell);
	}
	return trap;
}

static void init_tags(struct instance *in)
{
	const uint32_t *tags = IMAGE_ITEMS(in->image, uint32_t, tags);
	uint32_t imported = in->image->imported_tags;
	struct type_space space = image_types(in->image);

	for (uint32_t i = imported; i < in->image->tags.count; i++) {
		struct tag *tag = &in->own_tags[i - imported];

		tag->type = in->type_ids[tags[i]];
		tag->slots = type_at(&space, tags[i])->param_slots;
		tag->store = in->store;
		tag->params = type_words(&space, type_at(&space, tags[i]));
		tag->param_count = type_at(&space, tags[i])->params;
		tag->ids = in->type_ids;
		in->tags[i] = tag;
	}
}

/* What the entries of a table of our own hold until something else is written. */
static enum trap init_table_value(struct instance *in, uint32_t index)
{
	const struct image_table *tables = IMAGE_ITEMS(in->image, struct image_table, tables);
	slot value[2] = {0, 0};
	enum trap trap = init_value(in, &tables[index].init, value);

	in->own_tables[index - in->image->imported_tables].init = value[0];
	return trap;
}

static int init_tables(struct instance *in)
{
	const struct image_table *tables = IMAGE_ITEMS(in->image, struct image_table, tables);
	uint32_t imported = in->image->imported_tables;
	slot *entries = in->own_entries;

	for (uint32_t i = imported; i < in->image->tables.count; i++) {
		struct table *table = &in->own_tables[i - imported];

		if (!store_may_grow(in->store, EXTERN_TABLE, 0, tables[i].limits.min))
			return -ENOMEM;
		if (init_table_value(in, i) != TRAP_NONE)
			return -ENOMEM;
		table->entries = entries;
		table->size = table->lazy = tables[i].limits.min;
		table->index_mask = table_index_mask(&tables[i].limits);
		table->owner = in;
		table->store = in->store;
		table->index = i;
		table->type = registry_valtype(in->type_ids, tables[i].type);
		table->limits = tables[i].limits;
		in->tables[i] = table;
		entries += table->size;
	}
	return 0;
}

static struct memory *shown_memory(const struct instance *in)
{
	const struct image_export *exports = IMAGE_ITEMS(in->image, struct image_export, exports);
	static const char name[] = "memory";

	if (in->image->memories.count < 2)
		return in->image->memories.count != 0 ? in->memories[0] : NULL;
	for (uint32_t i = 0; i < in->image->exports.count; i++)
		if (exports[i].kind == EXTERN_MEMORY && exports[i].name.size == strlen(name) &&
		    memcmp(image_module(in->image) + exports[i].name.at, name, strlen(name)) == 0)
			return in->memories[exports[i].index];
	return in->memories[0];
}

static int init_memories(struct instance *in)
{
	const struct image_memory *memories = IMAGE_ITEMS(in->image, struct image_memory, memories);
	uint32_t imported = in->image->imported_memories;
	static struct memory none; /* of size 0, never written */
	int err = 0;

	for (uint32_t i = imported; err == 0 && i < in->image->memories.count; i++) {
		struct memory *memory = &in->own_memories[i - imported];
		const struct memory_image *image;

		if (memories[i].limits.shared) {
			err = memory_new_shared(&in->memories[i], &in->store->common->pool,
						in->store, &memories[i].limits);
			continue;
		}
		image = i == 0 ? module_memory_image(in->module) : NULL;
		err = memory_init(memory, &in->store->common->pool, in->store, &memories[i].limits,
				  image);
		in->memories[i] = memory;
	}
	in->memory = in->image->memories.count != 0 ? in->memories[0] : &none;
	in->shown_memory = shown_memory(in);
	return err;
}

/* -- Segments ---------------------------------------------------------------------------- */

/*
 * A segment of plain functions for a table of our own waits until an entry is used (table.h). But a later
 * segment must not be overtaken by an earlier one: once one was written out, all that follow are.
 */
static bool can_wait(const struct instance *in, const struct image_element *e, bool wrote)
{
	return !wrote && e->is_plain && e->offset.kind == INIT_VALUE &&
	       e->table >= in->image->imported_tables;
}

/*
 * Segments of expressions: what they make is made once, however often the segment is used, and before anything is written.
 * Active ones, too: where making the instance ends by a trap, those behind are still there for its functions to use.
 */
static int init_elements(struct instance *in)
{
	const struct image_element *elements =
		IMAGE_ITEMS(in->image, struct image_element, elements);
	uint32_t count = in->image->elements.count;

	for (uint32_t i = 0; i < count; i++) {
		slot *values;

		if (elements[i].mode == MODE_DECLARED || elements[i].is_plain)
			continue;
		if (in->elements == NULL)
			in->elements = calloc(count, sizeof(*in->elements));
		if (in->elements == NULL)
			return -ENOMEM;
		values = in->elements[i];
		if (values == NULL)
			values = in->elements[i] = calloc(elements[i].count + 1, sizeof(slot));
		if (values == NULL)
			return -ENOMEM;
		for (uint32_t k = 0; k < elements[i].count; k++)
			if (runtime_element_value(in, &elements[i], k, &values[k]) != TRAP_NONE)
				return -ENOMEM;
	}
	return 0;
}

static void free_elements(struct instance *in)
{
	for (uint32_t i = 0; in->elements != NULL && i < in->image->elements.count; i++)
		free(in->elements[i]);
	free(in->elements);
}

/* An active segment has done what it is for. */
static void drop_element(struct instance *in, uint32_t i)
{
	in->dropped_elements[i] = 1;
	if (in->elements == NULL)
		return;
	free(in->elements[i]);
	in->elements[i] = NULL;
}

static int put_elements(struct instance *in, bool imported)
{
	const struct image_element *elements =
		IMAGE_ITEMS(in->image, struct image_element, elements);
	bool wrote = false;
	slot offset[2];
	enum trap trap;

	for (uint32_t i = 0; i < in->image->elements.count; i++) {
		const struct image_element *e = &elements[i];

		if (e->mode == MODE_DECLARED)
			in->dropped_elements[i] = 1;
		if (e->mode != MODE_ACTIVE)
			continue;
		if (!imported && e->table < in->image->imported_tables) {
			drop_element(in, i);
			continue;
		}
		init_value(in, &e->offset, offset);
		if (!table_contains(in->tables[e->table], offset[0], e->count))
			return TRAP_OUT_OF_BOUNDS_TABLE;
		if (!can_wait(in, e, wrote)) {
			trap = runtime_put_elements(in, e, in->tables[e->table], offset[0], 0,
						    e->count);
			if (trap != TRAP_NONE)
				return (int)trap;
			wrote = true;
		}
		drop_element(in, i);
	}
	return TRAP_NONE;
}

/* Is the segment's content in its memory already: mapped from the module's image, which holds all. */
static bool is_mapped(const struct instance *in, const struct image_data *d)
{
	return d->memory >= in->image->imported_memories && in->memories[d->memory]->image != NULL;
}

static int put_datas(struct instance *in, bool imported)
{
	const struct image_data *datas = IMAGE_ITEMS(in->image, struct image_data, datas);
	slot offset[2];

	for (uint32_t i = 0; i < in->image->datas.count; i++) {
		const struct image_data *d = &datas[i];

		if (d->mode != MODE_ACTIVE)
			continue;
		if (is_mapped(in, d) || (!imported && d->memory < in->image->imported_memories)) {
			in->dropped_datas[i] = 1;
			continue;
		}
		init_value(in, &d->offset, offset);
		if (!memory_contains(in->memories[d->memory], offset[0], d->bytes.size))
			return TRAP_OUT_OF_BOUNDS_MEMORY;
		in->dropped_datas[i] = 1;
		if (d->bytes.size > 0)
			memcpy(in->memories[d->memory]->base + offset[0],
			       image_module(in->image) + d->bytes.at, d->bytes.size);
	}
	return TRAP_NONE;
}

/* `imported`: also those that go to items of others; a reset leaves these alone. */
static int put_segments(struct instance *in, bool imported)
{
	int trap = put_elements(in, imported);

	return trap != TRAP_NONE ? trap : put_datas(in, imported);
}

/* -- Making and ending -------------------------------------------------------------------- */

static int no_room(const struct instance *in, struct err *err)
{
	return err_set(err, -ENOMEM,
		       "cannot make the instance's memories and tables: refused by a limit or out "
		       "of memory (an instance takes %zu bytes beside its memories)",
		       in->block);
}

/* Before a block is asked for that has room for them. */
static int check_tables(const struct image *image, struct err *err)
{
	const struct image_table *tables = IMAGE_ITEMS(image, struct image_table, tables);

	for (uint32_t i = image->imported_tables; i < image->tables.count; i++)
		if (tables[i].limits.min > LIMIT_TABLE_ENTRIES)
			return err_set(err, -ENOMEM, "table %u has %llu entries, the limit is %d",
				       i, (unsigned long long)tables[i].limits.min,
				       LIMIT_TABLE_ENTRIES);
	return 0;
}

int instance_new(struct instance **ret, struct store *store, struct module *module,
		 const union extern_item *imports, int *trap, struct err *err)
{
	int error = check_tables(module->image, err);
	struct instance *in;

	if (error != 0)
		return error;
	in = block_new(module->layout.size);
	if (in == NULL)
		return err_set(err, -ENOMEM, "out of memory for an instance of %zu bytes",
			       module->layout.size);
	place(in, store, module);
	in->next = store->instances;
	store->instances = in;
	take_imports(in, imports);
	init_tags(in);
	error = init_globals(in) != TRAP_NONE ? -ENOMEM : init_tables(in);
	if (error == 0)
		error = init_memories(in);
	if (error == 0)
		error = init_elements(in);
	if (error != 0) {
		no_room(in, err);
		instance_free(in);
		return error;
	}
	*ret = in;
	*trap = put_segments(in, true);
	return *trap != TRAP_NONE ? INSTANCE_TRAP : 0;
}

static void unlink_instance(struct instance *in)
{
	struct instance **at = &in->store->instances;

	while (*at != in)
		at = &(*at)->next;
	*at = in->next;
}

/* An exception nobody has asked for since is no reason to look at a tag that is gone. */
static void forget_exception(struct instance *in)
{
	struct thread *thread = &in->store->thread;
	uint32_t count = in->image->tags.count - in->image->imported_tags;

	for (uint32_t i = 0; thread->exception != NULL && i < count; i++)
		if (thread->exception->tag == &in->own_tags[i])
			thread->exception = NULL;
}

/* Those that came with the imports, and those made here, as far as they were. */
static void unref_shared(struct instance *in)
{
	const struct image_memory *memories = IMAGE_ITEMS(in->image, struct image_memory, memories);

	for (uint32_t i = 0; i < in->image->memories.count; i++)
		if (memories[i].limits.shared)
			memory_unref(in->memories[i]);
}

void instance_free(struct instance *in)
{
	struct module *module;

	if (in == NULL)
		return;
	module = in->module;
	forget_exception(in);
	unlink_instance(in);
	for (uint32_t i = 0; i < in->image->tables.count - in->image->imported_tables; i++)
		if (in->own_tables[i].room != 0)
			free(in->own_tables[i].entries);
	for (uint32_t i = 0; i < in->image->memories.count - in->image->imported_memories; i++)
		memory_deinit(&in->own_memories[i]);
	free_elements(in);
	unref_shared(in);
	block_free(in);
	module_unref(module);
}

static void reset_tables(struct instance *in)
{
	slot *entries = in->own_entries;

	for (uint32_t i = 0; i < in->image->tables.count - in->image->imported_tables; i++) {
		struct table *table = &in->own_tables[i];

		if (table->room != 0)
			free(table->entries);
		table->room = 0;
		table->entries = entries;
		table->size = table->lazy;
		memset(entries, 0, table->size * sizeof(slot));
		entries += table->size;
	}
}

/* No segment is dropped any more, and the collector keeps what those of expressions hold: nothing of before. */
static void reset_segments(struct instance *in)
{
	const struct image_element *elements =
		IMAGE_ITEMS(in->image, struct image_element, elements);

	memset(in->dropped_datas, 0, (size_t)in->image->datas.count + in->image->elements.count);
	for (uint32_t i = 0; in->elements != NULL && i < in->image->elements.count; i++)
		if (in->elements[i] != NULL)
			memset(in->elements[i], 0, elements[i].count * sizeof(slot));
}

/* In the order in which they were made. */
static bool reset_objects(struct instance *in)
{
	enum trap trap = init_globals(in);

	for (uint32_t i = in->image->imported_tables;
	     trap == TRAP_NONE && i < in->image->tables.count; i++)
		trap = init_table_value(in, i);
	return trap == TRAP_NONE && init_elements(in) == 0;
}

int instance_reset(struct instance *in, struct err *err)
{
	reset_tables(in);
	reset_segments(in);
	if (!reset_objects(in))
		return err_set(err, -ENOMEM,
			       "cannot make the objects of a global, table or segment");
	for (uint32_t i = in->image->imported_memories; i < in->image->memories.count; i++) {
		int error = memory_reset(in->memories[i]);

		if (error != 0)
			return err_set(err, error,
				       error == -EBUSY
					       ? "a shared memory that others use cannot be reset"
					       : "cannot reset a memory");
	}
	if (put_segments(in, false) != TRAP_NONE)
		return err_set(err, -EIO, "a segment no longer fits what it is imported from");
	return 0;
}
