/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disasm.c: `skiff disasm FILE [FUNCTION]`: code as text, each instruction with its offset.
 *
 * The engine writes to a stdio stream, so this is the one verb that uses stdout. FUNCTION is an
 * index, a name of the name section or of an export.
 */
#include "base/text.h"
#include "cli/features.h"
#include "cli/say_error.h"
#include "cli/source.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const struct option disasm_options[] = {FEATURES_OPTIONS, {0}};
const char disasm_details[] =
	"FUNCTION is an index (imported functions count first), or a name as the module's name\n"
	"section or an export has it. Without it all functions are written. FILE '-' is standard\n"
	"input.\n";

static bool exported_as(const struct skiff_module *module, const char *name, uint32_t *ret)
{
	struct skiff_export item;

	for (uint32_t i = 0; skiff_module_export(module, i, &item); i++) {
		if (item.type.kind == SKIFF_KIND_FUNC && item.name.size == strlen(name) &&
		    memcmp(item.name.bytes, name, item.name.size) == 0) {
			*ret = item.index;
			return true;
		}
	}
	return false;
}

static bool named(const struct skiff_module *module, const char *name, uint32_t *ret)
{
	struct skiff_externtype type;

	for (uint32_t i = 0; skiff_module_func_type(module, i, &type); i++) {
		struct skiff_name has = skiff_module_func_name(module, i);

		if (has.size == strlen(name) && memcmp(has.bytes, name, has.size) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int not_found(const struct skiff_module *module, const char *path, const char *name)
{
	struct text_nearest nearest;
	struct skiff_externtype type;

	text_nearest_init(&nearest, name, strlen(name));
	for (uint32_t i = 0; skiff_module_func_type(module, i, &type); i++) {
		struct skiff_name has = skiff_module_func_name(module, i);

		text_nearest_offer(&nearest, has.bytes, has.size);
	}
	if (nearest.best == NULL)
		return say(EXIT_USAGE, path, "no function '%s'", name);
	return say(EXIT_USAGE, path, "no function '%s', did you mean '%.*s'?", name,
		   (int)nearest.best_size, nearest.best);
}

static int write_one(const struct skiff_module *module, uint32_t index, const char *path)
{
	struct skiff_error err = {.text = ""};
	int r = skiff_module_disasm(module, index, stdout, &err);

	if (r < 0)
		return say(EXIT_BAD, "standard output", "%s", strerror(-r));
	return r == 0 ? EXIT_OK : say_error(path, r, &err);
}

static int write_all(const struct skiff_module *module, const char *path)
{
	struct skiff_module_info info = {.size = sizeof(info)};
	struct skiff_externtype type;
	uint32_t count = 0;
	int code = EXIT_OK;

	skiff_module_info(module, &info);
	while (skiff_module_func_type(module, count, &type))
		count++;
	for (uint32_t i = count - info.functions; i < count && code == EXIT_OK; i++)
		code = write_one(module, i, path);
	return code;
}

static int write_code(const struct skiff_module *module, const char *path, const char *function)
{
	uint64_t number;
	uint32_t index;
	int code;

	if (function == NULL)
		code = write_all(module, path);
	else if (named(module, function, &index) || exported_as(module, function, &index))
		code = write_one(module, index, path);
	else if (text_parse_u64(function, &number) && number < UINT32_MAX)
		code = write_one(module, (uint32_t)number, path);
	else
		code = not_found(module, path, function);
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_OK)
		return say(EXIT_BAD, "standard output", "%s", strerror(errno ? errno : EIO));
	return code;
}

static int disasm(const char *path, const char *function, uint64_t features)
{
	struct skiff_config config = {.size = sizeof(config),
				      .features = features_config(features)};
	struct skiff_engine *engine = NULL;
	struct skiff_module *module = NULL;
	struct skiff_error err = {.text = ""};
	int r, code;

	r = skiff_engine_new(&engine, &config, &err);
	if (r == 0)
		r = source_open(&module, engine, path, &err);
	code = r == 0 ? write_code(module, source_name(path), function)
		      : say_error(source_name(path), r, &err);
	skiff_module_free(module);
	skiff_engine_free(engine);
	return code;
}

int disasm_verb(const struct verb *verb, char **args)
{
	uint64_t features = skiff_features_default();
	const char *file = NULL, *function = NULL;
	struct options o;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id != OPTIONS_WORD) {
			if (!features_switch(&o, id, &features))
				return o.code;
		} else if (file == NULL) {
			file = o.value;
		} else if (function == NULL) {
			function = o.value;
		} else {
			return options_extra(&o);
		}
	}
	if (file == NULL)
		return options_missing(&o, "FILE");
	return disasm(file, function, features);
}
