/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linker.c: names to items, and a module's imports resolved against them.
 *
 * Definitions are in one array, searched from its end, so a later one replaces an earlier. What a module
 * imports is looked up once, in skiff_prelink(); instances are then made from the resolved list.
 */
#include "engine/linker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/threads.h"

struct definition {
	char *names; /* owned: module, then name */
	uint32_t module_size, name_size;
	struct host_def *host; /* counted; NULL: `item` */
	struct skiff_extern item;
	struct memory *shared; /* the item, counted, if it is a shared memory */
};

struct skiff_linker {
	struct skiff_engine *engine; /* counted */
	struct system *wasi; /* counted; NULL: none offered */
	struct buf definitions;
};

/* -- Definitions --------------------------------------------------------------------------- */

int skiff_linker_new(struct skiff_linker **ret, struct skiff_engine *engine,
		     struct skiff_error *err)
{
	struct skiff_linker *linker = calloc(1, sizeof(*linker));

	if (linker == NULL)
		return err_set(err_in(err), -ENOMEM, "out of memory for a linker");
	linker->engine = engine_ref(engine);
	*ret = linker;
	return 0;
}

static uint32_t count_of(const struct skiff_linker *linker)
{
	return (uint32_t)BUF_COUNT(&linker->definitions, struct definition);
}

static const struct definition *definition_at(const struct skiff_linker *linker, uint32_t i)
{
	return BUF_ITEM(&linker->definitions, const struct definition, i);
}

void skiff_linker_free(struct skiff_linker *linker)
{
	if (linker == NULL)
		return;
	for (uint32_t i = 0; i < count_of(linker); i++) {
		free(definition_at(linker, i)->names);
		host_def_unref(definition_at(linker, i)->host);
		memory_unref(definition_at(linker, i)->shared);
	}
	buf_deinit(&linker->definitions);
	system_unref(linker->wasi);
	engine_unref(linker->engine);
	free(linker);
}

void linker_set_wasi(struct skiff_linker *linker, struct system *system)
{
	system_unref(linker->wasi);
	linker->wasi = system_ref(system);
}

/* NULL: it is no shared memory. */
static struct memory *shared_in(const struct skiff_extern *item)
{
	struct memory *memory = item->kind == SKIFF_KIND_MEMORY ? memory_in(item->of.memory) : NULL;

	return memory != NULL && memory->limits.shared ? memory : NULL;
}

static int define(struct skiff_linker *linker, const char *module, size_t module_size,
		  const char *name, size_t name_size, struct host_def *host,
		  struct skiff_extern item, struct err *err)
{
	struct definition def = {.host = host, .item = item};

	if (module_size > UINT32_MAX / 2 || name_size > UINT32_MAX / 2)
		return err_set(err, SKIFF_MISUSE, "a name of over 2 GiB");
	def.names = malloc(module_size + name_size + 1);
	if (def.names == NULL)
		return err_set(err, -ENOMEM, "out of memory for a name");
	def.shared = shared_in(&item);
	if (module_size != 0)
		memcpy(def.names, module, module_size);
	if (name_size != 0)
		memcpy(def.names + module_size, name, name_size);
	def.module_size = (uint32_t)module_size;
	def.name_size = (uint32_t)name_size;
	if (buf_put(&linker->definitions, &def, sizeof(def)) == NULL) {
		free(def.names);
		return err_set(err, -ENOMEM, "out of memory for a definition");
	}
	if (def.shared != NULL)
		memory_ref(def.shared);
	return 0;
}

int skiff_linker_func(struct skiff_linker *linker, const char *module, const char *name,
		      const struct skiff_functype *type, skiff_host_fn *fn, void *env,
		      void (*env_free)(void *env), struct skiff_error *err)
{
	struct skiff_extern none = {.kind = SKIFF_KIND_FUNC};
	struct host_def *def;
	int error = host_def_new(&def, linker->engine, type, fn, env, env_free, err_in(err));

	if (error != 0)
		return error;
	error = define(linker, module, strlen(module), name, strlen(name), def, none, err_in(err));
	if (error != 0) {
		def->env_free = NULL; /* refused: the environment stays the caller's */
		host_def_unref(def);
	}
	return error;
}

