/* SPDX-License-Identifier: Apache-2.0 */
/* modules.c: modules from bytes and files, and looking into them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "engine/engine.h"
#include "wasm/branch_hint.h"
#include "wasm/decode.h"
#include "wasm/disasm.h"

/* -- Making ------------------------------------------------------------------------------- */

int outcome_of_decode(int decoded)
{
	if (decoded == DECODE_MALFORMED)
		return SKIFF_MALFORMED;
	return decoded == DECODE_INVALID ? SKIFF_INVALID : decoded;
}

int module_of_image(struct skiff_module **ret, struct skiff_engine *engine, struct image *image,
		    struct err *err)
{
	struct module *module;
	int error = decode(&image, engine->features, err);

	if (error == 0)
		error = module_new(&module, &engine->common, image, err);
	if (error != 0) {
		image_free(image);
		return outcome_of_decode(error);
	}
	engine_ref(engine);
	*ret = module_out(module);
	return 0;
}

static int too_large(uint64_t size, struct err *err)
{
	if (size > LIMIT_MODULE_BYTES)
		return err_set(err, -EFBIG,
			       "%llu bytes are too large for a module, the limit is %d",
			       (unsigned long long)size, LIMIT_MODULE_BYTES);
	return err_set(err, -ENOMEM, "out of memory for a module of %llu bytes",
		       (unsigned long long)size);
}

int skiff_module_new(struct skiff_module **ret, struct skiff_engine *engine, const void *bytes,
		     size_t size, struct skiff_error *err)
{
	struct image *image = image_new(size);

	if (image == NULL)
		return too_large(size, err_in(err));
	if (size != 0)
		memcpy(image_input(image), bytes, size);
	return module_of_image(ret, engine, image, err_in(err));
}

