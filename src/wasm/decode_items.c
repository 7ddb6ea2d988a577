/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_items.c: what a module declares: imports, functions, tables, memories, globals, tags, exports
 * and the start function (specification: "Binary Format, Modules").
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/decoder.h"

static struct image_bytes bytes_at(const struct decode *d, const uint8_t *at, uint32_t size)
{
	return (struct image_bytes){decode_offset(d, at), size};
}

#define APPEND(d, field, item) \
	(buf_put(&(d)->field, &(item), sizeof(item)) == NULL ? decode_no_memory(d) : 0)

/* -- Limits ------------------------------------------------------------------------------ */

enum { LIMITS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4 };

static bool has_max(const struct image_limits *limits)
{
	return limits->max != UINT64_MAX;
}

static int limits_features(struct decode *d, const struct image_limits *limits, const uint8_t *at)
{
	int err = 0;

	if (limits->is64)
		err = decode_need(d, FEATURE_MEMORY64, at);
	if (err == 0 && limits->shared)
		err = decode_need(d, FEATURE_THREADS, at);
	return err;
}

static int limits(struct decode *d, uint8_t flags_allowed, struct image_limits *ret)
{
	const uint8_t *at = d->r.at;
	uint8_t flags;
	int err;

	*ret = (struct image_limits){.max = UINT64_MAX};
	if (!reader_byte(&d->r, &flags))
		return decode_malformed(d);
	if (flags & ~flags_allowed)
		return decode_fail(d, DECODE_MALFORMED, at, "malformed limits flags 0x%02x", flags);
	ret->is64 = (flags & LIMITS_64) != 0;
	ret->shared = (flags & LIMITS_SHARED) != 0;
	if (!reader_u64(&d->r, &ret->min) ||
	    ((flags & LIMITS_MAX) && !reader_u64(&d->r, &ret->max)))
		return decode_malformed(d);
	err = limits_features(d, ret, at);
	if (err != 0)
		return err;
	if (ret->min > ret->max)
		return decode_fail(d, DECODE_INVALID, at,
				   "size minimum must not be greater than maximum: %llu, %llu",
				   (unsigned long long)ret->min, (unsigned long long)ret->max);
	return 0;
}

/* -- One of each kind -------------------------------------------------------------------- */

static int add_func(struct decode *d)
{
	struct image_func func = {.local_map = IMAGE_NONE};
	struct type_space space;
	const struct type_def *type;
	int err = decode_functype_index(d, &d->r, &func.type);

	if (err != 0)
		return err;
	space = decode_types_space(d);
	type = type_at(&space, func.type);
	func.params = type->param_slots;
	func.results = type->result_slots;
	if (DECODE_COUNT(d, struct image_func, funcs) >= LIMIT_FUNCTIONS)
		return decode_fail(d, DECODE_INVALID, d->r.at, "over %d functions",
				   LIMIT_FUNCTIONS);
	return APPEND(d, funcs, func);
}

static int table_type(struct decode *d, struct image_table *table)
{
	const uint8_t *at = d->r.at;
	int err = decode_reftype(d, &d->r, &table->type);

	if (err == 0)
		err = limits(d, LIMITS_MAX | LIMITS_64, &table->limits);
	if (err == 0 && DECODE_COUNT(d, struct image_table, tables) != 0)
		err = decode_need(d, FEATURE_REF_TYPES, at);
	if (err != 0)
		return err;
	if (!table->limits.is64 && (table->limits.min > UINT32_MAX ||
				    (has_max(&table->limits) && table->limits.max > UINT32_MAX)))
		return decode_fail(d, DECODE_INVALID, at,
				   "table size must be at most 2^32 - 1 entries");
	return 0;
}

static int add_imported_table(struct decode *d)
{
	struct image_table table = {0};
	int err = table_type(d, &table);

	return err != 0 ? err : APPEND(d, tables, table);
}

static int add_memory(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct image_memory memory;
	uint64_t most;
	int err = limits(d, LIMITS_MAX | LIMITS_SHARED | LIMITS_64, &memory.limits);

	if (err != 0)
		return err;
	most = memory.limits.is64 ? LIMIT_PAGES64 : LIMIT_PAGES32;
	if (memory.limits.min > most || (has_max(&memory.limits) && memory.limits.max > most))
		return decode_fail(d, DECODE_INVALID, at,
				   "memory size must be at most %llu pages (%s)",
				   (unsigned long long)most, memory.limits.is64 ? "16EiB" : "4GiB");
	if (memory.limits.shared && !has_max(&memory.limits))
		return decode_fail(d, DECODE_INVALID, at, "shared memory must have maximum");
	if (DECODE_COUNT(d, struct image_memory, memories) != 0) {
		if (!decode_has(d, FEATURE_MULTI_MEMORY))
			return decode_fail(d, DECODE_INVALID, at,
					   "multiple memories: needs the feature 'multi-memory', "
					   "which is switched off");
		err = decode_need(d, FEATURE_MULTI_MEMORY, at);
	}
	if (DECODE_COUNT(d, struct image_memory, memories) >= LIMIT_MEMORIES)
		return decode_fail(d, DECODE_INVALID, at, "over %d memories", LIMIT_MEMORIES);
	if (err != 0)
		return err;
	return APPEND(d, memories, memory);
}