int skiff_linker_extern(struct skiff_linker *linker, const char *module, size_t module_size,
			const char *name, size_t name_size, struct skiff_extern item,
			struct skiff_error *err)
{
	return define(linker, module, module_size, name, name_size, NULL, item, err_in(err));
}

int skiff_linker_instance(struct skiff_linker *linker, const char *module, size_t module_size,
			  struct skiff_instance *instance, struct skiff_error *err)
{
	struct skiff_export export;
	struct skiff_extern item;
	int error = 0;

	for (uint32_t i = 0; error == 0; i++) {
		if (!skiff_module_export(skiff_instance_module(instance), i, &export))
			break;
		if (skiff_instance_export(instance, export.name.bytes, export.name.size, &item))
			error = skiff_linker_extern(linker, module, module_size, export.name.bytes,
						    export.name.size, item, err);
	}
	return error;
}

/* -- Names --------------------------------------------------------------------------------- */

static bool names_are(const struct definition *def, struct skiff_name module,
		      struct skiff_name name)
{
	return def->module_size == module.size && def->name_size == name.size &&
	       memcmp(def->names, module.bytes, module.size) == 0 &&
	       memcmp(def->names + module.size, name.bytes, name.size) == 0;
}

static const struct definition *find(const struct skiff_linker *linker, struct skiff_name module,
				     struct skiff_name name)
{
	for (uint32_t i = count_of(linker); i-- > 0;)
		if (names_are(definition_at(linker, i), module, name))
			return definition_at(linker, i);
	return NULL;
}

/* How far two names are apart, roughly: what they do not share at both ends. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t front = 0, back = 0, least = MIN(a_size, b_size);

	while (front < least && a[front] == b[front])
		front++;
	while (back < least - front && a[a_size - 1 - back] == b[b_size - 1 - back])
		back++;
	return MAX(a_size, b_size) - front - back;
}

/* What comes nearest to an import, for a message; distance above the limit: nothing does. */
struct nearest {
	const struct skiff_import *import;
	struct skiff_name module, name;
	size_t distance;
};

static void offer(struct nearest *best, struct skiff_name module, struct skiff_name name)
{
	const struct skiff_import *import = best->import;
	size_t apart =
		distance(name.bytes, name.size, import->name.bytes, import->name.size) +
		distance(module.bytes, module.size, import->module.bytes, import->module.size);

	if (apart >= best->distance)
		return;
	best->module = module;
	best->name = name;
	best->distance = apart;
}

static void find_nearest(const struct skiff_linker *linker, struct nearest *best)
{
	static const char wasi[] = "wasi_snapshot_preview1";

	for (uint32_t i = 0; i < count_of(linker); i++) {
		const struct definition *def = definition_at(linker, i);

		offer(best, (struct skiff_name){def->names, def->module_size},
		      (struct skiff_name){def->names + def->module_size, def->name_size});
	}
	for (uint32_t i = 0; linker->wasi != NULL && i < p1_row_count; i++)
		offer(best, (struct skiff_name){wasi, sizeof(wasi) - 1},
		      (struct skiff_name){p1_rows[i].name, p1_rows[i].name_size});
}

#define NAME(n) (int)MIN((n).size, (size_t)100), (n).bytes

static int unknown_import(const struct skiff_linker *linker, const struct skiff_import *import,
			  struct err *err)
{
	struct nearest best = {.import = import, .distance = import->name.size / 2 + 1};
	size_t limit = best.distance;

	find_nearest(linker, &best);
	if (best.distance == limit)
		return err_set(err, SKIFF_UNLINKABLE, "unknown import: nobody offers '%.*s' '%.*s'",
			       NAME(import->module), NAME(import->name));
	return err_set(err, SKIFF_UNLINKABLE,
		       "unknown import: nobody offers '%.*s' '%.*s'; the nearest is '%.*s' '%.*s'",
		       NAME(import->module), NAME(import->name), NAME(best.module),
		       NAME(best.name));
}

/* -- Types --------------------------------------------------------------------------------- */

/* A sentence's two halves: what the module wants, what is there. */
struct mismatch {
	char wanted[300];
	char found[300];
};