int module_file_state(int fd, struct stat *ret, struct err *err)
{
	if (fstat(fd, ret) < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (S_ISREG(ret->st_mode))
		return 0;
	if (S_ISDIR(ret->st_mode))
		return err_set(err, -EISDIR, "is a directory, not a WebAssembly module");
	return err_set(err, -EINVAL, "is no regular file");
}

int module_file_open(const char *path, int *ret_fd, struct stat *ret_state, struct err *err)
{
	/* Without O_NONBLOCK a pipe nobody writes to would hang us. musl's open() sets O_CLOEXEC twice. */
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;

	if (fd < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	error = module_file_state(fd, ret_state, err);
	if (error != 0)
		close(fd);
	else
		*ret_fd = fd;
	return error;
}

int module_file_read(struct image **ret, int fd, const struct stat *state, struct err *err)
{
	size_t size = (size_t)state->st_size;
	struct image *image = image_new(size);
	int error;

	if (image == NULL)
		return too_large(size, err);
	error = io_read_at(fd, image_input(image), size, 0);
	if (error == 0) {
		*ret = image;
		return 0;
	}
	image_free(image);
	if (error == -ENODATA)
		return err_set(err, -EIO, "the file became shorter while it was read");
	return err_set(err, error, "read: %s", strerror(-error));
}

int module_of_file(struct skiff_module **ret, struct skiff_engine *engine, int fd,
		   const struct stat *state, struct err *err)
{
	struct image *image;
	int error = module_file_read(&image, fd, state, err);

	return error != 0 ? error : module_of_image(ret, engine, image, err);
}

int skiff_module_open(struct skiff_module **ret, struct skiff_engine *engine, const char *path,
		      struct skiff_error *err)
{
	struct stat state;
	int fd, error;

	error = module_file_open(path, &fd, &state, err_in(err));
	if (error != 0)
		return error;
	error = module_of_file(ret, engine, fd, &state, err_in(err));
	close(fd);
	return error;
}

int skiff_module_open_fd(struct skiff_module **ret, struct skiff_engine *engine, int fd,
			 struct skiff_error *err)
{
	struct stat state;
	int error = module_file_state(fd, &state, err_in(err));

	return error != 0 ? error : module_of_file(ret, engine, fd, &state, err_in(err));
}

void skiff_module_free(struct skiff_module *handle)
{
	struct module *module = module_in(handle);
	struct skiff_engine *engine;

	if (module == NULL)
		return;
	engine = engine_of(module->common);
	module_unref(module);
	engine_unref(engine);
}

/* -- Looking in --------------------------------------------------------------------------- */

static const struct image *image_of(const struct skiff_module *handle)
{
	return module_in(handle)->image;
}

static struct skiff_name name_out(const struct image *image, struct image_bytes name)
{
	return (struct skiff_name){(const char *)image_module(image) + name.at, name.size};
}

static struct skiff_functype functype_of(const struct image *image, uint32_t type)
{
	struct type_space space = image_types(image);
	const struct type_def *def = type_at(&space, type);
	const uint32_t *words = type_words(&space, def);

	return (struct skiff_functype){words, words + def->params, def->params, def->results};
}

static struct skiff_limits limits_out(const struct image_limits *limits)
{
	return (struct skiff_limits){limits->min, limits->max, limits->is64, limits->shared};
}

struct skiff_externtype externtype_of(const struct image *image, uint32_t kind, uint32_t index)
{
	struct skiff_externtype type = {.kind = (enum skiff_kind)kind};

	switch ((enum extern_kind)kind) {
	case EXTERN_FUNC:
		type.func = functype_of(image, image_func(image, index)->type);
		break;
	case EXTERN_TABLE: {
		const struct image_table *table =
			&IMAGE_ITEMS(image, struct image_table, tables)[index];

		type.limits = limits_out(&table->limits);
		type.value = table->type;
		break;
	}
	case EXTERN_MEMORY:
		type.limits = limits_out(
			&IMAGE_ITEMS(image, struct image_memory, memories)[index].limits);
		break;
	case EXTERN_GLOBAL: {
		const struct image_global *global =
			&IMAGE_ITEMS(image, struct image_global, globals)[index];

		type.value = global->type;
		type.is_mutable = global->is_mutable;
		break;
	}
	case EXTERN_TAG:
		type.func = functype_of(image, IMAGE_ITEMS(image, uint32_t, tags)[index]);
		break;
	}
	return type;
}

void skiff_module_info(const struct skiff_module *handle, struct skiff_module_info *info)
{
	const struct image *image = image_of(handle);
	const struct image_section *sections = IMAGE_ITEMS(image, struct image_section, sections);
	struct skiff_module_info full = {
		.size = info->size,
		.file_bytes = image->bytes.count,
		.image_bytes = image->size,
		.features = image->features,
		.types = image->types.count,
		.imports = image->imports.count,
		.exports = image->exports.count,
		.functions = image->funcs.count - image->imported_funcs,
		.tables = image->tables.count,
		.memories = image->memories.count,
		.globals = image->globals.count,
		.tags = image->tags.count,
		.elements = image->elements.count,
		.datas = image->datas.count,
		.sections = image->sections.count,
		.has_start = image->start != IMAGE_NONE,
		.start = image->start,
		.name = name_out(image, image_name(image)),
	};

	for (uint32_t i = 0; i < image->sections.count; i++)
		if (sections[i].id == 10)
			full.code_bytes = sections[i].content.size;
	memcpy(info, &full, MIN(info->size, sizeof(full)));
}

bool skiff_module_import(const struct skiff_module *handle, uint32_t i, struct skiff_import *ret)
{
	const struct image *image = image_of(handle);
	const struct image_import *import;

	if (i >= image->imports.count)
		return false;
	import = &IMAGE_ITEMS(image, struct image_import, imports)[i];
	ret->module = name_out(image, import->module);
	ret->name = name_out(image, import->name);
	ret->type = externtype_of(image, import->kind, import->index);
	return true;
}

bool skiff_module_export(const struct skiff_module *handle, uint32_t i, struct skiff_export *ret)
{
	const struct image *image = image_of(handle);
	const struct image_export *export;

	if (i >= image->exports.count)
		return false;
	export = &IMAGE_ITEMS(image, struct image_export, exports)[i];
	ret->name = name_out(image, export->name);
	ret->type = externtype_of(image, export->kind, export->index);
	ret->index = export->index;
	return true;
}

static const struct image_section *section_at(const struct skiff_module *handle, uint32_t i)
{
	const struct image *image = image_of(handle);

	if (i >= image->sections.count)
		return NULL;
	return &IMAGE_ITEMS(image, struct image_section, sections)[i];
}

bool skiff_module_section(const struct skiff_module *handle, uint32_t i, struct skiff_section *ret)
{
	static const char *const names[] = {"custom", "type",   "import",     "function", "table",
					    "memory", "global", "export",     "start",    "element",
					    "code",   "data",   "data count", "tag"};
	const struct image_section *section = section_at(handle, i);

	if (section == NULL)
		return false;
	ret->id = (uint8_t)section->id;
	ret->offset = section->content.at;
	ret->size = section->content.size;
	ret->count = section->count;
	ret->name = (struct skiff_name){names[section->id], strlen(names[section->id])};
	if (section->id == 0)
		ret->name = name_out(image_of(handle), section->name);
	return true;
}

const uint8_t *skiff_module_section_bytes(const struct skiff_module *handle, uint32_t i)
{
	const struct image_section *section = section_at(handle, i);

	return section != NULL ? image_module(image_of(handle)) + section->content.at : NULL;
}

int skiff_module_check_custom(const struct skiff_module *handle, struct skiff_error *err)
{
	return outcome_of_decode(branch_hint_check(image_of(handle), err_in(err)));
}

static uint32_t item_count(const struct image *image, enum skiff_kind kind)
{
	switch (kind) {
	case SKIFF_KIND_FUNC:
		return image->funcs.count;
	case SKIFF_KIND_TABLE:
		return image->tables.count;
	case SKIFF_KIND_MEMORY:
		return image->memories.count;
	case SKIFF_KIND_GLOBAL:
		return image->globals.count;
	case SKIFF_KIND_TAG:
		return image->tags.count;
	}
	return 0;
}

bool skiff_module_item(const struct skiff_module *handle, enum skiff_kind kind, uint32_t i,
		       struct skiff_externtype *ret)
{
	const struct image *image = image_of(handle);

	if (i >= item_count(image, kind))
		return false;
	*ret = externtype_of(image, kind, i);
	return true;
}

bool skiff_module_func_type(const struct skiff_module *handle, uint32_t index,
			    struct skiff_externtype *ret)
{
	return skiff_module_item(handle, SKIFF_KIND_FUNC, index, ret);
}

size_t skiff_module_type_text(const struct skiff_module *handle, uint32_t i, char *text,
			      size_t size)
{
	struct type_space space = image_types(image_of(handle));

	if (size != 0)
		text[0] = '\0';
	return i < space.count ? type_text(&space, i, text, size) : 0;
}

size_t skiff_valtype_text(uint32_t type, char *text, size_t size)
{
	return valtype_text(type, text, size);
}

struct skiff_name skiff_module_func_name(const struct skiff_module *handle, uint32_t index)
{
	const struct image *image = image_of(handle);

	return name_out(image, image_func_name(image, index));
}

int skiff_module_disasm(const struct skiff_module *handle, uint32_t index, FILE *out,
			struct skiff_error *err)
{
	const struct image *image = image_of(handle);
	int error;

	if (index >= image->funcs.count)
		return err_set(err_in(err), SKIFF_MISUSE, "no function %u: the module has %u",
			       index, image->funcs.count);
	if (index < image->imported_funcs)
		return err_set(err_in(err), SKIFF_MISUSE,
			       "function %u is imported: it has no code here", index);
	error = disasm_func(image, index, out);
	if (error < 0)
		return err_set(err_in(err), error, "write: %s", strerror(-error));
	return 0;
}