static int global_type(struct decode *d, struct image_global *global)
{
	uint8_t flag;
	int err = decode_valtype(d, &d->r, &global->type);

	if (err != 0)
		return err;
	if (!reader_byte(&d->r, &flag))
		return decode_malformed(d);
	if (flag > 1)
		return decode_fail(d, DECODE_MALFORMED, d->r.at - 1, "malformed mutability 0x%02x",
				   flag);
	global->is_mutable = flag;
	return 0;
}

static int add_imported_global(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct image_global global = {0};
	int err = global_type(d, &global);

	if (err == 0 && global.is_mutable)
		err = decode_need(d, FEATURE_MUTABLE_GLOBALS, at);
	return err != 0 ? err : APPEND(d, globals, global);
}

static int add_tag(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct type_space space;
	uint32_t type;
	uint8_t attribute;
	int err = decode_need(d, FEATURE_EXCEPTIONS, at);

	if (err != 0)
		return err;
	if (!reader_byte(&d->r, &attribute))
		return decode_malformed(d);
	if (attribute != 0)
		return decode_fail(d, DECODE_MALFORMED, at, "malformed tag attribute");
	err = decode_functype_index(d, &d->r, &type);
	if (err != 0)
		return err;
	space = decode_types_space(d);
	if (type_at(&space, type)->results != 0)
		return decode_fail(d, DECODE_INVALID, at, "non-empty tag result type");
	return APPEND(d, tags, type);
}

/* -- Imports ----------------------------------------------------------------------------- */

static int import_item(struct decode *d, struct image_import *import)
{
	const uint8_t *at = d->r.at;
	uint8_t kind;

	if (!reader_byte(&d->r, &kind))
		return decode_malformed(d);
	import->kind = kind;
	switch (kind) {
	case EXTERN_FUNC:
		import->index = d->imported_funcs++;
		return add_func(d);
	case EXTERN_TABLE:
		import->index = d->imported_tables++;
		return add_imported_table(d);
	case EXTERN_MEMORY:
		import->index = d->imported_memories++;
		return add_memory(d);
	case EXTERN_GLOBAL:
		import->index = d->imported_globals++;
		return add_imported_global(d);
	case EXTERN_TAG:
		import->index = d->imported_tags++;
		return add_tag(d);
	}
	return decode_fail(d, DECODE_MALFORMED, at, "malformed import kind 0x%02x", kind);
}

int decode_section_imports(struct decode *d, uint32_t count)
{
	struct image_import import = {0};
	const uint8_t *name;
	uint32_t size;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++) {
		if (!reader_name(&d->r, &name, &size))
			return decode_malformed(d);
		import.module = bytes_at(d, name, size);
		if (!reader_name(&d->r, &name, &size))
			return decode_malformed(d);
		import.name = bytes_at(d, name, size);
		err = import_item(d, &import);
		if (err == 0)
			err = APPEND(d, imports, import);
	}
	return err;
}

/* -- Definitions ------------------------------------------------------------------------- */

int decode_section_functions(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = add_func(d);
	return err;
}

static int add_table(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct image_table table = {0};
	bool has_init = reader_left(&d->r) >= 2 && at[0] == 0x40 && at[1] == 0x00;
	int err = 0;

	if (has_init) {
		d->r.at += 2;
		err = decode_need(d, FEATURE_FUNC_REFS, at);
	}
	if (err == 0)
		err = table_type(d, &table);
	if (err == 0 && has_init)
		err = decode_constexpr(d, table.type, &table.init);
	if (err != 0)
		return err;
	if (!has_init && !valtype_has_default(table.type))
		return decode_fail(d, DECODE_INVALID, at,
				   "type mismatch: a table of %s needs an initial value",
				   valtype_name(table.type).text);
	return APPEND(d, tables, table);
}

int decode_section_tables(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = add_table(d);
	return err;
}

int decode_section_memories(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = add_memory(d);
	return err;
}

int decode_section_globals(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++) {
		struct image_global global = {0};

		err = global_type(d, &global);
		if (err == 0)
			err = decode_constexpr(d, global.type, &global.init);
		if (err == 0)
			err = APPEND(d, globals, global);
	}
	return err;
}