static bool kinds_differ(enum skiff_kind wanted, enum skiff_kind found, struct mismatch *m)
{
	static const char *const words[] = {"a function", "a table", "a memory", "a global",
					    "a tag"};

	strcpy(m->wanted, words[wanted]);
	strcpy(m->found, words[found]);
	return wanted != found;
}

static bool func_matches(struct registry *registry, uint32_t wanted, uint32_t found,
			 struct mismatch *m)
{
	if (registry_extends(registry, found, wanted))
		return true;
	registry_text(registry, wanted, m->wanted, sizeof(m->wanted));
	registry_text(registry, found, m->found, sizeof(m->found));
	return false;
}

/* `what`: "memory", "table". */
static void limits_text(char *text, size_t size, const char *what,
			const struct image_limits *limits, uint64_t now)
{
	const char *width = limits->is64 ? "64-bit " : "";
	uint64_t max = limits->max;

	if (max == UINT64_MAX)
		snprintf(text, size, "a %s%s of %llu and more", width, what,
			 (unsigned long long)now);
	else
		snprintf(text, size, "a %s%s of %llu to %llu", width, what, (unsigned long long)now,
			 (unsigned long long)max);
}

/* `now` is the item's present size: it counts as its minimum. */
static bool limits_match(const char *what, const struct image_limits *wanted, uint64_t now,
			 const struct image_limits *found, struct mismatch *m)
{
	if (wanted->is64 == found->is64 && now >= wanted->min && found->max <= wanted->max)
		return true;
	limits_text(m->wanted, sizeof(m->wanted), what, wanted, wanted->min);
	limits_text(m->found, sizeof(m->found), what, found, now);
	return false;
}

static void value_text(char *text, size_t size, const char *what, uint32_t type)
{
	snprintf(text, size, "%s of %s", what, valtype_name(type).text);
}

static bool table_matches(const struct module *module, uint32_t index, const struct table *table,
			  struct mismatch *m)
{
	const struct image_table *wanted =
		&IMAGE_ITEMS(module->image, struct image_table, tables)[index];
	uint32_t type = registry_valtype(module->type_ids, wanted->type);

	value_text(m->wanted, sizeof(m->wanted), "a table", type);
	value_text(m->found, sizeof(m->found), "a table", table->type);
	return type == table->type &&
	       limits_match("table", &wanted->limits, table->size, &table->limits, m);
}

static bool memory_matches(const struct module *module, uint32_t index, const struct memory *memory,
			   struct mismatch *m)
{
	const struct image_memory *wanted =
		&IMAGE_ITEMS(module->image, struct image_memory, memories)[index];

	if (wanted->limits.shared != memory->limits.shared) {
		strcpy(m->wanted, wanted->limits.shared ? "a shared memory" : "a memory");
		strcpy(m->found, wanted->limits.shared ? "one that is not" : "a shared one");
		return false;
	}
	return limits_match("memory", &wanted->limits, memory_pages(memory), &memory->limits, m);
}

static bool global_matches(struct registry *registry, const struct module *module, uint32_t index,
			   const struct global *global, struct mismatch *m)
{
	const struct image_global *wanted =
		&IMAGE_ITEMS(module->image, struct image_global, globals)[index];
	uint32_t type = registry_valtype(module->type_ids, wanted->type);

	value_text(m->wanted, sizeof(m->wanted),
		   wanted->is_mutable ? "a mutable global" : "an immutable global", type);
	value_text(m->found, sizeof(m->found),
		   global->is_mutable ? "a mutable global" : "an immutable global", global->type);
	if (wanted->is_mutable != global->is_mutable)
		return false;
	return wanted->is_mutable ? type == global->type
				  : registry_matches(registry, global->type, type);
}

static bool item_matches(struct registry *registry, const struct module *module,
			 const struct image_import *import, const union extern_item *item,
			 struct mismatch *m)
{
	const struct image *image = module->image;

