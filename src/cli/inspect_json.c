/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_json.c: a module for programs to read.
 *
 * docs/cli.md describes the format: members may be added, none changes its meaning while "format"
 * is 1.
 */
#include "cli/inspect.h"
#include "command/emit.h"
#include "command/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"func", "table", "memory", "global", "tag"};

static void emit_name(struct emit *e, const char *key, struct skiff_name name)
{
	emit_text(e, key, name.bytes, name.size);
}

static void emit_valtype(struct emit *e, const char *key, uint32_t type)
{
	char text[64];

	skiff_valtype_text(type, text, sizeof(text));
	emit_string(e, key, text);
}

static void emit_valtypes(struct emit *e, const char *key, const uint32_t *types, uint32_t count)
{
	emit_row(e, key, '[');
	for (uint32_t i = 0; i < count; i++)
		emit_valtype(e, NULL, types[i]);
	emit_close(e, ']');
}

static void emit_limits(struct emit *e, const struct skiff_limits *limits)
{
	emit_u64(e, "min", limits->min);
	if (limits->max != UINT64_MAX)
		emit_u64(e, "max", limits->max);
	else
		emit_null(e, "max");
	emit_bool(e, "is64", limits->is64);
	emit_bool(e, "shared", limits->shared);
}

static void emit_externtype(struct emit *e, const struct skiff_externtype *type)
{
	emit_string(e, "kind", kinds[type->kind]);
	switch (type->kind) {
	case SKIFF_KIND_FUNC:
	case SKIFF_KIND_TAG:
		emit_valtypes(e, "params", type->func.params, type->func.param_count);
		emit_valtypes(e, "results", type->func.results, type->func.result_count);
		break;
	case SKIFF_KIND_TABLE:
		emit_valtype(e, "element", type->value);
		emit_limits(e, &type->limits);
		break;
	case SKIFF_KIND_MEMORY:
		emit_limits(e, &type->limits);
		break;
	case SKIFF_KIND_GLOBAL:
		emit_valtype(e, "type", type->value);
		emit_bool(e, "mutable", type->is_mutable);
		break;
	}
}

static void emit_counts(struct emit *e, const struct skiff_module_info *info)
{
	emit_row(e, "counts", '{');
	emit_u64(e, "types", info->types);
	emit_u64(e, "imports", info->imports);
	emit_u64(e, "exports", info->exports);
	emit_u64(e, "functions", info->functions);
	emit_u64(e, "tables", info->tables);
	emit_u64(e, "memories", info->memories);
	emit_u64(e, "globals", info->globals);
	emit_u64(e, "tags", info->tags);
	emit_u64(e, "elements", info->elements);
	emit_u64(e, "datas", info->datas);
	emit_close(e, '}');
}

static void emit_head(struct emit *e, const struct skiff_module_info *info, const char *file)
{
	emit_u64(e, "format", 1);
	emit_string(e, "file", file);
	if (info->name.size != 0)
		emit_name(e, "name", info->name);
	else
		emit_null(e, "name");
	emit_u64(e, "file_bytes", info->file_bytes);
	emit_u64(e, "code_bytes", info->code_bytes);
	emit_u64(e, "image_bytes", info->image_bytes);
	if (info->has_start)
		emit_u64(e, "start", info->start);
	else
		emit_null(e, "start");
	emit_row(e, "features", '[');
	for (unsigned bit = 0; skiff_feature_name(bit) != NULL; bit++)
		if (info->features >> bit & 1)
			emit_text(e, NULL, skiff_feature_name(bit),
				  strlen(skiff_feature_name(bit)));
	emit_close(e, ']');
	emit_counts(e, info);
}

/* The custom ones, or all others. */
static void emit_sections(struct emit *e, const struct skiff_module *module, bool custom)
{
	struct skiff_section s;

	emit_open(e, custom ? "custom" : "sections", '[');
	for (uint32_t i = 0; skiff_module_section(module, i, &s); i++) {
		if ((s.id == 0) != custom)
			continue;
		emit_row(e, NULL, '{');
		if (!custom)
			emit_u64(e, "id", s.id);
		emit_name(e, "name", s.name);
		emit_u64(e, "offset", s.offset);
		emit_u64(e, "size", s.size);
		if (!custom)
			emit_u64(e, "count", s.count);
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

static void emit_types(struct emit *e, const struct skiff_module *module, uint32_t count)
{
	emit_open(e, "types", '[');
	for (uint32_t i = 0; i < count; i++) {
		size_t size = skiff_module_type_text(module, i, NULL, 0);
		char *text = malloc(size + 1);

		if (text == NULL) {
			e->out->error = -ENOMEM;
			break;
		}
		skiff_module_type_text(module, i, text, size + 1);
		emit_text(e, NULL, text, size);
		free(text);
	}
	emit_close(e, ']');
}

static void emit_imports(struct emit *e, const struct skiff_module *module)
{
	struct skiff_import item;

	emit_open(e, "imports", '[');
	for (uint32_t i = 0; skiff_module_import(module, i, &item); i++) {
		emit_row(e, NULL, '{');
		emit_name(e, "module", item.module);
		emit_name(e, "name", item.name);
		emit_externtype(e, &item.type);
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

static void emit_exports(struct emit *e, const struct skiff_module *module)
{
	struct skiff_export item;

	emit_open(e, "exports", '[');
	for (uint32_t i = 0; skiff_module_export(module, i, &item); i++) {
		emit_row(e, NULL, '{');
		emit_name(e, "name", item.name);
		emit_u64(e, "index", item.index);
		emit_externtype(e, &item.type);
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

/* All tables or memories, imported ones first. */
static void emit_items(struct emit *e, const struct skiff_module *module, const char *key,
		       enum skiff_kind kind)
{
	struct skiff_externtype type;

	emit_open(e, key, '[');
	for (uint32_t i = 0; skiff_module_item(module, kind, i, &type); i++) {
		emit_row(e, NULL, '{');
		emit_u64(e, "index", i);
		emit_externtype(e, &type);
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

void inspect_json(struct out *out, const struct skiff_module *module, const char *file)
{
	struct skiff_module_info info = {.size = sizeof(info)};
	struct emit e;

	skiff_module_info(module, &info);
	emit_init(&e, out);
	emit_open(&e, NULL, '{');
	emit_head(&e, &info, file);
	emit_sections(&e, module, false);
	emit_sections(&e, module, true);
	emit_types(&e, module, info.types);
	emit_imports(&e, module);
	emit_exports(&e, module);
	emit_items(&e, module, "tables", SKIFF_KIND_TABLE);
	emit_items(&e, module, "memories", SKIFF_KIND_MEMORY);
	emit_close(&e, '}');
}
