/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_text.c: a module for a person to read. Empty parts are left out. */
#include "cli/inspect.h"
#include "command/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_valtype(struct out *out, uint32_t type)
{
	char text[64];

	skiff_valtype_text(type, text, sizeof(text));
	out_text(out, text);
}

static void put_valtypes(struct out *out, const char *what, const uint32_t *types, uint32_t count)
{
	if (count == 0)
		return;
	out_format(out, " (%s", what);
	for (uint32_t i = 0; i < count; i++) {
		out_text(out, " ");
		put_valtype(out, types[i]);
	}
	out_text(out, ")");
}

static void put_limits(struct out *out, const struct skiff_limits *limits)
{
	if (limits->is64)
		out_text(out, " i64");
	out_format(out, " %llu", (unsigned long long)limits->min);
	if (limits->max != UINT64_MAX)
		out_format(out, " %llu", (unsigned long long)limits->max);
	if (limits->shared)
		out_text(out, " shared");
}

static void put_externtype(struct out *out, const struct skiff_externtype *type)
{
	static const char *const kinds[] = {"func", "table", "memory", "global", "tag"};

	out_format(out, "(%s", kinds[type->kind]);
	switch (type->kind) {
	case SKIFF_KIND_FUNC:
	case SKIFF_KIND_TAG:
		put_valtypes(out, "param", type->func.params, type->func.param_count);
		put_valtypes(out, "result", type->func.results, type->func.result_count);
		break;
	case SKIFF_KIND_TABLE:
		put_limits(out, &type->limits);
		out_text(out, " ");
		put_valtype(out, type->value);
		break;
	case SKIFF_KIND_MEMORY:
		put_limits(out, &type->limits);
		break;
	case SKIFF_KIND_GLOBAL:
		out_text(out, type->is_mutable ? " (mut " : " ");
		put_valtype(out, type->value);
		out_text(out, type->is_mutable ? ")" : "");
		break;
	}
	out_text(out, ")");
}

static void put_head(struct out *out, const struct skiff_module_info *info, const char *file)
{
	out_name(out, file, strlen(file));
	out_format(out, ": %zu bytes, %u function%s, %zu bytes of code\n", info->file_bytes,
		   info->functions, info->functions == 1 ? "" : "s", info->code_bytes);
	if (info->name.size != 0) {
		out_text(out, "name: ");
		out_quoted(out, info->name.bytes, info->name.size);
		out_text(out, "\n");
	}
	if (info->has_start)
		out_format(out, "start: function %u\n", info->start);
	out_text(out, "features:");
	for (unsigned bit = 0; skiff_feature_name(bit) != NULL; bit++)
		if (info->features >> bit & 1)
			out_format(out, " %s", skiff_feature_name(bit));
	out_text(out, info->features == 0 ? " none beyond 1.0\n" : "\n");
}

static void put_sections(struct out *out, const struct skiff_module *module)
{
	struct skiff_section s;

	out_text(out, "\nsections:\n      offset        size     count  name\n");
	for (uint32_t i = 0; skiff_module_section(module, i, &s); i++) {
		out_format(out, "  0x%08zx  %10zu", s.offset, s.size);
		if (s.id != 0) {
			out_format(out, "  %8u  %.*s\n", s.count, (int)s.name.size, s.name.bytes);
			continue;
		}
		out_text(out, "            custom ");
		out_quoted(out, s.name.bytes, s.name.size);
		out_text(out, "\n");
	}
}

static void put_types(struct out *out, const struct skiff_module *module, uint32_t count)
{
	if (count > 0)
		out_text(out, "\ntypes:\n");
	for (uint32_t i = 0; i < count; i++) {
		size_t size = skiff_module_type_text(module, i, NULL, 0) + 1;
		char *text = malloc(size);

		if (text == NULL) {
			out->error = -ENOMEM;
			return;
		}
		skiff_module_type_text(module, i, text, size);
		out_format(out, "  %4u  ", i);
		out_text(out, text);
		out_text(out, "\n");
		free(text);
	}
}

static void put_imports(struct out *out, const struct skiff_module *module)
{
	struct skiff_import item;

	for (uint32_t i = 0; skiff_module_import(module, i, &item); i++) {
		if (i == 0)
			out_text(out, "\nimports:\n");
		out_text(out, "  ");
		out_quoted(out, item.module.bytes, item.module.size);
		out_text(out, " ");
		out_quoted(out, item.name.bytes, item.name.size);
		out_text(out, " ");
		put_externtype(out, &item.type);
		out_text(out, "\n");
	}
}

static void put_exports(struct out *out, const struct skiff_module *module)
{
	struct skiff_export item;

	for (uint32_t i = 0; skiff_module_export(module, i, &item); i++) {
		if (i == 0)
			out_text(out, "\nexports:\n");
		out_text(out, "  ");
		out_quoted(out, item.name.bytes, item.name.size);
		out_format(out, " %u ", item.index);
		put_externtype(out, &item.type);
		out_text(out, "\n");
	}
}

static void put_memories(struct out *out, const struct skiff_module *module)
{
	struct skiff_externtype type;

	for (uint32_t i = 0; skiff_module_item(module, SKIFF_KIND_MEMORY, i, &type); i++) {
		if (i == 0)
			out_text(out, "\nmemories:\n");
		out_format(out, "  %4u  %llu page%s of 64 KiB at first, ", i,
			   (unsigned long long)type.limits.min, type.limits.min == 1 ? "" : "s");
		if (type.limits.max != UINT64_MAX)
			out_format(out, "at most %llu", (unsigned long long)type.limits.max);
		else
			out_text(out, "no maximum");
		out_text(out, type.limits.is64 ? ", 64-bit" : "");
		out_text(out, type.limits.shared ? ", shared\n" : "\n");
	}
}

static void put_tables(struct out *out, const struct skiff_module *module)
{
	struct skiff_externtype type;

	for (uint32_t i = 0; skiff_module_item(module, SKIFF_KIND_TABLE, i, &type); i++) {
		if (i == 0)
			out_text(out, "\ntables:\n");
		out_format(out, "  %4u  %llu element%s at first, ", i,
			   (unsigned long long)type.limits.min, type.limits.min == 1 ? "" : "s");
		if (type.limits.max != UINT64_MAX)
			out_format(out, "at most %llu, ", (unsigned long long)type.limits.max);
		else
			out_text(out, "no maximum, ");
		put_valtype(out, type.value);
		out_text(out, type.limits.is64 ? ", 64-bit\n" : "\n");
	}
}

void inspect_text(struct out *out, const struct skiff_module *module, const char *file)
{
	struct skiff_module_info info = {.size = sizeof(info)};

	skiff_module_info(module, &info);
	put_head(out, &info, file);
	put_sections(out, module);
	put_types(out, module, info.types);
	put_imports(out, module);
	put_exports(out, module);
	put_memories(out, module);
	put_tables(out, module);
}