	switch ((enum extern_kind)import->kind) {
	case EXTERN_FUNC:
		return func_matches(registry,
				    module->type_ids[image_func(image, import->index)->type],
				    item->func->type, m);
	case EXTERN_TABLE:
		return table_matches(module, import->index, item->table, m);
	case EXTERN_MEMORY:
		return memory_matches(module, import->index, item->memory, m);
	case EXTERN_GLOBAL:
		return global_matches(registry, module, import->index, item->global, m);
	case EXTERN_TAG:
		/* A tag's type must be the same, not only match. */
		func_matches(registry,
			     module->type_ids[IMAGE_ITEMS(image, uint32_t, tags)[import->index]],
			     item->tag->type, m);
		return module->type_ids[IMAGE_ITEMS(image, uint32_t, tags)[import->index]] ==
		       item->tag->type;
	}
	return false;
}

/* -- Linking -------------------------------------------------------------------------------- */

static struct store *store_of(enum skiff_kind kind, const union extern_item *item)
{
	switch (kind) {
	case SKIFF_KIND_FUNC:
		return store_of_func(item->func);
	case SKIFF_KIND_TABLE:
		return item->table->store;
	case SKIFF_KIND_MEMORY:
		return item->memory->store;
	case SKIFF_KIND_GLOBAL:
		return item->global->store;
	case SKIFF_KIND_TAG:
		return item->tag->store;
	}
	return NULL;
}

static union extern_item item_in(const struct skiff_extern *item)
{
	return (union extern_item){.func = func_in(item->of.func)};
}

static int incompatible(const struct skiff_import *import, const struct mismatch *m,
			struct err *err)
{
	return err_set(err, SKIFF_UNLINKABLE,
		       "incompatible import type: '%.*s' '%.*s' must be %s, offered is %s",
		       NAME(import->module), NAME(import->name), m->wanted, m->found);
}

/* The engine's number for a row's type: 0 or -ENOMEM. */
static int type_of_row(struct registry *registry, const struct p1_row *row, uint32_t *ret)
{
	uint32_t params[16];
	uint32_t result = TYPE_I32;

	for (uint32_t i = 0; i < row->param_count; i++)
		params[i] = row->params[i] == 'i' ? TYPE_I32 : TYPE_I64;
	return registry_func_type(registry, params, row->param_count, &result, row->returns, ret);
}

static void use_wasi(struct skiff_prelinked *pre, const struct skiff_linker *linker)
{
	if (pre->wasi == NULL)
		pre->wasi = system_ref(linker->wasi);
}

/* What nobody defined may be WASI's. A name has a second form, of another type: what fits is taken. */
static int resolve_wasi(struct skiff_prelinked *pre, const struct skiff_linker *linker,
			const struct image_import *from, const struct skiff_import *import,
			struct resolved *ret, struct err *err)
{
	struct registry *registry = &linker->engine->common.registry;
	const struct p1_row *row = NULL;
	struct mismatch m, second;
	uint32_t wanted;

	if (linker->wasi != NULL &&
	    p1_is_module(import->module.bytes, import->module.size, &ret->unstable))
		row = p1_find(import->name.bytes, import->name.size);
	if (row == NULL)
		return unknown_import(linker, import, err);
	if (kinds_differ(import->type.kind, SKIFF_KIND_FUNC, &m))
		return incompatible(import, &m, err);
	wanted = pre->module->type_ids[image_func(pre->module->image, from->index)->type];
	for (ret->row = row; ret->row != NULL; ret->row = p1_find_second(ret->row)) {
		if (type_of_row(registry, ret->row, &ret->type) < 0)
			return err_set(err, -ENOMEM, "out of memory for a type");
		if (func_matches(registry, wanted, ret->type, ret->row == row ? &m : &second)) {
			use_wasi(pre, linker);
			return 0;
		}
	}
	return incompatible(import, &m, err);
}

static int resolve_spawn(struct skiff_prelinked *pre, const struct skiff_linker *linker,
			 const struct image_import *from, const struct skiff_import *import,
			 struct resolved *ret, struct err *err)
{
	static const uint32_t i32 = TYPE_I32;
	struct registry *registry = &linker->engine->common.registry;
	struct mismatch m;