int decode_section_tags(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = add_tag(d);
	return err;
}

/* -- Exports ----------------------------------------------------------------------------- */

static uint32_t space_size(const struct decode *d, uint32_t kind)
{
	switch (kind) {
	case EXTERN_FUNC:
		return DECODE_COUNT(d, struct image_func, funcs);
	case EXTERN_TABLE:
		return DECODE_COUNT(d, struct image_table, tables);
	case EXTERN_MEMORY:
		return DECODE_COUNT(d, struct image_memory, memories);
	case EXTERN_GLOBAL:
		return DECODE_COUNT(d, struct image_global, globals);
	case EXTERN_TAG:
		return DECODE_COUNT(d, uint32_t, tags);
	}
	return 0;
}

static int export_item(struct decode *d, struct image_export *export)
{
	static const char *const words[] = {"function", "table", "memory", "global", "tag"};
	const uint8_t *at;
	const uint8_t *name;
	uint32_t size;
	uint8_t kind;

	if (!reader_name(&d->r, &name, &size))
		return decode_malformed(d);
	at = d->r.at;
	if (!reader_byte(&d->r, &kind) || !reader_u32(&d->r, &export->index))
		return decode_malformed(d);
	if (kind > EXTERN_TAG)
		return decode_fail(d, DECODE_MALFORMED, at, "malformed export kind 0x%02x", kind);
	if (export->index >= space_size(d, kind))
		return decode_fail(d, DECODE_INVALID, at, "unknown %s %u exported as '%.*s'",
				   words[kind], export->index, (int)MIN(size, 100u), name);
	if (kind == EXTERN_GLOBAL &&
	    DECODE_ITEM(d, struct image_global, globals, export->index)->is_mutable) {
		int err = decode_need(d, FEATURE_MUTABLE_GLOBALS, at);

		if (err != 0)
			return err;
	}
	export->kind = kind;
	export->name = bytes_at(d, name, size);
	return kind == EXTERN_FUNC ? decode_declare(d, export->index) : 0;
}

/* For finding two equal names: sort a list of them. The comparison needs the module's base. */
struct name_key {
	const uint8_t *bytes;
	uint32_t size;
};

static int compare_keys(const void *a, const void *b)
{
	const struct name_key *x = a, *y = b;
	int order = memcmp(x->bytes, y->bytes, MIN(x->size, y->size));

	return order != 0 ? order : x->size < y->size ? -1 : x->size > y->size;
}

static int unique_exports(struct decode *d)
{
	uint32_t count = DECODE_COUNT(d, struct image_export, exports);
	struct name_key *keys;
	int err = 0;

	if (count < 2)
		return 0;
	keys = malloc(count * sizeof(*keys));
	if (keys == NULL)
		return decode_no_memory(d);
	for (uint32_t i = 0; i < count; i++) {
		struct image_bytes name = DECODE_ITEM(d, struct image_export, exports, i)->name;

		keys[i] = (struct name_key){d->base + name.at, name.size};
	}
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (uint32_t i = 1; err == 0 && i < count; i++)
		if (compare_keys(&keys[i - 1], &keys[i]) == 0)
			err = decode_fail(d, DECODE_INVALID, keys[i].bytes,
					  "duplicate export name '%.*s'",
					  (int)MIN(keys[i].size, 100u), keys[i].bytes);
	free(keys);
	return err;
}

int decode_section_exports(struct decode *d, uint32_t count)
{
	struct image_export export;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++) {
		err = export_item(d, &export);
		if (err == 0)
			err = APPEND(d, exports, export);
	}
	return err != 0 ? err : unique_exports(d);
}

int decode_start(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct type_space space = decode_types_space(d);
	const struct type_def *type;
	uint32_t func;

	if (!reader_u32(&d->r, &func))
		return decode_malformed(d);
	if (func >= DECODE_COUNT(d, struct image_func, funcs))
		return decode_fail(d, DECODE_INVALID, at, "unknown function %u", func);
	type = type_at(&space, DECODE_ITEM(d, struct image_func, funcs, func)->type);
	if (type->params != 0 || type->results != 0)
		return decode_fail(d, DECODE_INVALID, at,
				   "start function %u must have no parameters and no results",
				   func);
	d->start = func;
	return 0;
}

int decode_declare(struct decode *d, uint32_t func)
{
	size_t size = func / 8 + 1;

	if (d->declared.size < size && buf_zero(&d->declared, size - d->declared.size) == NULL)
		return decode_no_memory(d);
	d->declared.data[func / 8] |= (uint8_t)(1 << func % 8);
	return 0;
}

bool decode_is_declared(const struct decode *d, uint32_t func)
{
	return func / 8 < d->declared.size && (d->declared.data[func / 8] >> func % 8 & 1) != 0;
}
