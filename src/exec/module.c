/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "exec/instance.h"
#include "wasm/feature.h"
#include "wasm/fuse.h"

/* -- Layout of instances ----------------------------------------------------------------- */

static size_t piece(size_t *size, size_t item, uint64_t count, size_t unit)
{
	size_t at = align_up(*size, unit);

	*size = at + item * count;
	return at;
}

static uint64_t table_entries(const struct image *image)
{
	const struct image_table *tables = IMAGE_ITEMS(image, struct image_table, tables);
	uint64_t count = 0;

	for (uint32_t i = image->imported_tables; i < image->tables.count; i++)
		count += tables[i].limits.min;
	return count;
}

static void lay_out(struct module_layout *l, const struct image *image)
{
	size_t size = sizeof(struct instance);

	l->globals = piece(&size, sizeof(void *), image->globals.count, 8);
	l->imports = piece(&size, sizeof(void *), image->imported_funcs, 8);
	l->tables = piece(&size, sizeof(void *), image->tables.count, 8);
	l->memories = piece(&size, sizeof(void *), image->memories.count, 8);
	l->tags = piece(&size, sizeof(void *), image->tags.count, 8);
	l->own_memories = piece(&size, sizeof(struct memory),
				image->memories.count - image->imported_memories, 16);
	l->own_tables = piece(&size, sizeof(struct table),
			      image->tables.count - image->imported_tables, 16);
	l->own_tags =
		piece(&size, sizeof(struct tag), image->tags.count - image->imported_tags, 16);
	l->own_globals = piece(&size, sizeof(struct global),
			       image->globals.count - image->imported_globals, 16);
	l->dropped = piece(&size, 1, (uint64_t)image->datas.count + image->elements.count, 1);
	l->entries = piece(&size, sizeof(slot), table_entries(image), 8);
	l->funcs =
		piece(&size, sizeof(struct func), image->funcs.count - image->imported_funcs, 64);
	l->size = size;
}

/* -- The initial memory as a file --------------------------------------------------------- */

/* Without the file everything works, by copying: failure is no error. */
static void make_image(struct module *module)
{
	struct memory_image *memory = &module->memory;

	memory->fd = memfd_create("skiff-memory", MFD_CLOEXEC);
	if (memory->fd >= 0 && (ftruncate(memory->fd, (off_t)(memory->end - memory->begin)) < 0 ||
				memory_image_write(module->image, memory) < 0)) {
		close(memory->fd);
		memory->fd = -1;
	}
	module->image_wanted = memory->fd >= 0;
}

const struct memory_image *module_memory_image(struct module *module)
{
	const struct memory_image *image = NULL;

	if (module->map != NULL)
		return module->memory.fd >= 0 ? &module->memory : NULL;
	if (!module->image_wanted)
		return NULL;
	pthread_mutex_lock(&module->lock);
	if (module->instances < 2)
		module->instances++;
	if (module->instances == 2 && module->memory.fd < 0 && module->image_wanted)
		make_image(module);
	if (module->memory.fd >= 0)
		image = &module->memory;
	pthread_mutex_unlock(&module->lock);
	return image;
}

/* -- Fusing -------------------------------------------------------------------------------- */

/* A program that has called so many functions will call more. */
enum { FUNCS_OF_A_PROGRAM = 32 };

/* The start is over: from now on the kernel may read ahead in the file (artifact/open.c tells it not to). */
static void note_function(struct module *module)
{
	if (module->map != NULL &&
	    __atomic_add_fetch(&module->made_funcs, 1, __ATOMIC_RELAXED) == FUNCS_OF_A_PROGRAM)
		madvise(module->map, module->map_size, MADV_NORMAL);
}

/* Where fuel is counted, each instruction is looked at: nothing may be hidden in another. */
void module_fuse(struct module *module, uint32_t index)
{
	struct image *image = module->image;
	struct image_func *func = (struct image_func *)(uintptr_t)image_func(image, index);
	uint8_t *bytes = image_input(image);

	note_function(module);
	if (module->common->fuel || __atomic_load_n(&func->fused, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&module->lock);
	if (!func->fused) {
		fuse_body(bytes + func->code, bytes + func->code_end);
		__atomic_store_n(&func->fused, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&module->lock);
}

/* -- Modules ------------------------------------------------------------------------------ */

/* What the module's types look like in memory; a module without garbage collection has no need to know. */
static int find_infos(const struct type_info ***ret, struct common *common,
		      const struct image *image, const uint32_t *ids)
{
	uint32_t count = image->types.count;

	if ((image->features & FEATURE_BIT(FEATURE_GC)) == 0)
		return 0;
	*ret = malloc((count + 1) * sizeof(**ret));
	if (*ret == NULL || registry_describe(&common->registry, ids, count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		(*ret)[i] = registry_info(&common->registry, ids[i]);
	return 0;
}

static int make(struct module **ret, struct common *common, struct image *image, struct err *err)
{
	struct module *module = calloc(1, sizeof(*module));
	uint32_t *ids = malloc((image->types.count + 1) * sizeof(*ids));
	const struct type_info **infos = NULL;

	if (module == NULL || ids == NULL || registry_intern(&common->registry, image, ids) < 0 ||
	    find_infos(&infos, common, image, ids) < 0) {
		free(infos);
		free(ids);
		free(module);
		return err_set(err, -ENOMEM, "out of memory for a module");
	}
	module->refs = 1;
	module->common = common;
	module->image = image;
	module->type_ids = ids;
	module->type_infos = infos;
	module->memory.fd = -1;
	pthread_mutex_init(&module->lock, NULL);
	lay_out(&module->layout, image);
	*ret = module;
	return 0;
}

int module_new(struct module **ret, struct common *common, struct image *image, struct err *err)
{
	int error = make(ret, common, image, err);

	if (error == 0)
		(*ret)->image_wanted = memory_image_extent(image, 0, &(*ret)->memory);
	return error;
}

int module_new_mapped(struct module **ret, struct common *common, const struct module_file *file,
		      struct err *err)
{
	int error = make(ret, common, file->image, err);

	if (error == 0) {
		(*ret)->map = file->map;
		(*ret)->map_size = file->size;
		(*ret)->memory = file->memory;
	}
	return error;
}

struct module *module_ref(struct module *module)
{
	__atomic_add_fetch(&module->refs, 1, __ATOMIC_RELAXED);
	return module;
}

void module_unref(struct module *module)
{
	if (module == NULL || __atomic_sub_fetch(&module->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	memory_pool_forget(&module->common->pool, &module->memory);
	if (module->memory.fd >= 0)
		close(module->memory.fd);
	pthread_mutex_destroy(&module->lock);
	if (module->map != NULL)
		munmap(module->map, module->map_size);
	else
		image_free(module->image);
	free(module->type_ids);
	free(module->type_infos);
	free(module);
}