	if (registry_func_type(registry, &i32, 1, &i32, 1, &ret->type) < 0)
		return err_set(err, -ENOMEM, "out of memory for a type");
	if (!func_matches(registry,
			  pre->module->type_ids[image_func(pre->module->image, from->index)->type],
			  ret->type, &m))
		return incompatible(import, &m, err);
	ret->spawns = true;
	use_wasi(pre, linker);
	return 0;
}

/* What nobody defined: threads are WASI's, and the memory they share comes with them. */
static int resolve_undefined(struct skiff_prelinked *pre, const struct skiff_linker *linker,
			     const struct image_import *from, const struct skiff_import *import,
			     struct resolved *ret, struct err *err)
{
	if (linker->wasi != NULL && import->type.kind == SKIFF_KIND_FUNC &&
	    threads_is_spawn(import->module, import->name))
		return resolve_spawn(pre, linker, from, import, ret, err);
	if (linker->wasi != NULL && import->type.kind == SKIFF_KIND_MEMORY &&
	    import->type.limits.shared) {
		ret->supplies = true;
		return 0;
	}
	return resolve_wasi(pre, linker, from, import, ret, err);
}

static int resolve(struct skiff_prelinked *pre, const struct skiff_linker *linker,
		   const struct image_import *from, const struct skiff_import *import,
		   struct resolved *ret, struct err *err)
{
	const struct definition *def = find(linker, import->module, import->name);
	struct registry *registry = &linker->engine->common.registry;
	struct mismatch m;
	bool fits;

	if (def == NULL)
		return resolve_undefined(pre, linker, from, import, ret, err);
	fits = !kinds_differ(import->type.kind, def->item.kind, &m);
	if (fits && def->host != NULL) {
		fits = func_matches(
			registry,
			pre->module->type_ids[image_func(pre->module->image, from->index)->type],
			def->host->type, &m);
		ret->host = fits ? host_def_ref(def->host) : NULL;
	} else if (fits) {
		ret->item = item_in(&def->item);
		ret->store = store_of(def->item.kind, &ret->item);
		fits = item_matches(registry, pre->module, from, &ret->item, &m);
		if (fits && def->shared != NULL)
			ret->shared = memory_ref(def->shared);
	}
	return fits ? 0 : incompatible(import, &m, err);
}

int skiff_prelink(struct skiff_prelinked **ret, struct skiff_linker *linker,
		  struct skiff_module *handle, struct skiff_error *err)
{
	struct module *module = module_in(handle);
	uint32_t count = module->image->imports.count;
	const struct image_import *imports =
		IMAGE_ITEMS(module->image, struct image_import, imports);
	struct skiff_prelinked *pre = calloc(1, sizeof(*pre) + count * sizeof(pre->imports[0]));
	struct skiff_import import;
	int error = 0;

	if (pre == NULL)
		return err_set(err_in(err), -ENOMEM, "out of memory for %u imports", count);
	if (engine_of(module->common) != linker->engine) {
		free(pre);
		return err_set(err_in(err), SKIFF_MISUSE, "linker and module are of two engines");
	}
	pre->refs = 1;
	pre->engine = engine_ref(linker->engine);
	pre->module = module_ref(module);
	pre->count = count;
	for (uint32_t i = 0; error == 0 && i < count; i++) {
		skiff_module_import(handle, i, &import);
		error = resolve(pre, linker, &imports[i], &import, &pre->imports[i], err_in(err));
	}
	if (error != 0)
		skiff_prelinked_free(pre);
	else
		*ret = pre;
	return error;
}

struct skiff_prelinked *prelinked_ref(const struct skiff_prelinked *pre)
{
	struct skiff_prelinked *counted = (struct skiff_prelinked *)(uintptr_t)pre;

	__atomic_add_fetch(&counted->refs, 1, __ATOMIC_RELAXED);
	return counted;
}

void skiff_prelinked_free(struct skiff_prelinked *pre)
{
	if (pre == NULL || __atomic_sub_fetch(&pre->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (uint32_t i = 0; i < pre->count; i++) {
		host_def_unref(pre->imports[i].host);
		memory_unref(pre->imports[i].shared);
	}
	system_unref(pre->wasi);
	module_unref(pre->module);
	engine_unref(pre->engine);
	free(pre);
}
