/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.h: an image known to an engine: its types have numbers, its first memory may have a file.
 * Immutable but for that file, which the second instance makes; counted; shared by threads.
 *
 * Its image was made by decode() or lies in a file that is mapped; such a file holds the first memory too.
 */
#ifndef EXEC_MODULE_H
#define EXEC_MODULE_H

#include "exec/common.h"

/* Where things lie in an instance's block, worked out once. Offsets in bytes. */
struct module_layout {
	size_t globals, imports, tables, memories, tags;
	size_t own_globals, own_tables, own_memories, own_tags;
	size_t dropped, entries, funcs;
	size_t size;
};

struct module {
	uint32_t refs;
	struct common *common; /* borrowed: the engine is kept by whoever keeps the module */
	struct image *image;   /* owned; read-only where it is mapped */
	void *map;             /* owned: the file the image lies in; NULL: it was made here */
	size_t map_size;
	uint32_t made_funcs;   /* of a mapped one: calls of module_fuse() */
	uint32_t *type_ids;    /* owned */
	const struct type_info *
		*type_infos; /* owned, pointing into the registry; NULL: no GC in it */
	struct module_layout layout;

	pthread_mutex_t lock;
	uint32_t instances;      /* made so far, up to 2 */
	bool image_wanted;       /* memory 0 is ours and its data constant, in bounds and dense */
	struct memory_image memory;
};

/* Takes over the image on success. */
int module_new(struct module **ret, struct common *common, struct image *image, struct err *err);
struct module *module_ref(struct module *module);
void module_unref(struct module *module);

/* An image in a mapped file. Its functions are fused, or never will be: nobody can write there. */
struct module_file {
	void *map;
	size_t size;
	struct image *image; /* in the mapping */
	struct memory_image memory; /* fd -1: the segments are copied */
};

/* Takes over the mapping and the memory's descriptor on success. */
int module_new_mapped(struct module **ret, struct common *common, const struct module_file *file,
		      struct err *err);

/* The image for memory 0 of one more instance, or NULL: copy the segments. */
const struct memory_image *module_memory_image(struct module *module);

/* Before a function of the module runs: mark what the interpreter takes together (wasm/fuse.h), once. */
void module_fuse(struct module *module, uint32_t index);

#endif
