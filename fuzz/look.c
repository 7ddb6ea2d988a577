/* SPDX-License-Identifier: Apache-2.0 */
/* look.c (fuzz): see look.h. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

#include "skiff.h"

void require(bool truth)
{
	if (!truth)
		abort();
}

/* Names lie in the module: read them to the last byte. */
static unsigned touched;

static void touch(struct skiff_name name)
{
	for (size_t i = 0; i < name.size; i++)
		touched += (uint8_t)name.bytes[i];
}

static void touch_type(const struct skiff_externtype *type)
{
	char text[64];

	for (uint32_t i = 0; i < type->func.param_count; i++)
		require(skiff_valtype_text(type->func.params[i], text, sizeof(text)) > 0);
	for (uint32_t i = 0; i < type->func.result_count; i++)
		require(skiff_valtype_text(type->func.results[i], text, sizeof(text)) > 0);
}

static void touch_items(const struct skiff_module *module, const struct skiff_module_info *info)
{
	struct skiff_externtype type;
	struct skiff_import import;
	struct skiff_export export;
	struct skiff_section section;

	for (uint32_t i = 0; skiff_module_import(module, i, &import); i++) {
		touch(import.module);
		touch(import.name);
		touch_type(&import.type);
	}
	for (uint32_t i = 0; skiff_module_export(module, i, &export); i++) {
		touch(export.name);
		touch_type(&export.type);
	}
	for (uint32_t i = 0; skiff_module_section(module, i, &section); i++) {
		touch(section.name);
		require(section.offset + section.size <= info->file_bytes);
	}
	for (int kind = SKIFF_KIND_TABLE; kind <= SKIFF_KIND_GLOBAL; kind++)
		for (uint32_t i = 0; skiff_module_item(module, (enum skiff_kind)kind, i, &type);
		     i++)
			require(type.kind == (enum skiff_kind)kind);
}

static void touch_functions(const struct skiff_module *module, const struct skiff_module_info *info,
			    FILE *out)
{
	struct skiff_externtype type;
	char text[128];
	int disassembled = 0;

	for (uint32_t i = 0; i < info->types; i++)
		require(skiff_module_type_text(module, i, text, sizeof(text)) > 0);
	for (uint32_t i = 0; skiff_module_func_type(module, i, &type); i++) {
		touch(skiff_module_func_name(module, i));
		touch_type(&type);
		disassembled += skiff_module_disasm(module, i, out, NULL) == 0;
	}
	require((uint32_t)disassembled == info->functions);
}

/* Types are kept by an engine: a new one now and then, and for other features. */
static struct skiff_engine *engine_for(uint64_t features)
{
	static struct skiff_engine *engine;
	static uint64_t last;
	static unsigned uses;
	struct skiff_config config = {.size = sizeof(config), .features = features};

	if (engine == NULL || features != last || uses++ % 256 == 0) {
		skiff_engine_free(engine);
		require(skiff_engine_new(&engine, &config, NULL) == 0);
		last = features;
	}
	return engine;
}

bool look(const uint8_t *bytes, size_t size, uint64_t features, FILE *out)
{
	struct skiff_module_info info = {.size = sizeof(info)};
	struct skiff_error err = {""};
	struct skiff_module *module = NULL;
	int r = skiff_module_new(&module, engine_for(features), bytes, size, &err);

	if (r != 0) {
		require(r == SKIFF_MALFORMED || r == SKIFF_INVALID);
		require(module == NULL && strlen(err.text) > 10);
		return false;
	}
	skiff_module_info(module, &info);
	require(info.file_bytes == size);
	touch_items(module, &info);
	touch_functions(module, &info, out);
	r = skiff_module_check_custom(module, &err);
	require(r == 0 || r == SKIFF_INVALID);
	skiff_module_free(module);
	return true;
}
